"""The people of the demo: the same from the same seed, and never more than the lab has phones."""

from itertools import islice

import pytest

from acd.lab.demo.cast import (
    AGENTS_MOST,
    CALLERS_MOST,
    OPENING,
    QUEUES,
    address_book,
    agents,
    breaks,
    reactions,
    visits,
)
from acd.lab.view.sentences import summary
from acd.model import AgentId
from tests.demo.told import config, played

ANA = AgentId("ana")


def test_same_seed_same_people() -> None:
    assert list(islice(visits(7, 16), 100)) == list(islice(visits(7, 16), 100))
    assert list(islice(reactions(7, ANA), 50)) == list(islice(reactions(7, ANA), 50))
    assert list(islice(breaks(7, ANA), 50)) == list(islice(breaks(7, ANA), 50))


def test_another_seed_other_people() -> None:
    assert list(islice(visits(7, 16), 100)) != list(islice(visits(8, 16), 100))
    assert list(islice(reactions(7, ANA), 50)) != list(islice(reactions(7, AgentId("ben")), 50))


def test_first_callers_come_at_once() -> None:
    assert sum(visit.after_ms for visit in islice(visits(1, 0.1), OPENING)) < 4_000


@pytest.mark.parametrize("rate", [4.0, 16.0, 60.0])
def test_callers_come_as_often_as_asked_for(rate: float) -> None:
    gaps = [visit.after_ms for visit in islice(visits(3, rate), OPENING, 2_000)]
    assert sum(gaps) / len(gaps) == pytest.approx(60_000 / rate, rel=0.1)


def test_all_queues_are_called() -> None:
    assert {visit.queue for visit in islice(visits(1, 16), 50)} == {queue.id for queue in QUEUES}


def test_some_agents_decline_some_miss_most_answer() -> None:
    kinds = [reaction.kind for reaction in islice(reactions(1, ANA), 500)]
    assert kinds.count("answers") > 400
    assert kinds.count("declines") > 20
    assert kinds.count("misses") > 10


def test_agents_speak_in_tones_of_their_own_apart_from_all_callers() -> None:
    spoken = [agent.tone_hz for agent in agents(AGENTS_MOST)]
    called = {visit.tone_hz for visit in islice(visits(1, 16), CALLERS_MOST)}
    assert len(set(spoken)) == AGENTS_MOST
    assert len(called) == CALLERS_MOST
    assert max(spoken) < min(called)
    assert max(called) < 2_900  # the lab's fallback


def test_every_phone_of_a_caller_has_a_name() -> None:
    book = address_book()
    assert len(set(book.values())) == CALLERS_MOST
    assert {visit.phone for visit in islice(visits(1, 16), 100)} == set(book)


@pytest.mark.parametrize("count", [1, 7, AGENTS_MOST])
def test_configuration_is_one_that_the_engine_takes(count: int) -> None:
    made = config(count)
    assert [agent.phone for agent in made.agents] == [agent.phone for agent in agents(count)]
    assert made.logged_in_at_start == tuple(agent.id for agent in agents(count))
    assert len(made.router.pause_reasons) == 3


async def test_simulated_day_is_the_same_twice() -> None:
    first, _ = await played(120, seed=5)
    second, _ = await played(120, seed=5)
    assert (first.total, first.offers, first.refusals) == (second.total, second.offers, second.refusals)


async def test_simulated_phones_claim_nothing_that_only_real_ones_can_tell() -> None:
    """There is no sound, and no INVITE from which the time to a ring could be measured."""
    board, _ = await played(120)
    assert board.total.answered > 10
    assert (board.listened, board.ring_median_ms) == (0, None)
    said = summary(board, "simulated phones")
    assert "on simulated phones: " in said
    assert not any(word in said for word in ("heard", "INVITE"))


async def test_simulated_day_has_everything_that_is_to_be_seen() -> None:
    board, _ = await played(600, seed=2)
    assert board.total.answered > 100
    assert board.total.gave_up > 0
    assert board.refusals > 0
    assert board.total.arrived == board.total.answered + board.total.gave_up + sum(
        len(queue.waiting) for queue in board.queues.values()
    )
