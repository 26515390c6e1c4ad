"""Moments as people write and read them, in the time zone of the machine (`TZ=UTC acd explain …` for another)."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from acd.explain.source import CannotExplain

TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<ms>\d{1,3}))?)?")
TIME_OF_DAY = re.compile(rf"[T ]{TIME.pattern}")

Clock = Callable[[int], str]
"""A moment as people read it."""


def clock(at_ms: int) -> str:
    """The time of day, to the millisecond."""
    return _at(at_ms).strftime("%H:%M:%S.%f")[:-3]


def day_and_clock(at_ms: int) -> str:
    """With the day."""
    return f"{_at(at_ms):%Y-%m-%d} {clock(at_ms)}"


def clock_of(day_of_ms: int) -> Clock:
    """The time of day, and the day where it is another than that of this moment."""
    day = _at(day_of_ms).date()
    return lambda at_ms: clock(at_ms) if _at(at_ms).date() == day else day_and_clock(at_ms)


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000).astimezone() + timedelta(milliseconds=at_ms % 1000)


class Span(NamedTuple):
    """What was written: `10:02` is a whole minute, `10:02:11` a second."""

    from_ms: int
    until_ms: int


def first_from(text: str, near_ms: int) -> Span:
    """What is meant by `10:02`, `10:02:11.500` (the first such time that is not over at `near_ms`),
    `2026-11-22T10:02:11+01:00` or milliseconds since 1970. Raises `CannotExplain`."""
    whole = _whole(text)
    if whole is not None:
        return whole
    found = _on_day(text, near_ms, 0)
    return found if found.until_ms >= near_ms else _on_day(text, near_ms, 1)


def last_until(text: str, near_ms: int) -> Span:
    """The same; of a time of day the last one that has begun at `near_ms`. Raises `CannotExplain`."""
    whole = _whole(text)
    if whole is not None:
        return whole
    found = _on_day(text, near_ms, 0)
    return found if found.from_ms <= near_ms else _on_day(text, near_ms, -1)


def _whole(text: str) -> Span | None:
    """A moment that has its day; None for a time of day."""
    if text.isdecimal() and len(text) > 8:
        return Span(int(text), int(text))
    if TIME.fullmatch(text):
        return None
    try:
        at_ms = _ms(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError):
        raise CannotExplain(_no_time(text)) from None
    time = TIME_OF_DAY.search(text)
    return Span(at_ms, at_ms + (_lasts_ms(time) if time else 0))


def _on_day(text: str, near_ms: int, days_later: int) -> Span:
    """The time of day on the day of `near_ms`, or so many days later."""
    match = TIME.fullmatch(text)
    assert match is not None, f"{text} is a time of day"
    day = (_at(near_ms) + timedelta(days=days_later)).replace(tzinfo=None)
    ms = int((match["ms"] or "0").ljust(3, "0"))
    try:
        moment = day.replace(
            hour=int(match["hour"]),
            minute=int(match["minute"]),
            second=int(match["second"] or 0),
            microsecond=ms * 1000,
        )
    except ValueError:
        raise CannotExplain(_no_time(text)) from None
    return Span(_ms(moment), _ms(moment) + _lasts_ms(match))


def _lasts_ms(match: re.Match[str]) -> int:
    return 0 if match["ms"] else 999 if match["second"] else 59_999


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _no_time(text: str) -> str:
    return f"{text!r} is no time: write 10:02:11, 2026-11-22T10:02:11 or milliseconds since 1970"
