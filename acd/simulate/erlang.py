"""What theory says of one line before equal agents: Erlang C, whose callers wait for ever, and Erlang A, whose do not.

All times are in one unit of the caller's choice; the results are in the same. Calls come at random (Poisson) at
`arrival_rate`; each of `agents` takes `mean_service` for a call, and in Erlang A a caller has `mean_patience`, both
exponential. First come, first served.

Sources: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges", 1917 (Erlang B and C). C. Palm, "Research on telephone traffic carried by full availability groups", 1957
(written 1946; callers who give up: Erlang A). F. Baccelli and G. Hebuterne, "On queues with impatient customers", 1981
(the density of the offered wait). O. Garnett, A. Mandelbaum and M. Reiman, "Designing a call center with impatient
customers", Manufacturing & Service Operations Management 4, 2002 (Erlang A as the model of a contact centre).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

STEPS: Final = 20_000
"""Of the numerical integration, an even number."""
NEGLIGIBLE: Final = 60.0
"""A density is not followed below e to the minus this, compared with its greatest."""


@dataclass(frozen=True, slots=True)
class Performance:
    """Of a line in its steady state."""

    delayed: float
    """Share of the callers who do not reach an agent at once."""
    abandoned: float
    """Share of the callers who give up."""
    mean_wait: float
    """Of all callers, those included who were answered at once or gave up."""
    answered_in_time: float
    """Share of the callers who are answered within the time asked for."""
    occupancy: float
    """Share of their time in which the agents work."""


def blocked(agents: int, load: float) -> float:
    """Erlang B: the share of calls that find every agent busy where nobody waits. `load` in Erlang. By the recursion
    over the number of agents, which never overflows."""
    inverse = 1.0
    for number in range(1, agents + 1):
        inverse = 1.0 + inverse * number / load
    return 1.0 / inverse


def erlang_c(arrival_rate: float, mean_service: float, agents: int, within: float) -> Performance:
    """Callers wait as long as it takes. Raises `ValueError` where more work comes than can be done."""
    load = arrival_rate * mean_service
    if load >= agents:
        raise ValueError(f"{agents} agents cannot do {load:g} Erlang: the line would grow for ever")
    lost = blocked(agents, load)
    occupancy = load / agents
    delayed = lost / (1.0 - occupancy * (1.0 - lost))
    relief = agents / mean_service - arrival_rate
    return Performance(
        delayed=delayed,
        abandoned=0.0,
        mean_wait=delayed / relief,
        answered_in_time=1.0 - delayed * math.exp(-relief * within),
        occupancy=occupancy,
    )


def erlang_a(arrival_rate: float, mean_service: float, mean_patience: float, agents: int, within: float) -> Performance:
    """Callers give up. Any load is possible.

    The wait that a caller with endless patience would have is offered with the density
    `arrival_rate * p * exp(arrival_rate * H(t) - agents * t / mean_service)`, where `p` is the share of time in which
    exactly one agent is free, and `H(t)` the mean of what is smaller, patience or `t`.
    """
    density = _Density(arrival_rate, mean_service, mean_patience, agents)
    end = density.end
    norm = 1.0 / blocked(agents - 1, arrival_rate * mean_service) + arrival_rate * math.exp(density.peak) * _integral(
        density, end
    )
    scale = arrival_rate * math.exp(density.peak) / norm
    delayed = scale * _integral(density, end)
    given_up = scale * _integral(lambda t: density(t) * -math.expm1(-t / mean_patience), end)
    in_time = scale * _integral(lambda t: density(t) * math.exp(-t / mean_patience), min(within, end))
    return Performance(
        delayed=delayed,
        abandoned=given_up,
        mean_wait=given_up * mean_patience,
        answered_in_time=1.0 - delayed + in_time,
        occupancy=arrival_rate * (1.0 - given_up) * mean_service / agents,
    )


class _Density:
    """The density of the offered wait, but for its scale, with its greatest value 1."""

    def __init__(self, arrival_rate: float, mean_service: float, mean_patience: float, agents: int) -> None:
        self._arrival_rate = arrival_rate
        self._capacity = agents / mean_service
        self._patience = mean_patience
        self.peak = 0.0
        at_peak = max(0.0, mean_patience * math.log(arrival_rate / self._capacity))
        self.peak = self._exponent(at_peak)
        self.end = self._negligible_after(at_peak)

    def __call__(self, wait: float) -> float:
        return math.exp(self._exponent(wait) - self.peak)

    def _exponent(self, wait: float) -> float:
        return self._arrival_rate * self._patience * -math.expm1(-wait / self._patience) - self._capacity * wait

    def _negligible_after(self, at_peak: float) -> float:
        """The exponent is concave: once it has fallen so far, it stays below."""
        step = 1.0 / self._capacity
        while self._exponent(at_peak + step) > self.peak - NEGLIGIBLE:
            step *= 2.0
        return at_peak + step


def _integral(of: Callable[[float], float], end: float) -> float:
    """From nothing to `end`, by Simpson's rule."""
    width = end / STEPS
    inner = sum((4 if step % 2 else 2) * of(step * width) for step in range(1, STEPS))
    return (of(0.0) + inner + of(end)) * width / 3.0
