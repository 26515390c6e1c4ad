"""The board: what somebody who watches wants to know, folded from facts."""

from acd.lab.view.board import CALLS_KEPT, Board, Step
from acd.lab.view.calls import steps_of
from acd.lab.view.fold import apply
from acd.model import AgentId, CallId, QueueId
from acd.router import facts as f
from acd.router.settings import AgentSettings
from tests.demo.told import Told, two_agents

ANA, BEN, SALES = AgentId("ana"), AgentId("ben"), QueueId("sales")


def _only_call(told: Told) -> list[Step]:
    (call,) = told.board.calls.values()
    return list(call.steps)


def _conversation(told: Told) -> None:
    told.say('call C1 arrives in sales from 555 "Whoever"')
    told.wait(2)
    told.say("ana's leg answers", "ana's leg is bridged")
    told.wait(30)
    told.say("caller C1 hangs up")


def test_call_is_told_step_by_step_from_arrival_to_wrap_up() -> None:
    told = two_agents()
    _conversation(told)
    told.wait(10)
    assert [(step.kind, step.agent, step.what) for step in _only_call(told)] == [
        ("arrived", "", ""),
        ("rings", "Ana", ""),
        ("answers", "Ana", ""),
        ("talks", "Ana", ""),
        ("ended", "Ana", "caller"),
        ("wraps up", "Ana", ""),
        ("done", "Ana", "time"),
    ]


def test_times_of_the_steps_are_those_of_the_facts() -> None:
    told = two_agents()
    _conversation(told)
    steps = _only_call(told)
    assert [step.at_ms - steps[0].at_ms for step in steps] == [0, 0, 2_000, 2_000, 32_000, 32_000]


def test_callers_are_called_as_the_address_book_has_them() -> None:
    told = two_agents()
    told.say('call C1 arrives in sales from 555 "Whoever"', 'call C2 arrives in sales from 777 "Zoe"')
    told.say("call C3 arrives in sales from 778", "call C4 arrives in sales")
    assert [call.who for call in told.board.calls.values()] == ["Bob", "Zoe", "778", "unknown"]


def test_agent_is_seen_through_a_call() -> None:
    told = two_agents()
    ana = told.board.agents[ANA]
    states = [ana.state]
    for sentence in ("call C1 arrives in sales", "ana's leg answers", "ana's leg is bridged", "caller C1 hangs up"):
        told.say(sentence)
        states.append(ana.state)
    told.wait(10)
    assert [*states, ana.state] == ["ready", "ringing", "ringing", "talking", "wrap-up", "ready"]
    assert ana.taken == 1


def test_time_of_a_state_begins_when_the_state_does() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales")
    began_ms = told.now_ms
    told.wait(3)
    told.say("ana's leg answers")
    assert told.board.agents[ANA].since_ms == began_ms


def test_wrap_up_knows_its_end() -> None:
    told = two_agents()
    _conversation(told)
    assert told.board.agents[ANA].until_ms == told.now_ms + 10_000


def test_decline_is_a_step_and_a_refusal_and_the_caller_waits_on() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "ana's leg ends: declined")
    assert [(step.kind, step.agent, step.what) for step in _only_call(told)][1:] == [
        ("rings", "Ana", ""),
        ("refused", "Ana", "declined"),
        ("rings", "Ben", ""),
    ]
    assert (told.board.offers, told.board.refusals) == (2, 1)
    assert told.board.agents[ANA].state == "ready"


def _shown(told: Told) -> str:
    (call,) = told.board.calls.values()
    return steps_of(call, told.now_ms, width=100).plain


def _rung_at_two() -> Told:
    told = two_agents()
    told.say("queue sales is configured: rung at 10", "call C1 arrives in sales")
    return told


def test_phones_that_ring_for_one_call_are_one_step_and_the_quickest_is_named() -> None:
    told = _rung_at_two()
    told.wait(2)
    assert _shown(told) == "arrived → Ana, Ben ring 2 s"
    told.say("ben's leg answers", "ben's leg is bridged")
    told.wait(3)
    assert _shown(told) == "arrived → Ana, Ben ring → Ben talks 3 s"
    assert (told.board.offers, told.board.refusals) == (2, 0)
    assert [agent.state for agent in told.board.agents.values()] == ["ready", "talking"]


def test_call_still_rings_at_others_when_one_declines() -> None:
    told = _rung_at_two()
    told.wait(1)
    told.say("ana's leg ends: declined")
    told.wait(2)
    assert _shown(told) == "arrived → Ana, Ben ring → Ana declined → Ben rings 2 s"
    told.say("ben's leg ends: declined")
    told.wait(1)
    assert _shown(told) == "arrived → Ana, Ben ring → Ana declined → declined → waits 1 s"


def test_phone_that_joins_is_shown_beside_the_one_that_rings() -> None:
    told = two_agents()
    told.say("queue sales is configured: rung at 10", "ben logs out", "call C1 arrives in sales")
    told.wait(1)
    told.say("ben logs in")
    told.rang("1002", 1_004.0)
    assert _shown(told) == "arrived → Ana rings → Ana, Ben ring 0 s"
    assert told.board.ring_median_ms is None


def test_first_of_several_phones_to_ring_gives_the_time() -> None:
    told = _rung_at_two()
    told.rang("1002", 4.2)
    told.rang("1001", 4.6)
    assert list(told.board.rang_after_ms) == [4.2]


def test_offer_that_the_caller_left_is_no_refusal() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "caller C1 hangs up")
    assert told.board.refusals == 0
    assert [step.kind for step in _only_call(told)] == ["arrived", "rings", "refused", "left"]


def test_agent_whose_phone_cannot_be_reached_rests() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "ana's leg ends: unreachable")
    assert told.board.agents[ANA].state == "resting"
    told.wait(10)
    assert told.board.agents[ANA].state == "ready"


def test_pause_has_its_reason_and_counts_as_not_ready() -> None:
    told = two_agents()
    told.say("ana pauses for lunch")
    assert (told.board.agents[ANA].state, told.board.agents[ANA].pause) == ("paused", "Lunch")
    assert told.board.ready_in(SALES) == 1


def test_what_comes_after_the_work_in_hand_is_shown_and_taken_back() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "ana pauses for lunch", "ana logs in")
    assert told.board.agents[ANA].to_come == {SALES: "Lunch"}, "logging in takes no pause back"
    told.say("ana logs out")
    assert told.board.agents[ANA].to_come == {SALES: "off"}
    told.say("ana logs in")
    assert not told.board.agents[ANA].to_come
    told.say("ana pauses for lunch", "ana's leg ends: declined")
    assert (told.board.agents[ANA].state, told.board.agents[ANA].to_come) == ("paused", {})


def test_direct_call_makes_an_agent_unavailable() -> None:
    told = two_agents()
    told.say("phone 1001 dials on D1")
    assert (told.board.agents[ANA].state, told.board.ready_in(SALES)) == ("direct call", 1)
    told.say("direct call D1 ends")
    assert told.board.agents[ANA].state == "ready"


def test_feature_code_is_told_from_a_call() -> None:
    told = two_agents()
    told.say("phone 1001 dials on D1", "direct call D1 serves a feature code")
    assert [direct.code for direct in told.board.direct.values()] == [True]


def test_who_logs_out_has_no_phone_of_the_house_any_more() -> None:
    told = two_agents()
    told.say("ana logs out")
    ana = told.board.agents[ANA]
    assert (ana.state, ana.at_phone, ana.phone) == ("logged out", None, "1001")


def test_waiting_counts_until_an_agent_is_reached() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "call C2 arrives in sales", "call C3 arrives in sales")
    queue = told.board.queues[SALES]
    assert len(queue.waiting) == 3
    told.say("ana's leg answers", "ana's leg is bridged")
    assert len(queue.waiting) == 2
    told.say("caller C3 hangs up")
    assert len(queue.waiting) == 1


def test_longest_wait_is_the_oldest_call_s() -> None:
    told = two_agents()
    began_ms = told.now_ms
    told.say("ana logs out", "ben logs out", "call C1 arrives in sales")
    told.wait(5)
    told.say("call C2 arrives in sales")
    assert told.board.queues[SALES].longest_since_ms == began_ms
    told.say("caller C1 hangs up")
    assert told.board.queues[SALES].longest_since_ms == began_ms + 5_000


def test_service_level_counts_those_who_were_answered_in_time() -> None:
    told = two_agents()
    told.say("ana logs out", "ben logs out")
    told.say("call C1 arrives in sales", "call C2 arrives in sales", "call C3 arrives in sales")
    told.wait(15)
    told.say("ana logs in", "ana's leg answers", "ana's leg is bridged")
    told.wait(10)
    told.say("ben logs in", "ben's leg answers", "ben's leg is bridged", "caller C3 hangs up")
    total = told.board.total
    assert (total.answered, total.in_time, total.gave_up, total.service_level) == (2, 1, 1, 1 / 3)
    assert total.average_wait_ms == 20_000
    assert told.board.queues[SALES].tally == total


def test_no_call_no_service_level() -> None:
    assert two_agents().board.total.service_level is None
    assert two_agents().board.total.average_wait_ms is None


def test_call_of_a_lost_server_is_given_back_and_not_given_up() -> None:
    told = two_agents()
    told.say("ana logs out", "ben logs out", "call C1 arrives in sales", "the link to a is lost")
    told.wait(60)
    assert (told.board.total.returned, told.board.total.gave_up) == (1, 0)
    assert _only_call(told)[-1].what == "server"


def test_time_to_ring_is_taken_where_an_agent_was_ready() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales")
    told.rang("1001", 4.2)
    assert told.board.ring_median_ms == 4.2
    assert [call.rang_after_ms for call in told.board.calls.values()] == [4.2]


def test_time_to_ring_of_a_caller_who_had_to_wait_says_nothing() -> None:
    told = two_agents()
    told.say("ana logs out", "ben logs out", "call C1 arrives in sales")
    told.wait(1)
    told.say("ana logs in")
    told.rang("1001", 1_004.0)
    assert told.board.ring_median_ms is None


def test_second_offer_says_nothing_either() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales", "ana's leg ends: busy")
    told.rang("1002", 9.0)
    assert told.board.ring_median_ms is None


def test_conversation_is_heard_when_both_sides_hear_each_other() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555", "ana's leg answers", "ana's leg is bridged")
    told.heard("1001")
    assert (told.board.listened, told.board.heard) == (0, 0)
    told.heard("555")
    assert (told.board.listened, told.board.heard) == (1, 1)


def test_silence_on_one_side_is_seen() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555", "ana's leg answers", "ana's leg is bridged")
    told.heard("1001")
    told.heard("555", good=False)
    assert (told.board.listened, told.board.heard) == (1, 0)


def test_what_an_idle_phone_hears_is_nothing() -> None:
    told = two_agents()
    told.heard("1001")
    told.heard("555")
    told.rang("1009", 1.0)
    assert told.board == two_agents().board


def test_calls_that_are_over_are_forgotten_in_time_and_others_never() -> None:
    told = two_agents()
    told.say("call C0 arrives in sales from 555")
    first = next(iter(told.board.calls))
    for number in range(1, CALLS_KEPT + 20):
        told.say(f"call C{number} arrives in sales", f"caller C{number} hangs up")
    assert len(told.board.calls) == CALLS_KEPT
    assert first in told.board.calls


def test_facts_about_strangers_change_nothing() -> None:
    """Somebody may begin to watch in the middle of a day."""
    board, call = Board(), CallId("t-1")
    for fact in (
        f.AgentBecameReady(5, ANA, (SALES,), "ana"),
        f.WrapUpEnded(5, ANA, call, SALES, "time"),
        f.CallAbandoned(5, call, SALES, 100),
        f.QueueRemoved(5, SALES),
        f.AgentRested(5, ANA),
        f.AgentRetired(5, ANA),
    ):
        apply(board, 1, fact)
    assert (board.agents, board.queues, board.calls) == ({}, {}, {})


def test_same_facts_same_board() -> None:
    told = two_agents()
    _conversation(told)
    again = Board(told.board.names)
    for number, fact in enumerate(told.book.facts, 1):
        apply(again, number, fact)
    assert again == told.board


def test_agent_with_a_new_name_is_shown_by_it() -> None:
    told = two_agents()
    apply(told.board, 99, f.AgentConfigured(told.now_ms, AgentSettings(BEN, "Benedict", None, (SALES,))))
    assert told.board.name_of(BEN) == "Benedict"
