"""Tones: made, measured and told apart. Pure: no socket, no clock.

Audio is what the lab's phones speak, G.711 mu-law at 8 kHz in frames of 20 ms (RFC 3551). A frame is made
once for each tone and used again for ever; measuring costs something only when somebody asks.
Single frequencies are measured with the Goertzel algorithm, as DTMF receivers do it, so that no FFT is needed.
"""

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiortp import PayloadType, get_codec

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000
FULL_SCALE = 32768
SILENT_DBFS = -90.0
"""What an empty or all-zero stretch of audio measures, in place of minus infinity."""
TONE_AMPLITUDE = 8000
SILENT_FRAME = b"\xff" * FRAME_SAMPLES
SPECTRUM_HZ = tuple(range(100, 3600, 50))

_PCMU = get_codec(PayloadType.PCMU)


def encoded(samples: Iterable[int]) -> bytes:
    """The samples (16 bit) as mu-law, one byte each."""
    return _PCMU.encode(_little_endian(array("h", samples)).tobytes())


def decoded(payload: bytes) -> "array[int]":
    """The 16-bit samples of a mu-law payload."""
    return _little_endian(array("h", _PCMU.decode(payload)))


def _little_endian(samples: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


@lru_cache(maxsize=64)
def tone_frames(hz: float) -> tuple[bytes, ...]:
    """The frames of one second of a tone. Played round and round they join without a click.

    The frequency must be whole hertz between 50 and 3,800, since only then does a second hold whole waves.
    """
    if hz != int(hz) or not 50 <= hz <= 3800:
        raise ValueError(f"a tone of {hz} Hz: whole hertz from 50 to 3800 are allowed")
    step = 2 * math.pi * hz / SAMPLE_RATE_HZ
    second = encoded(round(TONE_AMPLITUDE * math.sin(step * n)) for n in range(SAMPLE_RATE_HZ))
    return tuple(second[start : start + FRAME_SAMPLES] for start in range(0, SAMPLE_RATE_HZ, FRAME_SAMPLES))


def level_dbfs(samples: Sequence[int]) -> float:
    """The mean power in decibels under full scale: a steady test tone measures about -15, a quiet line under -60."""
    if not samples:
        return SILENT_DBFS
    power = sum(sample * sample for sample in samples) / len(samples)
    if power == 0:
        return SILENT_DBFS
    return max(SILENT_DBFS, 10 * math.log10(power / FULL_SCALE**2))


def share(samples: Sequence[int], hz: float) -> float:
    """How much of the whole power is at this frequency: 1.0 for the pure tone, about 0.5 for one of two as loud."""
    total = sum(sample * sample for sample in samples)
    if total == 0:
        return 0.0
    return min(1.0, 2 * _goertzel_power(samples, hz) / (len(samples) * total))


def _goertzel_power(samples: Sequence[int], hz: float) -> float:
    turn = 2 * math.cos(2 * math.pi * hz / SAMPLE_RATE_HZ)
    previous = before = 0.0
    for sample in samples:
        previous, before = sample + turn * previous - before, previous
    return previous * previous + before * before - turn * previous * before


@dataclass(frozen=True)
class Partial:
    """One frequency of a sound, and its share of the whole power."""

    hz: float
    share: float


@dataclass(frozen=True)
class Measurement:
    """What a stretch of audio held. `partials` are the strongest frequencies to within 5 Hz, strongest first."""

    level_dbfs: float
    duration_ms: int
    partials: tuple[Partial, ...]

    def __str__(self) -> str:
        strongest = ", ".join(f"{part.hz:g} Hz {part.share:.0%}" for part in self.partials)
        return f"{self.duration_ms} ms at {self.level_dbfs:.0f} dBFS, strongest: {strongest or 'nothing'}"


def measured(samples: Sequence[int], strongest: int = 3) -> Measurement:
    """Measure a stretch of audio: some milliseconds of work, so only for reports."""
    return Measurement(
        level_dbfs=level_dbfs(samples),
        duration_ms=len(samples) * 1000 // SAMPLE_RATE_HZ,
        partials=_partials(samples)[:strongest],
    )


def _partials(samples: Sequence[int]) -> tuple[Partial, ...]:
    # A short stretch has broad peaks, so none falls between two points of the grid; the long one then tells
    # exactly where in its neighbourhood each of them is.
    coarse = {hz: share(samples[:FRAME_SAMPLES], hz) for hz in SPECTRUM_HZ}
    near = sorted(coarse, key=lambda hz: coarse[hz], reverse=True)[:5]
    fine = {hz: share(samples, hz) for middle in near for hz in range(middle - 45, middle + 50, 5)}
    peaks = [hz for hz in fine if fine[hz] > 0.05 and fine[hz] >= max(fine.get(hz - 5, 0), fine.get(hz + 5, 0))]
    return tuple(Partial(hz, fine[hz]) for hz in sorted(peaks, key=lambda hz: fine[hz], reverse=True))
