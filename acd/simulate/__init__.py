"""Seeded days of a contact centre on the real core and the real loop, with the virtual clock and the simulated phones.

A `Scenario` says what the days are like; a seed says how they turn out; `simulate` runs them and returns what the
facts tell of them. Nothing here decides anything about calls: it plays the people, the phones and the trouble.

    result = simulate(contact_centre(agents=50, queues=10), seed=1)

`erlang` holds what theory says of the same.
"""

from acd.simulate.centre import contact_centre
from acd.simulate.chance import Distribution, Exponential, Fixed, Lognormal
from acd.simulate.figures import Figures, QueueFigures
from acd.simulate.run import Observer, Result, merged, simulate
from acd.simulate.scenario import Break, Demand, Employee, Habits, Scenario, Shift, Trouble

__all__ = [
    "Break",
    "Demand",
    "Distribution",
    "Employee",
    "Exponential",
    "Figures",
    "Fixed",
    "Habits",
    "Lognormal",
    "Observer",
    "QueueFigures",
    "Result",
    "Scenario",
    "Shift",
    "Trouble",
    "contact_centre",
    "merged",
    "simulate",
]
