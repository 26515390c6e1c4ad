"""Runs a scenario: opens, lives through the days, ends the trouble, serves who is left, closes, and looks for remains.

The engine's loop is the real one. Time moves only when the engine has nothing left to do.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from acd.core import Core, Input
from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine, EngineStopped, facts_of
from acd.journal.port import Entry
from acd.model import QueueId
from acd.router import inputs as i
from acd.simulate.callers import Callers
from acd.simulate.chance import Streams
from acd.simulate.figures import Figures, QueueFigures
from acd.simulate.figures import merged as merged_figures
from acd.simulate.hours import Hours
from acd.simulate.journal import DeadlyJournal
from acd.simulate.scenario import DAY_MS, HOUR_MS, MINUTE_MS, Scenario
from acd.simulate.staff import Staff
from acd.simulate.trouble import TroubleMaker
from acd.simulate.world import World
from acd.tasks import Tasks
from acd.telephony.simulated import Exchange, SimulatedCall, SimulatedPhones

BEGIN_MS: Final = 1_704_067_200_000
"""The first midnight: 1 January 2024, a Monday, UTC."""
SETTLED_MS: Final = 10_000
"""After so long every link is up again and has reported."""
LAST_ONES: Final = 1
"""Callers for each queue on each server after the trouble, who wait until they are served."""
CONFIGURED_ENDS: Final = (("timeout", ""), ("refused", "queue-full"))
"""What a queue may do to a caller by its settings, when nothing is wrong."""
LAST_HOURS: Final = 12
"""Until then everyone must have been served."""
KEPT_ENTRIES: Final = 1_000
PROGRESS_EVERY: Final = 2_000
"""Alarms between two words about progress."""

Observer = Callable[[Core, Sequence[Entry]], None]
"""Sees the core after each commit, and what was committed. What it raises ends the run."""
Progress = Callable[[float], None]
"""Told now and then which share of the time has passed."""


@dataclass
class Result:
    """What became of one or several runs of a scenario."""

    seeds: tuple[int, ...]
    days: int
    opening_hours: int
    """Hours in which calls came; the nights between are simulated, too, but not counted."""
    calls: int
    """Calls that were placed."""
    inputs: int
    facts: int
    queues: dict[QueueId, QueueFigures]
    total: QueueFigures
    outcomes: Counter[str]
    """What became of the callers, as they lived it: `spoke`, `hung up`, `called back`, or what the dialplan read."""
    offers: Counter[str]
    """What became of the offers that did not lead to a conversation."""
    faults: Counter[str]
    """How often what went wrong."""
    left: tuple[str, ...]
    """What should be over and is not: nothing, if all is well."""
    digest: str
    """Of all facts, in order."""
    checked: Counter[str] = field(default_factory=Counter)
    """What a guard looked at, and of how many (`guarded`); empty where there was none."""


def simulate(
    scenario: Scenario, seed: int, *, observers: Sequence[Observer] = (), progress: Progress | None = None
) -> Result:
    """Run the scenario's days under this seed. Not to be called from a running event loop."""
    return asyncio.run(Simulation(scenario, seed, observers, progress).run())


class Simulation:
    """One run."""

    def __init__(
        self, scenario: Scenario, seed: int, observers: Sequence[Observer] = (), progress: Progress | None = None
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.clock = VirtualClock(BEGIN_MS)
        self.exchange = Exchange(self.clock, scenario.servers, seed=seed, steps=scenario.steps)
        self._kills = 0
        self._kills_in_commit = 0
        self._kills_asked = 0
        self._dead_for_ms = 0
        """How long there will be no engine after it was killed in a commit."""
        self._build()
        self.figures = Figures(scenario.answer_within_ms)
        self._observers = observers
        self._progress = progress
        self._end_ms = BEGIN_MS + scenario.closing_ms
        self._world = World(self.clock, self._submit, self.phones, Streams(seed))
        self._staff = Staff(
            self._world, scenario.employees, scenario.days, [one.id for one in scenario.router.dispositions]
        )
        self._callers = Callers(self._world, scenario.demands, scenario.servers, self._end_ms)
        self._hours = Hours(self._world, scenario.demands, scenario.days)
        self._trouble = TroubleMaker(
            self._world, scenario.trouble, scenario.servers, scenario.demands, self._staff, self._kill_soon
        )
        self._left: list[str] = []
        self._error: Exception | None = None
        self._alarms = 0
        self._next: Callable[[], Awaitable[None]] | None = None
        """What the alarm that has rung wants to be done."""
        self._tasks = Tasks("simulation")
        self._task: asyncio.Task[None] | None = None
        """The engine's; None while it is killed."""

    def _build(self) -> None:
        """An engine that knows of nothing, and its end of the links."""
        tag = f"sim.{self._kills}" if self._kills else "sim"
        self.core = Core()
        self._journal = DeadlyJournal(tag=tag, seed=self.seed, kept=KEPT_ENTRIES)
        self.engine = Engine(self._journal, self.clock, self.core)
        self.engine.add_reader("all", self._read)
        self.phones = SimulatedPhones(self.engine.submit, self.clock, self.scenario.servers, exchange=self.exchange)

    def _submit(self, asked: Input) -> None:
        if self._task is None:
            raise EngineStopped
        self.engine.submit(asked)

    def _read(self, entries: Sequence[Entry]) -> None:
        """The engine goes on when a reader fails; a simulation must not."""
        if self._error is not None:
            return
        facts = facts_of(entries)
        try:
            assert entries[-1].last <= self._journal.last_number, f"told before its commit: {entries[-1]}"
            for observer in self._observers:
                observer(self.core, entries)
            self.figures.read(entries)
            self._staff.hear(facts)
            self._callers.hear(facts)
            self.phones.act(facts)
        except Exception as error:  # noqa: BLE001  (raised again where the time is turned)
            self._error = error

    async def run(self) -> Result:
        """From the first midnight until everyone has gone home."""
        self._start()
        try:
            try:
                await self._live()
            finally:
                self.engine.stop()
                if self._task is not None:
                    await self._task  # where the core failed this says how, and takes the place of what followed of it
        except Exception as error:
            error.add_note(f"seed {self.seed}, {(self.clock.now_ms() - BEGIN_MS) / HOUR_MS:.4f} hours after the start")
            raise
        return self._result()

    def _start(self) -> None:
        self._task = self._tasks.start("engine", self.engine.run())

    # --- The days ---------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        await self._open()
        await self._run_until(self._end_ms)
        self.figures.close(self._end_ms)
        if self._task is None:
            await self._begin_anew()
        self._trouble.stop()
        self._journal.is_deadly = False
        self._hours.stop()
        self._staff.stay()
        await self._run_until(self.clock.now_ms() + SETTLED_MS)
        last = self._callers.last_ones(LAST_ONES)
        await self._run_until_gone()
        self._staff.leave()
        await self._run_until(self.clock.now_ms() + HOUR_MS)
        self._left = list(self._remains(last))
        await self.phones.stop()

    async def _open(self) -> None:
        self._configure()
        await self.phones.start()
        await self._settle()
        for day in range(self.scenario.days):
            self.clock.call_at(BEGIN_MS + day * DAY_MS, lambda: self._world.ask(i.BeginDay()))
        self._staff.start()
        self._hours.start()
        self._callers.start()
        self._trouble.start()
        await self._settle()

    def _configure(self) -> None:
        self.engine.submit(i.ConfigureRouter(self.scenario.router))
        for demand in self.scenario.demands:
            self.engine.submit(i.ConfigureQueue(demand.queue))
        for employee in self.scenario.employees:
            self.engine.submit(i.ConfigureAgent(employee.settings))

    async def _run_until_gone(self) -> None:
        """Whoever still waits is served, if it can be done at all."""
        until_ms = self.clock.now_ms() + LAST_HOURS * HOUR_MS
        while not self._callers.are_gone and self.clock.now_ms() < until_ms:
            await self._run_until(self.clock.now_ms() + MINUTE_MS)

    # --- The engine is killed ---------------------------------------------------------------------------------

    def _kill_soon(self, for_ms: int) -> None:
        """By turns as soon as the alarm that wants it has rung, and before the next commit; unless there is no
        engine."""
        if self._task is None:
            return
        self._kills_asked += 1
        if self._kills_asked % 2:
            self._next = partial(self._kill, self._task, for_ms)
        else:
            self._journal.is_deadly, self._dead_for_ms = True, for_ms

    async def _kill(self, task: asyncio.Task[None], for_ms: int) -> None:
        """It takes nothing more, says nothing, and what it held is forgotten. The calls are the phone system's."""
        self._kills += 1
        self._task = None
        self.phones.break_off()
        task.cancel()
        await asyncio.wait({task})
        self._world.after(for_ms, partial(self._begin_anew_soon, self._kills))

    async def _killed_in_commit(self, task: asyncio.Task[None]) -> None:
        """What it has handled last, nobody will ever hear of."""
        self._kills_in_commit += 1
        await self._kill(task, self._dead_for_ms)

    def _begin_anew_soon(self, kill: int) -> None:
        if self._task is None and self._kills == kill:
            self._next = self._begin_anew

    async def _begin_anew(self) -> None:
        """With an empty core and the settings of the scenario; who is there logs in again, and each server reports."""
        self._build()
        self._world.phones = self.phones
        self._start()
        self._configure()
        self._hours.tell()
        await self._settle()
        await self.phones.start()
        self._staff.are_back()
        await self._settle()

    # --- Time -------------------------------------------------------------------------------------------------

    async def _run_until(self, until_ms: int) -> None:
        clock = self.clock
        while (next_ms := clock.next_ms) is not None and next_ms <= until_ms:
            clock.step()
            if self._next is not None:
                act, self._next = self._next, None
                await act()
            if self.engine.backlog or self._is_due():
                await self._settle()
            self._alarms += 1
            if self._progress is not None and self._alarms % PROGRESS_EVERY == 0:
                self._progress(min(1.0, (clock.now_ms() - BEGIN_MS) / (self._end_ms - BEGIN_MS)))
        clock.advance(max(0, until_ms - clock.now_ms()))

    def _is_due(self) -> bool:
        if self._task is None:
            return False
        due_ms = self.core.next_deadline_ms
        return due_ms is not None and due_ms <= self.clock.now_ms()

    async def _settle(self) -> None:
        """What readers submit while they read is new work, too."""
        task = self._task
        if task is None:
            return
        try:
            await self.engine.settled()
            while self.engine.backlog:
                await self.engine.settled()
        except EngineStopped:
            if not self._journal.has_killed:
                raise
            await self._killed_in_commit(task)
        if self._error is not None:
            raise self._error

    # --- What is left -----------------------------------------------------------------------------------------

    def _remains(self, last: Sequence[SimulatedCall]) -> Iterator[str]:
        """Who was not served, what is still there, and what a phone was told twice."""
        for call in last:
            if not call.spoke and (call.result, call.reason) not in CONFIGURED_ENDS:
                yield f"a caller for {call.asked.queue} was not served: {_fate(call)}"
        yield from (f"channel {channel}" for channel in self.exchange.channels)
        if self.figures.open_calls:
            yield f"{self.figures.open_calls} calls and offers in the books"
        yield from (f"{offer} rang {times} times" for offer, times in self.exchange.invites.items() if times > 1)
        yield from (f"{offer} was ordered while it was alive" for offer in self.exchange.refused)

    def _result(self) -> Result:
        figures, faults = self.figures, self._trouble.made
        faults["server given up"] = figures.servers_given_up
        faults["engine killed"] = self._kills - self._kills_in_commit
        faults["engine killed in a commit"] = self._kills_in_commit
        return Result(
            seeds=(self.seed,),
            days=self.scenario.days,
            opening_hours=self.scenario.opening_hours,
            calls=self._callers.placed,
            inputs=figures.inputs,
            facts=figures.facts,
            queues=figures.queues,
            total=figures.total,
            outcomes=self._callers.outcomes,
            offers=figures.offers,
            faults=+faults,
            left=tuple(self._left),
            digest=figures.digest,
        )


def _fate(call: SimulatedCall) -> str:
    """What became of a caller who spoke with nobody."""
    if call.result is not None:
        return f"{call.result} {call.reason}".strip()
    return "gone" if call.place == "gone" else "still on the line"


def merged(results: Sequence[Result]) -> Result:
    """Several seeds of one scenario as one result."""
    queues = {queue: merged_figures(result.queues[queue] for result in results) for queue in results[0].queues}
    return Result(
        seeds=tuple(seed for result in results for seed in result.seeds),
        days=sum(result.days for result in results),
        opening_hours=sum(result.opening_hours for result in results),
        calls=sum(result.calls for result in results),
        inputs=sum(result.inputs for result in results),
        facts=sum(result.facts for result in results),
        queues=queues,
        total=merged_figures(result.total for result in results),
        outcomes=sum((result.outcomes for result in results), Counter()),
        offers=sum((result.offers for result in results), Counter()),
        faults=sum((result.faults for result in results), Counter()),
        left=tuple(f"seed {result.seeds[0]}: {what}" for result in results for what in result.left),
        digest=results[0].digest if len(results) == 1 else "",
        checked=sum((result.checked for result in results), Counter()),
    )
