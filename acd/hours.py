"""Opening hours: when a queue is open, and when that changes next. Values and functions: no clock, no I/O but what the
time zone data and the holidays library read.

The core knows no calendar (docs/routing.md R53): `acd.daemon.calendar` asks here, and tells it.
"""

import datetime as dt
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD: Final = 400
"""Days that are looked through for the next change: a year and its holidays."""

_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_SPAN = rf"{_TIME}-(?:{_TIME}|(24):(00))"
_DAY = rf"({'|'.join(DAYS)})"
WEEKLY: Final = rf"^{_DAY}(?:-{_DAY})? (?:{_SPAN})\Z"
SPECIAL: Final = rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}) (?:closed|{_SPAN})\Z"
HOLIDAYS: Final = r"^[A-Z]{2}(?:-[A-Z0-9]{1,3})?\Z"


class Span(msgspec.Struct, frozen=True):
    """From one minute of the day to another; to one that is not later: of the next day."""

    first: int
    last: int


class Hours(msgspec.Struct, frozen=True):
    """When something is open, by the clock of one time zone."""

    time_zone: str
    weekly: tuple[tuple[Span, ...], ...] = ((),) * 7
    """From Monday to Sunday."""
    country: str = ""
    """Whose public holidays are closed; empty: none's."""
    subdivision: str = ""
    special: tuple[tuple[str, tuple[Span, ...]], ...] = ()
    """Days, as 2026-12-24, on which other hours hold, whatever else they are."""

    def spans_of(self, day: dt.date) -> tuple[Span, ...]:
        """What is open on this day."""
        for special, spans in self.special:
            if special == day.isoformat():
                return spans
        if self.country and day in _holidays(self.country, self.subdivision):
            return ()
        return self.weekly[day.weekday()]


@lru_cache(maxsize=64)
def _holidays(country: str, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision or None)


def knows_holidays(country: str, subdivision: str) -> bool:
    """Whether the library knows them."""
    try:
        _holidays(country, subdivision)
    except NotImplementedError:
        return False
    return True


def is_open(hours: Hours, at_ms: int) -> bool:
    """Whether it is open at this moment."""
    return any(first <= at_ms < last for day in _around(hours, at_ms) for first, last in _times(hours, day))


def next_change_ms(hours: Hours, at_ms: int) -> int | None:
    """When it opens or closes next; None: not for more than a year."""
    now_open = is_open(hours, at_ms)
    today = _date(hours, at_ms)
    for ahead in range(-1, AHEAD):
        times = sorted(chain.from_iterable(_times(hours, today + dt.timedelta(ahead))))
        for moment in times:
            if moment > at_ms and is_open(hours, moment) != now_open:
                return moment
    return None


def next_midnight_ms(time_zone: str, at_ms: int) -> int:
    """When the next day begins there."""
    zone = ZoneInfo(time_zone)
    day = dt.datetime.fromtimestamp(at_ms / 1_000, zone).date() + dt.timedelta(1)
    return _moment(day, 0, zone, last=False)


def _date(hours: Hours, at_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(hours.time_zone)).date()


def _around(hours: Hours, at_ms: int) -> Iterator[dt.date]:
    """The day before may last beyond midnight."""
    today = _date(hours, at_ms)
    yield from (today - dt.timedelta(1), today)


def _times(hours: Hours, day: dt.date) -> Iterator[tuple[int, int]]:
    zone = ZoneInfo(hours.time_zone)
    for span in hours.spans_of(day):
        until = day + dt.timedelta(1) if span.last <= span.first else day
        yield _moment(day, span.first, zone, last=False), _moment(until, span.last, zone, last=True)


def _moment(day: dt.date, minute: int, zone: ZoneInfo, *, last: bool) -> int:
    """A time of the clock on the wall as a moment. An hour that the clock shows twice: opens at the first, closes at
    the second. One that it leaves out is where it would have been: so much later as the clock was put forward."""
    wall = dt.datetime.combine(day, dt.time(), zone) + dt.timedelta(minutes=minute)
    again = wall.replace(fold=1)
    comes_twice = again.timestamp() > wall.timestamp()  # of one that is left out, the second reading is the earlier
    return round((again if last and comes_twice else wall).timestamp() * 1_000)


# --- As the configuration writes it ---------------------------------------------------------------------------


def read_hours(time_zone: str, weekly: list[str], holidays_of: str | None, special: list[str]) -> Hours:
    """Hours from lines that match `WEEKLY`, `HOLIDAYS` and `SPECIAL`."""
    week: list[tuple[Span, ...]] = [()] * 7
    for line in weekly:
        days, _, span = line.partition(" ")
        for day in _days(days):
            week[day] = (*week[day], *_spans(span))
    by_day: dict[str, tuple[Span, ...]] = {}
    for line in special:
        day_text, _, span = line.partition(" ")
        by_day[day_text] = (*by_day.get(day_text, ()), *_spans(span))
    country, _, subdivision = (holidays_of or "").partition("-")
    return Hours(time_zone, tuple(week), country, subdivision, tuple(by_day.items()))


def _days(text: str) -> Iterator[int]:
    """`fri-mon` goes over the end of the week."""
    first, _, last = text.partition("-")
    day, end = DAYS.index(first), DAYS.index(last or first)
    yield day
    while day != end:
        day = (day + 1) % 7
        yield day


def _spans(text: str) -> tuple[Span, ...]:
    times = [int(hour) * 60 + int(minute) for hour, minute in re.findall(r"([0-9]{2}):([0-9]{2})", text)]
    return (Span(times[0], times[1] % (24 * 60)),) if times else ()
