"""What one lifecycle costs the core, beside a bare loop that does the least that any implementation must do.

A lifecycle is arrive, offer, answer, bridge, end, wrap-up end, all facts made. Every agent is busy, one is released
after the other, and for each call that is served another one arrives (benchmarks/centre.py). The bare loop
(benchmarks/bare.py) has one sorted list of waiting keys for each queue, one of ready agents for each queue, and six
frozen, slotted facts; a lean one makes these as the core makes its own, and is printed beside. They take turns, round
by round; compared is the CPU time of their thread, so that others on the machine disturb little, as medians of the
rounds.

Then every `handle` is timed by itself: while the large centre is filled, and, with the collector planned as in the
engine (acd/engine/garbage.py), through lifecycles, a reload of every queue, once while everybody is busy and once while
everybody is ready, a link that is lost with everyone who waits, its report, the look at all queues after it, and the
deadlines of all, due at one instant. Besides, not checked: memory, as the kernel counts it while the large centre is
built, and idle centres: agents wait for calls.

Takes a minute and a half, five on a busy machine, and 1 GB of memory. --quick checks the ratios alone, with a tenth
of the callers in the large case, in ten seconds on a machine of its own.
"""

import argparse
import gc
import os
import statistics
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from rich.progress import Progress
from rich.table import Table

from acd.core import Fact, Input
from acd.engine.garbage import Garbage
from acd.engine.loop import BATCH_LIMIT
from acd.router import inputs as i
from acd.telephony.ami.report import PART
from benchmarks.bare import Bare, LeanBare
from benchmarks.centre import MAX_WAIT_MS, PASS_TIME, SERVER, Case, Centre, changed_settings
from benchmarks.report import Check, finish, percentile

SMALL = Case("1,000 agents", agents=1_000, queues=100, waiting=1_000)
LARGE = Case("10,000 agents", agents=10_000, queues=5_000, waiting=500_000)
RATIO_LIMITS = {SMALL.name: 14.0, LARGE.name: 8.0}
"""Of the core, in multiples of the bare loop."""
BARE = "bare", "lean"
HANDLE_LIMIT_MS = 5.0
BATCH = BATCH_LIMIT // 5
"""Lifecycles between two commits of a loop under load: each is five inputs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    large: Case
    rounds: int
    lifecycles: int
    """In each round, of each world."""
    inputs: bool
    """Whether single inputs are timed too, and idle centres."""

    @property
    def cases(self) -> tuple[Case, Case]:
        """The large one is built first: the memory that it takes from the kernel is its own."""
        return self.large, SMALL


FULL = Plan(LARGE, rounds=21, lifecycles=3_000, inputs=True)
QUICK = Plan(replace(LARGE, waiting=50_000), rounds=9, lifecycles=1_500, inputs=False)


class World(Protocol):
    """One of those compared: the core or a bare loop, small or large."""

    def prepare(self, count: int) -> None: ...
    def lifecycles(self, count: int) -> None: ...
    def idle_lifecycles(self, count: int) -> None: ...
    def commit(self) -> None: ...


@dataclass(slots=True)
class Cost:
    """Microseconds a lifecycle, a value for each round."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the CPU time."""
        return statistics.median(self.cpu)


Costs = dict[tuple[str, str], Cost]
"""By kind (`core`, `bare`, `lean`) and case."""


class Stopwatch:
    """Times single inputs: the CPU time of each `handle`, and of each look of the collector between them."""

    def __init__(self, centre: Centre, garbage: Garbage) -> None:
        self.handled_ms = array("d")
        self.tidied_ms: list[float] = []
        self._centre, self._garbage = centre, garbage
        self._committed = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time the centre's inputs meanwhile."""
        handle = self._centre.handle
        self._centre.handle = self._timed(handle)
        yield
        self._centre.handle = handle

    def _timed(self, handle: Callable[[Input, int], list[Fact]]) -> Callable[[Input, int], list[Fact]]:
        def timed(asked: Input, now_ms: int) -> list[Fact]:
            start = time.thread_time_ns()
            facts = handle(asked, now_ms)
            self.handled_ms.append((time.thread_time_ns() - start) / 1e6)
            return facts

        return timed

    def commit(self) -> None:
        """What the loop does after a batch, as far as it concerns the collector."""
        self._centre.commit()
        inputs = len(self.handled_ms) - self._committed
        self._committed += inputs
        start = time.thread_time_ns()
        self._garbage.tidy(inputs, idle=True)
        self.tidied_ms.append((time.thread_time_ns() - start) / 1e6)


@dataclass(slots=True)
class Results:
    """All that was measured."""

    costs: Costs
    memory: dict[str, float]
    """Bytes for each of what is named."""
    inputs: dict[str, Stopwatch] = field(default_factory=dict)
    idle: Costs = field(default_factory=dict)

    def ratio(self, case: Case) -> float:
        """The core as a multiple of the bare loop."""
        return self.costs["core", case.name].median / self.costs["bare", case.name].median

    def growth(self, kind: str, plan: Plan) -> float:
        """From the small case to the large one."""
        return self.costs[kind, plan.large.name].median / self.costs[kind, SMALL.name].median


# --- Building ------------------------------------------------------------------------------------------------------


def build_centre(case: Case, memory: dict[str, float], filling: dict[str, "Stopwatch"]) -> Centre:
    """On the core, everybody busy; notes what an agent and a waiting call take, and how long each arrival."""
    centre = Centre(case)
    watch = filling[case.name] = Stopwatch(centre, Garbage())
    centre.open()
    before = _resident()
    centre.log_in()
    memory[f"{case.name}: an agent"] = (_resident() - before) / case.agents
    centre.get_busy()
    before = _resident()
    with watch.running():
        centre.fill()
    watch.commit()
    memory[f"{case.name}: a waiting call"] = (_resident() - before) / case.waiting - watch.handled_ms.itemsize
    return centre


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def build_bare(case: Case, kind: type[Bare] = Bare) -> Bare:
    bare = kind(case)
    bare.log_in()
    bare.get_busy()
    bare.fill()
    return bare


def build_idle(case: Case) -> tuple[Centre, Bare]:
    """Agents who are ready, and nobody who waits."""
    centre, bare = Centre(case), Bare(case)
    centre.open()
    centre.log_in()
    bare.log_in()
    return centre, bare


@contextmanager
def quick_to_build() -> Iterator[None]:
    """While millions of objects are made that stay, the collector would look at them again and again."""
    gc.disable()
    yield
    gc.enable()


# --- Measuring -----------------------------------------------------------------------------------------------------


def take_turns(
    worlds: dict[tuple[str, str], World], plan: Plan, work: Callable[[World, int], None], tidy: Callable[[], None]
) -> Costs:
    """Rounds of lifecycles, one world after the other."""
    costs: Costs = {which: Cost() for which in worlds}
    with Progress(transient=True) as progress:
        for _ in progress.track(range(plan.rounds), description="lifecycles"):
            for which, world in worlds.items():
                _one_round(world, plan.lifecycles, costs[which], work, tidy)
    return costs


def _one_round(
    world: World, lifecycles: int, cost: Cost, work: Callable[[World, int], None], tidy: Callable[[], None]
) -> None:
    world.prepare(lifecycles)
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(lifecycles // BATCH):
        work(world, BATCH)
        world.commit()
        tidy()
    cost.cpu.append((time.thread_time_ns() - cpu) / lifecycles / 1e3)
    cost.wall.append((time.perf_counter_ns() - wall) / lifecycles / 1e3)


def time_lifecycles(centre: Centre, garbage: Garbage, count: int) -> Stopwatch:
    """Every input of so many lifecycles."""
    centre.prepare(count)
    watch = Stopwatch(centre, garbage)
    with watch.running():
        for _ in range(count):
            centre.lifecycles(1)
            watch.commit()
    return watch


def time_reload(centre: Centre, garbage: Garbage) -> Stopwatch:
    """Every queue gets another strategy, weight, growth and wrap-up: whoever is ready is put in another order."""
    watch = Stopwatch(centre, garbage)
    with watch.running():
        for number in range(centre.case.queues):
            assert centre.tell(i.ConfigureQueue(changed_settings(number))), "it has changed"
            if number % BATCH_LIMIT == 0:
                watch.commit()
        _pass_all_due(centre, watch)
    return watch


def time_lost_link(centre: Centre, garbage: Garbage) -> Stopwatch:
    """The link to the server on which everybody waits is lost, again halfway through the report, and comes back."""
    watch = Stopwatch(centre, garbage)
    state = centre.core.state
    callers = [
        i.SeenCaller(call.line.channel, "waiting" if call.connected_at_ms is None else "talking")
        for call in state.calls.values()
    ]
    legs = [i.SeenLeg(offer, "talking") for offer in state.offers]
    parts = range(0, len(callers), PART)
    with watch.running():
        for heard in (parts[: len(parts) // 2], parts):
            assert centre.tell(i.LinkLost(SERVER)), "it was heard of"
            for at in heard:
                part = slice(at, at + PART)
                centre.tell(
                    i.ServerReported(SERVER, tuple(callers[part]), tuple(legs[part]), (), False, at == parts[-1])
                )
                watch.commit()
    return watch


def time_settling(centre: Centre, garbage: Garbage) -> Stopwatch:
    """The server has reported in full: its calls may be offered again, in whatever queue they wait."""
    watch = Stopwatch(centre, garbage)
    with watch.running():
        _pass_all_due(centre, watch)
    assert centre.core.state.servers[SERVER].up
    return watch


def time_deadlines(centre: Centre, garbage: Garbage) -> Stopwatch:
    """Everybody who waits has waited too long: all of it is due now."""
    watch = Stopwatch(centre, garbage)
    centre.now_ms += MAX_WAIT_MS
    assert len(centre.core.state.deadlines) >= centre.case.waiting, "everyone who waits has one"
    with watch.running():
        _pass_all_due(centre, watch)
    return watch


def _pass_all_due(centre: Centre, watch: Stopwatch) -> None:
    while (due_ms := centre.core.next_deadline_ms) is not None and due_ms <= centre.now_ms:
        centre.tell(PASS_TIME)
        watch.commit()


def measure(plan: Plan) -> Results:
    worlds: dict[tuple[str, str], World] = {}
    memory: dict[str, float] = {}
    filling: dict[str, Stopwatch] = {}
    with quick_to_build():
        centres = {case.name: build_centre(case, memory, filling) for case in plan.cases}
        for case in plan.cases:
            worlds["core", case.name] = centres[case.name]
            worlds["bare", case.name] = build_bare(case)
            worlds["lean", case.name] = build_bare(case, LeanBare)
    with Garbage() as garbage:
        tidy = lambda: garbage.tidy(BATCH_LIMIT, idle=False)  # noqa: E731
        results = Results(take_turns(worlds, plan, lambda world, count: world.lifecycles(count), tidy), memory)
        if plan.inputs:
            large = centres[plan.large.name]
            results.inputs = {
                f"{LARGE.waiting:,} callers arrive": filling[LARGE.name],
                f"lifecycles, {SMALL.name}": time_lifecycles(centres[SMALL.name], garbage, 10_000),
                f"lifecycles, {LARGE.name}": time_lifecycles(large, garbage, 10_000),
                f"reload of {LARGE.queues:,} queues": time_reload(large, garbage),
                f"link lost, {LARGE.waiting:,} waiting": time_lost_link(large, garbage),
                f"a server settles, {LARGE.queues:,} queues": time_settling(large, garbage),
                f"{LARGE.waiting:,} deadlines at once": time_deadlines(large, garbage),
            }
    return results


def measure_idle(plan: Plan, inputs: dict[str, Stopwatch]) -> Costs:
    """Of the large centre a reload is timed too, which all agents meet while they are ready."""
    worlds: dict[tuple[str, str], World] = {}
    centres: dict[str, Centre] = {}
    with quick_to_build():
        for case in plan.cases:
            centres[case.name], worlds["bare", case.name] = build_idle(case)
            worlds["core", case.name] = centres[case.name]
    with Garbage() as garbage:
        tidy = lambda: garbage.tidy(BATCH_LIMIT, idle=False)  # noqa: E731
        costs = take_turns(worlds, plan, lambda world, count: world.idle_lifecycles(count), tidy)
        inputs[f"reload of {plan.large.queues:,} queues, agents ready"] = time_reload(centres[plan.large.name], garbage)
    return costs


# --- Printing ------------------------------------------------------------------------------------------------------


def costs_table(title: str, costs: Costs) -> Table:
    """What a lifecycle costs, and how many go into a second."""
    table = Table(title=title, title_justify="left")
    for heading in ("", "", "rounds", "best µs", "median µs", "worst µs", "wall µs", "a second", "x bare", "x lean"):
        table.add_column(heading, justify="right" if heading else "left")
    for (kind, case), cost in costs.items():
        figures = [min(cost.cpu), cost.median, max(cost.cpu), statistics.median(cost.wall)]
        ratios = [f"{cost.median / costs[bare, case].median:.1f}" if (bare, case) in costs else "" for bare in BARE]
        table.add_row(
            case, kind, str(len(cost.cpu)), *(f"{figure:.1f}" for figure in figures),
            f"{1e6 / cost.median:,.0f}", *ratios,
        )  # fmt: skip
    return table


def inputs_table(inputs: dict[str, Stopwatch]) -> Table:
    """Single inputs, and the looks of the collector between them, which nobody waits for in an idle loop."""
    table = Table(title="One handle, CPU ms", title_justify="left")
    for heading in ("", "inputs", "median", "99.9 %", "worst", "all", "collector's worst", "collector, all"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, watch in inputs.items():
        took, tidied = watch.handled_ms, watch.tidied_ms
        figures = [statistics.median(took), percentile(took, 0.999), max(took), sum(took), max(tidied), sum(tidied)]
        table.add_row(name, f"{len(took):,}", *(f"{figure:,.3f}" for figure in figures))
    return table


def memory_table(memory: dict[str, float]) -> Table:
    table = Table(title="Memory", title_justify="left")
    for heading in ("", "bytes"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, size in memory.items():
        if name.startswith(LARGE.name):  # the small one fits into what the large one has left over
            table.add_row(name, f"{size:,.0f}")
    return table


def checks(results: Results, plan: Plan) -> list[Check]:
    ratios = [
        Check(f"{case.name}: the core, in multiples of the bare loop", results.ratio(case), RATIO_LIMITS[case.name])
        for case in (SMALL, plan.large)
    ]
    growths = [
        Check(
            "growth of the core from small to large; limit: the bare loop's",
            results.growth("core", plan),
            results.growth("bare", plan),
        )
    ]
    longest = [
        Check(f"{name}: longest handle, ms", max(watch.handled_ms), HANDLE_LIMIT_MS)
        for name, watch in results.inputs.items()
    ]
    return [*ratios, *growths, *longest]


def run(plan: Plan) -> None:
    results = measure(plan)
    tables = [costs_table("A lifecycle, everybody busy", results.costs)]
    if plan.inputs:
        gc.collect()
        tables += [
            costs_table("A lifecycle, everybody idle", measure_idle(plan, results.inputs)),
            inputs_table(results.inputs),
            memory_table(results.memory),
        ]
    finish("core", checks(results, plan), tables)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the ratios alone, with fewer callers")
    run(QUICK if parser.parse_args().quick else FULL)


if __name__ == "__main__":
    main()
