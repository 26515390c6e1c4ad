"""How far a simulated mean can be trusted: batch means, because what follows in time is alike.

The run is cut into batches that are long enough to know little of each other; the means of the batches are treated as
independent and the mean of them as Student's. A. M. Law and W. D. Kelton, Simulation Modeling and Analysis, ch. 9.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BATCHES: Final = 30
STUDENT_999: Final = 3.6594
"""Student's t with 29 degrees of freedom: 99.9 % of it lie within."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, and by how much it may be wrong, in 999 of 1,000 simulations."""

    mean: float
    half_width: float

    def agrees_with(self, theory: float) -> bool:
        return abs(self.mean - theory) <= self.half_width


def estimate(values: Sequence[float], skipped: float = 0.05) -> Estimate:
    """The mean of what was observed in order. The first part is skipped: the line was empty when it began."""
    counted = values[int(len(values) * skipped) :]
    size = len(counted) // BATCHES
    assert size > 0, f"{len(values)} values are too few for {BATCHES} batches"
    return of_means([statistics.fmean(counted[at * size : (at + 1) * size]) for at in range(BATCHES)])


def of_means(means: Sequence[float]) -> Estimate:
    """The mean of so many means that know nothing of each other: of batches, or of runs under seeds of their own."""
    assert len(means) == BATCHES, f"{len(means)} means, not {BATCHES}"
    return Estimate(statistics.fmean(means), STUDENT_999 * statistics.stdev(means) / math.sqrt(BATCHES))
