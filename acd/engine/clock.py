"""Clocks: the real one, and one that tests and simulations turn by hand. Milliseconds since 1970, UTC."""

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
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
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Time that moves only when told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._alarms: list[tuple[int, int, _VirtualAlarm]] = []
        self._count = 0

    def now_ms(self) -> int:
        return self._now_ms

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        alarm = _VirtualAlarm(callback)
        self._count += 1
        heappush(self._alarms, (max(when_ms, self._now_ms), self._count, alarm))
        return alarm

    @property
    def next_ms(self) -> int | None:
        """When the next alarm rings, or None."""
        while self._alarms and self._alarms[0][2].callback is None:
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def step(self) -> bool:
        """Move to the next alarm and let it ring. False where none is set."""
        if self.next_ms is None:
            return False
        when_ms, _, alarm = heappop(self._alarms)
        self._now_ms = when_ms
        assert alarm.callback is not None, "cancelled alarms were cleared just now"
        alarm.callback()
        return True

    def advance(self, by_ms: int) -> None:
        """Move on, ringing every alarm on the way in its order."""
        target_ms = self._now_ms + by_ms
        while (next_ms := self.next_ms) is not None and next_ms <= target_ms:
            self.step()
        self._now_ms = target_ms
