"""An engine as a process of its own, whose facts are read as they are committed.

The facts come from a file that this side follows, so the engine never waits for the test.
"""

import asyncio
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from acd.core import Fact
from acd.engine.facts_file import FactLine, parse_line
from acd.lab.demo.follow import Follower
from acd.tasks import Tasks
from acd.testing.watching import Watching

STARTS_WITHIN_S: Final = 15.0
ENDS_WITHIN_S: Final = 15.0


class EngineProcess:
    """`acd run` in a folder of its own; `saw` grows with its facts, `log` with what it says."""

    def __init__(self, folder: Path, config: str) -> None:
        self.saw: Watching[Fact] = Watching()
        self.log: list[str] = []
        self.config = folder / "acd.toml"
        self.config.write_text(config)
        self.config.chmod(0o600)
        self._facts = folder / "facts.jsonl"
        self._facts.touch(mode=0o600)
        self._follower = Follower(self._facts, self._line)
        self._said = asyncio.Event()
        self._tasks = Tasks("engine-process")

    async def __aenter__(self) -> Self:
        await self._follower.__aenter__()
        await self.start()
        return self

    async def start(self) -> None:
        """Start it (again)."""
        command = [sys.executable, "-m", "acd", "run", "--config", str(self.config), "--facts", str(self._facts)]
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert self.process.stderr is not None, "it was asked for"
        self._tasks.start("log", self._read_log(self.process.stderr))

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(ENDS_WITHIN_S):
            return await self.process.wait()

    async def says(self, text: str, within_s: float = 5.0) -> str:
        """The first line of its log with this text, once it is there."""
        async with asyncio.timeout(within_s):
            while True:
                for line in self.log:
                    if text in line:
                        return line
                self._said.clear()
                await self._said.wait()

    def _line(self, line: bytes) -> None:
        parsed = parse_line(line)
        if isinstance(parsed, FactLine):
            self.saw.saw(parsed.fact)

    async def _read_log(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self.log.append(line.decode(errors="replace").rstrip())
            self._said.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            await self.ended()
        await self._follower.__aexit__(None, None, None)
        await self._tasks.stop()
        if kind is not None:
            print("\n".join(self.log[-40:]))  # noqa: T201  for whoever reads the failed test
