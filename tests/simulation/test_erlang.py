"""The formulas, against published values and against the chain of states that they solve."""

import pytest

from acd.simulate.erlang import blocked, erlang_a, erlang_c


def _delayed_by_states(arrival_rate: float, patience: float | None, agents: int) -> tuple[float, float]:
    """Share delayed and mean wait, from the steady state of births and deaths; a talk takes 1."""
    weights = [1.0]
    while len(weights) < 5_000:
        present = len(weights)
        leave = min(present, agents) + (max(0, present - agents) / patience if patience else 0.0)
        weights.append(weights[-1] * arrival_rate / leave)
    whole = sum(weights)
    waiting = sum(max(0, present - agents) * weight for present, weight in enumerate(weights))
    return sum(weights[agents:]) / whole, waiting / whole / arrival_rate


@pytest.mark.parametrize(
    ("agents", "load", "share"), [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 8.0, 0.1217), (10, 5.0, 0.0184)]
)
def test_blocking_is_as_in_the_tables(agents: int, load: float, share: float) -> None:
    assert blocked(agents, load) == pytest.approx(share, abs=5e-5)


def test_one_agent_is_the_simplest_line() -> None:
    """M/M/1: the share delayed is the occupancy, and the mean wait its quotient with what is idle."""
    line = erlang_c(arrival_rate=0.8, mean_service=1.0, agents=1, within=0.0)
    assert line.delayed == pytest.approx(0.8)
    assert line.mean_wait == pytest.approx(0.8 / 0.2)
    assert line.answered_in_time == pytest.approx(0.2)


@pytest.mark.parametrize(("agents", "load"), [(5, 3.0), (10, 8.0), (30, 27.0), (200, 190.0)])
def test_erlang_c_is_the_steady_state(agents: int, load: float) -> None:
    line = erlang_c(load, 1.0, agents, within=0.1)
    delayed, mean_wait = _delayed_by_states(load, None, agents)
    assert line.delayed == pytest.approx(delayed, rel=1e-9)
    assert line.mean_wait == pytest.approx(mean_wait, rel=1e-9)


@pytest.mark.parametrize(
    ("agents", "load", "patience"), [(1, 1.0, 1.0), (10, 8.0, 0.67), (10, 12.0, 2.0), (300, 400.0, 1.0), (30, 3.0, 5.0)]
)
def test_erlang_a_is_the_steady_state(agents: int, load: float, patience: float) -> None:
    line = erlang_a(load, 1.0, patience, agents, within=0.1)
    delayed, mean_wait = _delayed_by_states(load, patience, agents)
    assert line.delayed == pytest.approx(delayed, rel=1e-6)
    assert line.mean_wait == pytest.approx(mean_wait, rel=1e-6)
    assert line.abandoned == pytest.approx(mean_wait / patience, rel=1e-6)


def test_endless_patience_is_erlang_c() -> None:
    patient, endless = erlang_a(8.0, 1.0, 1e7, 10, within=0.1), erlang_c(8.0, 1.0, 10, within=0.1)
    assert patient.delayed == pytest.approx(endless.delayed, rel=1e-5)
    assert patient.mean_wait == pytest.approx(endless.mean_wait, rel=1e-4)
    assert patient.answered_in_time == pytest.approx(endless.answered_in_time, rel=1e-5)


def test_everyone_who_is_answered_is_answered_in_the_end() -> None:
    line = erlang_a(12.0, 1.0, 2.0, 10, within=1e6)
    assert line.answered_in_time == pytest.approx(1.0 - line.abandoned, rel=1e-9)


def test_units_do_not_matter() -> None:
    in_minutes, in_ms = erlang_a(4.0, 2.0, 1.5, 9, within=0.3), erlang_a(4 / 60_000, 120_000, 90_000, 9, within=18_000)
    assert in_ms.answered_in_time == pytest.approx(in_minutes.answered_in_time)
    assert in_ms.mean_wait == pytest.approx(in_minutes.mean_wait * 60_000)


def test_line_that_would_grow_for_ever_is_refused() -> None:
    with pytest.raises(ValueError, match="grow for ever"):
        erlang_c(10.0, 1.0, 10, within=0.1)
