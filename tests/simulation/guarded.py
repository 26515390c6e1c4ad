"""Simulated days under guard, and a hunt for seeds that fail.

`python -m tests.simulation.guarded storm 1000 50` runs 50 seeds from 1000 on and prints those that fail: they belong
into `STORMS` of test_days.py, with a name that says what they found. `digest` instead of `storm` prints one digest.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from acd.guard import Guard
from acd.router.states import Work
from acd.simulate import Demand, Lognormal, Result, Scenario, Trouble, contact_centre
from acd.simulate.run import Simulation
from acd.telephony.simulated import Faults

STORM = Trouble(
    link_cuts=15,
    link_cut=Lognormal(30_000, 60_000),
    link_silences=5,
    restarts=3,
    phone_outages=1,
    reloads=10,
    kills=2,
    reports=Faults(
        report_lost=5, report_doubled=60, report_delayed=60, report_overtaken=60, action_lost=5, delay_ms=2_000
    ),
)
"""Trouble enough for a year, in a day."""


def large(*, days: int, faults: bool = True) -> Scenario:
    """Fifty agents, ten queues."""
    return contact_centre(agents=50, queues=10, days=days, faults=faults)


def storm() -> Scenario:
    """A small centre in which all goes wrong that can, with queues that are full and callers who are sent away."""
    centre = contact_centre(agents=8, queues=3, calls_per_hour=130)
    demands = list(centre.demands)
    demands[0] = _changed(demands[0], max_wait_ms=90_000)
    demands[1] = _changed(demands[1], max_length=2, wrap_up_ms=0, ring_timeout_ms=6_000, ring_at_most=3)
    return msgspec.structs.replace(centre, demands=tuple(demands), trouble=STORM)


def wide_storm() -> Scenario:
    """The same over ten queues, with every end of waiting that the ordinary centre has."""
    centre = contact_centre(agents=12, queues=10, calls_per_hour=120)
    return msgspec.structs.replace(centre, trouble=STORM)


def _changed(demand: Demand, **settings: Any) -> Demand:
    return msgspec.structs.replace(demand, queue=msgspec.structs.replace(demand.queue, **settings))


async def run_guarded(scenario: Scenario, seed: int, *, check_every: int = 1, choose_every: int = 1) -> Result:
    """One run, in which everything must hold, and after which nothing may be left."""
    guard = Guard(check_every=check_every, choose_every=choose_every)
    simulation = Simulation(scenario, seed, [guard])
    result = await simulation.run()
    guard.finish()
    assert guard.looks > 1
    assert guard.choices > 0
    assert result.left == ()
    state = simulation.core.state
    assert (dict(state.calls), state.offers, state.direct_calls) == ({}, {}, {})
    assert {agent.work for agent in state.agents.values()} == {Work.IDLE}
    assert all(server.up for server in state.servers.values())
    return result


SCENARIOS: dict[str, Callable[[], Scenario]] = {"storm": storm, "wide": wide_storm, "large": lambda: large(days=1)}


def hunt(name: str, first: int, count: int) -> None:
    """Print the seeds that fail, and why."""
    for seed in range(first, first + count):
        try:
            asyncio.run(run_guarded(SCENARIOS[name](), seed, check_every=50 if name == "large" else 1))
        except Exception:  # noqa: BLE001  (each is printed)
            sys.stdout.write(f"seed {seed} fails:\n{traceback.format_exc()}\n")
        else:
            sys.stdout.write(f"seed {seed} holds\n")
        sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if sys.argv[1] == "digest":
        sys.stdout.write(
            asyncio.run(run_guarded(storm(), int(sys.argv[2]), check_every=1_000, choose_every=100)).digest
        )
    else:
        hunt(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
