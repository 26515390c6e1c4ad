"""The demo's engine: `acd run` as a process of its own, with a configuration and a facts file in a private folder."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from acd.core import Fact
from acd.engine.facts_file import FactLine, parse_line
from acd.lab.demo.follow import Follower

STOP_WITHIN_S: Final = 8.0
LOG_LINES: Final = 12


class EngineFailed(Exception):
    """The engine ended by itself; the text holds the end of its log."""


class EngineProcess:
    """`async with` starts it and stops it. `tell` gets each fact with its number."""

    def __init__(self, config: str, tell: Callable[[int, Fact], None]) -> None:
        self._config = config
        self._tell = tell
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="acd-demo-")))
        config, facts, self._log = folder / "acd.toml", folder / "facts.jsonl", folder / "engine.log"
        for path, text in ((config, self._config), (facts, ""), (self._log, "")):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        self._follower = await self._stack.enter_async_context(Follower(facts, self._line))
        log = self._stack.enter_context(self._log.open("ab"))
        self.process = await _start(config, facts, log)
        self._stack.push_async_callback(self._stop)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def drain(self) -> None:
        """Tell all facts that are committed by now."""
        self._follower.drain()

    async def ended(self) -> None:
        """Raise `EngineFailed` when the engine ends by itself; until then wait."""
        code = await self.process.wait()
        raise EngineFailed(f"the engine ended with {code}. The end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def _line(self, line: bytes) -> None:
        try:
            parsed = parse_line(line)
        except msgspec.DecodeError:
            return  # the disk cut it
        if isinstance(parsed, FactLine):
            self._tell(parsed.number, parsed.fact)

    async def _stop(self) -> None:
        """Bounded: an engine that does not stop is killed."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def _start(config: Path, facts: Path, log: IO[bytes]) -> asyncio.subprocess.Process:
    """In a session of its own: Ctrl-C is for us, who then stop everything in its order. The engine goes with us where
    we are killed (util-linux has `setpriv`); it would claim every call of its Asterisk for ever."""
    setpriv = shutil.which("setpriv")
    words = [*([setpriv, "--pdeathsig", "TERM"] if setpriv else []), sys.executable, "-m", "acd", "run"]
    return await asyncio.create_subprocess_exec(
        *words,
        *("--config", str(config), "--facts", str(facts)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
    )
