"""A run that is watched: by default at a rate that costs little (docs/simulation.md)."""

from typing import Final, Literal

from acd.guard import Guard
from acd.simulate.run import Progress, Result, simulate
from acd.simulate.scenario import Scenario

Checks = Literal["some", "all", "none"]

LOOK_EVERY: Final = 500
"""Commits between two looks at the whole state, with as many agents as an ordinary centre has."""
CHOOSE_EVERY: Final = 100
"""Offers between two choices that are made again by looking at everybody."""
FEW: Final = 10_000
"""Calls. Where no more are expected, each choice is made again."""
ORDINARY: Final = 50
"""Agents. With twice as many a look takes longer, and more happens: it is taken a fourth as often."""


def guarded(scenario: Scenario, seed: int, checks: Checks = "some", progress: Progress | None = None) -> Result:
    """Run it; what does not hold is raised as an `AssertionError`. Not to be called from a running event loop."""
    if checks == "none":
        return simulate(scenario, seed, progress=progress)
    guard = _guard(scenario, checks)
    result = simulate(scenario, seed, observers=[guard], progress=progress)
    try:
        guard.finish()
    except AssertionError as error:
        error.add_note(f"seed {seed}, at the end")
        raise
    result.checked.update(facts=result.facts, commits=guard.commits, offers=guard.offers)
    result.checked.update(looks=guard.looks, choices=guard.choices)
    return result


def _guard(scenario: Scenario, checks: Checks) -> Guard:
    if checks == "all":
        return Guard(check_every=1, choose_every=1)
    rarer = max(1, len(scenario.employees) // ORDINARY) ** 2
    choose_every = 1 if _expected(scenario) <= FEW else CHOOSE_EVERY
    return Guard(check_every=LOOK_EVERY * rarer, choose_every=choose_every * rarer)


def _expected(scenario: Scenario) -> float:
    """How many calls come, more or less."""
    return scenario.days * sum(sum(demand.calls_by_hour) for demand in scenario.demands)
