"""Long walks by chance from fixed seeds: cheap, so they go far; and the same wherever they run."""

import os
import subprocess
import sys

import pytest

from acd.router import calls, configuration, matching, preferences, servers, tables, turn
from acd.router.facts import (
    AgentRetired,
    AnnouncementMade,
    CallbackOffered,
    CallConnected,
    CallEnded,
    CallerRemembered,
    CallersForgotten,
    CallLost,
    CallMoved,
    CallQueued,
    CallReturned,
    CallTimedOut,
    DirectCallEnded,
    Fact,
    LeavingBegan,
    LeavingEnded,
    OfferOverdue,
    PreferenceLapsed,
    QueueRemoved,
    ServerGivenUp,
    StrayLegFound,
    WaitOverdue,
    WrapUpEnded,
)
from acd.router.limits import MOST_HOPS
from acd.testing.adversary import Chatty, Closing, Finding
from acd.testing.walk import Walk, digest

pytestmark = pytest.mark.timeout(300)
"""A minute on a machine of its own, several where others work too."""

MORE = [pytest.param(seed, marks=pytest.mark.long) for seed in (101, 102, 103, 200, 201, 202, 203)]
FOUND_A_WAIT_WITHOUT_END = 20_326
"""A channel that was a caller and a direct call, heard of as the one while the wait of the other was put off."""

FOUND_AN_IDLE_AGENT_BESIDE_A_CHAT = 308
"""Two chats met one agent with room for both, and the first rang as often as it might."""

FOUND_TOO_MANY_REFUSALS = 311
"""Of the chats that rang at one agent more were declined than an agent is let refuse."""

RARE: tuple[type[Fact], ...] = (
    AgentRetired,
    AnnouncementMade,
    CallbackOffered,
    CallConnected,
    CallEnded,
    CallerRemembered,
    CallersForgotten,
    CallLost,
    CallMoved,
    CallReturned,
    CallTimedOut,
    DirectCallEnded,
    LeavingEnded,
    OfferOverdue,
    QueueRemoved,
    ServerGivenUp,
    StrayLegFound,
    WaitOverdue,
    WrapUpEnded,
)
"""What must have happened in a long walk, or the walk has grown lame."""


@pytest.mark.parametrize(
    "inputs", [pytest.param(20_000, marks=pytest.mark.long), pytest.param(100_000, marks=pytest.mark.long)]
)
def test_guarantees_hold_over_very_many_inputs(inputs: int) -> None:
    walk = Walk(seed=1, check_every=100)
    walk.run(inputs)
    happened = {type(fact) for fact in walk.book.facts}
    assert set(RARE) <= happened, f"never happened: {set(RARE) - happened}"
    assert walk.book.tally.last.waited_for > inputs // 1_000, "hardly anybody waits for who spoke with them last"
    lapsed = {fact.reason for fact in walk.book.facts if isinstance(fact, PreferenceLapsed)}
    assert lapsed == {"time", "away", "refused"}


@pytest.mark.parametrize("seed", [pytest.param(100, marks=pytest.mark.long), FOUND_A_WAIT_WITHOUT_END, *MORE[:3]])
def test_guarantees_hold_after_each_of_a_thousand_inputs(seed: int) -> None:
    Walk(seed, check_every=1).run(1_000)


@pytest.mark.parametrize(
    "seed",
    [
        301,
        *(
            pytest.param(seed, marks=pytest.mark.long)
            for seed in (303, FOUND_AN_IDLE_AGENT_BESIDE_A_CHAT, FOUND_TOO_MANY_REFUSALS)
        ),
    ],
)
def test_guarantees_hold_where_agents_hold_many_chats(seed: int) -> None:
    Walk(seed, check_every=1, led_by=Chatty).run(1_000)


@pytest.mark.long
@pytest.mark.parametrize("seed", [501, 502, 503])
def test_guarantees_hold_where_callers_are_found_who_were_passed_on(seed: int) -> None:
    """R23, R52: whatever the channel says of a call's way, it counts for no longer than the caller has waited."""
    walk = Walk(seed, check_every=1, led_by=Finding)
    walk.run(1_000)
    found = [fact for fact in walk.book.facts if isinstance(fact, CallQueued) and fact.hops]
    assert {1, 7, 8} <= {fact.hops for fact in found}
    assert all(fact.hops <= MOST_HOPS for fact in found)
    assert all(fact.came_ms is None or fact.came_ms <= fact.since_ms for fact in found)


@pytest.mark.long
@pytest.mark.parametrize("seed", [402, 406, 408])
def test_nobody_is_offered_who_has_to_leave(seed: int) -> None:
    """R51: the books know which queues are closed, and the invariants ask the settings who may wait."""
    walk = Walk(seed, check_every=1, led_by=Closing)
    walk.run(1_000)
    reasons = {fact.reason for fact in walk.book.facts if isinstance(fact, LeavingBegan)}
    assert reasons == {"closed", "all-paused"}


@pytest.mark.parametrize("seed", MORE[3:])
def test_guarantees_hold_when_inputs_come_between_slices(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (calls, configuration, matching, preferences, servers, turn):
        monkeypatch.setattr(module, "SLICE", 1)  # every effect is large
    Walk(seed, check_every=1, hasty=True).run(1_000)


@pytest.mark.parametrize("seed", [101, *MORE[4:6]])
def test_tables_in_many_pieces_change_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/decisions/0014: where an entry lies depends on the process, and nothing that is decided on where it lies."""
    whole = Walk(seed, check_every=1_000)
    whole.run(2_000)
    monkeypatch.setattr(tables, "SMALL", 2)
    monkeypatch.setattr(tables, "PIECE", 3)
    cut = Walk(seed, check_every=1)
    cut.run(2_000)
    assert digest(cut.book.facts) == digest(whole.book.facts)


def _walked_elsewhere(hash_seed: str) -> str:
    """The digest of a walk in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", "acd.testing.walk", "7", "5000"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


@pytest.mark.long
def test_same_inputs_give_the_same_facts_under_any_hash_seed() -> None:
    walk = Walk(seed=7, check_every=5_000)
    walk.run(5_000)
    assert {_walked_elsewhere("1"), _walked_elsewhere("2")} == {digest(walk.book.facts)}
