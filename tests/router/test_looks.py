"""What a turn looks at has a bound, however much waits and however many are ready (docs/routing.md R25, R37)."""

import pytest

from acd.core import Core
from acd.model import AgentId, Caller, CallId, ChannelId, Line, Phone, QueueId, RequestId, ServerId, Skill
from acd.router import inputs as i
from acd.router import matching
from acd.router.facts import OfferMade
from acd.router.settings import AgentSettings, QueueSettings, Ring, Standing
from acd.router.skills import Fit, fits_at
from acd.router.state import Call, State
from acd.router.turn import SLICE
from tests.router.due import due_turns

MANY = 5 * SLICE
SALES, ANA, SERVER = QueueId("sales"), AgentId("ana"), ServerId("a")


class Looks:
    """How often it is asked whether an agent's class may take a call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(matching, "fits_at", self._counted)

    def _counted(self, ring: Ring, tier: int, fit: Fit) -> bool:
        self.count += 1
        return fits_at(ring, tier, fit)

    def most(self, core: Core, asked: i.Input) -> int:
        """In one turn of those that follow."""
        counts = []
        for each in (asked, *[i.PassTime()] * (2 * MANY)):
            self.count = 0
            core.handle(each, 0)
            counts.append(self.count)
        assert not core.state.news
        return max(counts)


@pytest.mark.parametrize("taken", [True, False])
def test_what_is_looked_at_in_one_queue_has_a_bound(monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    """R25. As many requirements and priorities wait as may, and as many classes of agents are ready."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales")), 0)
    for number in range(96):
        word, line = (Skill(f"w{number % 32}", 1),), Line(SERVER, ChannelId(f"c{number}"))
        asked = ((), word) if taken else (word, ())
        core.handle(i.CallArrived(line, SALES, Caller(), number // 32, *asked), 0)
    for number in range(100):
        agent, skills = AgentId(f"agent-{number}"), (Skill(f"s{number}", 1),)
        core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,), skills=skills)), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
    seen = tuple(i.SeenCaller(ChannelId(f"c{number}"), "waiting") for number in range(96))
    most = Looks(monkeypatch).most(core, i.ServerReported(SERVER, seen))
    assert most <= 2 * matching.LOOKS, "the best of the ready are found besides, once for each offer"
    assert len(core.state.offers) == (96 if taken else 0)


def test_tickets_of_many_classes_are_counted_in_few_turns_and_not_again() -> None:
    """R25. Agents of a hundred classes and ten weights are drawn: what counting their tickets takes, and each draw, are
    looks."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", strategy="weighted-random")), 0)
    for number in range(100):
        settings = AgentSettings(
            AgentId(f"agent-{number}"),
            f"Agent {number}",
            Phone(str(number)),
            (SALES,),
            skills=(Skill(f"w{number}", 1),),
            standings=(Standing(SALES, weight=1 + number % 10),),
        )
        core.handle(i.ConfigureAgent(settings), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=settings.id, by=settings.id), 0)
    ready = core.state.queues[SALES].ready
    channels = [ChannelId(f"c{number}") for number in range(60)]
    for channel in channels:
        core.handle(i.CallArrived(Line(SERVER, channel), SALES, Caller()), 0)
    core.handle(i.ServerReported(SERVER, tuple(i.SeenCaller(channel, "waiting") for channel in channels)), 0)
    made = [sum(isinstance(fact, OfferMade) for fact in facts) for facts in due_turns(core, 0)]
    assert sum(made) == len(channels)
    assert max(made) < SLICE
    assert ready.classes.keys() == ready.urns.keys(), "a class that did not change is known still"


def test_calls_that_wait_for_busy_agents_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """R37. After a report anything may have changed in the queue; but who is not ready takes nothing."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", named_agent_ms=60_000)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    for number in range(MANY):
        agent = AgentId(f"agent-{number}")
        core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
        core.handle(i.PhoneInUse(Phone(str(number)), Line(SERVER, ChannelId(f"d{number}")), "out"), 0)
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller(), named=agent), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("ana"), (SALES,))), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    asked: list[CallId] = []

    def has_taker(state: State, call: Call, now_ms: int, *, anew: bool = False) -> bool:
        asked.append(call.id)
        return real(state, call, now_ms, anew=anew)

    real = matching.has_taker
    monkeypatch.setattr(matching, "has_taker", has_taker)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", named_agent_ms=60_000, weight=1)), 0)
    assert (core.state.queues[SALES].length, asked) == (MANY, [])


def test_calls_that_come_while_nothing_may_be_offered_are_looked_at_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """R25. They come between the slices of waits that are over."""
    monkeypatch.setattr(matching, "CALL_SLICE", 2)
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", max_wait_ms=60_000)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    for number in range(MANY):
        line = Line(SERVER, ChannelId(f"c{number}"))
        core.handle(i.CallArrived(line, SALES, Caller(), required=(Skill("german", 1),)), 0)
    for number in range(MANY // SLICE - 1):
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"late-{number}")), SALES, Caller()), 60_000)
    assert (len(core.state.news.calls), len(core.state.offers)) == (MANY // SLICE - 1, 0)
    core.handle(i.PassTime(), 60_000)
    assert len(core.state.news.calls) == MANY // SLICE - 3
    (offer,) = core.state.offers.values()
    assert core.state.calls[offer.call].line.channel == "late-0"
    list(due_turns(core, 60_000))
    assert not core.state.news
