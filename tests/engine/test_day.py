"""Whole days on the simulated phones: first safety, then that everyone is served once faults stop."""

import os
import subprocess
import sys
from collections import Counter
from typing import TypeVar

import pytest

from acd.core import fold
from acd.guard.description import describe
from acd.router import facts as f
from acd.router.states import Work
from tests.engine.day import Day, run_day

ENDS = f.CallEnded | f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost
T = TypeVar("T")
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 9))]


def _of(day: Day, kind: type[T]) -> list[T]:
    return [fact for fact in day.facts if isinstance(fact, kind)]


def _check_safety(day: Day) -> None:
    """What holds whatever the links do."""
    assert max(day.exchange.invites.values()) == 1, "a phone was rung twice for one offer"
    assert day.exchange.refused == []
    assert day.broken == []
    assert describe(fold(day.facts)) == describe(day.core.state)
    times = [fact.at_ms for fact in day.facts]
    assert times == sorted(times)


def _check_everyone_is_accounted_for(day: Day) -> None:
    """At the end nobody waits, rings or talks, on the phones or in the books, and every call ended once."""
    assert day.exchange.channels == []
    assert all(call.place == "gone" for call in day.calls)
    state = day.core.state
    assert (dict(state.calls), state.offers, state.direct_calls) == ({}, {}, {})
    assert {agent.work for agent in state.agents.values()} == {Work.IDLE}
    assert not [agent for agent in state.agents.values() if agent.rests]
    ended = Counter(fact.call for fact in day.facts if isinstance(fact, ENDS))
    assert ended == Counter(fact.call for fact in _of(day, f.CallQueued))
    made = Counter(fact.offer for fact in _of(day, f.OfferMade))
    over = Counter(fact.offer for fact in day.facts if isinstance(fact, f.OfferEnded | f.CallEnded))
    assert made == over


@pytest.mark.parametrize("seed", SEEDS)
async def test_day_with_faults_rings_nobody_twice_and_loses_nobody(seed: int) -> None:
    day = await run_day(seed, faults=True)
    _check_safety(day)
    _check_everyone_is_accounted_for(day)
    outcomes = day.outcomes()
    assert outcomes["spoke"] > len(day.calls) // 2
    assert len(_of(day, f.ServerWentQuiet)) > 10


@pytest.mark.parametrize("seed", SEEDS)
async def test_day_without_faults_is_told_by_the_facts_as_the_callers_lived_it(seed: int) -> None:
    day = await run_day(seed, faults=False)
    _check_safety(day)
    _check_everyone_is_accounted_for(day)
    told = Counter(
        {
            "spoke": len(_of(day, f.CallEnded)),
            "hung up": len(_of(day, f.CallAbandoned)),
            "timeout": len(_of(day, f.CallTimedOut)),
            "refused": len(_of(day, f.CallRefused)),
        }
    )
    assert told == Counter(day.outcomes())
    assert _of(day, f.CallLost) == []
    assert not [ended for ended in _of(day, f.OfferEnded) if ended.outcome in {"lost", "agent-left"}]


@pytest.mark.long
async def test_longer_day_with_faults_holds_as_well() -> None:
    day = await run_day(99, calls=3_000, faults=True)
    _check_safety(day)
    _check_everyone_is_accounted_for(day)


@pytest.mark.long
async def test_same_seed_gives_the_same_day_byte_for_byte() -> None:
    first, second = await run_day(7, faults=True), await run_day(7, faults=True)
    assert first.journal == second.journal
    other = await run_day(8, faults=True)
    assert other.journal != first.journal


@pytest.mark.long
def test_same_seed_gives_the_same_day_whatever_the_hash_seed() -> None:
    digests = {_digest(hash_seed) for hash_seed in ("1", "2")}
    assert len(digests) == 1


def _digest(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.day", "7", "200"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=50,
    )
    return done.stdout.splitlines()[-1]
