"""Large effects go in slices by count: no turn is long, and none is lost (docs/routing.md R25)."""

from itertools import pairwise

import pytest
from msgspec import structs

from acd.core import Core, Fact, fold
from acd.guard import invariants
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId, Skill
from acd.router import calls, servers
from acd.router import inputs as i
from acd.router.facts import CallReturned, LeavingBegan, OfferMade, QueueRemoved, QueueUnordered, ServerWentQuiet
from acd.router.settings import (
    AgentSettings,
    Announcements,
    Destination,
    Ends,
    NextQueue,
    PauseReason,
    QueueSettings,
    RouterSettings,
)
from acd.router.state import REFUSALS_KEPT
from acd.router.turn import SLICE
from tests.router.due import due_turns

MANY = 5 * SLICE
SALES, NIGHT = QueueId("sales"), QueueId("night")
ANA = AgentId("ana")
SERVER = ServerId("a")
LONGEST_TURN = 8 * SLICE
"""A slice of offers and one of calls, each with what follows from it."""


@pytest.fixture
def core() -> Core:
    """Many calls, half as many agents: so half of the calls ring and half wait."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", wrap_up_ms=0, max_wait_ms=60_000)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    core.handle(i.PassTime(), 0)
    for number in range(MANY // 2):
        agent = AgentId(f"agent-{number}")
        core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
    for number in range(MANY):
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller()), 0)
    return core


def _check_turns(core: Core, now_ms: int, least: int) -> None:
    """There are several turns, none is long, and afterwards all is well."""
    turns = list(due_turns(core, now_ms))
    assert len(turns) >= least, f"{len(turns)} turns of {[len(facts) for facts in turns]} facts"
    assert max((len(facts) for facts in turns), default=0) <= LONGEST_TURN
    invariants.check(core.state)


def test_many_deadlines_of_one_instant_are_taken_in_slices(core: Core) -> None:
    _check_turns(core, 15_000, least=MANY // 2 // SLICE)


def test_all_waits_that_end_at_once_are_taken_in_slices(core: Core) -> None:
    _check_turns(core, 60_000, least=MANY // SLICE)
    assert not core.state.calls


def test_calls_of_a_lost_server_are_let_go_in_slices(core: Core) -> None:
    core.handle(i.ConfigureRouter(RouterSettings(server_lost_after_ms=1_000)), 0)
    core.handle(i.LinkLost(SERVER), 0)
    _check_turns(core, 1_000, least=MANY // SLICE)
    assert not core.state.calls


def test_calls_that_a_report_does_not_name_are_let_go_in_slices(core: Core) -> None:
    core.handle(i.LinkLost(SERVER), 0)
    core.handle(i.ServerReported(SERVER), 10)
    _check_turns(core, 10, least=MANY // SLICE)
    assert not core.state.calls


def test_link_that_is_new_before_the_report_of_the_last_one_is_settled_counts_as_lost(core: Core) -> None:
    """R21. What that report did not name may be heard of in the next one: nothing more is concluded of it."""
    core.handle(i.LinkLost(SERVER), 0)
    core.handle(i.ServerReported(SERVER), 10)
    core.handle(i.PassTime(), 10)
    left = len(core.state.calls)
    assert left
    facts = core.handle(i.ServerReported(SERVER, first=True, last=False), 11)
    assert any(isinstance(fact, ServerWentQuiet) for fact in facts)
    _check_turns(core, 11, least=0)
    assert len(core.state.calls) >= left - SLICE


def test_retired_queue_is_emptied_in_slices(core: Core) -> None:
    core.handle(i.RetireQueue(SALES), 0)
    _check_turns(core, 0, least=MANY // 2 // SLICE)
    assert len(core.state.calls) == MANY // 2
    assert not core.state.queues[SALES].members


def test_calls_that_name_an_agent_who_leaves_are_anyones_in_slices() -> None:
    """R33: also where another takes over between two slices."""
    asked: list[i.Input] = [i.OpenJournal("t", 1, "test"), i.ConfigureQueue(QueueSettings(SALES, "Sales"))]
    asked.append(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))))
    asked.append(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA))
    lines = [Line(SERVER, ChannelId(f"c{number}")) for number in range(MANY)]
    asked += [i.CallArrived(line, SALES, Caller(), named=ANA) for line in lines]
    asked.append(i.LogOut(request=RequestId("r"), agent=ANA, by=ANA))
    core = Core()
    facts = [fact for each in asked for fact in core.handle(each, 0)]
    successor = Core(fold(facts))
    assert list(due_turns(successor, 0)) == list(due_turns(Core(fold(facts)), 0))
    assert not successor.state.queues[SALES].waiting.named
    assert core.state.queues[SALES].waiting.named, "a slice was let go, not all"
    _check_turns(core, 0, least=MANY // SLICE - 1)
    assert not core.state.queues[SALES].waiting.named


def test_call_whose_wait_is_over_is_offered_to_nobody_though_its_slice_is_to_come() -> None:
    """R19, R25."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", max_wait_ms=1_000)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))), 0)
    for number in range(MANY):
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller()), 0)
    facts = core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 1_000)
    facts += [fact for turn in due_turns(core, 1_000) for fact in turn]
    assert not any(isinstance(fact, OfferMade) for fact in facts)
    assert not core.state.calls
    invariants.check(core.state)


def _wait_in_sales(ends: Ends) -> Core:
    """Many calls wait in one queue, the last agent of which is on the telephone, and about to log out."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ServerReported(SERVER), 0)
    core.handle(i.PhoneInUse(Phone("1"), Line(SERVER, ChannelId("direct")), "out"), 0)
    for settings in (QueueSettings(SALES, "Sales", ends=ends), QueueSettings(NIGHT, "Night")):
        core.handle(i.ConfigureQueue(settings), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES,))), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    for number in range(MANY):
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller()), 0)
    return core


def test_callers_of_a_queue_that_nobody_serves_any_more_leave_in_slices() -> None:
    """R51."""
    core = _wait_in_sales(Ends(no_agents=Destination("voicemail", "600"), leaving=("no-agents",)))
    core.handle(i.LogOut(request=RequestId("r"), agent=ANA, by=ANA), 0)
    _check_turns(core, 0, least=MANY // SLICE)
    assert not core.state.calls


def test_callers_of_a_queue_that_closes_go_to_the_next_in_slices() -> None:
    """R51, R52."""
    core = _wait_in_sales(Ends(closed=NextQueue(NIGHT), leaving=("closed",)))
    core.handle(i.CloseQueue(SALES), 0)
    _check_turns(core, 0, least=MANY // SLICE)
    assert core.state.queues[NIGHT].length == MANY


def test_queue_that_opens_again_keeps_who_has_not_left_yet() -> None:
    """R51."""
    core = _wait_in_sales(Ends(closed=NextQueue(NIGHT), leaving=("closed",)))
    core.handle(i.CloseQueue(SALES), 0)
    core.handle(i.OpenQueue(SALES), 0)
    _check_turns(core, 0, least=0)
    assert 0 < core.state.queues[NIGHT].length < MANY
    assert core.state.queues[SALES].length + core.state.queues[NIGHT].length == MANY


def test_agent_who_is_free_while_callers_leave_is_offered_nobody_until_the_queue_opens_again() -> None:
    """R51, R1."""
    core = _wait_in_sales(Ends(closed=NextQueue(NIGHT), leaving=("closed",)))
    facts = core.handle(i.CloseQueue(SALES), 0)
    facts += core.handle(i.PhoneReleased(Line(SERVER, ChannelId("direct"))), 0)
    assert 0 < core.state.queues[SALES].length < MANY, "a slice left, not all"
    assert not any(isinstance(fact, OfferMade) for fact in facts)
    core.handle(i.OpenQueue(SALES), 0)
    first = core.state.queues[SALES].waiting.rows[0][0][2].first.call
    offered = [fact.call for turn in due_turns(core, 0) for fact in turn if isinstance(fact, OfferMade)]
    assert offered == [first]
    invariants.check(core.state)


def test_server_that_comes_back_while_it_is_given_up_is_up(core: Core) -> None:
    core.handle(i.ConfigureRouter(RouterSettings(server_lost_after_ms=1_000)), 0)
    core.handle(i.LinkLost(SERVER), 0)
    core.handle(i.PassTime(), 1_000)
    callers = tuple(i.SeenCaller(line.channel, "waiting") for line in core.state.call_on)
    core.handle(i.ServerReported(SERVER, callers=callers), 1_000)
    left = len(core.state.calls)
    assert 0 < left < MANY
    _check_turns(core, 1_000, least=1)
    assert core.state.servers[SERVER].up
    assert len(core.state.calls) == left


def test_call_that_arrives_while_its_server_is_given_up_is_not_kept_for_ever(core: Core) -> None:
    core.handle(i.ConfigureRouter(RouterSettings(server_lost_after_ms=1_000)), 0)
    core.handle(i.LinkLost(SERVER), 0)
    core.handle(i.PassTime(), 1_000)
    core.handle(i.CallArrived(Line(SERVER, ChannelId("late")), SALES, Caller()), 1_000)
    _check_turns(core, 1_000, least=1)
    assert [call.line.channel for call in core.state.calls.values()] == ["late"]
    _check_turns(core, 2_000, least=1)
    assert not core.state.calls


def test_time_that_goes_back_is_a_broken_invariant(core: Core) -> None:
    core.handle(i.CallArrived(Line(SERVER, ChannelId("x")), SALES, Caller()), 10)
    with pytest.raises(AssertionError, match="time went back from 10 to 9"):
        core.handle(i.PassTime(), 9)


def test_journal_is_opened_once(core: Core) -> None:
    with pytest.raises(AssertionError, match="a journal is opened once"):
        core.handle(i.OpenJournal("t", 1, "test"), 0)


def _everybody_waits_for_the_report() -> tuple[Core, list[Fact]]:
    """As many calls as agents, and a server that is quiet; with all facts so far."""
    core, facts = Core(), list[Fact]()
    core_inputs: list[i.Input] = [i.OpenJournal("t", 1, "test"), i.ConfigureQueue(QueueSettings(SALES, "Sales"))]
    for number in range(MANY):
        agent = AgentId(f"agent-{number}")
        core_inputs.append(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))))
        core_inputs.append(i.LogIn(request=RequestId("r"), agent=agent, by=agent))
        core_inputs.append(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller()))
    for asked in core_inputs:
        facts += core.handle(asked, 0)
    return core, facts


def test_offers_to_all_who_waited_for_a_report_are_made_in_slices() -> None:
    core, _ = _everybody_waits_for_the_report()
    core.handle(i.ServerReported(SERVER), 1)
    _check_turns(core, 1, least=MANY // SLICE)
    assert len(core.state.offers) == MANY


def test_one_turn_makes_25_offers() -> None:
    core, _ = _everybody_waits_for_the_report()
    core.handle(i.ServerReported(SERVER), 1)
    made = [sum(isinstance(fact, OfferMade) for fact in turn) for turn in due_turns(core, 1)]
    assert [count for count in made if count] == [25] * (MANY // 25)


def _somebody_waits_in_each_queue(required: tuple[Skill, ...] = ()) -> Core:
    """Of many queues, on a server that has not reported yet; Ana is ready in all of them."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    queues = tuple(QueueId(f"queue-{number}") for number in range(MANY))
    for number, queue in enumerate(queues):
        core.handle(i.ConfigureQueue(QueueSettings(queue, "Queue")), 0)
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), queue, Caller(), required=required), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), queues)), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    return core


EVERYBODY = tuple(i.SeenCaller(ChannelId(f"c{number}"), "waiting") for number in range(MANY))


def test_after_a_report_all_queues_are_looked_at_in_slices_and_nobody_is_offered_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R21, R25. The last queues are retired, and the last of the others is closed: who waits there leaves before."""
    monkeypatch.setattr(servers, "QUEUES_SLICE", SLICE)
    core = _somebody_waits_in_each_queue()
    *_, closed = kept = list(core.state.queues)[:-SLICE]
    core.handle(i.ConfigureQueue(QueueSettings(closed, "Queue", ends=Ends(leaving=("closed",)))), 0)
    core.handle(i.CloseQueue(closed), 0)
    for queue in list(core.state.queues)[-SLICE:]:
        core.handle(i.RetireQueue(queue), 0)
    list(due_turns(core, 0))
    core.handle(i.ServerReported(SERVER, EVERYBODY), 1)
    turns = [[type(fact) for fact in turn] for turn in due_turns(core, 1)]
    assert [LeavingBegan in said for said in turns].index(True) == MANY // SLICE - 2
    said = [type_ for turn in turns for type_ in turn]
    assert said.count(CallReturned) == SLICE + 1
    assert CallReturned not in said[said.index(OfferMade) :]
    assert list(core.state.queues) == kept
    assert len(core.state.calls) == len(kept) - 1
    invariants.check(core.state)


def test_who_has_to_leave_is_looked_for_in_slices_and_nobody_is_offered_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """R25, R51. After the report there may be somebody in each of the queues."""
    monkeypatch.setattr(calls, "LIMITS_SLICE", 10)
    core = _somebody_waits_in_each_queue()
    core.handle(i.ServerReported(SERVER, EVERYBODY), 1)
    list(due_turns(core, 0))
    left, offered = [], []
    for turn in due_turns(core, 1):
        left.append(len(core.state.news.limits))
        offered.append(any(isinstance(fact, OfferMade) for fact in turn))
    assert max(left) >= MANY - 10
    assert all(before - after <= 10 for before, after in pairwise(left[left.index(max(left)) :]))
    assert offered.index(True) >= left.index(0)


def test_positions_among_many_groups_are_told_in_smaller_slices() -> None:
    """R25, R56. All are due at once, and each is found among 320 groups."""
    told = Announcements(1_000, None, position=True, estimated_wait=True)
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", announcements=told)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    for number in range(320):
        asked = (Skill(f"w{number % 16}", 1),)
        line = Line(SERVER, ChannelId(f"c{number}"))
        core.handle(i.CallArrived(line, SALES, Caller(), number // 16 - 10, required=asked), 0)
    assert len(core.state.queues[SALES].waiting.groups) == 320
    made = [len(facts) for facts in due_turns(core, 1_000)]
    assert sum(made) == 320
    assert max(made) <= -(-SLICE // (1 + 320 // 64))


def test_core_that_takes_over_before_all_queues_were_looked_at_looks_at_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """R21, R18: the facts do not say at which queues it has been looked."""
    monkeypatch.setattr(servers, "QUEUES_SLICE", SLICE)
    core, facts = Core(), list[Fact]()
    asked: list[i.Input] = [i.OpenJournal("t", 1, "test")]
    for number, queue in enumerate(QueueId(f"queue-{number}") for number in range(MANY)):
        asked.append(i.ConfigureQueue(QueueSettings(queue, "Queue")))
        asked.append(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), queue, Caller()))
        asked += [i.RetireQueue(queue), i.PassTime()]
    for each in (*asked, i.ServerReported(SERVER, EVERYBODY), i.PassTime()):
        facts += core.handle(each, 0)
    assert 0 < len(core.state.calls) < MANY
    successor = Core(fold(facts))
    for either in (core, successor):
        list(due_turns(either, 0))
        assert not either.state.queues
        invariants.check(either.state)


def test_queues_in_which_anything_may_have_changed_are_looked_at_in_slices() -> None:
    core = _somebody_waits_in_each_queue(required=(Skill("german", 1),))
    core.handle(i.ServerReported(SERVER, EVERYBODY), 0)
    core.handle(i.PassTime(), 0)
    assert 0 < len(core.state.news.queues) < MANY
    _check_turns(core, 0, least=1)
    assert not core.state.news


def test_agents_are_put_in_order_anew_in_that_queue_alone() -> None:
    """R38. Of agents in many queues it would be all of them, for each of them."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    for queue in (SALES, NIGHT):
        core.handle(i.ConfigureQueue(QueueSettings(queue, "Queue", strategy="fewest-calls-today")), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), (SALES, NIGHT))), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Queue", strategy="round-robin")), 0)
    while core.state.queues[SALES].unordered:
        assert list(core.state.agents[ANA].listed) == [SALES, NIGHT]
        core.handle(i.PassTime(), 0)
        assert not core.state.news.agents
    invariants.check(core.state)


def test_agents_who_become_free_at_once_are_looked_at_in_slices() -> None:
    """All have refused so many calls that nothing was offered to them any more, until one of the callers hangs up."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureRouter(RouterSettings(misses_before_pause=None)), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", ring_at_most=MANY)), 0)
    core.handle(i.ServerReported(SERVER), 0)
    for number in range(MANY):
        agent = AgentId(f"agent-{number}")
        core.handle(i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), (SALES,))), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
    lines = [Line(SERVER, ChannelId(f"c{number}")) for number in range(REFUSALS_KEPT)]
    for line in lines:
        core.handle(i.CallArrived(line, SALES, Caller()), 0)
        list(due_turns(core, 0))
        assert len(core.state.offers) == MANY
        for offer in list(core.state.offers):
            core.handle(i.LegEnded(offer, "declined"), 0)
    core.handle(i.CallerLeft(lines[0], hung_up=True), 0)
    assert 0 < len(core.state.news.agents) < MANY
    _check_turns(core, 0, least=1)
    assert not core.state.news


def test_core_that_takes_over_between_two_slices_goes_on_alike() -> None:
    core, facts = _everybody_waits_for_the_report()
    facts += core.handle(i.ServerReported(SERVER), 1)
    facts += core.handle(i.PassTime(), 1)
    assert 0 < len(core.state.offers) < MANY
    successor = Core(fold(facts))
    assert list(due_turns(successor, 1)) == list(due_turns(core, 1))


def test_queue_that_comes_back_before_it_is_emptied_serves_who_is_left(core: Core) -> None:
    last = list(core.state.offers.values())[-1]
    core.handle(i.RetireQueue(SALES), 0)
    facts = core.handle(i.CallerLeft(last.line, hung_up=True), 0)
    assert not any(isinstance(fact, OfferMade) for fact in facts)
    facts = core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales again")), 0)
    assert [fact.agent for fact in facts if isinstance(fact, OfferMade)] == [last.agent]
    _check_turns(core, 0, least=0)


def test_queues_that_closed_while_their_server_was_quiet_let_their_callers_go_in_slices() -> None:
    """R51, R21: and nobody is offered meanwhile."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ServerReported(SERVER), 0)
    queues = [QueueId(f"q{number}") for number in range(MANY)]
    for number, queue in enumerate(queues):
        core.handle(i.ConfigureQueue(QueueSettings(queue, "Q", ends=Ends(leaving=("closed",)))), 0)
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), queue, Caller()), 0)
    core.handle(i.ConfigureAgent(AgentSettings(ANA, "Ana", Phone("1"), tuple(queues))), 0)
    core.handle(i.LinkLost(SERVER), 0)
    core.handle(i.LogIn(request=RequestId("r"), agent=ANA, by=ANA), 0)
    for queue in queues:
        core.handle(i.CloseQueue(queue), 0)
    callers = tuple(i.SeenCaller(ChannelId(f"c{number}"), "waiting") for number in range(MANY))
    turns = [core.handle(i.ServerReported(SERVER, callers), 1), *due_turns(core, 1)]
    assert max(sum(isinstance(fact, LeavingBegan) for fact in turn) for turn in turns) <= SLICE
    assert not any(isinstance(fact, OfferMade) for turn in turns for fact in turn)
    assert not core.state.calls
    invariants.check(core.state)


def test_agents_of_a_queue_are_put_in_order_anew_in_slices(core: Core) -> None:
    """R38. Of many agents one fact tells; still there are so many in a turn, and no more."""
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", strategy="round-robin")), 0)
    left = len(core.state.queues[SALES].unordered)
    while left:
        core.handle(i.PassTime(), 0)
        assert left - len(core.state.queues[SALES].unordered) == min(left, SLICE)
        left = len(core.state.queues[SALES].unordered)
    _check_turns(core, 0, least=0)


def test_call_that_comes_while_agents_are_put_in_order_anew_is_offered_when_all_are() -> None:
    """R38. The last of them are paused: whoever comes first was in order long before."""
    core = Core()
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureRouter(RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),))), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales")), 0)
    core.handle(i.ServerReported(SERVER), 0)
    agents = [AgentId(f"agent-{number}") for number in range(MANY)]
    for number, agent in enumerate(agents):
        settings = AgentSettings(agent, agent, Phone(str(number)), (SALES,), order=MANY - number)
        core.handle(i.ConfigureAgent(settings), 0)
        core.handle(i.LogIn(request=RequestId("r"), agent=agent, by=agent), 0)
    for agent in agents[-SLICE:]:
        core.handle(i.Pause(request=RequestId("r"), agent=agent, by=agent, reason="lunch"), 0)
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", strategy="linear")), 0)
    facts = core.handle(i.CallArrived(Line(SERVER, ChannelId("c")), SALES, Caller()), 0)
    assert core.state.queues[SALES].unordered, "a slice was put in order, not all"
    assert not any(isinstance(fact, OfferMade) for fact in facts)
    offered = [fact.agent for turn in due_turns(core, 0) for fact in turn if isinstance(fact, OfferMade)]
    assert offered == [agents[-SLICE - 1]]
    invariants.check(core.state)


def test_agent_who_leaves_a_queue_that_is_put_in_order_anew_is_not_waited_for(core: Core) -> None:
    """R38."""
    core.handle(i.ConfigureQueue(QueueSettings(SALES, "Sales", strategy="round-robin")), 0)
    last = next(reversed(core.state.queues[SALES].unordered))
    settings = core.state.agents[last].settings
    core.handle(i.ConfigureAgent(structs.replace(settings, queues=())), 0)
    unordered = core.state.queues[SALES].unordered
    assert unordered, "a slice was put in order, not all"
    assert last not in unordered
    _check_turns(core, 0, least=1)
    assert not core.state.queues[SALES].unordered


def test_queue_that_is_removed_at_midnight_keeps_no_other_from_being_counted_anew(core: Core) -> None:
    """R32, R18: the day begins while the agents of a retired queue are still logged out, slice by slice."""
    for queue in (SALES, NIGHT):
        core.handle(i.ConfigureQueue(QueueSettings(queue, "Queue", strategy="fewest-calls-today")), 0)
    list(due_turns(core, 0))
    for call in list(core.state.calls.values()):
        core.handle(i.CallerLeft(call.line, hung_up=True), 0)
    core.handle(i.RetireQueue(SALES), 0)
    core.handle(i.BeginDay(), 0)
    assert list(core.state.recount) == [SALES, NIGHT]
    said = [type(fact) for facts in due_turns(core, 0) for fact in facts]
    assert said.index(QueueRemoved) < said.index(QueueUnordered)
    assert not core.state.recount
    invariants.check(core.state)


def test_second_day_that_begins_before_the_first_was_counted_waits_for_no_queue_of_the_first() -> None:
    """R32, R25: so many waits end at that moment that the days follow each other, and by the second of them no queue
    chooses by what agents did."""
    core = Core()
    by_the_day = QueueSettings(SALES, "Sales", strategy="fewest-calls-today", max_wait_ms=1_000)
    core.handle(i.OpenJournal("t", 1, "test"), 0)
    core.handle(i.ConfigureQueue(by_the_day), 0)
    core.handle(i.ServerReported(SERVER), 0)
    for number in range(MANY):
        core.handle(i.CallArrived(Line(SERVER, ChannelId(f"c{number}")), SALES, Caller()), 0)
    core.handle(i.BeginDay(), 1_000)
    core.handle(i.ConfigureQueue(structs.replace(by_the_day, strategy="longest-idle")), 1_000)
    assert core.state.recount
    core.handle(i.BeginDay(), 1_000)
    assert core.state.queues[SALES].calls, "a slice of the waits was over, not all"
    _check_turns(core, 1_000, least=1)
    assert not core.state.recount
