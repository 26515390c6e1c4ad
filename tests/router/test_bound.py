"""How long a higher priority passes what is older, and that nothing else does, whatever kind it is of (docs/routing.md
R27)."""

import itertools
import random

import pytest

from acd.model import Kind, QueueId
from acd.router import facts as f
from acd.router.matching import order_at
from acd.router.settings import Growth, QueueSettings, Step
from acd.testing.playbook import Playbook

STEPS = (Step(5_000, 2), Step(20_000, 7))


def _queue(weight: int, every_ms: int, steps: tuple[Step, ...] = ()) -> QueueSettings:
    return QueueSettings(QueueId("q"), "Q", weight=weight, growth=Growth(steps, every_ms))


@pytest.mark.parametrize("seed", range(200))
def test_older_work_is_passed_only_while_growth_has_not_made_up_for_its_priority(seed: int) -> None:
    chance = random.Random(seed)
    every_ms, weight, points = chance.randint(1, 30_000), chance.randint(-5, 5), chance.randint(0, 9)
    same = chance.random() < 0.5
    old = _queue(0, every_ms, STEPS)
    new = old if same else _queue(weight, every_ms + chance.randint(0, 9_000))
    higher = points if same else points + weight
    made_up_ms = max(higher, 0) * every_ms
    came_ms = chance.randint(0, 100_000) + made_up_ms
    now_ms = came_ms + chance.randint(0, 200_000)
    first = order_at(old, 0, came_ms - made_up_ms, 1, now_ms)
    assert first < order_at(new, points, came_ms, 2, now_ms)


def test_without_even_growth_a_higher_priority_passes_for_ever() -> None:
    old, week_ms = QueueSettings(QueueId("q"), "Q", growth=Growth(STEPS, None)), 7 * 24 * 60 * 60 * 1_000
    assert order_at(old, 8, week_ms, 2, week_ms) < order_at(old, 0, 0, 1, week_ms)


KINDS: tuple[Kind, ...] = ("inbound", "callback", "campaign")
PAIRS = list(itertools.permutations(KINDS, 2))
EVERY_S = 10


def _book(options: str = "") -> Playbook:
    """Ana is with a caller, and has no wrap-up."""
    book = Playbook()
    for sentence in (
        f"queue sales is configured: wrap-up 0 s{options}",
        f"queue support is configured: wrap-up 0 s{options}",
        "agent ana is configured: phone 1001, queues sales support",
        "server a reports: nothing",
        "ana logs in",
        "call C0 arrives in sales",
        "ana's leg is bridged",
    ):
        book.say(sentence)
    return book


def _next(book: Playbook) -> f.CallQueued | None:
    """Ana's call ends; with whom she speaks then."""
    ended = book.say("ana's leg ends: hung-up")
    offers = [fact.call for fact in ended if isinstance(fact, f.OfferMade)]
    if not offers:
        return None
    book.say("ana's leg is bridged")
    return next(fact for fact in book.facts if isinstance(fact, f.CallQueued) and fact.call == offers[0])


@pytest.mark.parametrize("seed", range(10))
def test_kinds_of_equal_priority_pass_nothing_older(seed: int) -> None:
    """G6."""
    chance, book = random.Random(seed), _book()
    for number in range(1, 31):
        kind, queue = chance.choice(KINDS), chance.choice(("sales", "support"))
        book.say(f"call C{number} arrives in {queue}, having waited {chance.randint(0, 90)} s, as a {kind}")
        book.wait(seconds=chance.randint(0, 5))
    served = list(iter(lambda: _next(book), None))
    assert {fact.kind for fact in served} == set(KINDS)
    assert [fact.since_ms for fact in served] == sorted(fact.since_ms for fact in served)
    assert len(served) == 30


def _passed_by(book: Playbook, waits: Kind, passes: Kind, times: int) -> list[f.CallQueued]:
    """One that waits, and so many of the other kind that stand a point higher, one every ten seconds, each served as it
    comes: those that were served before it."""
    book.say(f"call C1 arrives in support, as a {waits}")
    passed: list[f.CallQueued] = []
    for number in range(2, times + 2):
        book.say(f"call C{number} arrives in sales, priority 1, as a {passes}")
        served = _next(book)
        assert served is not None
        if served.kind == waits:
            return passed
        passed.append(served)
        book.wait(seconds=EVERY_S)
    served = _next(book)
    assert served is not None
    assert served.kind == waits, "it is next when nothing of a higher priority is left"
    return passed


@pytest.mark.parametrize(("waits", "passes"), PAIRS)
def test_kind_that_stands_higher_passes_another_within_the_bound_where_priority_grows_evenly(
    waits: Kind, passes: Kind
) -> None:
    book = _book(", a point every 60 s")
    came_ms = book.now_ms
    passed = _passed_by(book, waits, passes, 100)
    assert [fact.since_ms - came_ms for fact in passed] == [0, 10_000, 20_000, 30_000, 40_000, 50_000]


@pytest.mark.parametrize(("waits", "passes"), PAIRS)
@pytest.mark.parametrize("options", ["", ", grows 1 after 2000 s"])
def test_kind_that_stands_higher_passes_another_as_long_as_it_comes_without_even_growth(
    waits: Kind, passes: Kind, options: str
) -> None:
    assert len(_passed_by(_book(options), waits, passes, 100)) == 100
