"""Chance from one seed: a stream for each purpose, and how long things take.

Each purpose draws from a stream of its own, so that one more agent does not change who calls when: two scenarios
under one seed meet the same callers.
"""

import math
import random
from typing import Final, assert_never

import msgspec

PER_MILLE: Final = 1_000


class Exponential(msgspec.Struct, frozen=True, tag_field="shape", tag="exponential"):
    """Without memory: what is left does not depend on what is over."""

    mean_ms: float


class Lognormal(msgspec.Struct, frozen=True, tag_field="shape", tag="lognormal"):
    """As conversations are: mostly short, some very long. Mean and standard deviation of the times themselves."""

    mean_ms: float
    deviation_ms: float


class Fixed(msgspec.Struct, frozen=True, tag_field="shape", tag="fixed"):
    """Always the same."""

    mean_ms: float


Distribution = Exponential | Lognormal | Fixed


def draw_ms(distribution: Distribution, chance: random.Random) -> int:
    """One time, in whole milliseconds."""
    match distribution:
        case Exponential(mean_ms):
            return round(chance.expovariate(1.0) * mean_ms)
        case Lognormal(mean_ms, deviation_ms):
            variance = math.log1p((deviation_ms / mean_ms) ** 2)
            return round(chance.lognormvariate(math.log(mean_ms) - variance / 2, math.sqrt(variance)))
        case Fixed(mean_ms):
            return round(mean_ms)
        case _:
            assert_never(distribution)


def hits(per_mille: int, chance: random.Random) -> bool:
    """Whether one of a thousand falls among so many."""
    return chance.randrange(PER_MILLE) < per_mille


class Streams:
    """All chance of one run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, purpose: str) -> random.Random:
        """The stream for a purpose; the same purpose has the same one. A text is hashed by SHA-512: no hash seed of
        the interpreter matters."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311  (to be repeatable, not secret)
