"""How long things take, and when calls come."""

import math
import statistics

import pytest

from acd.simulate.arrivals import arrivals
from acd.simulate.chance import Distribution, Exponential, Fixed, Lognormal, Streams, draw_ms, hits
from acd.simulate.scenario import DAY_MS, HOUR_MS

DRAWS = 40_000


@pytest.mark.parametrize(
    ("distribution", "deviation_ms", "median_ms"),
    [
        (Exponential(5_000), 5_000, 5_000 * math.log(2)),
        (Lognormal(5_000, 2_000), 2_000, 5_000 / math.sqrt(1 + 0.4**2)),
        (Fixed(5_000), 0, 5_000),
    ],
)
def test_times_have_the_mean_and_the_spread_asked_for(
    distribution: Distribution, deviation_ms: float, median_ms: float
) -> None:
    chance = Streams(1).stream("test")
    drawn = [draw_ms(distribution, chance) for _ in range(DRAWS)]
    assert statistics.fmean(drawn) == pytest.approx(5_000, rel=0.02)
    assert statistics.pstdev(drawn) == pytest.approx(deviation_ms, rel=0.03)
    assert statistics.median(drawn) == pytest.approx(median_ms, rel=0.03)
    assert min(drawn) >= 0


def test_share_of_a_thousand() -> None:
    chance = Streams(1).stream("test")
    assert sum(hits(250, chance) for _ in range(DRAWS)) == pytest.approx(DRAWS / 4, rel=0.03)
    assert not any(hits(0, chance) for _ in range(1_000))


def test_stream_is_the_purposes_own() -> None:
    first, again, other = (Streams(1).stream(name).random() for name in ("a", "a", "b"))
    assert first == again != other
    assert Streams(2).stream("a").random() != first


def test_each_hour_has_the_calls_expected_of_it() -> None:
    by_hour = [0.0] * 8 + [30.0, 60.0, 120.0] + [0.0] * 4 + [200.0] + [0.0] * 8
    days = 200
    moments = list(arrivals(by_hour, 0, days * DAY_MS, Streams(1).stream("arrivals")))
    counts = [0] * 24
    for at_ms in moments:
        counts[at_ms % DAY_MS // HOUR_MS] += 1
    assert moments == sorted(moments)
    for expected, count in zip(by_hour, counts, strict=True):
        assert count == pytest.approx(expected * days, abs=4 * math.sqrt(expected * days))


def test_calls_of_an_hour_are_a_poisson_number() -> None:
    """Its variance is its mean."""
    moments = arrivals([50.0] * 24, 0, 400 * DAY_MS, Streams(1).stream("arrivals"))
    counts = [0] * (400 * 24)
    for at_ms in moments:
        counts[at_ms // HOUR_MS] += 1
    assert statistics.fmean(counts) == pytest.approx(50, rel=0.01)
    assert statistics.pvariance(counts) == pytest.approx(50, rel=0.05)


def test_nobody_calls_after_the_end_or_where_nobody_is_expected() -> None:
    assert list(arrivals([0.0] * 24, 0, 10 * DAY_MS, Streams(1).stream("arrivals"))) == []
    end_ms = 5 * HOUR_MS // 2
    moments = list(arrivals([100.0] * 24, 0, end_ms, Streams(1).stream("arrivals")))
    assert 200 < len(moments) < 300
    assert moments[-1] < end_ms
