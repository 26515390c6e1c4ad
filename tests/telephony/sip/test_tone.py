"""Tones: what is made is what is measured."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.telephony.sip.tone import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    SILENT_DBFS,
    SILENT_FRAME,
    decoded,
    encoded,
    level_dbfs,
    measured,
    share,
    tone_frames,
)


def sound(*tones: tuple[float, int], seconds: float = 0.2) -> list[int]:
    """A sum of (hertz, amplitude)."""
    return [
        round(sum(peak * math.sin(2 * math.pi * hz * n / SAMPLE_RATE_HZ) for hz, peak in tones))
        for n in range(int(seconds * SAMPLE_RATE_HZ))
    ]


def noise(peak: int) -> list[int]:
    chance = random.Random(1)
    return [chance.randint(-peak, peak) for _ in range(1600)]


@given(st.integers(min_value=-32000, max_value=32000))
def test_mu_law_keeps_a_sample_within_its_step(sample: int) -> None:
    assert abs(decoded(encoded([sample]))[0] - sample) <= max(8, abs(sample) // 16)


def test_silent_frame_is_zero() -> None:
    assert set(decoded(SILENT_FRAME)) == {0}
    assert level_dbfs(decoded(SILENT_FRAME)) == SILENT_DBFS
    assert share(decoded(SILENT_FRAME), 440) == 0


@pytest.mark.parametrize("hz", [50, 440, 441, 697, 1000, 1633, 3799])
def test_tone_has_all_its_power_at_its_frequency(hz: int) -> None:
    samples = decoded(b"".join(tone_frames(hz)[:10]))
    assert share(samples, hz) > 0.98
    assert share(samples, hz + 100 if hz < 3700 else hz - 100) < 0.02
    assert level_dbfs(samples) == pytest.approx(-15.3, abs=0.3)


def test_tone_goes_round_without_a_click() -> None:
    frames = tone_frames(440)
    assert {len(frame) for frame in frames} == {FRAME_SAMPLES}
    seam = decoded(frames[-1] + frames[0])
    assert share(seam, 440) > 0.98
    assert tone_frames(440) is frames


@pytest.mark.parametrize("hz", [440.5, 49, 3801, 0, -440])
def test_tone_that_cannot_go_round_is_refused(hz: float) -> None:
    with pytest.raises(ValueError, match="whole hertz from 50 to 3800"):
        tone_frames(hz)


def test_two_tones_share_the_power() -> None:
    samples = sound((440, 4000), (1000, 4000))
    assert share(samples, 440) == pytest.approx(0.5, abs=0.02)
    assert share(samples, 1000) == pytest.approx(0.5, abs=0.02)


def test_noise_has_no_tone() -> None:
    assert max(share(noise(8000), hz) for hz in (440, 1000, 1500)) < 0.05
    assert measured(noise(8000)).partials == ()


def test_report_names_the_strongest_frequencies() -> None:
    report = measured(sound((1200, 8000), (455, 4000)))
    assert [part.hz for part in report.partials] == [1200, 455]
    assert str(report) == "200 ms at -14 dBFS, strongest: 1200 Hz 80%, 455 Hz 20%"
    assert str(measured([])) == "0 ms at -90 dBFS, strongest: nothing"
