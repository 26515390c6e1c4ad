"""An engine of the lab: `acd run` as a process of its own, with a configuration, a log and a facts file in one folder.

Facts and log come from files that this side follows, so the engine never waits for whoever reads.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from acd.core import Fact
from acd.engine.facts_file import FactLine, parse_line
from acd.lab.follow import Follower
from acd.log import Level

STOP_WITHIN_S: Final = 8.0
LOG_LINES: Final = 12
"""So many lines of the log say why an engine has ended."""
LOG_LINES_KEPT: Final = 1_000


class EngineFailed(Exception):
    """The engine ended by itself; the text holds the end of its log."""


class EngineProcess:
    """`async with` starts it and stops it. `tell` gets each fact with its number.

    `folder`: where its files are; a private one that goes with it, if none is given. `own_session`: Ctrl-C at this
    side's terminal is not for the engine. `writes_facts=False`: it writes none, and nothing is told.
    """

    def __init__(
        self,
        config: str,
        tell: Callable[[int, Fact], None],
        folder: Path | None = None,
        *,
        own_session: bool = False,
        log_level: Level = "info",
        writes_facts: bool = True,
    ) -> None:
        self.log: deque[str] = deque(maxlen=LOG_LINES_KEPT)
        """What it has said, line by line."""
        self._text = config
        self._tell = tell
        self._folder = folder
        self._own_session = own_session
        self._writes_facts = writes_facts
        self._log_level = log_level
        self._said = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _begin(self) -> None:
        folder = self._folder or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="acd-engine-")))
        self.config, self._facts, log = folder / "acd.toml", folder / "facts.jsonl", folder / "engine.log"
        for path, text in ((self.config, self._text), (self._facts, ""), (log, "")):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        self._follower = await self._stack.enter_async_context(Follower(self._facts, self._line))
        self._log_follower = await self._stack.enter_async_context(Follower(log, self._log_line))
        self._log = self._stack.enter_context(log.open("ab"))
        await self.start()
        self._stack.push_async_callback(self._stop)

    async def start(self) -> None:
        """Start it (again)."""
        facts = self._facts if self._writes_facts else None
        self.process = await _start(self.config, facts, self._log, self._log_level, own_session=self._own_session)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def drain(self) -> None:
        """Tell all facts that are committed by now."""
        self._follower.drain()

    async def ended(self, within_s: float) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(within_s):
            return await self.process.wait()

    async def failed(self) -> None:
        """Raise `EngineFailed` when the engine ends by itself; until then wait."""
        code = await self.process.wait()
        raise EngineFailed(f"the engine ended with {code}. The end of its log:\n{self.log_tail()}")

    async def says(self, text: str, within_s: float = 5.0) -> str:
        """The first line of its log with this text, once it is there."""
        async with asyncio.timeout(within_s):
            while not (found := [line for line in self.log if text in line]):
                self._said.clear()
                await self._said.wait()
        return found[0]

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """The last lines of its log."""
        self._log_follower.drain()
        return "\n".join(list(self.log)[-lines:])

    def _line(self, line: bytes) -> None:
        try:
            parsed = parse_line(line)
        except msgspec.DecodeError:
            return  # the disk cut it
        if isinstance(parsed, FactLine):
            self._tell(parsed.number, parsed.fact)

    def _log_line(self, line: bytes) -> None:
        self.log.append(line.decode(errors="replace").rstrip())
        self._said.set()

    async def _stop(self) -> None:
        """Bounded: an engine that does not stop is killed."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await self.ended(STOP_WITHIN_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def _start(
    config: Path, facts: Path | None, log: IO[bytes], level: Level, *, own_session: bool
) -> asyncio.subprocess.Process:
    """The engine goes with us where we are killed (util-linux has `setpriv`); it would claim every call of its Asterisk
    for ever."""
    setpriv = shutil.which("setpriv")
    words = [*([setpriv, "--pdeathsig", "TERM"] if setpriv else []), sys.executable, "-m", "acd", "run"]
    return await asyncio.create_subprocess_exec(
        *words,
        *("--config", str(config), *(("--facts", str(facts)) if facts else ())),
        *("--log-level", level, "--log-format", "console"),  # people read it, where it fails
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=own_session,
        env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
    )
