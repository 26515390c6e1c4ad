"""An engine that runs, and journals that are slow or fail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from acd.core import Input
from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine
from acd.journal.memory import MemoryJournal
from acd.journal.port import CommitFailed, Entry
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId
from acd.router import inputs as i
from acd.router.settings import AgentSettings, QueueSettings
from acd.tasks import Tasks

SIM = ServerId("sim")
SALES = QueueId("sales")
ANNA = AgentId("anna")


class HeldJournal(MemoryJournal):
    """Commits only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.asked = asyncio.Event()
        """Set once a commit waits at the gate."""

    async def append(self, entries: Sequence[Entry]) -> None:
        self.asked.set()
        await self.gate.wait()
        await super().append(entries)


class FailingJournal(MemoryJournal):
    """Fails so many times before the next commit that succeeds."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.tries: list[list[Entry]] = []

    async def append(self, entries: Sequence[Entry]) -> None:
        self.tries.append(list(entries))
        if self.failures > 0:
            self.failures -= 1
            raise CommitFailed("the disk is full")
        await super().append(entries)


class Reading:
    """A reader that keeps what it read, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[list[Entry]] = []

    def __call__(self, entries: Sequence[Entry]) -> None:
        self.batches.append(list(entries))

    @property
    def entries(self) -> list[Entry]:
        return [entry for batch in self.batches for entry in batch]

    @property
    def inputs(self) -> list[Input]:
        return [entry.input for entry in self.entries]


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[asyncio.Task[None]]:
    """The engine runs; at the end it is stopped, and whatever it still does is cancelled."""
    tasks = Tasks("test")
    task = tasks.start("engine", engine.run())
    try:
        yield task
    finally:
        engine.stop()
        await asyncio.wait([task], timeout=0.2)
        await tasks.stop()


def make_engine(journal: MemoryJournal | None = None, clock: VirtualClock | None = None) -> tuple[Engine, Reading]:
    """An engine in virtual time, and a reader of it."""
    engine = Engine(journal or MemoryJournal(), clock or VirtualClock())
    reading = Reading()
    engine.add_reader("reading", reading)
    return engine, reading


def line(number: int) -> Line:
    return Line(SIM, ChannelId(f"sim.{number}"))


def arrival(number: int) -> i.CallArrived:
    """A call like any other."""
    return i.CallArrived(line(number), SALES, Caller(str(5_551_000 + number)))


def log_in(request: str) -> i.LogIn:
    return i.LogIn(request=RequestId(request), agent=ANNA, by="anna")


def set_up(**queue: Any) -> list[Input]:
    """One queue, one agent who is ready, one server that is up."""
    return [
        i.ConfigureQueue(QueueSettings(SALES, "Sales", **queue)),
        i.ConfigureAgent(AgentSettings(ANNA, "Anna", Phone("1001"), (SALES,))),
        i.ServerReported(SIM),
        log_in("first"),
    ]
