"""Several seeds of one scenario, each in a process of its own, as many at a time as there are cores."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from functools import partial

from acd import log
from acd.simulate.guarded import Checks, guarded
from acd.simulate.run import Result
from acd.simulate.scenario import Scenario


def simulate_many(scenario: Scenario, seeds: Sequence[int], checks: Checks, at_once: int) -> Iterator[Result]:
    """The results, as they come. A seed that fails raises what it failed with, and ends the others."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(at_once, len(seeds)), initializer=_begin) as pool:
        yield from pool.imap_unordered(partial(guarded, scenario, checks=checks), seeds)


def _begin() -> None:
    """Ctrl-C is for the parent, which ends the pool; what goes wrong on purpose is not worth a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log.configure("error")
