"""The watchers themselves: a core that is broken by hand does not pass them."""

from collections.abc import Callable

import pytest

from acd.guard import invariants
from acd.guard.ledger import Ledger
from acd.model import AgentId, CallId, OfferId, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router.ready import AgentKey, ClassKey, IdlePlace
from acd.router.settings import Ends, Lasting, QueueSettings, Standing
from acd.router.state import InQueue, Limit, Postponed, State
from acd.router.states import Membership, Work
from acd.router.waiting import FIRST, WaitingCalls
from acd.testing.playbook import Playbook

ANA, BEN, SALES, A = AgentId("ana"), AgentId("ben"), QueueId("sales"), ServerId("a")


def _book(check_every: int = 1) -> Playbook:
    """Ana rings for C1, C2 waits, Ben is paused."""
    book = Playbook(check_every=check_every)
    for sentence in (
        "the router is configured: reasons lunch",
        "queue sales is configured: longest wait 60 s",
        "agent ana is configured: phone 1001, queues sales",
        "agent ben is configured: phone 1002, queues sales",
        "server a reports: nothing",
        "ana logs in",
        "ben logs in",
        "ben pauses for lunch",
        "call C1 arrives in sales",
        "call C2 arrives in sales",
    ):
        book.say(sentence)
    return book


def _waiting(state: State) -> CallId:
    return next(id_ for id_, call in state.calls.items() if not call.offers)


def _ringing(state: State) -> OfferId:
    return next(iter(state.offers))


def _two_offers(state: State) -> None:
    offer = state.offers[_ringing(state)]
    state.offers[OfferId("second")] = offer


def _no_offer(state: State) -> None:
    state.agents[ANA].offer = None


def _call_twice(state: State) -> None:
    call = state.calls[state.offers[_ringing(state)].call]
    state.queues[SALES].waiting.add(call.place, (A, 0, call.profile, None))


def _call_nowhere(state: State) -> None:
    state.take_from_line(state.calls[_waiting(state)])


def _wrong_count(state: State) -> None:
    state.queues[SALES].length += 1


def _idle_beside_waiting(state: State) -> None:
    state.agents[BEN].queues[SALES] = InQueue(Standing(SALES), state.queues[SALES], Membership.READY)


def _not_looked_at(state: State) -> None:
    state.news.queues[SALES] = None


def _listed_though_paused(state: State) -> None:
    ben = state.agents[BEN]
    state.queues[SALES].ready.add(ClassKey(1, ben.skills), AgentKey(0, ben.free.free_since_ms, ben.free.number, BEN))


def _no_member(state: State) -> None:
    del state.queues[SALES].members[BEN]


def _phone_of_nobody(state: State) -> None:
    state.agent_at[Phone("1009")] = ANA


def _line_forgotten(state: State) -> None:
    state.call_on.clear()


def _one_sided_refusal(state: State) -> None:
    state.agents[BEN].refusals[_waiting(state)] = None


def _channel_unknown(state: State) -> None:
    channels = state.servers[A].channels
    channels.drop(next(iter(channels.names)))


def _overdue_on_a_live_server(state: State) -> None:
    state.calls[_waiting(state)].overdue = True


def _ring_without_end(state: State) -> None:
    state.deadlines.drop("ring", _ringing(state))


def _wait_without_end(state: State) -> None:
    state.deadlines.drop("give-up", _waiting(state))


def _deadline_without_reason(state: State) -> None:
    state.deadlines.set(10**9, "wrap-up", BEN)


def _work_without_offer(state: State) -> None:
    state.agents[BEN].work = Work.TALKING


def _retired_and_idle(state: State) -> None:
    state.agents[BEN].retired = True


def _logged_in_without_phone(state: State) -> None:
    state.agents[BEN].phone = None


def _pending_for_nothing(state: State) -> None:
    state.agents[BEN].queues[SALES].pending = Postponed("log out", None, "ben")


def _limit_of_no_pause(state: State) -> None:
    state.agents[ANA].limits["lunch"] = Limit(10**9, "ready")
    state.deadlines.set(10**9, "pause", ANA, "lunch")


def _limit_without_end(state: State) -> None:
    state.agents[BEN].limits["lunch"] = Limit(10**9, "ready")


def _limit_that_waits_for_no_work(state: State) -> None:
    state.agents[BEN].limits["lunch"] = Limit(None, "ready", lasts_ms=1_000)


def _limit_of_no_length(state: State) -> None:
    state.agents[BEN].limits["lunch"] = Limit(None, "ready")


def _ready_and_owing(state: State) -> None:
    state.agents[ANA].owes[CallId("over")] = SALES


def _owing_a_call_that_goes_on(state: State) -> None:
    state.agents[BEN].owes[_waiting(state)] = SALES


def _owing_without_end(state: State) -> None:
    state.agents[BEN].owes.update((CallId(f"over-{number}"), SALES) for number in range(invariants.MOST_CHATS + 2))


def _joined_though_assigned(state: State) -> None:
    state.agents[BEN].queues[SALES].joined = True


def _pause_for_no_reason_pending(state: State) -> None:
    state.agents[ANA].queues[SALES].pending = Postponed("pause", None, "ana")


@pytest.mark.parametrize(
    "break_it",
    [
        _two_offers,
        _no_offer,
        _call_twice,
        _call_nowhere,
        _wrong_count,
        _idle_beside_waiting,
        _not_looked_at,
        _listed_though_paused,
        _no_member,
        _phone_of_nobody,
        _line_forgotten,
        _one_sided_refusal,
        _channel_unknown,
        _overdue_on_a_live_server,
        _ring_without_end,
        _wait_without_end,
        _deadline_without_reason,
        _work_without_offer,
        _retired_and_idle,
        _logged_in_without_phone,
        _pending_for_nothing,
        _pause_for_no_reason_pending,
        _limit_of_no_pause,
        _limit_without_end,
        _limit_that_waits_for_no_work,
        _limit_of_no_length,
        _ready_and_owing,
        _owing_a_call_that_goes_on,
        _owing_without_end,
        _joined_though_assigned,
    ],
)
def test_broken_state_is_found(break_it: Callable[[State], None]) -> None:
    book = _book()
    break_it(book.state)
    with pytest.raises(AssertionError):
        invariants.check(book.state)


def _row_forgotten(waiting: WaitingCalls) -> None:
    waiting.rows.clear()


def _row_out_of_order(waiting: WaitingCalls) -> None:
    waiting.rows[0].reverse()


def _row_kept_empty(waiting: WaitingCalls) -> None:
    waiting.rows[5] = []


def _named_row_forgotten(waiting: WaitingCalls) -> None:
    waiting.named_rows.clear()


def _named_row_of_another_priority(waiting: WaitingCalls) -> None:
    waiting.named_rows[1] = waiting.named_rows.pop(0)


def _named_row_by_another_age(waiting: WaitingCalls) -> None:
    ((since_ms, number, group),) = waiting.named_rows[0]
    waiting.named_rows[0] = [(since_ms + 1, number, group)]


def _named_in_the_row_for_anyone(waiting: WaitingCalls) -> None:
    waiting.rows[0].extend(waiting.named_rows.pop(0))


def _packed_before_the_last_change(waiting: WaitingCalls) -> None:
    waiting.packed = FIRST.pack(0, 0, 1, 0)


def _packed_without_a_row(waiting: WaitingCalls) -> None:
    waiting.packed = b""


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (_row_forgotten, "queue sales: rows {}, there are"),
        (_row_out_of_order, "queue sales: rows {0: .*, there are"),
        (_row_kept_empty, "queue sales: rows {0: .*, 5: \\[\\]}, there are"),
        (_named_row_forgotten, "queue sales: rows {}, there are"),
        (_named_row_of_another_priority, "queue sales: rows {1: .*, there are {0: "),
        (_named_row_by_another_age, "stand where their first calls do not"),
        (_named_in_the_row_for_anyone, "queue sales: rows {0: .*, there are"),
        (_packed_before_the_last_change, r"queue sales: packed is \[\(0, 0, 1, 0\)\], first are"),
        (_packed_without_a_row, r"queue sales: packed is \[\], first are"),
    ],
)
def test_broken_row_is_found(break_it: Callable[[WaitingCalls], None], complaint: str) -> None:
    """Two groups wait for anyone, and one call for Ana alone, aside from them."""
    book = _book()
    book.say("call C3 arrives in sales, asking for ~german")
    book.say("call C4 arrives in sales, asking for @ana")
    break_it(book.state.queues[SALES].waiting)
    with pytest.raises(AssertionError, match=complaint):
        invariants.check(book.state)


def test_state_that_the_facts_do_not_give_is_found() -> None:
    book = _book()
    book.state.seed += 1
    with pytest.raises(AssertionError, match=r"applying the facts gives another state: .*seed 1.*seed 2"):
        book.finish()


def test_offer_to_another_than_the_best_is_found() -> None:
    book = _book(check_every=1_000)
    ben = book.state.agents[BEN]
    ben.free = IdlePlace(0, ben.free.number)  # the core now believes that Ben has been idle longest
    book.say("caller C2 hangs up")
    book.say("caller C1 hangs up")
    book.say("ben gets ready")
    with pytest.raises(AssertionError, match="should have been chosen, not OfferMade"):
        book.say("call C3 arrives in sales")


def _made(offer: str, call: str, agent: AgentId) -> f.OfferMade:
    line = next(iter(_book().state.call_on))
    caller = _book().state.calls[_waiting(_book().state)].caller
    return f.OfferMade(2, OfferId(offer), CallId(call), agent, SALES, "Sales", line, Phone("1"), caller, 9)


def _queued(call: str) -> f.CallQueued:
    made = _made("o", call, ANA)
    return f.CallQueued(1, CallId(call), made.line, SALES, made.caller, 0, 1, None)


def _accepted(offer: str, call: str, agent: AgentId) -> f.OfferAccepted:
    return f.OfferAccepted(3, OfferId(offer), CallId(call), agent, _made(offer, call, agent).line, 9)


def _announced(call: str) -> f.AnnouncementMade:
    return f.AnnouncementMade(3, CallId(call), _made("o", call, ANA).line, SALES, 1, None, "", None)


def _connected(offer: str, call: str, agent: AgentId) -> f.CallConnected:
    return f.CallConnected(3, CallId(call), OfferId(offer), agent, SALES, 0)


def _queue(leaving: tuple[Lasting, ...] = ()) -> f.QueueConfigured:
    return f.QueueConfigured(1, QueueSettings(SALES, "Sales", ends=Ends(leaving=leaving)))


_WRAP_UP = f.WrapUpStarted(1, ANA, CallId("c"), SALES, 9, 20)


@pytest.mark.parametrize(
    "story",
    [
        [_queued("c"), _queued("c")],
        [_made("o", "c", ANA)],
        [_queued("c"), _made("o", "c", ANA), _made("p", "c", BEN)],
        [_queued("c"), _queued("d"), _made("o", "c", ANA), _made("p", "d", ANA)],
        [_queued("c"), _made("o", "c", ANA), _connected("o", "c", BEN)],
        [_queued("c"), _made("o", "c", ANA), _accepted("o", "c", ANA), _announced("c")],
        [_announced("c")],
        [_queued("c"), _made("o", "c", ANA), _connected("o", "c", ANA), _connected("o", "c", ANA)],
        [
            _queued("c"),
            f.CallAbandoned(2, CallId("c"), SALES, 1),
            f.CallTimedOut(2, CallId("c"), _made("o", "c", ANA).line, SALES, 1),
        ],
        [f.WrapUpEnded(1, ANA, CallId("c"), SALES, "time")],
        [_WRAP_UP, f.WrapUpEnded(8, ANA, CallId("c"), SALES, "time")],
        [_WRAP_UP, f.WrapUpExtended(2, ANA, CallId("c"), SALES, 8, "ana")],
        [_WRAP_UP, f.WrapUpExtended(2, ANA, CallId("c"), SALES, 21, "ana")],
        [f.WrapUpExtended(2, ANA, CallId("c"), SALES, 8, "ana")],
        [f.DispositionSet(1, ANA, CallId("c"), SALES, "sold", "ana"), f.DispositionMissed(1, ANA, CallId("c"), SALES)],
        [_queued("d"), f.DispositionMissed(1, ANA, CallId("c"), SALES), _made("o", "d", ANA)],
        [_queued("c"), f.ChangePostponed(1, ANA, SALES, "pause", "ana", "lunch"), _made("o", "c", ANA)],
        [_queue(leaving=("closed",)), f.QueueClosed(1, SALES), _queued("c"), _made("o", "c", ANA)],
        [_queue(), f.QueueClosed(1, SALES), _queue(leaving=("closed",)), _queued("c"), _made("o", "c", ANA)],
        [_queue(), f.QueueRetired(1, SALES), _queued("c"), _made("o", "c", ANA)],
        [f.AgentRested(2, ANA), f.AgentRested(1, ANA)],
    ],
)
def test_story_that_does_not_add_up_is_found(story: list[f.Fact]) -> None:
    ledger = Ledger()
    *beginning, wrong = story
    for fact in beginning:
        ledger.post(fact)
    with pytest.raises(AssertionError):
        ledger.post(wrong)


@pytest.mark.parametrize(
    "between",
    [
        [_queue(), f.QueueClosed(1, SALES)],
        [_queue(leaving=("closed",)), f.QueueClosed(1, SALES), f.QueueOpened(1, SALES)],
        [_queue(leaving=("closed",)), f.QueueClosed(1, SALES), _queue()],
        [_queue(leaving=("closed",)), f.QueueClosed(1, SALES), f.QueueRetired(1, SALES), _queue(leaving=("closed",))],
    ],
)
def test_queue_that_keeps_its_callers_may_offer_them(between: list[f.Fact]) -> None:
    ledger = Ledger()
    for fact in (*between, _queued("c"), _made("o", "c", ANA)):
        ledger.post(fact)


def test_caller_at_whom_a_phone_still_rings_may_be_told_something() -> None:
    ledger = Ledger()
    for fact in (_queued("c"), _made("o", "c", ANA), _announced("c")):
        ledger.post(fact)
