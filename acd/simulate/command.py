"""`acd simulate`: days of a contact centre, in no time."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from acd import log
from acd.options import Number
from acd.simulate.centre import contact_centre
from acd.simulate.guarded import Checks, guarded
from acd.simulate.many import simulate_many
from acd.simulate.report import report
from acd.simulate.run import Result, merged
from acd.simulate.scenario import Scenario

INTERRUPTED = 130
CALLS_MOST = 100_000
"""An hour: a hundred times what fifty agents can serve."""
WIDTH = 140
"""Where nobody watches, lines are this long at most."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    seed: int
    seeds: int
    days: int
    agents: int
    queues: int
    calls_per_hour: float | None
    faults: bool
    check: Checks
    jobs: int | None


@click.command("simulate")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Other people, other days.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="So many, from --seed on.")
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True, help="Of each seed.")
@click.option("--agents", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--queues", type=click.IntRange(1, 1_000), default=10, show_default=True)
@click.option(
    "--calls-per-hour",
    type=Number(min=0, max=CALLS_MOST, min_open=True),
    help="Mean of the 14 opening hours, all queues together. Without it: what keeps the agents rather busy.",
)
@click.option("--faults/--no-faults", default=True, show_default=True, help="Links, servers and phones that fail.")
@click.option(
    "--check", type=click.Choice(get_args(Checks)), default="some", show_default=True,
    help="Of what must hold, look at some of it now and then, at all of it after every commit (slow), or at nothing.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), help="Seeds at a time. Without it: one on each core.")
def command(**asked: Any) -> None:
    """Simulate days of a contact centre, on the real core and the real loop.

    The same seed gives the same facts, wherever it runs. Exits with 1 where somebody was not served once the trouble
    was over, or something was left. Where something did not hold it fails with what, when, and under which seed.
    """
    sys.exit(run(Options(**asked)))


def run(options: Options) -> int:
    """The exit code."""
    log.configure("error", "console")
    scenario = contact_centre(
        agents=options.agents,
        queues=options.queues,
        calls_per_hour=options.calls_per_hour,
        days=options.days,
        faults=options.faults,
    )
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    began_s = time.perf_counter()
    try:
        result = _simulate(scenario, options, console)
    except KeyboardInterrupt:
        return INTERRUPTED
    console.print(report(result, scenario.answer_within_ms, time.perf_counter() - began_s), highlight=False)
    return 1 if result.left else 0


def _simulate(scenario: Scenario, options: Options, console: Console) -> Result:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if options.seeds > 1 else TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        if options.seeds == 1:
            return _one(scenario, options, progress)
        return _many(scenario, options, progress)


def _one(scenario: Scenario, options: Options, progress: Progress) -> Result:
    task = progress.add_task(f"seed {options.seed}", total=1.0)
    tell: Callable[[float], None] = lambda share: progress.update(task, completed=share)  # noqa: E731
    return guarded(scenario, options.seed, options.check, tell)


def _many(scenario: Scenario, options: Options, progress: Progress) -> Result:
    seeds = range(options.seed, options.seed + options.seeds)
    task = progress.add_task("seeds", total=len(seeds))
    results: list[Result] = []
    for result in simulate_many(scenario, seeds, options.check, options.jobs or os.cpu_count() or 1):
        results.append(result)
        progress.advance(task)
    return merged(sorted(results, key=lambda result: result.seeds))
