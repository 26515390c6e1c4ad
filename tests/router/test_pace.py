"""How fast a line gets shorter: the smoothed interval (docs/routing.md R55)."""

from acd.router.pace import Pace

EVERY_MS = 10_000


def _after(*intervals_ms: int) -> Pace:
    """Departures at these intervals, from a line in which somebody always stands."""
    pace, now_ms = Pace(since_ms=0), 0
    for interval_ms in intervals_ms:
        now_ms += interval_ms
        pace.depart(now_ms)
        pace.since_ms = now_ms
    return pace


def test_each_of_the_first_sixteen_departures_weighs_alike() -> None:
    assert _after(*range(1_000, 17_000, 1_000)).interval_us // 1_000 == 8_500


def test_a_later_one_has_a_sixteenth_of_the_weight() -> None:
    assert _after(*[EVERY_MS] * 40, EVERY_MS + 16_000).interval_us == (EVERY_MS + 1_000) * 1_000


def test_nobody_who_leaves_in_the_moment_of_coming_counts() -> None:
    pace = _after(EVERY_MS)
    pace.depart(EVERY_MS)
    assert (pace.departures, pace.interval_us) == (1, EVERY_MS * 1_000)
