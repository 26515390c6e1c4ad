"""The calendar tells the core when queues open and close and when a day begins (docs/routing.md R32, R53)."""

import asyncio
import datetime as dt
from collections.abc import Sequence

from msgspec import structs

from acd.config import Config
from acd.core import Input
from acd.daemon.calendar import Calendar
from acd.engine.clock import VirtualClock
from acd.hours import read_hours
from acd.model import QueueId
from acd.router.inputs import BeginDay, CloseQueue, OpenQueue
from acd.router.settings import QueueSettings
from acd.tasks import Tasks

SALES, NIGHT = QueueId("sales"), QueueId("night")
HOUR_MS = 3_600_000


def utc(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1_000)


def config(weekly: str = "mon-sun 09:00-17:00") -> Config:
    """Sales has hours, night is always open; in Berlin."""
    return Config(
        queues=(QueueSettings(SALES, "Sales"), QueueSettings(NIGHT, "Night")),
        time_zone="Europe/Berlin",
        hours={"office": read_hours("Europe/Berlin", [weekly], None, [])},
        hours_of={SALES: "office"},
    )


class Told:
    """A calendar with a clock that is turned by hand, and all that it has told, and when."""

    def __init__(self, now: str) -> None:
        self.clock = VirtualClock(utc(now))
        self.step_ms = 0
        """How far the wall clock was set."""
        self.inputs: list[tuple[int, Input]] = []
        self.calendar = Calendar(config(), self.clock, self._submit, self.wall_ms)

    def wall_ms(self) -> int:
        return self.clock.now_ms() + self.step_ms

    async def _submit(self, inputs: Sequence[Input]) -> None:
        self.inputs += [(self.wall_ms(), asked) for asked in inputs]

    async def pass_until(self, when: str) -> None:
        """Turn the clock, and let the calendar follow at each alarm."""
        while self.wall_ms() < utc(when):
            next_ms = self.clock.next_ms
            assert next_ms is not None, "nothing is waited for"
            self.clock.advance(min(next_ms, utc(when) - self.step_ms) - self.clock.now_ms())
            for _ in range(5):
                await asyncio.sleep(0)

    async def start(self, tasks: Tasks) -> None:
        await self.calendar.tell()
        tasks.start("calendar", self.calendar.run())
        for _ in range(5):
            await asyncio.sleep(0)


async def test_everything_is_told_at_first_and_then_what_changes() -> None:
    told, tasks = Told("2026-11-23 06:00"), Tasks("test")
    await told.start(tasks)
    assert [asked for _, asked in told.inputs] == [CloseQueue(SALES), OpenQueue(NIGHT)]
    await told.pass_until("2026-11-23 23:30")
    await tasks.stop()
    assert told.inputs[2:] == [
        (utc("2026-11-23 08:00"), OpenQueue(SALES)),
        (utc("2026-11-23 16:00"), CloseQueue(SALES)),
        (utc("2026-11-23 23:00"), BeginDay()),
    ]
    assert told.clock.alarms == 0


async def test_days_on_which_clocks_are_changed_open_by_the_wall_clock() -> None:
    told, tasks = Told("2026-10-24 20:00"), Tasks("test")
    await told.start(tasks)
    await told.pass_until("2026-10-25 23:30")
    await tasks.stop()
    assert told.inputs[2:] == [
        (utc("2026-10-24 22:00"), BeginDay()),
        (utc("2026-10-25 08:00"), OpenQueue(SALES)),
        (utc("2026-10-25 16:00"), CloseQueue(SALES)),
        (utc("2026-10-25 23:00"), BeginDay()),
    ]


async def test_wall_clock_that_is_set_is_noticed_within_a_minute() -> None:
    told, tasks = Told("2026-11-23 06:00"), Tasks("test")
    await told.start(tasks)
    told.step_ms = 3 * HOUR_MS
    await told.pass_until("2026-11-23 09:01")
    assert [asked for _, asked in told.inputs[2:]] == [OpenQueue(SALES)]
    told.step_ms = 0
    await told.pass_until("2026-11-23 06:02")
    await tasks.stop()
    assert [asked for _, asked in told.inputs[3:]] == [CloseQueue(SALES)]


async def test_new_hours_hold_at_once_and_a_queue_that_comes_back_begins_open() -> None:
    told, tasks = Told("2026-11-23 06:00"), Tasks("test")
    await told.start(tasks)
    await told.calendar.configure(config("mon-sun 06:00-17:00"))
    assert [asked for _, asked in told.inputs[2:]] == [OpenQueue(SALES)]
    without = structs.replace(config("mon-sun 06:00-17:00"), queues=())
    await told.calendar.configure(without)
    await told.calendar.configure(config("mon-sun 06:00-17:00"))
    assert [asked for _, asked in told.inputs[3:]] == []
    await told.pass_until("2026-11-23 16:01")
    await tasks.stop()
    assert [asked for _, asked in told.inputs[3:]] == [CloseQueue(SALES)]
