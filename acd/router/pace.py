"""How fast a line gets shorter: what the estimate of a wait goes by (docs/routing.md R55)."""

from dataclasses import dataclass

PACE_OVER = 16
"""So many departures are smoothed over, about."""


@dataclass(slots=True)
class Pace:
    """How fast the line of one queue gets shorter, while anybody stands in it."""

    since_ms: int | None = None
    """Since when the next departure is waited for; None while the line is empty."""
    departures: int = 0
    interval_us: int = 0
    """From one departure to the next: the mean, in which the latest weigh most."""

    def depart(self, now_ms: int) -> None:
        """One leaves the line. Who leaves it in the moment of coming has found an agent free, and says nothing."""
        assert self.since_ms is not None, "nobody stands in the line"
        if now_ms == self.since_ms:
            return
        self.departures += 1
        sample_us = (now_ms - self.since_ms) * 1_000
        self.interval_us += (sample_us - self.interval_us) // min(self.departures, PACE_OVER)

    def interval_at(self, now_ms: int) -> int:
        """The mean, in which the wait for the next departure counts as one once it is longer: in microseconds."""
        if self.since_ms is None:
            return self.interval_us
        more_us = (now_ms - self.since_ms) * 1_000 - self.interval_us
        return self.interval_us + max(0, more_us) // min(self.departures + 1, PACE_OVER)
