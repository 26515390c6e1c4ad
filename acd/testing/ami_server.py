"""A scripted Asterisk manager: speaks AMI well enough to try a client, and misbehaves on demand.

    async with AmiServer() as ami:
        ami.on("Getvar", lambda action: {"Value": "1"})     # every Getvar: Success with this header
        ami.once("Originate", error("No such channel"))     # the next one only
        ami.on("Redirect", None)                            # never answered
        ...                                                 # a client connects to ami.host, ami.port
        action = await ami.received("Originate")            # the next one not yet looked at
        ami.push("UserEvent", UserEvent="AcdUp", Offer=action.get("ChannelId"))

Nothing here uses the client's own parser: the two must agree by agreeing with AMI. The server lives on the
loopback address, on a port of its own, and leaves no task and no socket.
"""

import asyncio
import itertools
import ssl
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from acd.tasks import Tasks

Pairs = Mapping[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class ReceivedAction:
    """One action as it came, header by header. `connection` counts the client's connections from 1."""

    connection: int
    headers: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.get("Action")

    @property
    def action_id(self) -> str:
        return self.get("ActionID")

    def get(self, key: str, default: str = "") -> str:
        return next(iter(self.all(key)), default)

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.headers if name.lower() == key.lower()]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the response's headers, then events. With `complete` the events are the items of a list."""

    response: Pairs
    events: Sequence[tuple[str, Pairs]] = ()
    complete: str = ""


Answer = Reply | Pairs | None
Script = Answer | Callable[[ReceivedAction], Answer]


def error(message: str) -> Reply:
    """Asterisk refuses the action."""
    return Reply({"Response": "Error", "Message": message})


def listing(complete: str, *items: tuple[str, Pairs]) -> Reply:
    """A list action's answer: `listing("StatusComplete", ("Status", {"Uniqueid": "1"}), ...)`."""
    return Reply({"EventList": "start", "Message": "will follow"}, items, complete)


def with_events(response: Pairs, *events: tuple[str, Pairs]) -> Reply:
    """An answer followed at once by ordinary events, in the same segment."""
    return Reply(response, events)


def message(*lines: tuple[str, str | list[str]]) -> bytes:
    """One AMI message in bytes."""
    pairs = ((name, value) for name, values in lines for value in _each(values))
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode() + b"\r\n"


def event(name: str, headers: Pairs | None = None, /, **more: str) -> bytes:
    """One event in bytes, for `push_bytes`."""
    return message(("Event", name), *(headers or {}).items(), *more.items())


def _each(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


class AmiServer:
    """The scripted manager; an async context manager. Unscripted actions succeed, as Asterisk's would."""

    def __init__(
        self,
        username: str = "acd",
        secret: str = "lab",  # noqa: S107 - the script's own, it guards nothing
        banner: bytes = b"Asterisk Call Manager/11.0.0\r\n",
        fully_booted: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.username = username
        self.secret = secret
        self.banner = banner
        self.fully_booted = fully_booted
        self.actions: list[ReceivedAction] = []
        self.connections = 0
        self._tls = tls
        self._silent = False
        self._reading = asyncio.Event()
        self._reading.set()
        self._always: dict[str, Script] = {
            "login": self._login,
            "ping": {"Ping": "Pong"},
            "logoff": {"Response": "Goodbye"},
            "status": listing("StatusComplete"),
            "originate": {"Message": "Originate successfully queued"},
        }
        self._once: dict[str, deque[Script]] = defaultdict(deque)
        self._looked_at: dict[str, int] = defaultdict(int)
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._signed_in: set[int] = set()
        self._tasks = Tasks("ami-server", self._failed)
        self._failure: BaseException | None = None
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None

    # -- its life

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_listening()
        self.cut()
        await self._tasks.stop()
        if self._failure is not None and raised is None:
            raise self._failure

    async def listen(self) -> None:
        """Accept connections: at first, and again on the same port after `stop_listening`."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        """Refuse new connections; those that are there stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)  # the listening socket closes in the loop's next turn

    # -- the script

    def on(self, action: str, script: Script) -> None:
        """Answer every such action by headers, a `Reply`, None (no answer), or a function of the action."""
        self._always[action.lower()] = script

    def once(self, action: str, *scripts: Script) -> None:
        """Answer the next such actions by these, one each; then as `on` says."""
        self._once[action.lower()].extend(scripts)

    def answer(self, action: ReceivedAction, reply: Reply | Pairs) -> None:
        """Answer later what a script of None left unanswered."""
        self._write(action.connection, self._reply(action, reply))

    def push(self, name: str, headers: Pairs | None = None, /, **more: str) -> None:
        """Send one event to everyone who is signed in."""
        self.push_bytes(event(name, headers, **more))

    def push_bytes(self, data: bytes) -> None:
        """Send any bytes, well-formed or not, to everyone who is signed in."""
        for connection in sorted(self._signed_in):
            self._write(connection, data)

    async def push_in_pieces(self, data: bytes, cuts: Iterable[int]) -> None:
        """Send bytes cut at these places; the client reads each piece by itself."""
        places = [0, *cuts, len(data)]
        for start, end in itertools.pairwise(places):
            self.push_bytes(data[start:end])
            for _ in range(3):  # turns of the loop: the client, on the same loop, reads before the next piece
                await asyncio.sleep(0)

    async def flood(self, chunks: Iterable[bytes]) -> None:
        """Send a great deal, no faster than the client takes it."""
        for chunk in chunks:
            self.push_bytes(chunk)
            for writer in list(self._writers.values()):
                await writer.drain()

    # -- misbehaviour

    def go_silent(self) -> None:
        """Half-open: the connections stay, nothing is answered or sent any more."""
        self._silent = True

    def speak_again(self) -> None:
        self._silent = False

    def stop_reading(self) -> None:
        """Leave what the client sends in the socket's buffers."""
        self._reading.clear()

    def cut(self) -> None:
        """End every connection at once."""
        for writer in list(self._writers.values()):
            writer.transport.abort()

    def hang_up(self) -> None:
        """Close every connection in order, after what is written."""
        for connection in list(self._writers):
            self._hang_up(connection)

    # -- what came

    async def received(self, action: str, within_s: float = 5.0) -> ReceivedAction:
        """The next action of that name that no `received` has returned yet."""
        key = action.lower()
        await self.until(lambda: self.count(action) > self._looked_at[key], within_s, f"{action} received")
        self._looked_at[key] += 1
        return self._named(action)[self._looked_at[key] - 1]

    def count(self, action: str) -> int:
        """How many such actions have come, on all connections."""
        return len(self._named(action))

    async def client(self, number: int = 1, within_s: float = 5.0) -> None:
        """Wait for the client's connection of that number to be signed in."""
        await self.until(lambda: number in self._signed_in, within_s, f"connection {number} signed in")

    async def until(self, condition: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait for a condition on this server; it is looked at whenever something comes or goes."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            seen = ", ".join(action.name for action in self.actions[-20:]) or "nothing"
            raise AssertionError(f"not within {within_s} s: {what}; received so far: {seen}") from None

    # -- inside

    def _named(self, action: str) -> list[ReceivedAction]:
        return [received for received in self.actions if received.name.lower() == action.lower()]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers[self.connections] = writer
        self._tasks.start(f"connection-{self.connections}", self._serve(self.connections, reader, writer))

    async def _serve(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._write(connection, self.banner)
        try:
            while True:
                await self._reading.wait()
                block = await reader.readuntil(b"\r\n\r\n")
                self._take(ReceivedAction(connection, _read_headers(block)))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            del self._writers[connection]
            self._signed_in.discard(connection)
            writer.transport.abort()
            self._notify()

    def _take(self, action: ReceivedAction) -> None:
        self.actions.append(action)
        reply = self._scripted(action)
        if reply is not None:
            self.answer(action, reply)
        self._notify()

    def _scripted(self, action: ReceivedAction) -> Answer:
        key = action.name.lower()
        waiting = self._once[key]
        script = waiting.popleft() if waiting else self._always.get(key, {})
        return script(action) if callable(script) else script

    def _reply(self, action: ReceivedAction, reply: Reply | Pairs) -> bytes:
        full = reply if isinstance(reply, Reply) else Reply(reply)
        known = {"ActionID": action.action_id} if action.action_id else {}
        parts = [message(*({"Response": "Success"} | known | dict(full.response)).items())]
        in_list = known if full.complete else {}
        parts += [event(name, in_list | dict(headers)) for name, headers in full.events]
        if full.complete:
            end = {"EventList": "Complete", "ListItems": str(len(full.events))}
            parts.append(event(full.complete, known | end))
        return b"".join(parts)

    def _login(self, action: ReceivedAction) -> Reply:
        if (action.get("Username"), action.get("Secret")) != (self.username, self.secret):
            asyncio.get_running_loop().call_soon(self._hang_up, action.connection)
            return error("Authentication failed")
        self._signed_in.add(action.connection)
        booted = [("FullyBooted", {"Status": "Fully Booted"})] if self.fully_booted else []
        return with_events({"Message": "Authentication accepted"}, *booted)

    def _hang_up(self, connection: int) -> None:
        """Close after what is written, as Asterisk does when it refuses a login."""
        if connection in self._writers:
            self._writers[connection].close()

    def _write(self, connection: int, data: bytes) -> None:
        writer = self._writers.get(connection)
        if writer is not None and not self._silent:
            writer.write(data)

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _failed(self, _: str, error: BaseException) -> None:
        self._failure = error
        self.cut()


def _read_headers(block: bytes) -> tuple[tuple[str, str], ...]:
    lines = block.decode().removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return tuple((pair[0], pair[1]) for pair in pairs)
