"""Moments as people write and read them, in the time zone of the machine (`TZ=UTC acd explain …` for another)."""

import re
from datetime import datetime, timedelta

from acd.explain.source import CannotExplain

TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<ms>\d{1,3}))?)?")


def clock(at_ms: int) -> str:
    """The time of day, to the millisecond."""
    return _at(at_ms).strftime("%H:%M:%S.%f")[:-3]


def day_and_clock(at_ms: int) -> str:
    """With the day."""
    return f"{_at(at_ms):%Y-%m-%d} {clock(at_ms)}"


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000).astimezone() + timedelta(milliseconds=at_ms % 1000)


def moment_ms(text: str, near_ms: int) -> int:
    """What is meant by `10:02`, `10:02:11.500` (the first such time from `near_ms` on, with its minute or second
    whole), `2026-11-22T10:02:11+01:00` or milliseconds since 1970. Raises `CannotExplain`."""
    if text.isdecimal() and len(text) > 8:
        return int(text)
    match = TIME.fullmatch(text)
    if match is not None:
        return _time_of_day_ms(text, match, near_ms)
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        raise CannotExplain(_no_time(text)) from None


def _time_of_day_ms(text: str, match: re.Match[str], near_ms: int) -> int:
    ms = int((match["ms"] or "0").ljust(3, "0"))
    try:
        moment = _at(near_ms).replace(
            hour=int(match["hour"]),
            minute=int(match["minute"]),
            second=int(match["second"] or 0),
            microsecond=ms * 1000,
        )
    except ValueError:
        raise CannotExplain(_no_time(text)) from None
    end_ms = 0 if match["ms"] else 999 if match["second"] else 59_999
    found_ms = _ms(moment) + end_ms
    return found_ms if found_ms >= near_ms else _ms(moment.replace(tzinfo=None) + timedelta(days=1)) + end_ms


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _no_time(text: str) -> str:
    return f"{text!r} is no time: write 10:02:11, 2026-11-22T10:02:11 or milliseconds since 1970"
