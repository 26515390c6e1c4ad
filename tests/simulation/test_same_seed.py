"""The same seed gives the same journal, wherever it runs; another seed another one."""

import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec
import pytest

from acd.core import Core
from acd.journal.port import Entry
from acd.router.facts import CallQueued
from acd.simulate import Scenario, contact_centre, simulate
from acd.simulate.callers import visits
from acd.simulate.chance import Streams
from acd.simulate.run import BEGIN_MS
from acd.simulate.scenario import DAY_MS


def _digest(hash_seed: str, seed: int) -> str:
    """Of a stormy day in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.guarded", "digest", str(seed)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=85,
    )
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(180)
def test_same_seed_gives_the_same_journal_whatever_the_hash_seed() -> None:
    first, second = _digest("1", 7), _digest("2", 7)
    assert len(first) == 64
    assert first == second


def _small(agents: int = 4) -> Scenario:
    return contact_centre(agents=agents, queues=2, calls_per_hour=20)


def test_other_seed_gives_another_journal() -> None:
    assert simulate(_small(), 1).digest != simulate(_small(), 2).digest


def test_observers_and_progress_change_nothing() -> None:
    told: list[float] = []
    watched = simulate(_small(), 1, observers=[lambda _core, _entries: None], progress=told.append)
    assert watched.digest == simulate(_small(), 1).digest
    assert told == sorted(told)
    assert 0.0 < told[0] <= told[-1] <= 1.0


def test_same_people_call_whoever_works_there() -> None:
    """Two scenarios under one seed differ by what was changed, not by chance."""
    few, many = _small(2), _small(9)
    assert few.demands == many.demands
    assert [
        list(visits(demand, scenario.servers, BEGIN_MS, BEGIN_MS + DAY_MS, Streams(1)))
        for scenario in (few,)
        for demand in scenario.demands
    ] == [
        list(visits(demand, scenario.servers, BEGIN_MS, BEGIN_MS + DAY_MS, Streams(1)))
        for scenario in (many,)
        for demand in scenario.demands
    ]


def _numbers(agents: int) -> list[str]:
    """Who called, in the order of their coming."""
    scenario = contact_centre(agents=agents, queues=2, calls_per_hour=20, faults=False)
    numbers: list[str] = []

    def look(_core: Core, entries: Sequence[Entry]) -> None:
        queued = (fact for entry in entries for fact in entry.facts if isinstance(fact, CallQueued))
        numbers.extend(fact.caller.number for fact in queued if fact.kind == "inbound")

    calls = simulate(scenario, 1, observers=[look]).calls
    return numbers[:calls]


def test_same_people_come_again_whoever_works_there_and_whoever_is_called_back() -> None:
    few, many = _numbers(2), _numbers(9)
    assert few == many
    assert len(set(few)) < len(few), "nobody came again"


def test_scenario_survives_being_written_down() -> None:
    """It is a value: what-if will keep it in files."""
    scenario = _small()
    assert msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario) == scenario
