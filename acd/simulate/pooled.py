"""One line before equal agents, with nothing but what theory knows: to see that simulation and theory agree.

Everything is exponential; phones answer at once and no step of the phone system takes time; there is no wrap-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from acd.core import Core
from acd.journal.port import Entry
from acd.model import AgentId, CallId, Phone, QueueId
from acd.router import facts as f
from acd.router.settings import AgentSettings, QueueSettings
from acd.simulate.chance import Exponential
from acd.simulate.confidence import Estimate, estimate, of_means
from acd.simulate.erlang import Performance, erlang_a, erlang_c
from acd.simulate.run import Result, simulate
from acd.simulate.scenario import HOUR_MS, HOURS, SECOND_MS, Demand, Employee, Scenario
from acd.telephony.simulated import Steps

AT_ONCE: Final = Steps(to_server_ms=0, to_engine_ms=0, ring_ms=0, bridge_ms=0, connect_ms=0)


class Pooled(msgspec.Struct, frozen=True, kw_only=True):
    """So much work for so many."""

    agents: int
    occupancy: float
    """The work that comes, compared with what the agents can do; above 1 only with patience."""
    mean_patience_ms: int | None = None
    mean_talk_ms: int = 180 * SECOND_MS
    within_ms: int = 20 * SECOND_MS
    days: int = 1

    @property
    def calls_per_hour(self) -> float:
        return self.occupancy * self.agents * HOUR_MS / self.mean_talk_ms

    @property
    def theory(self) -> Performance:
        """Erlang C, or Erlang A where callers give up; in milliseconds."""
        rate = self.calls_per_hour / HOUR_MS
        if self.mean_patience_ms is None:
            return erlang_c(rate, self.mean_talk_ms, self.agents, self.within_ms)
        return erlang_a(rate, self.mean_talk_ms, self.mean_patience_ms, self.agents, self.within_ms)

    @property
    def scenario(self) -> Scenario:
        queue = QueueId("pooled")
        return Scenario(
            demands=(
                Demand(
                    queue=QueueSettings(queue, "Pooled", wrap_up_ms=0),
                    calls_by_hour=(self.calls_per_hour,) * HOURS,
                    talk=Exponential(self.mean_talk_ms),
                    patience=None if self.mean_patience_ms is None else Exponential(self.mean_patience_ms),
                ),
            ),
            employees=tuple(
                Employee(
                    settings=AgentSettings(AgentId(f"agent-{number}"), "", Phone(str(1_000 + number)), queues=(queue,))
                )
                for number in range(1, self.agents + 1)
            ),
            days=self.days,
            steps=AT_ONCE,
            answer_within_ms=self.within_ms,
        )


@dataclass(frozen=True, slots=True)
class Observed:
    """The same as `Performance`, as it was simulated."""

    calls: int
    delayed: Estimate
    abandoned: Estimate
    mean_wait: Estimate
    answered_in_time: Estimate


class Lived(NamedTuple):
    """One call, as the facts tell it."""

    at_ms: int
    waited_ms: int
    answered: bool


class _Calls:
    """An observer: every call, in the order of arrival."""

    def __init__(self) -> None:
        self.lived: dict[CallId, Lived] = {}

    def __call__(self, _core: Core, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for fact in entry.facts:
                if isinstance(fact, f.CallQueued):
                    self.lived[fact.call] = Lived(fact.at_ms, 0, answered=False)
                elif isinstance(fact, f.CallConnected | f.CallAbandoned):
                    answered = isinstance(fact, f.CallConnected)
                    self.lived[fact.call] = Lived(self.lived[fact.call].at_ms, fact.waited_ms, answered)


def live(pooled: Pooled, seed: int) -> tuple[list[Lived], Result]:
    """Simulate it: every call of its days, in order, and the result. Not to be called from a running event loop."""
    calls = _Calls()
    result = simulate(pooled.scenario, seed, observers=[calls])
    return list(calls.lived.values())[: result.calls], result


def together(runs: Sequence[Observed]) -> Observed:
    """Of runs under seeds of their own, which are independent without more ado."""
    return Observed(
        calls=sum(run.calls for run in runs),
        delayed=of_means([run.delayed.mean for run in runs]),
        abandoned=of_means([run.abandoned.mean for run in runs]),
        mean_wait=of_means([run.mean_wait.mean for run in runs]),
        answered_in_time=of_means([run.answered_in_time.mean for run in runs]),
    )


def observed(pooled: Pooled, lived: Sequence[tuple[int, int, bool]]) -> Observed:
    """What theory speaks of, estimated from calls in the order of their arrival: when, how long waited, answered."""
    return Observed(
        calls=len(lived),
        delayed=estimate([waited_ms > 0 for _, waited_ms, _ in lived]),
        abandoned=estimate([not answered for _, _, answered in lived]),
        mean_wait=estimate([waited_ms for _, waited_ms, _ in lived]),
        answered_in_time=estimate([answered and waited_ms <= pooled.within_ms for _, waited_ms, answered in lived]),
    )
