"""Work passes its equals by age and nothing else; what passes older work is found."""

import pytest
from msgspec import structs

from acd.guard import Guard
from acd.guard.line import Line
from acd.router import facts as f
from acd.simulate import contact_centre, simulate
from acd.testing.playbook import Playbook
from acd.testing.walk import Walk

SET_UP = (
    "queue sales is configured",
    "agent ana is configured: phone 1001, queues sales",
    "agent ben is configured: phone 1002, queues sales",
    "server a reports: nothing",
    "call C1 arrives in sales",
)


def _offered(*said: str) -> tuple[Line, f.OfferMade]:
    """The line just before the last offer."""
    book = Playbook()
    for sentence in (*SET_UP, *said):
        book.say(sentence)
        book.wait(seconds=1)
    line = Line()
    last = max(at for at, fact in enumerate(book.facts) if isinstance(fact, f.OfferMade))
    for fact in book.facts[:last]:
        line.post(fact)
    offer = book.facts[last]
    assert isinstance(offer, f.OfferMade)
    return line, offer


def test_callback_passes_nobody_who_came_before() -> None:
    """G6."""
    line, offer = _offered("call C2 arrives in sales, as a callback", "ana logs in")
    line.offer(offer)
    assert line.compared == {"inbound": 1}
    callback = next(call for call in line._ages if call != offer.call)
    with pytest.raises(AssertionError, match="passes"):
        line.offer(structs.replace(offer, call=callback, kind="callback"))


def test_caller_passes_no_older_callback() -> None:
    """G6."""
    line, offer = _offered("call C2 arrives in sales, having waited 20 s, as a callback", "ana logs in")
    line.offer(offer)
    assert line.compared == {"callback": 1}
    caller = next(call for call in line._ages if call != offer.call)
    with pytest.raises(AssertionError, match="passes"):
        line.offer(structs.replace(offer, call=caller, kind="inbound"))


def test_call_that_the_agent_has_refused_is_passed() -> None:
    line, offer = _offered("call C2 arrives in sales", "ana logs in", "ana's leg ends: declined")
    line.offer(offer)
    assert line.compared == {"inbound": 1}


@pytest.mark.parametrize(("seconds", "may_pass"), [(19, True), (20, False)])
def test_priority_passes_what_is_older_by_less_than_growth_makes_up_for(seconds: int, may_pass: bool) -> None:
    """R27: two points of priority, and a point every 10 s."""
    book = Playbook()
    for sentence in ("queue sales is configured: a point every 10 s", *SET_UP[1:]):
        book.say(sentence)
    book.wait(seconds=seconds)
    book.say("call C2 arrives in sales, priority 2")
    book.say("ana logs in")
    line, *_, offer = Line(), *book.facts
    for fact in book.facts[:-1]:
        line.post(fact)
    assert isinstance(offer, f.OfferMade)
    line.offer(offer)
    assert (line.bounded == 1) == may_pass
    urgent = next(fact.call for fact in book.facts if isinstance(fact, f.CallQueued) and fact.priority == 2)
    assert (offer.call == urgent) == may_pass
    if not may_pass:
        with pytest.raises(AssertionError, match="passes"):
            line.offer(structs.replace(offer, call=urgent))


@pytest.mark.long
def test_callbacks_are_compared_with_callers_on_walks_and_in_simulated_days() -> None:
    walk = Walk(1, check_every=1_000)
    walk.run(5_000)
    assert walk.book.line.compared["callback"] > 0
    guard = Guard(check_every=1_000, choose_every=1_000)
    simulate(contact_centre(agents=4, queues=2, calls_per_hour=150), 1, observers=[guard])
    assert guard.line.compared["callback"] > 0
    assert guard.line.compared["inbound"] > 0
    assert guard.line.bounded > 0
