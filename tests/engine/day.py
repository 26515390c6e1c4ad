"""A small day from one seed: the real core and loop, the simulated phones, the virtual clock.

`python -m tests.engine.day SEED` runs one day with faults and prints a digest of its journal and its figures.
"""

import asyncio
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from acd.core import Core, Fact, Input
from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine, facts_of
from acd.guard import invariants
from acd.journal.memory import MemoryJournal
from acd.journal.port import Entry
from acd.model import AgentId, Phone, QueueId, RequestId
from acd.router import inputs as i
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings
from acd.tasks import Tasks
from acd.telephony.simulated import (
    Answer,
    Behaviour,
    Busy,
    Decline,
    Exchange,
    Fail,
    Faults,
    Ring,
    SimulatedCall,
    SimulatedPhones,
    Steps,
    Unregistered,
)
from acd.testing.virtual_time import run_until, run_until_idle

SERVERS = ("north", "south")
QUEUES = (
    QueueSettings(QueueId("sales"), "Sales", wrap_up_ms=10_000),
    QueueSettings(QueueId("support"), "Support", wrap_up_ms=5_000, max_wait_ms=120_000),
    QueueSettings(QueueId("billing"), "Billing", wrap_up_ms=0, max_length=6, ring_timeout_ms=10_000),
)
STAFF = {
    "anna": ("sales",),
    "ben": ("sales", "support"),
    "carla": ("support", "billing"),
    "dan": ("billing", "sales"),
    "eva": ("sales", "support", "billing"),
}
PHONES = {agent: str(1_001 + number) for number, agent in enumerate(STAFF)}
TROUBLE = Faults(report_lost=2, report_doubled=20, report_delayed=20, report_overtaken=20, action_lost=2, delay_ms=300)
BETWEEN_CALLS_MS = 18_000
HOUR_MS = 3_600_000


class Day:
    """One day: make it, `run` it, look at what became of it."""

    def __init__(self, seed: int, calls: int = 500, *, faults: bool, trouble: Faults = TROUBLE) -> None:
        self.clock = VirtualClock()
        self.core = Core()
        self.entries: list[Entry] = []
        self.calls: list[SimulatedCall] = []
        self._chance = random.Random(seed)
        self._count = calls
        self._faults = faults
        self._trouble = trouble
        self._requests = 0
        self.engine = Engine(MemoryJournal(tag="acdday", seed=seed), self.clock, self.core)
        self.exchange = Exchange(self.clock, SERVERS, seed=seed, steps=Steps(jitter_ms=8))
        self.phones = SimulatedPhones(self.engine.submit, self.clock, SERVERS, exchange=self.exchange)
        self.engine.add_reader("entries", self.entries.extend)
        self.broken: list[AssertionError] = []
        """What did not hold after some commit."""
        self.engine.add_reader("invariants", self._check)
        self.engine.add_reader("phones", lambda entries: self.phones.act(facts_of(entries)))

    def _check(self, _entries: Sequence[Entry]) -> None:
        try:
            invariants.check(self.core.state)
        except AssertionError as error:
            self.broken.append(error)

    async def run(self) -> None:
        """From the first log-in until the last caller is gone and every agent is at rest."""
        tasks = Tasks("day")
        engine = tasks.start("engine", self.engine.run())
        await self._open()
        self._plan_calls()
        self._plan_direct_calls()
        self._plan_pauses()
        if self._faults:
            self._plan_trouble()
        await run_until(self.engine, self.clock, self._end_ms)
        await self._close()
        self.engine.stop()
        await engine

    # --- Opening and closing ----------------------------------------------------------------------------------

    async def _open(self) -> None:
        self.begin_ms = self.clock.now_ms()
        self.engine.submit(i.ConfigureRouter(RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),))))
        for queue in QUEUES:
            self.engine.submit(i.ConfigureQueue(queue))
        for agent, queues in STAFF.items():
            settings = AgentSettings(
                AgentId(agent), agent.title(), Phone(PHONES[agent]), tuple(QueueId(queue) for queue in queues)
            )
            self.engine.submit(i.ConfigureAgent(settings))
            self.engine.submit(i.LogIn(request=self._request(), agent=AgentId(agent), by=agent))
            self.phones.phone(PHONES[agent], home=self._chance.choice((None, *SERVERS))).plan = self._behaviour
        self.phones.phone("9000", watched=False).plan = lambda: Answer(3_000, 60_000)
        await self.phones.start()

    async def _close(self) -> None:
        """Faults stop; each link comes up once more, so that what was never told is settled."""
        self.exchange.faults = Faults()
        for server in SERVERS:
            self.phones.cut_link(server, for_ms=1_000)
        await run_until_idle(self.engine, self.clock, self._end_ms + 2 * HOUR_MS)
        await self.phones.stop()

    @property
    def _end_ms(self) -> int:
        return self.begin_ms + self._count * BETWEEN_CALLS_MS + HOUR_MS // 6

    def _request(self) -> RequestId:
        self._requests += 1
        return RequestId(f"day-{self._requests}")

    # --- Plans ------------------------------------------------------------------------------------------------

    def _some_time_ms(self) -> int:
        return self.begin_ms + self._chance.randrange(60_000, self._count * BETWEEN_CALLS_MS)

    def _plan_calls(self) -> None:
        for number in range(self._count):
            self._at(partial(self._call, number))

    def _call(self, number: int) -> None:
        chance = self._chance
        queue = chance.choices(("sales", "support", "billing", "no-such-queue"), (45, 30, 24, 1))[0]
        self.calls.append(
            self.phones.place_call(
                queue,
                str(5_550_000 + number),
                priority=chance.choice((0, 0, 0, 5)),
                server=self._server(),
                patience_ms=chance.randrange(15_000, 240_000),
                talk_ms=chance.choice((None, chance.randrange(10_000, 150_000))),
            )
        )

    def _behaviour(self) -> Behaviour:
        chance = self._chance
        answer = Answer(chance.randrange(500, 9_000), chance.randrange(30_000, 180_000))
        others: tuple[Behaviour, ...] = (Decline(2_000), Ring(), Busy(), Fail(), Unregistered())
        return chance.choices((answer, *others), (85, 5, 4, 3, 1, 2))[0]

    def _plan_direct_calls(self) -> None:
        for _ in range(self._count // 10):
            ends = [self._chance.choice(list(PHONES.values())), "9000"]
            self._chance.shuffle(ends)
            self._at(partial(self._dial, *ends))

    def _dial(self, dialler: str, callee: str) -> None:
        if self.phones.phone(dialler).state == "idle":
            self.exchange.dial(Phone(dialler), Phone(callee))

    def _plan_pauses(self) -> None:
        for agent in STAFF:
            for _ in range(max(1, self._count // 100)):
                at_ms = self._some_time_ms()
                pause = i.Pause(request=self._request(), agent=AgentId(agent), by=agent, reason="lunch")
                ready = i.GetReady(request=self._request(), agent=AgentId(agent), by=agent)
                self._later(at_ms, pause)
                self._later(at_ms + 120_000, ready)

    def _later(self, at_ms: int, asked: Input) -> None:
        self.clock.call_at(at_ms, lambda: self.engine.submit(asked))

    def _plan_trouble(self) -> None:
        self.exchange.faults = self._trouble
        for _ in range(max(1, self._count // 40)):
            self._at(partial(self.phones.cut_link, self._server(), self._chance.randrange(100, 90_000)))
        for _ in range(max(1, self._count // 100)):
            self._at(partial(self.phones.lose_link_unnoticed, self._server()))
            self._at(partial(self.phones.restart_server, self._server(), 5_000))

    def _server(self) -> str:
        return self._chance.choice(SERVERS)

    def _at(self, callback: Callable[[], None]) -> None:
        self.clock.call_at(self._some_time_ms(), callback)

    # --- What became of it ------------------------------------------------------------------------------------

    @property
    def facts(self) -> list[Fact]:
        return facts_of(self.entries)

    @property
    def journal(self) -> bytes:
        """All inputs and facts, as bytes."""
        return msgspec.json.encode(self.entries)

    def outcomes(self) -> dict[str, int]:
        """What became of the callers, by what they themselves know."""
        return dict(sorted(Counter(_outcome(call) for call in self.calls).items()))


def _outcome(call: SimulatedCall) -> str:
    if call.spoke:
        return "spoke"
    return call.result or "hung up"


async def run_day(seed: int, calls: int = 500, *, faults: bool) -> Day:
    """A whole day."""
    day = Day(seed, calls, faults=faults)
    await day.run()
    return day


def main(arguments: Sequence[str]) -> None:
    """Run a day and print what repeats."""
    began_s = time.perf_counter()
    day = asyncio.run(run_day(int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 500, faults=True))
    took_s = time.perf_counter() - began_s
    sys.stdout.write(f"{hashlib.sha256(day.journal).hexdigest()} {len(day.facts)} facts {day.outcomes()}\n")
    sys.stderr.write(f"{len(day.calls) / took_s:.0f} calls/s, {took_s:.2f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
