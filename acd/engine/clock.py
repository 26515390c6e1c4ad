"""Clocks: the real one, and one that tests and simulations turn by hand. Milliseconds since 1970, UTC."""

import asyncio
import time
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Protocol


class Alarm(Protocol):
    """Something that was set for later."""

    def cancel(self) -> None:
        """Let it not ring. Harmless when it has rung."""


class Clock(Protocol):
    """Time that never goes back."""

    def now_ms(self) -> int:
        """The time."""

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        """Call back once the time has come; at once where it is past."""


class RealClock:
    """The machine's time, made monotonic: a step of the wall clock moves neither order nor deadlines.

    `not_before_ms`: the last time that a journal knows, so that time does not go back over a restart.
    """

    def __init__(self, not_before_ms: int = 0) -> None:
        self._origin_ns = max(time.time_ns(), not_before_ms * 1_000_000) - time.monotonic_ns()

    def now_ms(self) -> int:
        return (self._origin_ns + time.monotonic_ns()) // 1_000_000

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        delay_s = when_ms / 1_000 - (self._origin_ns + time.monotonic_ns()) / 1_000_000_000
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), callback)


class _VirtualAlarm:
    def __init__(self, callback: Callable[[], None], forgotten: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self._forgotten = forgotten

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._forgotten()


STALE_LIMIT = 100
"""Cancelled alarms that are kept at least, before those that are set are sorted anew without them."""


class VirtualClock:
    """Time that moves only when told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._heap: list[tuple[int, int, _VirtualAlarm]] = []
        self._count = 0
        self._stale = 0

    def now_ms(self) -> int:
        return self._now_ms

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        alarm = _VirtualAlarm(callback, self._forget)
        self._count += 1
        heappush(self._heap, (max(when_ms, self._now_ms), self._count, alarm))
        return alarm

    def _forget(self) -> None:
        self._stale += 1
        if self._stale > STALE_LIMIT and self._stale > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].callback is not None]
            heapify(self._heap)
            self._stale = 0

    @property
    def alarms(self) -> int:
        """How many are set."""
        return len(self._heap) - self._stale

    @property
    def next_ms(self) -> int | None:
        """When the next alarm rings, or None."""
        while self._heap and self._heap[0][2].callback is None:
            heappop(self._heap)
            self._stale -= 1
        return self._heap[0][0] if self._heap else None

    def step(self) -> bool:
        """Move to the next alarm and let it ring. False where none is set."""
        if self.next_ms is None:
            return False
        self._now_ms, _, alarm = heappop(self._heap)
        callback, alarm.callback = alarm.callback, None
        assert callback is not None, "cancelled alarms were cleared just now"
        callback()
        return True

    def advance(self, by_ms: int) -> None:
        """Move on, ringing every alarm on the way in its order."""
        target_ms = self._now_ms + by_ms
        while (next_ms := self.next_ms) is not None and next_ms <= target_ms:
            self.step()
        self._now_ms = target_ms
