"""The estimated wait against what then happened (docs/routing.md R55): seeded queues, whole days in no time."""

import random
from heapq import heappop, heappush

import pytest

from acd.core import Core
from acd.model import AgentId, Caller, CallId, ChannelId, Line, Phone, QueueId, RequestId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.position import estimated_wait_ms
from acd.router.settings import AgentSettings, QueueSettings

SALES, SERVER = QueueId("sales"), ServerId("a")
TALK_MS = 180_000


class Measured:
    """What was estimated at the arrival, and the wait that followed, of all who had to wait."""

    def __init__(self, seed: int, agents: int, load: float, patience_ms: int | None) -> None:
        self.pairs: list[tuple[int, int]] = []
        self._chance = random.Random(seed)
        self._core = Core()
        self._events: list[tuple[int, int, i.Input]] = []
        self._count = 0
        self._estimates: dict[CallId, int] = {}
        self._every_ms = TALK_MS / agents / load
        self._patience_ms = patience_ms
        self._core.handle(i.OpenJournal("t", 1, "test"), 0)
        self._core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", wrap_up_ms=0)), 0)
        self._core.handle(i.ServerReported(SERVER), 0)
        for number in range(agents):
            agent = AgentId(f"agent-{number}")
            self._core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))), 0)
            self._core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)

    def run(self, calls: int) -> None:
        """So many calls."""
        at_ms = 0
        for number in range(calls):
            at_ms += round(self._chance.expovariate(1 / self._every_ms))
            line = Line(SERVER, ChannelId(f"c{number}"))
            self._later(at_ms, i.CallArrived(line, SALES, Caller()))
            if self._patience_ms is not None:
                patience_ms = round(self._chance.expovariate(1 / self._patience_ms))
                self._later(at_ms + patience_ms, i.CallerLeft(line, hung_up=True))
        while self._events:
            now_ms, _, asked = heappop(self._events)
            if isinstance(asked, i.CallerLeft) and self._talks(asked.line):
                continue
            for fact in self._core.handle(asked, now_ms):
                self._follow(fact, now_ms)

    def _talks(self, line: Line) -> bool:
        """Who talks has patience."""
        call = self._core.state.call_on.get(line)
        return call is not None and self._core.state.calls[call].connected_at_ms is not None

    def _later(self, at_ms: int, asked: i.Input) -> None:
        self._count += 1
        heappush(self._events, (at_ms, self._count, asked))

    def _follow(self, fact: f.Fact, now_ms: int) -> None:
        """Agents answer at once, and talk as long as chance will have it."""
        match fact:
            case f.CallQueued():
                call = self._core.state.calls[fact.call]
                if call.group is not None:
                    estimate = estimated_wait_ms(self._core.state, call, now_ms)
                    if estimate is not None:
                        self._estimates[fact.call] = estimate
            case f.OfferMade():
                self._later(now_ms, i.LegBridged(fact.offer))
                talk_ms = max(1, round(self._chance.expovariate(1 / TALK_MS)))
                self._later(now_ms + talk_ms, i.LegEnded(fact.offer, "hung-up"))
            case f.CallConnected() if fact.call in self._estimates:
                self.pairs.append((self._estimates[fact.call], fact.waited_ms))
            case _:
                pass

    @property
    def bias(self) -> float:
        """The mean estimate over the mean wait."""
        return sum(estimate for estimate, _ in self.pairs) / sum(wait for _, wait in self.pairs)

    @property
    def error(self) -> float:
        """The mean distance between the two, over the mean wait."""
        return sum(abs(estimate - wait) for estimate, wait in self.pairs) / sum(wait for _, wait in self.pairs)


@pytest.mark.parametrize(
    ("agents", "load", "patience_ms", "bias", "error"),
    [(5, 0.9, None, (0.85, 1.2), 0.4), (20, 0.95, None, (0.85, 1.2), 0.4), (20, 1.2, 300_000, (0.85, 1.2), 0.4)],
    ids=["small and busy", "large and busy", "too many calls"],
)
def test_estimate_comes_close_to_the_wait_that_follows(
    agents: int, load: float, patience_ms: int | None, bias: tuple[float, float], error: float
) -> None:
    measured = Measured(1, agents, load, patience_ms)
    measured.run(8_000)
    told = f"{len(measured.pairs)} estimates: bias {measured.bias:.2f}, error {measured.error:.2f}"
    assert len(measured.pairs) > 1_000, told
    assert bias[0] < measured.bias < bias[1], told
    assert measured.error < error, told
