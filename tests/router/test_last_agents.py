"""docs/routing.md R39: who is known again, and how what is remembered stays within its bounds."""

import pytest

from acd.core import Core, fold
from acd.guard import invariants
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.last_agents import LastAgents, number_of
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings
from acd.router.turn import SLICE

SALES, ANA, SERVER = QueueId("sales"), AgentId("ana"), ServerId("a")
CALLERS = 3 * SLICE


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("+49 (30) 555-0001", "49305550001"),
        ("0305550001", "0305550001"),
        ("100200", "100200"),
        ("10020", None),
        ("", None),
        ("anonymous", None),
        ("bob5550001", None),
        ("000000000", None),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", None),
    ],
)
def test_caller_is_known_by_the_digits_of_the_number_if_there_are_enough(number: str, digits: str | None) -> None:
    assert number_of(Caller(number, "Bob")) == digits


def test_last_conversation_takes_the_place_of_the_one_before() -> None:
    known = LastAgents()
    known.remember("1", ANA, 100)
    known.remember("2", AgentId("ben"), 200)
    known.remember("1", AgentId("cleo"), 300)
    assert [known.find(number, 150) for number in "123"] == ["cleo", "ben", None]
    known.forget(1)
    assert [known.find(number, 150) for number in "12"] == ["cleo", None]
    assert known.find("1", 300) is None, "its time is over"


def _centre(router: RouterSettings) -> Core:
    """Ana, who has spoken with many callers, one in each ten seconds."""
    core = Core()
    for asked in (
        i.OpenJournal("t", 1, "test"),
        i.ConfigureRouter(router),
        i.ConfigureQueue(QueueSettings(SALES, "Sales", wrap_up_ms=0, last_agent_ms=20_000)),
        i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))),
        i.ServerReported(SERVER),
        i.LogIn(request=RequestId("r"), agent=ANA, by=ANA),
    ):
        core.handle(asked, 0)
    for number in range(CALLERS):
        _speak(core, number, 10_000 * number)
    return core


def _speak(core: Core, number: int, now_ms: int) -> list[f.Fact]:
    """A conversation of ten seconds. Returns what followed from its end."""
    line = Line(SERVER, ChannelId(f"c{number}"))
    told = core.handle(i.CallArrived(line, SALES, Caller(str(5_550_000 + number))), now_ms)
    (made,) = (fact for fact in told if isinstance(fact, f.OfferMade))
    core.handle(i.LegBridged(made.offer), now_ms)
    return core.handle(i.CallerLeft(line, hung_up=True), now_ms + 10_000)


def test_callers_whose_time_is_over_are_forgotten_in_slices() -> None:
    core = _centre(RouterSettings())
    first_ms = core.state.last_agents.first_until_ms
    assert first_ms is not None
    last_ms = first_ms + 10_000 * CALLERS
    counts = []
    while core.next_deadline_ms is not None:
        counts += [fact.count for fact in core.handle(i.PassTime(), last_ms) if isinstance(fact, f.CallersForgotten)]
    assert counts == [SLICE] * 3
    assert not len(core.state.last_agents)


def test_caller_is_forgotten_in_time_after_the_time_was_lowered() -> None:
    """R39: those who are remembered for longer do not keep the next."""
    core = _centre(RouterSettings())
    now_ms = 10_000 * CALLERS
    core.handle(i.ConfigureRouter(RouterSettings(last_agent_remembered_ms=60_000)), now_ms)
    _speak(core, CALLERS, now_ms)
    core.handle(i.PassTime(), now_ms + 70_000)
    assert len(core.state.last_agents) == CALLERS, "only the last one is forgotten"
    assert str(5_550_000 + CALLERS) not in core.state.last_agents
    invariants.check(core.state)


def test_lower_bound_is_come_to_in_slices() -> None:
    core = _centre(RouterSettings())
    core.handle(i.ConfigureRouter(RouterSettings(callers_remembered=10)), 10_000 * CALLERS)
    left = []
    for number in range(3):
        _speak(core, 0, 10_000 * (CALLERS + 1 + number))
        left.append(len(core.state.last_agents))
    assert left == [CALLERS - SLICE, CALLERS - 2 * SLICE, 10]
    assert core.state.last_agents.find("5550000", 0) == ANA, "she has just spoken with this one"


def _centre_where_all_come_again() -> tuple[Core, int]:
    """They wait for Ana, who may pause. Returns the time, too."""
    core = _centre(RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),)))
    now_ms = 10_000 * CALLERS
    for number in range(CALLERS):
        line = Line(SERVER, ChannelId(f"again-{number}"))
        core.handle(i.CallArrived(line, SALES, Caller(str(5_550_000 + number))), now_ms)
    return core, now_ms


def test_those_who_wait_for_one_who_pauses_are_anyones_in_slices() -> None:
    """R25, R39: but the one who rings at her, and who asks for her (R33)."""
    core, now_ms = _centre_where_all_come_again()
    core.handle(i.CallArrived(Line(SERVER, ChannelId("asks")), SALES, Caller(), named=ANA), now_ms)
    assert [len(waiting) for waiting in core.state.queues[SALES].returning.values()] == [CALLERS]
    turns = [core.handle(i.Pause(request=RequestId("r"), agent=ANA, by=ANA, reason="lunch"), now_ms)]
    while core.next_deadline_ms == now_ms:
        turns.append(core.handle(i.PassTime(), now_ms))
    lapsed = [[fact.reason for fact in facts if isinstance(fact, f.PreferenceLapsed)] for facts in turns]
    assert lapsed == [["away"] * SLICE, ["away"] * SLICE, ["away"] * (SLICE - 1)]
    waiting = [call for call in core.state.calls.values() if call.named == ANA]
    assert [(bool(call.offers), call.last_agent) for call in waiting] == [(True, True), (False, False)]
    invariants.check(core.state)


def test_those_whose_slice_is_to_come_wait_on_for_one_who_is_back() -> None:
    """R25, R39."""
    core, now_ms = _centre_where_all_come_again()
    told = core.handle(i.Pause(request=RequestId("r"), agent=ANA, by=ANA, reason="lunch"), now_ms)
    told += core.handle(i.GetReady(request=RequestId("s"), agent=ANA, by=ANA), now_ms)
    while core.next_deadline_ms == now_ms:
        told += core.handle(i.PassTime(), now_ms)
    assert sum(isinstance(fact, f.PreferenceLapsed) for fact in told) == SLICE
    assert sum(call.named == ANA for call in core.state.calls.values()) == CALLERS - SLICE
    invariants.check(core.state)


def test_nobody_is_remembered_while_no_queue_asks_for_it() -> None:
    core = _centre(RouterSettings())
    now_ms = 10_000 * CALLERS
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", wrap_up_ms=0)), now_ms)
    assert not any(isinstance(fact, f.CallerRemembered) for fact in _speak(core, CALLERS, now_ms))


def test_what_is_remembered_is_in_the_facts() -> None:
    core, facts = Core(), list[f.Fact]()
    for asked in (
        i.OpenJournal("t", 1, "test"),
        i.ConfigureQueue(QueueSettings(SALES, "Sales", wrap_up_ms=0, last_agent_ms=20_000)),
        i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))),
        i.ServerReported(SERVER),
        i.LogIn(request=RequestId("r"), agent=ANA, by=ANA),
    ):
        facts += core.handle(asked, 0)
    line = Line(SERVER, ChannelId("c1"))
    facts += core.handle(i.CallArrived(line, SALES, Caller("5550001")), 0)
    (made,) = (fact for fact in facts if isinstance(fact, f.OfferMade))
    facts += core.handle(i.LegBridged(made.offer), 0)
    facts += core.handle(i.CallerLeft(line, hung_up=True), 9_000)
    assert fold(facts).last_agents.find("5550001", 10_000) == ANA
