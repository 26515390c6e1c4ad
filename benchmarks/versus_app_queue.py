"""Us beside app_queue: the same Asterisk, the same phones, the same load, both in one run, in turn.

a. Release: the agent's BYE to the next INVITE at that agent, 3 and 100 callers waiting (benchmarks/versus/release.py).
b. Arrival: the caller's INVITE to the agent's, 1 to 2,000 agents idle (benchmarks/versus/arrival.py).
c. Load: processor time of a call at 20 and 50 calls a second (benchmarks/versus/load.py).
d. Waiting: processor time of 200 callers whom nobody serves (benchmarks/versus/waiting.py).
e. Shift: 50 agents, 20 calls a second, five minutes of each system (benchmarks/versus/shift.py).

Without --only it is a to d, one after the other, in nine and a half minutes; --quick makes few runs of each, in two. e
takes eleven minutes by itself, and runs where --only names it. --quick is held to the same limits, but of few runs a
99th percentile is the worst, and noise is in every median.

--results keeps every single figure as JSON, --page draws the distributions: an HTML page that any browser opens without
a server. Times are read at the phones' sockets; the phones, their Python and the machine are the same for all. c and e
need SIPp. All traffic is on loopback.
"""

import argparse
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from rich.progress import Progress

from acd.lab.servers import Lab
from benchmarks.report import Check, finish, run_benchmark
from benchmarks.versus import arrival, load, release, shift, waiting
from benchmarks.versus.outcome import Outcome
from benchmarks.versus.page import page

Step = Callable[[], None]
Measure = Callable[[Lab, Step], Coroutine[Any, Any, Outcome]]


class Plan(Protocol):
    """How much a part measures."""

    @property
    def steps(self) -> int:
        """How often it calls `step`."""


P = TypeVar("P", bound=Plan)


@dataclass(frozen=True, slots=True)
class Run:
    """A part in its full or its quick form."""

    measure: Measure
    steps: int


@dataclass(frozen=True, slots=True)
class Part:
    """One of the comparisons. Not every one is `usual`: the others run where --only names them."""

    full: Run
    quick: Run
    usual: bool = True


def part(
    measure: Callable[[Lab, P, Step], Coroutine[Any, Any, Outcome]], full: P, quick: P, *, usual: bool = True
) -> Part:
    """A part by its two plans."""

    def run(plan: P) -> Run:
        return Run(lambda lab, step: measure(lab, plan, step), plan.steps)

    return Part(run(full), run(quick), usual)


PARTS: Final = {
    "a": part(release.measure, release.FULL, release.QUICK),
    "b": part(arrival.measure, arrival.FULL, arrival.QUICK),
    "c": part(load.measure, load.FULL, load.QUICK),
    "d": part(waiting.measure, waiting.FULL, waiting.QUICK),
    "e": part(shift.measure, shift.FULL, shift.QUICK, usual=False),
}


def chosen(only: str | None) -> list[str]:
    """The parts that --only names, in their own order; without it the usual ones. `ArgumentTypeError` names one that
    is none."""
    if only is None:
        return [name for name, part in PARTS.items() if part.usual]
    named = [name.strip() for name in only.split(",")]
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}: give some of {', '.join(PARTS)}")
    return [name for name in PARTS if name in named]


async def measure(runs: Sequence[Run]) -> list[Outcome]:
    """What came of each."""
    lab = Lab()
    await lab.up("a")
    with Progress(transient=True) as progress:
        task = progress.add_task("versus app_queue", total=sum(run.steps for run in runs))
        return [await run.measure(lab, lambda: progress.advance(task)) for run in runs]


def whole(outcomes: Sequence[Outcome]) -> tuple[list[Check], list[str]]:
    """All checks, and all notes."""
    return [check for one in outcomes for check in one.checks], [note for one in outcomes for note in one.notes]


def keep(outcomes: Sequence[Outcome], results: Path | None, drawn: Path | None, result: dict[str, object]) -> None:
    """Write the files that were asked for."""
    figures = [figures for one in outcomes for figures in one.figures]
    notes = whole(outcomes)[1]
    kept = {
        **result,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "notes": notes,
        "figures": [
            {"title": one.title, "unit": one.unit, "summary": one.summary(), "values": _rounded(one.rows)}
            for one in figures
        ],
    }
    if results is not None:
        results.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if drawn is not None:
        drawn.write_text(page(kept, figures, whole(outcomes)[0], notes), encoding="utf-8")


def _rounded(rows: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(value, 3) for value in values] for name, values in rows.items()}


async def run(names: Sequence[str], *, quick: bool, results: Path | None, drawn: Path | None) -> None:
    outcomes = await measure([PARTS[name].quick if quick else PARTS[name].full for name in names])
    checks, notes = whole(outcomes)
    tables = [figures.table() for one in outcomes for figures in one.figures]
    finish(
        "versus-app-queue",
        checks,
        tables,
        notes=notes,
        keep=lambda result: keep(outcomes, results, drawn, result),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few runs of each")
    parser.add_argument("--only", type=chosen, default=chosen(None), metavar="a,b", help="these parts")
    parser.add_argument("--results", type=Path, metavar="FILE", help="every figure, as JSON")
    parser.add_argument("--page", type=Path, metavar="FILE", help="the distributions, drawn (HTML)")
    given = parser.parse_args()
    run_benchmark(run(given.only, quick=given.quick, results=given.results, drawn=given.page))


if __name__ == "__main__":
    main()
