"""A bare AMI client, so that the lab's tests do not rest on the adapter that rests on the lab.

It has no task of its own: whoever waits for something reads, and what was not waited for is kept.
"""

import asyncio
import contextlib
import itertools
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

PATIENCE_S = 5.0
"""How long an answer or an event may take before the test fails."""


class Message(dict[str, str]):
    """The headers of one message. A header that comes twice keeps both values, one a line."""

    def matches(self, headers: dict[str, str]) -> bool:
        return all(self.get(name) == value for name, value in headers.items())


class Ami:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self.kept: deque[Message] = deque()
        """Events that nobody has waited for yet, oldest first."""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, host: str, user: str = "lab", *, port: int = 5038, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Self]:
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            await reader.readline()  # the banner
            ami = cls(reader, writer)
            answer = await ami.ask("Login", Username=user, Secret=f"lab-{user}")
            assert answer["Response"] == "Success", answer
            yield ami
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, action: str, **headers: str) -> Message:
        """Send an action and give back its answer. Events that come in between are kept."""
        number = f"test-{next(self._numbers)}"
        lines = [f"Action: {action}", f"ActionID: {number}", *(f"{k}: {v}" for k, v in headers.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self._read()
                if "Response" in message and message.get("ActionID") == number:
                    return message
                self.kept.append(message)

    async def set(self, name: str, value: str, channel: str | None = None) -> None:
        where = {} if channel is None else {"Channel": channel}
        answer = await self.ask("Setvar", Variable=name, Value=value, **where)
        assert answer["Response"] == "Success", answer

    async def get(self, name: str, channel: str | None = None) -> str:
        where = {} if channel is None else {"Channel": channel}
        return (await self.ask("Getvar", Variable=name, **where)).get("Value", "")

    async def redirect(self, channel: str, context: str, extension: str) -> None:
        answer = await self.ask("Redirect", Channel=channel, Context=context, Exten=extension, Priority="1")
        assert answer["Response"] == "Success", answer

    async def event(self, name: str, within: float = PATIENCE_S, **headers: str) -> Message:
        """The first event of that name with those headers; those before it are kept for others."""
        return await self.first(lambda e: e.get("Event") == name and e.matches(headers), within)

    async def said(self, name: str, within: float = PATIENCE_S, **headers: str) -> Message:
        """The first user event of that name, raised by a dialplan."""
        return await self.event("UserEvent", within, UserEvent=name, **headers)

    async def first(self, wanted: Callable[[Message], bool], within: float = PATIENCE_S) -> Message:
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        async with asyncio.timeout(within):
            while True:
                message = await self._read()
                if wanted(message):
                    return message
                self.kept.append(message)

    async def drain(self) -> list[Message]:
        """Everything that Asterisk has sent so far: what it raised before the answer comes before the answer."""
        await self.ask("Ping")
        seen = list(self.kept)
        self.kept.clear()
        return seen

    async def _read(self) -> Message:
        message, line = Message(), ""
        while not message or line != "\r\n":  # Asterisk puts an empty line too many after some events
            line = (await self._reader.readline()).decode()
            assert line, "Asterisk has closed the AMI link"
            name, _, value = line.rstrip("\r\n").partition(":")
            if name:
                value = value.removeprefix(" ")
                message[name] = f"{message[name]}\n{value}" if name in message else value
        return message
