"""A TCP relay on loopback whose wire can be cut, stalled and mended: for faults on the link to Asterisk."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from acd.tasks import Tasks

BLOCK: Final = 65_536
MESSAGE_END: Final = b"\r\n\r\n"


Tap = Callable[[bool, bytes], None]
"""Gets each AMI message that passes, when it does: whether it goes to Asterisk, and the message."""


class Relay:
    """Passes connections on to `host:port`. Its own address is `127.0.0.1:port` (see `port`)."""

    def __init__(self, host: str, port: int, tap: Tap | None = None) -> None:
        self._target = host, port
        self._tap = tap
        self._delay_s = 0.0
        self._tasks = Tasks("relay")
        self._whole = asyncio.Event()
        self._flowing = asyncio.Event()
        self._whole.set()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._late = b""
        self._kept_back: list[tuple[asyncio.StreamWriter, bytes]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        await self._tasks.stop()
        for writer in list(self._writers):
            await _closed(writer)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break every connection; new ones break at once, until `mend`."""
        self._whole.clear()
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Let nothing through any more without breaking a connection, until `mend`: a half-open link."""
        self._flowing.clear()

    def slow_down(self, by_s: float) -> None:
        """From now on everything takes so much longer, each way, until `mend`."""
        self._delay_s = by_s

    def mend(self) -> None:
        """The wire is whole again, and quick."""
        self._delay_s = 0.0
        self._whole.set()
        self._flowing.set()

    def keep_back(self, words: bytes) -> None:
        """From now on the AMI messages with these words come late, after `let_go`; those behind them pass."""
        self._late = words

    def let_go(self) -> None:
        """What was kept back comes now."""
        self._late = b""
        for writer, message in self._kept_back:
            writer.write(message)
        self._kept_back.clear()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole.is_set():
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._writers.discard(writer)
            await _closed(writer)
            return
        self._writers.add(far_writer)
        self._tasks.start("up", self._pass_on(reader, far_writer, _Tapped(self._tap, to_asterisk=True)))
        self._tasks.start("down", self._pass_on(far_reader, writer, _Tapped(self._tap, to_asterisk=False)))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tapped: "_Tapped") -> None:
        part = b""
        try:
            while block := await reader.read(BLOCK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                tapped.hear(block)
                part += block
                if self._late:
                    part = self._pass_by(part, writer)
                else:
                    writer.write(part)
                    part = b""
                await writer.drain()
        except OSError:
            pass  # the other direction breaks, too
        finally:
            self._writers.discard(writer)
            await _closed(writer)

    def _pass_by(self, block: bytes, writer: asyncio.StreamWriter) -> bytes:
        """Pass on the messages that are whole, but for those that come late. Returns what is left."""
        *messages, part = block.split(MESSAGE_END)
        for message in messages:
            if self._late in message:
                self._kept_back.append((writer, message + MESSAGE_END))
            else:
                writer.write(message + MESSAGE_END)
        return part


class _Tapped:
    """One direction of a connection, cut into messages for who listens."""

    def __init__(self, tap: Tap | None, *, to_asterisk: bool) -> None:
        self._tap = tap
        self._to_asterisk = to_asterisk
        self._part = b""

    def hear(self, block: bytes) -> None:
        if self._tap is None:
            return
        *messages, self._part = (self._part + block).split(MESSAGE_END)
        for message in messages:
            self._tap(self._to_asterisk, message)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
