"""When calls come: a Poisson process whose rate changes by the hour.

Hours in which more is expected are run through faster: gaps are drawn at rate 1 and laid along the expected number
of calls (the change of time of a Poisson process; Çinlar, Introduction to Stochastic Processes, 1975, ch. 4.7).
"""

import random
from collections.abc import Iterator, Sequence

from acd.simulate.scenario import DAY_MS, HOUR_MS


def arrivals(by_hour: Sequence[float], begin_ms: int, end_ms: int, chance: random.Random) -> Iterator[int]:
    """The moments, in order, from the midnight `begin_ms` until `end_ms`, each day like the other."""
    passed_ms = 0.0
    while True:
        expected = chance.expovariate(1.0)
        while expected >= (rest := _rest_of_hour(by_hour, passed_ms)):
            expected -= rest
            passed_ms = (passed_ms // HOUR_MS + 1) * HOUR_MS
            if begin_ms + passed_ms >= end_ms:
                return
        passed_ms += expected / _rate(by_hour, passed_ms) * HOUR_MS
        if begin_ms + passed_ms >= end_ms:
            return
        yield begin_ms + int(passed_ms)


def _rate(by_hour: Sequence[float], passed_ms: float) -> float:
    return by_hour[int(passed_ms % DAY_MS // HOUR_MS)]


def _rest_of_hour(by_hour: Sequence[float], passed_ms: float) -> float:
    """How many calls are expected until the hour is over."""
    return _rate(by_hour, passed_ms) * (HOUR_MS - passed_ms % HOUR_MS) / HOUR_MS
