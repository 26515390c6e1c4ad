"""Tells the core what the calendar says: queues open and close, a day begins (docs/routing.md R32, R53)."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from acd.config import Config
from acd.core import Input
from acd.engine.clock import Clock
from acd.hours import is_open, next_change_ms, next_midnight_ms
from acd.model import QueueId
from acd.router.inputs import BeginDay, CloseQueue, OpenQueue

LOOK_AGAIN_MS: Final = 60_000
"""The wall clock may be set while the next change is waited for, and the clock by which is waited does not show it: so
no wait is longer than this."""


def wall_ms() -> int:
    """The time that people go by; it may jump."""
    return time.time_ns() // 1_000_000


class Calendar:
    """Says what is so, and again whenever it has changed."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        submit: Callable[[Sequence[Input]], Awaitable[None]],
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._config = config
        self._clock = clock
        self._submit = submit
        self._now_ms = now_ms
        self._said: dict[QueueId, bool] = {}
        self._day_ends_ms: int | None = None
        self._first = True
        """Nothing is known of what a core holds that came from a journal; a queue that is new later begins open."""
        self._look = asyncio.Event()

    async def tell(self) -> None:
        """Say what has changed since it was said last: at first, everything."""
        await self._submit(self._changes(self._now_ms()))

    async def configure(self, config: Config) -> None:
        """Go by other hours from now on. Of a queue that is gone it is forgotten what was said: should it come back, it
        begins open."""
        self._config = config
        queues = {settings.id for settings in config.queues}
        self._said = {queue: said for queue, said in self._said.items() if queue in queues}
        await self.tell()
        self._look.set()

    async def run(self) -> None:
        """Say it whenever it changes, for ever."""
        while True:
            self._look.clear()
            await self.tell()
            alarm = self._clock.call_at(self._clock.now_ms() + self._wait_ms(self._now_ms()), self._look.set)
            try:
                await self._look.wait()
            finally:
                alarm.cancel()

    def _changes(self, now_ms: int) -> list[Input]:
        changes: list[Input] = []
        if self._day_ends_ms is not None and now_ms >= self._day_ends_ms:
            changes.append(BeginDay())
        self._day_ends_ms = next_midnight_ms(self._config.time_zone, now_ms)
        by_hours = {id_: is_open(hours, now_ms) for id_, hours in self._config.hours.items()}
        for queue in (settings.id for settings in self._config.queues):
            opens = by_hours[self._config.hours_of[queue]] if queue in self._config.hours_of else True
            if self._said.get(queue, None if self._first else True) != opens:
                changes.append(OpenQueue(queue) if opens else CloseQueue(queue))
            self._said[queue] = opens
        self._first = False
        return changes

    def _wait_ms(self, now_ms: int) -> int:
        moments = [next_change_ms(hours, now_ms) for hours in self._config.hours.values()]
        moments.append(self._day_ends_ms)
        nearest = min((moment for moment in moments if moment is not None), default=now_ms + LOOK_AGAIN_MS)
        return min(max(nearest - now_ms, 0), LOOK_AGAIN_MS)
