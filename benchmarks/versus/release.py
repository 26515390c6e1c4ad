"""a. An agent is released while callers wait: the agent's BYE to the next INVITE at that agent.

Who was served calls again, so as many wait at every release. app_queue has retry=1, the shortest that it can be given.
Its callers look for a free agent once a second; the releases are spread evenly over that second.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from acd.lab.servers import Lab
from benchmarks.report import Check, percentile
from benchmarks.site import RELEASES, bench, pooled, releases
from benchmarks.versus.outcome import Figures, Outcome

MEDIAN_MS = 8.0
P99_MS = 20.0
TIMES_FASTER = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`waiting`: how many wait, one case each. In each round both systems have so many releases."""

    waiting: Sequence[int]
    rounds: int
    releases: int

    @property
    def steps(self) -> int:
        return len(self.waiting) * self.rounds * self.releases * len(RELEASES)


FULL = Plan(waiting=(3, 100), rounds=2, releases=18)
QUICK = Plan(waiting=(3, 100), rounds=1, releases=5)

Took = Mapping[int, Mapping[str, Sequence[float]]]
"""Milliseconds, by the number of callers who wait and by system."""


async def measure(lab: Lab, plan: Plan, step: Callable[[], None]) -> Outcome:
    """Rounds take turns: ours, app_queue, ours, app_queue."""
    chance = random.Random(1)
    took: dict[int, dict[str, list[float]]] = {}
    for waiting in plan.waiting:
        rounds: dict[str, list[list[float]]] = {way: [] for way in RELEASES}
        for _ in range(plan.rounds):
            for way in RELEASES:
                async with bench(lab) as site:
                    rounds[way].append(await releases(site, way, waiting, plan.releases, chance, step))
        took[waiting] = {way: pooled(times) for way, times in rounds.items()}
    return outcome(took)


def outcome(took: Took) -> Outcome:
    """The figures, and the checks on them."""
    return Outcome(
        [
            Figures(f"a. Release: agent's BYE to the next INVITE, {waiting} callers waiting", rows)
            for waiting, rows in took.items()
        ],
        [check for waiting, rows in took.items() for check in _checks(waiting, rows)],
    )


def _checks(waiting: int, rows: Mapping[str, Sequence[float]]) -> list[Check]:
    ours, theirs = statistics.median(rows["acd"]), statistics.median(rows["app_queue"])
    where = f"a. release, {waiting} waiting:"
    return [
        Check(f"{where} median, ms", ours, MEDIAN_MS),
        Check(f"{where} 99 %, ms", percentile(rows["acd"], 0.99), P99_MS),
        Check(f"{where} app_queue's median as a multiple of ours", theirs / ours, TIMES_FASTER, "higher"),
    ]
