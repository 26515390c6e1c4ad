"""How much is simulated under guard, and how fast: days of fifty agents and ten queues, with faults.

Eight seeds of two days each run in two processes; in each everything that `acd/guard` looks at must hold:
the books after every fact, the invariants after every fiftieth commit, the choice of every tenth offer. The
default run takes a minute and a half on two free cores, and as much longer as others use them; `--quick` runs two
seeds of one day.

The checks are counts, and the three minutes on two cores that issue 3 asks for: in seconds of CPU, because the cores
are shared.
"""

import argparse
import asyncio
import logging
import multiprocessing
import signal
import time
from typing import Final

import structlog
from rich.table import Table

from acd.guard import Guard
from acd.simulate import Result, contact_centre, merged
from acd.simulate.run import Simulation
from benchmarks.report import Check, finish

SEEDS: Final = range(1, 9)
DAYS: Final = 2
PROCESSES: Final = 2
SECONDS_ALLOWED: Final = 180
Watched = tuple[Result, int, int, float]
"""The result, looks at the whole state, choices compared, CPU seconds."""


def watched(job: tuple[int, int]) -> Watched:
    """One seed under guard."""
    seed, days = job
    began_s = time.process_time()
    guard = Guard()
    result = asyncio.run(Simulation(contact_centre(days=days), seed, [guard]).run())
    guard.finish()
    return result, guard.looks, guard.choices, time.process_time() - began_s


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def _table(title: str, rows: dict[str, str]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds of one day: to see that it works")
    quick = parser.parse_args().quick
    seeds, days = (SEEDS[:2], 1) if quick else (SEEDS, DAYS)
    began_s = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(PROCESSES, initializer=_begin) as pool:
        done: list[Watched] = pool.map(watched, [(seed, days) for seed in seeds], chunksize=1)
    took_s = time.perf_counter() - began_s
    whole = merged([result for result, *_ in done])
    looks, choices = sum(looks for _, looks, *_ in done), sum(choices for _, _, choices, _ in done)
    cpu_s = sum(cpu_s for *_, cpu_s in done)
    size = {
        "seeds": str(len(whole.seeds)),
        "hours with calls": str(whole.opening_hours),
        "calls": f"{whole.calls:,}",
        "inputs": f"{whole.inputs:,}",
        "facts": f"{whole.facts:,}",
        "looks at the whole state": f"{looks:,}",
        "choices compared": f"{choices:,}",
        "seconds, all": f"{took_s:.1f}",
        "seconds of CPU, both": f"{cpu_s:.1f}",
    }
    faults = {name: f"{count:,}" for name, count in whole.faults.most_common()}
    share = len(seeds) * days / (len(SEEDS) * DAYS)
    finish(
        "simulation",
        [
            Check("seconds of CPU on each of two cores", cpu_s / PROCESSES, SECONDS_ALLOWED),
            Check("hours with calls", whole.opening_hours, 200 * share, "higher"),
            Check("calls", whole.calls, 100_000 * share, "higher"),
            Check("left over", len(whole.left), 0),
        ],
        [_table("Simulated", size), _table("Faults injected", faults)],
    )


if __name__ == "__main__":
    main()
