"""Days from one seed, with faults: first safety, then that everyone is served once they stop.

After every commit (or after every so many) everything must hold that `acd/guard` looks at; at the end of a
run nothing may be left, and the callers who came after the trouble were all served.
"""

import pytest

from acd.simulate import Result
from acd.telephony.simulated.timing import Mishap
from tests.simulation.guarded import large, run_guarded, storm, wide_storm

STORMS = {"any storm": 11}
"""Seeds of `storm`. One that fails (`python -m tests.simulation.guarded storm 1000 50`) is kept here for good, under a
name that says what it found."""

DAYS = 2
SEEDS = range(1, 9)
HOURS_WANTED = 200
CALLS_WANTED = 100_000
HOURS_EACH = DAYS * 14
"""Hours in which calls come. The nights between are simulated, and not counted."""
CALLS_EACH = 16_000
"""Calls that were placed, and more came: callbacks and the last callers are not counted."""

MISHAPS: tuple[Mishap, ...] = ("report lost", "report doubled", "report overtaken", "report delayed", "action lost")
TROUBLES = (
    "link cut",
    "link gone silent",
    "server restarted",
    "server given up",
    "phone unplugged",
    "reload",
    "engine killed",
    "engine killed in a commit",
    *MISHAPS,
)
REFUSALS = ("declined", "busy", "no-answer", "unreachable", "failed", "agent-left", "caller-gone", "lost", "taken")


def _everything_happened(result: Result) -> None:
    """A day on which nothing happens proves nothing."""
    assert not [kind for kind in TROUBLES if not result.faults[kind]], f"never went wrong: {result.faults}"
    assert not [kind for kind in REFUSALS if not result.offers[kind]], f"never came of an offer: {result.offers}"
    assert result.outcomes["spoke"] > result.calls // 2


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", STORMS.values(), ids=list(STORMS))
async def test_storm_is_survived_and_leaves_nothing(seed: int) -> None:
    result = await run_guarded(storm(), seed)
    _everything_happened(result)
    assert result.total.timed_out > 0
    assert result.total.refused > 0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(21, 32))
async def test_more_storms_are_survived_and_leave_nothing(seed: int) -> None:
    _everything_happened(await run_guarded(storm(), seed, check_every=4))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(41, 44))
async def test_storm_over_queues_that_keep_not_everybody_is_survived_and_leaves_nothing(seed: int) -> None:
    result = await run_guarded(wide_storm(), seed, check_every=4)
    _everything_happened(result)
    assert not [end for end in ("timeout", "refused", "called back") if not result.outcomes[end]]


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_days_of_fifty_agents_and_ten_queues_are_survived_and_leave_nothing(seed: int) -> None:
    result = await run_guarded(large(days=DAYS), seed, check_every=200, choose_every=20)
    _everything_happened(result)
    assert (len(result.queues), result.opening_hours) == (10, HOURS_EACH)
    assert result.calls >= CALLS_EACH


def test_these_days_are_as_many_as_were_asked_for() -> None:
    """200 simulated hours with 100,000 calls, 50 agents, 10 queues: so many together, each seed's share is asserted
    where it runs. Only hours with calls count, and only calls that were placed in them."""
    assert len(SEEDS) * HOURS_EACH >= HOURS_WANTED
    assert len(SEEDS) * CALLS_EACH >= CALLS_WANTED
    assert len(large(days=DAYS).employees) == 50
