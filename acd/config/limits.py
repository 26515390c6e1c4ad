"""The ends of waiting and the opening hours, as the file writes them."""

from collections.abc import Iterator
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acd.config.errors import Mistake, setting_path, shown
from acd.config.tables import HoursTable, QueueTable, Tables
from acd.hours import Hours, knows_holidays, read_hours
from acd.model import QueueId
from acd.router.limits import MOST_HOPS
from acd.router.settings import GO_BACK, Announcements, CallbackOffer, Destination, End, Ends, NextQueue

ENDS: Final = ("on_timeout", "on_full", "on_closed", "on_no_agents", "on_all_paused")
LASTING: Final = {"no-agents": "on_no_agents", "all-paused": "on_all_paused"}


def ends_of(table: QueueTable) -> Ends:
    """The ends of one queue."""
    return Ends(
        _end(table.on_timeout),
        _end(table.on_full),
        _end(table.on_closed),
        None if table.on_no_agents is None else _end(table.on_no_agents),
        None if table.on_all_paused is None else _end(table.on_all_paused),
        tuple(table.leave_when),
    )


def announcements_of(table: QueueTable) -> Announcements | None:
    """What callers of one queue are told."""
    if table.announce_after_s is None:
        return None
    return Announcements(
        round(table.announce_after_s * 1_000),
        None if table.announce_every_s is None else round(table.announce_every_s * 1_000),
        table.announce_position,
        table.announce_wait,
        table.announce_sound or "",
    )


def _end(text: str) -> End:
    """`return`, `queue NAME`, `queue NAME anew`, `goto CONTEXT,EXTENSION,PRIORITY`, `callback`, `callback goto …`."""
    what, *more = text.split(" ")
    match what:
        case "queue":
            return NextQueue(QueueId(more[0]), keeps_age=len(more) == 1)
        case "goto":
            return _destination(more[0])
        case "callback":
            return CallbackOffer(_destination(more[1]) if more else None)
        case _:
            return GO_BACK


def _destination(text: str) -> Destination:
    context, extension, priority = text.split(",")
    return Destination(context, extension, int(priority))


def hours_of(table: HoursTable, site_zone: str) -> Hours:
    """One table of hours."""
    return read_hours(table.time_zone or site_zone, table.weekly, table.holidays, table.special)


# --- What is wrong --------------------------------------------------------------------------------------------


def check_limits(tables: Tables) -> Iterator[Mistake]:
    """Queues and hours that are named must exist, and no call may go round."""
    for name, queue in tables.queue.items():
        yield from _ends(name, queue, tables)
        yield from _announcements(name, queue)
        if queue.hours is not None and queue.hours not in tables.hours:
            known = ", ".join(tables.hours) or "none, because the file has no [hours.NAME]"
            yield Mistake(setting_path("queue", name, "hours"), f"there are no hours {shown(queue.hours)}", known)
    for name in tables.queue:
        yield from _loops(name, tables)
    yield from _zone("site.time_zone", tables.site.time_zone)
    for name, hours in tables.hours.items():
        yield from _hours(name, hours)


def _ends(name: str, queue: QueueTable, tables: Tables) -> Iterator[Mistake]:
    for setting, to in _next_queues(queue):
        if to not in tables.queue:
            where = setting_path("queue", name, setting)
            yield Mistake(where, f"there is no queue {shown(to)}", ", ".join(list(tables.queue)[:20]))
        elif tables.queue[to].channel != queue.channel:
            where = setting_path("queue", name, setting)
            yield Mistake(where, f"{shown(to)} is of another channel", f"a queue of channel {queue.channel}")
    for index, limit in enumerate(queue.leave_when):
        setting = LASTING.get(limit, "")
        if setting and getattr(queue, setting) is None:
            where = f"{setting_path('queue', name, 'leave_when')}[{index}]"
            yield Mistake(where, f"{setting} is missing", f"{limit} only together with {setting}")


def _announcements(name: str, queue: QueueTable) -> Iterator[Mistake]:
    what = (queue.announce_position, queue.announce_wait, queue.announce_sound is not None)
    if queue.announce_after_s is None and (any(what) or queue.announce_every_s is not None):
        where = setting_path("queue", name, "announce_after_s")
        yield Mistake(where, "it is missing, and nothing is announced", "seconds, from 0 to 3600")
    if queue.announce_after_s is not None and not any(what):
        where = setting_path("queue", name, "announce_after_s")
        yield Mistake(
            where, "there is nothing to announce", "announce_position, announce_wait or announce_sound with it"
        )


def _next_queues(queue: QueueTable) -> Iterator[tuple[str, str]]:
    for setting in ENDS:
        text = getattr(queue, setting) or ""
        if text.startswith("queue "):
            yield setting, text.split(" ")[1]


def _loops(name: str, tables: Tables) -> Iterator[Mistake]:
    """Whatever the reasons are: a call that could come back would go round. Each queue is gone through once."""
    seen, level = {name}, [(name, "")]
    for hops in range(1, len(tables.queue) + 1):
        after = [
            (to, first or setting)
            for at, first in level
            if at in tables.queue
            for setting, to in _next_queues(tables.queue[at])
        ]
        for to, first in after:
            where = setting_path("queue", name, first)
            if to == name:
                yield Mistake(where, f"calls come back to {shown(name)} by it", "queues that do not lead in a circle")
            elif hops > MOST_HOPS:
                yield Mistake(where, "calls go through too many queues by it", f"at most {MOST_HOPS} one after another")
        level = list({to: (to, first) for to, first in after if to not in seen}.values())
        seen.update(to for to, _ in level)


def _hours(name: str, hours: HoursTable) -> Iterator[Mistake]:
    if hours.time_zone is not None:
        yield from _zone(setting_path("hours", name, "time_zone"), hours.time_zone)
    if hours.holidays is not None and not knows_holidays(*hours.holidays.partition("-")[::2]):
        where = setting_path("hours", name, "holidays")
        yield Mistake(
            where, f"nobody knows the holidays of {shown(hours.holidays)}", "a country and a part of it: BR-SP"
        )

    closed = {line.split(" ")[0] for line in hours.special if line.endswith(" closed")}
    for index, line in enumerate(hours.special):
        if line.split(" ")[0] in closed and not line.endswith(" closed"):
            where = f"{setting_path('hours', name, 'special')}[{index}]"
            yield Mistake(where, f"{line.split(' ')[0]} is closed by another line", "times of a day, or closed")
        try:
            date.fromisoformat(line.split(" ")[0])
        except ValueError:
            where = f"{setting_path('hours', name, 'special')}[{index}]"
            yield Mistake(where, f"{shown(line)} begins with no date", "a day of the calendar: 2026-12-24")


def _zone(where: str, name: str) -> Iterator[Mistake]:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Mistake(where, f"there is no time zone {shown(name)}", "a name of the tz database: America/Sao_Paulo")
