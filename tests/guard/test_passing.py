"""What passes older work does so within the bound, over all queues and whatever order an agent takes (docs/routing.md
G3, R27, R35)."""

import random
from collections.abc import Iterator

import pytest

from acd.core import fold
from acd.guard.passing import Passing
from acd.model import AgentId
from acd.router import facts as f
from acd.testing.playbook import Playbook

QUEUES = ("one", "two", "three")
AGENTS = ("ana", "ben", "cleo", "dora")
GROWTHS = ("a point every 2 s", "a point every 2 s", "a point every 5 s", "grows 1 after 3 s then 4 after 9 s", "")


def _settings(chance: random.Random) -> Iterator[str]:
    """Three queues of any weight and growth, four agents who are in all of them and take work in their own ways."""
    for queue in QUEUES:
        growth = chance.choice(GROWTHS)
        yield f"queue {queue} is configured: wrap-up 0 s, weight {chance.randint(0, 3)}{growth and ', ' + growth}"
    for number, agent in enumerate(AGENTS):
        ranks = " then ".join(f"{chance.randint(1, 2)} in {queue}" for queue in QUEUES)
        takes = chance.choice(("order", "order", "rank", "longest-wait"))
        phone = 1001 + number
        yield f"agent {agent} is configured: phone {phone}, queues {' '.join(QUEUES)}, rank {ranks}, takes {takes}"
    yield "server a reports: nothing"


def _serve(book: Playbook, agent: str) -> None:
    """The agent picks up, and the call is over."""
    if book.state.agents[AgentId(agent)].offer is not None:
        book.say(f"{agent}'s leg is bridged")
        book.say(f"{agent}'s leg ends: hung-up")


def _rush(seed: int, calls: int) -> Passing:
    """More callers than four agents can serve, for as many calls."""
    chance, book = random.Random(seed), Playbook(check_every=100)
    for sentence in (*_settings(chance), *(f"{agent} logs in" for agent in AGENTS)):
        book.say(sentence)
    for number in range(calls):
        book.wait(seconds=chance.choice((0, 0.2, 1, 1)))
        book.say(f"call C{number} arrives in {chance.choice(QUEUES)}, priority {chance.randint(0, 4)}")
        if chance.random() < 0.7:
            _serve(book, chance.choice(AGENTS))
    book.finish()
    return book.passing


def test_of_older_work_no_more_is_passed_than_growth_and_ranks_allow() -> None:
    counts = [_rush(seed, 100) for seed in range(20)]
    assert sum(passing.same_queue for passing in counts) > 100
    assert sum(passing.other_queue for passing in counts) > 100
    assert sum(passing.by_rank for passing in counts) > 100


SET_UP = (
    "queue one is configured: a point every 10 s",
    "queue two is configured: a point every 20 s, weight 1",
    "server a reports: nothing",
    "call C1 arrives in one",
)


def test_where_nothing_grows_only_what_has_more_points_passes() -> None:
    """C2 is younger than C1 and has no more points; C3 has one more."""
    book = Playbook()
    for sentence in ("queue one is configured", "server a reports: nothing", "call C1 arrives in one"):
        book.say(sentence)
    book.wait(seconds=1)
    book.say("call C2 arrives in one")
    book.say("call C3 arrives in one, priority 1")
    book.say("agent ana is configured: phone 1001, queues one")
    book.say("ana logs in")
    calls = [fact.call for fact in book.facts if isinstance(fact, f.CallQueued)]
    logged_in = fold(book.facts[:-1])
    Passing().offer(logged_in, calls[2], AgentId("ana"), book.now_ms)
    with pytest.raises(AssertionError, match="is offered"):
        Passing().offer(logged_in, calls[1], AgentId("ana"), book.now_ms)


@pytest.mark.parametrize(
    ("seconds", "agent", "may_pass"),
    [
        (19, "takes order", True),
        (20, "takes order", False),
        (19, "takes rank", True),
        (20, "takes rank", False),
        (20, "takes rank, rank 2 in one", True),
        (19, "takes rank, rank 2 in two", False),
        (19, "takes longest-wait", False),
    ],
)
def test_work_of_another_queue_passes_only_what_is_older_by_less(seconds: int, agent: str, may_pass: bool) -> None:
    """Two points more, one of them its queue's weight; and C1 gains a point every 10 s."""
    book = Playbook()
    for sentence in (*SET_UP, f"agent ana is configured: phone 1001, queues one two, {agent}"):
        book.say(sentence)
    book.wait(seconds=seconds)
    book.say("call C2 arrives in two, priority 1")
    book.say("ana logs in")
    offer = book.facts[-1]
    assert isinstance(offer, f.OfferMade)
    older, younger = (fact.call for fact in book.facts if isinstance(fact, f.CallQueued))
    assert offer.call == (younger if may_pass else older)
    before = fold(book.facts[:-1])
    if may_pass:
        Passing().offer(before, younger, offer.agent, book.now_ms)
    else:
        with pytest.raises(AssertionError, match="is offered"):
            Passing().offer(before, younger, offer.agent, book.now_ms)
