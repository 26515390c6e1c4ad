"""One pooled line: the engine, a plain line and theory, each against the next.

- The engine serves every single caller as the plain line does, to the millisecond.
- The plain line is quick: hundreds of thousands of callers agree with Erlang C and Erlang A within little.
- The engine's own days agree with them, too, within what their batches allow.

The tolerance is the half width of the confidence interval of 99.9 %, from thirty batch means of the engine's days, and
from thirty independent runs of the plain line; the seeds are fixed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from acd.simulate.callers import Visit, visits
from acd.simulate.chance import Streams
from acd.simulate.confidence import BATCHES, Estimate, estimate
from acd.simulate.pooled import Observed, Pooled, live, observed, together
from acd.simulate.run import BEGIN_MS
from tests.simulation.plain import Fate, serve

MINUTE_MS = 60_000
SEED = 1
LOADS = {
    "Erlang C, 5 agents, 60 %": Pooled(agents=5, occupancy=0.6, days=20),
    "Erlang C, 10 agents, 80 %": Pooled(agents=10, occupancy=0.8, days=7),
    "Erlang C, 30 agents, 90 %": Pooled(agents=30, occupancy=0.9, days=3),
    "Erlang A, 10 agents, 80 %": Pooled(agents=10, occupancy=0.8, mean_patience_ms=2 * MINUTE_MS, days=7),
    "Erlang A, 10 agents, 100 %": Pooled(agents=10, occupancy=1.0, mean_patience_ms=3 * MINUTE_MS, days=6),
    "Erlang A, 30 agents, 120 %": Pooled(agents=30, occupancy=1.2, mean_patience_ms=2 * MINUTE_MS, days=2),
}
"""The days are those of the engine: about as many calls in each."""
MANY = {
    "Erlang C, 5 agents, 60 %": (750_000, 0.05),
    "Erlang C, 10 agents, 80 %": (1_200_000, 0.06),
    "Erlang C, 30 agents, 90 %": (1_500_000, 0.12),
    "Erlang A, 10 agents, 80 %": (300_000, 0.05),
    "Erlang A, 10 agents, 100 %": (250_000, 0.05),
    "Erlang A, 30 agents, 120 %": (250_000, 0.05),
}
"""Callers of the plain line, so many that the tolerance is this share of what theory says, or less. Where nobody gives
up and the load is high, waits are alike for hours: a twentieth would take seven million callers at 90 %."""
SOME = 100_000
"""Callers of its short form."""
FEW = 5_000
"""Callers of a short form."""

SHORT = ("Erlang C, 5 agents, 60 %", "Erlang A, 10 agents, 100 %")
all_loads = pytest.mark.parametrize("pooled", LOADS.values(), ids=list(LOADS))
some_loads = pytest.mark.parametrize(
    "pooled",
    [pytest.param(LOADS[SHORT[0]], id=SHORT[0]), pytest.param(LOADS[SHORT[1]], id=SHORT[1], marks=pytest.mark.long)],
)


def _for(pooled: Pooled, calls: int) -> Pooled:
    """So many days that about so many calls come."""
    return msgspec.structs.replace(pooled, days=max(1, round(calls / pooled.calls_per_hour / 24)))


def _callers(pooled: Pooled, seed: int) -> Iterator[Visit]:
    scenario = pooled.scenario
    end_ms = BEGIN_MS + scenario.closing_ms
    return visits(scenario.demands[0], scenario.servers, BEGIN_MS, end_ms, Streams(seed))


def _agrees(pooled: Pooled, seen: Observed) -> None:
    theory = pooled.theory
    compared: dict[str, tuple[Estimate, float]] = {
        "delayed": (seen.delayed, theory.delayed),
        "abandoned": (seen.abandoned, theory.abandoned),
        "mean wait": (seen.mean_wait, theory.mean_wait),
        "answered in time": (seen.answered_in_time, theory.answered_in_time),
    }
    apart = {name: pair for name, pair in compared.items() if not pair[0].agrees_with(pair[1])}
    assert not apart, f"simulation and theory differ: {apart}"


def _plain(pooled: Pooled, seed: int = SEED) -> list[Fate]:
    return list(serve(_callers(pooled, seed), pooled.agents))


def _runs(pooled: Pooled, calls: int) -> Observed:
    """The plain line under many seeds."""
    each = _for(pooled, calls // BATCHES)
    return together([observed(each, _plain(each, seed)) for seed in range(SEED, SEED + BATCHES)])


@pytest.mark.long
@some_loads
def test_engine_serves_each_caller_as_a_plain_line_does(pooled: Pooled) -> None:
    few = _for(pooled, FEW)
    lived, _ = live(few, SEED)
    assert len(lived) > FEW // 2
    assert [tuple(call) for call in lived] == [tuple(fate) for fate in _plain(few)]


@pytest.mark.long
@pytest.mark.timeout(300)
@all_loads
def test_days_on_the_engine_agree_with_a_plain_line_and_with_theory(pooled: Pooled) -> None:
    lived, result = live(pooled, SEED)
    assert [tuple(call) for call in lived] == [tuple(fate) for fate in _plain(pooled)]
    assert len(lived) > 25_000
    _agrees(pooled, observed(pooled, lived))
    assert result.total.occupancy == pytest.approx(pooled.theory.occupancy, rel=0.02)


@some_loads
def test_plain_line_agrees_with_theory(pooled: Pooled) -> None:
    some = _for(pooled, SOME)
    _agrees(some, observed(some, _plain(some)))


def _row(name: str, unit: str, theory: float, found: Sequence[Estimate], scale: float) -> str:
    shown = [
        f"{one.mean * scale:.1f} ± {one.half_width * scale:.1f} {unit} ({one.half_width / theory:.0%})" for one in found
    ]
    return f"| {name} | {theory * scale:.1f} {unit} | {' | '.join(shown)} |"


def _shown(name: str, pooled: Pooled, seen: Sequence[Observed]) -> list[str]:
    """What the document says of one load."""
    theory, calls = pooled.theory, " | ".join(f"{one.calls:,} calls" for one in seen)
    rows = [
        f"| **{name}** | | {calls} |",
        _row("wait at all", "%", theory.delayed, [one.delayed for one in seen], 100),
        _row("answered in 20 s", "%", theory.answered_in_time, [one.answered_in_time for one in seen], 100),
        _row("mean wait", "s", theory.mean_wait, [one.mean_wait for one in seen], 0.001),
    ]
    if pooled.mean_patience_ms is not None:
        rows.append(_row("give up", "%", theory.abandoned, [one.abandoned for one in seen], 100))
    return rows


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", LOADS)
def test_plain_line_of_many_callers_agrees_with_theory_and_the_document_shows_it(name: str, rewrite: bool) -> None:
    """What the document shows of the engine's days is worked out by the plain line: they are the same."""
    pooled, (many, tolerated) = LOADS[name], MANY[name]
    days, seen = observed(pooled, _plain(pooled)), _runs(pooled, many)
    _agrees(pooled, seen)
    assert seen.mean_wait.half_width < tolerated * pooled.theory.mean_wait
    assert seen.delayed.half_width < tolerated * pooled.theory.delayed
    assert seen.answered_in_time.half_width < tolerated * pooled.theory.answered_in_time
    _is_drawn(name, _shown(name, pooled, [days, seen]), rewrite=rewrite)


def _is_drawn(name: str, rows: Sequence[str], *, rewrite: bool) -> None:
    """In the document's table each load has its rows, the first of which begins with its name."""
    path = Path(__file__).parents[2] / "docs" / "simulation.md"
    before, begin, rest = path.read_text().partition("<!-- theory -->\n")
    table, end, after = rest.partition("<!-- /theory -->\n")
    head, *parts = table.split("| **")
    shown = {part.partition("**")[0]: "| **" + part for part in parts} | {name: "\n".join(rows) + "\n"}
    drawn = before + begin + head + "".join(shown[load] for load in LOADS if load in shown) + end + after
    if rewrite:
        path.write_text(drawn)
    assert path.read_text() == drawn, "docs/simulation.md is not current: pytest --rewrite-transcripts writes it"


def test_estimate_is_as_wide_as_its_batches_are_apart() -> None:
    alike = estimate([0.0, 1.0] * 3_000, skipped=0.0)
    assert (alike.mean, alike.half_width) == (0.5, 0.0)
    drifting = estimate([float(number) for number in range(6_000)], skipped=0.0)
    assert drifting.mean == pytest.approx(2_999.5)
    assert drifting.half_width == pytest.approx(3.6594 * 1_760.7 / 30**0.5, rel=1e-3)
    assert drifting.agrees_with(3_500)
    assert not drifting.agrees_with(5_000)


def test_estimate_skips_the_beginning() -> None:
    assert estimate([9.0] * 10 + [1.0] * 90, skipped=0.1).mean == 1.0
