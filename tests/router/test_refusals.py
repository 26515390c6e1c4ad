"""Whoever refused a call is not offered it again at once, and neither list of refusals grows without end
(docs/routing.md R7)."""

from acd.core import Core, Fact, fold
from acd.guard import invariants
from acd.guard.description import differences
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId
from acd.router import inputs as i
from acd.router.facts import OfferMade, RefusalLapsed
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings
from acd.router.state import REFUSERS_KEPT

SALES, SERVER, LINE = QueueId("sales"), ServerId("a"), Line(ServerId("a"), ChannelId("c"))


def _agents_who_decline_one_call(count: int) -> tuple[Core, list[Fact]]:
    """One after the other, all within the time for which a refusal counts."""
    core = Core()
    facts = core.handle(i.OpenJournal("t", 1, "test"), 0)
    facts += core.handle(i.ConfigureRouter(RouterSettings(misses_before_pause=None)), 0)
    facts += core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales")), 0)
    facts += core.handle(i.ServerReported(SERVER), 0)
    for number in range(count):
        agent = AgentId(f"agent-{number}")
        facts += core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))), 0)
        facts += core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
    facts += core.handle(i.CallArrived(LINE, SALES, Caller()), 0)
    for _ in range(count):
        (offer,) = core.state.offers
        facts += core.handle(i.LegEnded(offer, "declined"), 1)
    return core, facts


def test_who_refused_a_call_is_not_rung_for_it_again_while_as_many_as_are_kept_refuse_it() -> None:
    """R7."""
    core, facts = _agents_who_decline_one_call(REFUSERS_KEPT)
    (call,) = core.state.calls.values()
    assert not core.state.offers
    assert len(call.refusers) == sum(isinstance(fact, OfferMade) for fact in facts) == REFUSERS_KEPT
    invariants.check(core.state)


def test_who_refused_a_call_first_may_be_offered_it_again_when_one_more_than_are_kept_refuse_it() -> None:
    """R7."""
    core, facts = _agents_who_decline_one_call(REFUSERS_KEPT + 1)
    (call,) = core.state.calls.values()
    assert len(call.refusers) == REFUSERS_KEPT
    assert [fact.agent for fact in facts if isinstance(fact, RefusalLapsed)] == ["agent-0"]
    assert [offer.agent for offer in core.state.offers.values()] == ["agent-0"]
    invariants.check(core.state)
    assert not differences(fold(facts), core.state)
