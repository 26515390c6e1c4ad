"""The lab's engine, watched: its facts as a list that grows, its log shown where a test fails."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Final

from acd.core import Fact
from acd.lab.engine import EngineProcess
from acd.log import Level
from acd.testing.watching import Watching

ENDS_WITHIN_S: Final = 15.0
LINES_SHOWN: Final = 40

ONE_AGENT: Final = """
[asterisk.a]
host = "{host}"
username = "acd"
secret = "lab-acd"

[queue.sales]
name = "Sales"
wrap_up_s = 0

[agent.ana]
name = "Ana"
phone = "1001"
queues = ["sales"]
logged_in_at_start = true
"""
"""One queue, and Ana at work in it, on the server at `{host}`."""


class WatchedEngine(EngineProcess):
    """`saw` grows with its facts. One that still runs at the end must end by itself when it is told to."""

    def __init__(self, folder: Path, config: str, log_level: Level = "info", *, writes_facts: bool = True) -> None:
        self.saw: Watching[Fact] = Watching()
        super().__init__(
            config, lambda _number, fact: self.saw.saw(fact), folder, log_level=log_level, writes_facts=writes_facts
        )

    async def ended(self, within_s: float = ENDS_WITHIN_S) -> int:
        """Its exit code, once it has ended."""
        return await super().ended(within_s)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.process.returncode is None:
                self.signal(signal.SIGTERM)
                await self.ended()
        finally:
            await super().__aexit__(kind, error, trace)
            if kind is not None:
                print("\n".join(list(self.log)[-LINES_SHOWN:]))  # noqa: T201  for whoever reads the failed test
