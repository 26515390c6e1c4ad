"""What one side of a call has heard, and the questions a test asks about it.

Received frames are only kept, as they came; they are decoded and measured when somebody asks. Every question is
about audio that arrives after it was asked: what was heard before a hold proves nothing about the time after it.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from acd.telephony.sip.tone import FRAME_MS, Measurement, decoded, level_dbfs, measured, share
from acd.telephony.sip.watch import NothingHappened, Watch

KEPT_FRAMES = 500
"""Ten seconds: the oldest frames are forgotten."""
WINDOW_FRAMES = 10
"""A sound is judged over 200 ms of it."""
AUDIBLE_DBFS = -45.0
TONE_SHARE = 0.3
"""A tone is heard when it has this much of the power, so that each of two or three mixed tones counts."""


class NotHeard(NothingHappened):
    """The sound did not come in time; `measurement` is what came instead."""

    def __init__(self, what: str, measurement: Measurement, where: str) -> None:
        super().__init__(f"{what} was not heard; {where}heard: {measurement}")
        self.measurement = measurement


class Ear:
    """Keeps the frames of one call. `where` says in error messages whose ear it is."""

    def __init__(
        self,
        decode: Callable[[bytes], Sequence[int]] = decoded,
        where: Callable[[], str] = lambda: "",
    ) -> None:
        self.frames_heard = 0
        self._decode = decode
        self._where = where
        self._frames: deque[tuple[int, bytes]] = deque(maxlen=KEPT_FRAMES)
        self._watch = Watch()

    def take(self, payload: bytes, at_ns: int) -> None:
        """Keep one received frame; `at_ns` is when it arrived, on the monotonic clock."""
        self._frames.append((at_ns, payload))
        self.frames_heard += 1
        self._watch.changed()

    def heard(self, last_ms: int = WINDOW_FRAMES * FRAME_MS) -> Measurement:
        """Measure what arrived in the last milliseconds, up to now: nothing at all measures as silence."""
        since_ns = time.monotonic_ns() - last_ms * 1_000_000
        newest = islice(reversed(self._frames), last_ms // FRAME_MS)
        return measured(self._samples([frame for at_ns, frame in newest if at_ns >= since_ns][::-1]))

    async def hears(self, hz: float, within_s: float) -> None:
        """Return once this tone fills a window of 200 ms, or raise `NotHeard`."""
        await self._until(f"{hz:g} Hz", lambda samples: has_tone(samples, hz), within_s)

    async def hears_no_more(self, hz: float, within_s: float) -> None:
        """Return once 200 ms have arrived without this tone, be they silent. No packets at all prove nothing."""
        await self._until(f"anything but {hz:g} Hz", lambda samples: not has_tone(samples, hz), within_s)

    async def hears_sound(self, within_s: float, other_than: tuple[float, ...] = ()) -> None:
        """Return once something is audible that is none of these tones: music, a prompt, a third party."""
        await self._until(
            f"a sound other than {other_than}",
            lambda samples: is_audible(samples) and not any(has_tone(samples, hz) for hz in other_than),
            within_s,
        )

    async def hears_silence(self, for_s: float, within_s: float) -> None:
        """Return once nothing audible has arrived for this long; no packets at all are silence too."""
        loud_at = asked_at = time.monotonic_ns()
        while (still_s := for_s - (time.monotonic_ns() - loud_at) / 1e9) > 0:
            if (loud_at - asked_at) / 1e9 + for_s > within_s:
                raise NotHeard(f"silence for {for_s:g} s", self.heard(), self._where())
            await asyncio.sleep(still_s)
            loud_at = self._last_loud(after_ns=loud_at)

    async def _until(self, what: str, judged: Callable[[Sequence[int]], bool], within_s: float) -> None:
        begin = self.frames_heard

        def true() -> bool:
            return self.frames_heard - begin >= WINDOW_FRAMES and judged(self._newest(WINDOW_FRAMES))

        await self._watch.until(true, within_s, lambda: NotHeard(what, self.heard(), self._where()))

    def _newest(self, frames: int) -> "array[int]":
        return self._samples([frame for _, frame in islice(self._frames, len(self._frames) - frames, None)])

    def _samples(self, frames: list[bytes]) -> "array[int]":
        samples = array("h")
        for frame in frames:
            samples.extend(self._decode(frame))
        return samples

    def _last_loud(self, after_ns: int) -> int:
        for at_ns, frame in reversed(self._frames):
            if at_ns <= after_ns:
                break
            if is_audible(self._decode(frame)):
                return at_ns
        return after_ns


def is_audible(samples: Sequence[int]) -> bool:
    """Whether a person would hear anything on this line."""
    return level_dbfs(samples) >= AUDIBLE_DBFS


def has_tone(samples: Sequence[int], hz: float) -> bool:
    """Whether this tone is audible in it, alone or among few others."""
    return is_audible(samples) and share(samples, hz) >= TONE_SHARE
