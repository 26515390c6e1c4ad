"""Calls: how they come into a queue and leave it (docs/routing.md R10, R17, R19, R50 to R53)."""

from heapq import nsmallest
from itertools import islice
from typing import Literal

import msgspec

from acd.model import PRIORITIES, Caller, CallId, Channel, Kind, QueueId
from acd.router import conversations, limits, links, offers, preferences
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.last_agents import is_withheld
from acd.router.matching import Order, order_at
from acd.router.position import position, wait_at
from acd.router.settings import Announcements, QueueSettings
from acd.router.state import Call, Queue, State
from acd.router.turn import SLICE, Turn
from acd.router.waiting import Place

GROUPS_A_FACT = 64
"""To find a position among so many groups takes as long as to say a fact, or two."""
LIMITS_SLICE = 500
"""In how many queues it is looked in one turn whether who waits must leave."""


class Rest(msgspec.Struct, frozen=True):
    """What is left of a longest wait that was fixed before."""

    left_ms: int | None
    """None: there was none."""


class Waited(msgspec.Struct, frozen=True, gc=False):
    """How a call has waited that comes, or comes again."""

    whole_ms: int
    counted_ms: int
    """How much of that is the call's age in its queue."""
    here_ms: int
    """How much of it belongs to the longest wait of its queue ..."""
    rest: Rest | None = None
    """... or what is left of that, where it is known."""
    hops: int = 0
    """How many queues have passed the call on."""


def arrived(turn: Turn, report: i.CallArrived) -> None:
    """Queue the call, there or where that queue passes it on to, or refuse it with a reason. One that is known already
    changes nothing; one that has waited already has a place."""
    if report.line not in turn.state.call_on:
        _take(turn, report, _waited(report), has_place=report.waited_ms > 0)


def _waited(report: i.CallArrived) -> Waited:
    """What the phone system says of a wait may contradict itself, where a clock was set."""
    whole_ms, passed_on = max(report.waited_ms, 0), report.passed_on
    if passed_on is None:  # who asked for a callback has waited, but for nothing that could be over
        return Waited(whole_ms, whole_ms, 0 if report.kind == "callback" else whole_ms)
    here_ms = min(max(whole_ms - passed_on.waited_ms, 0), whole_ms)
    counted_ms = min(max(passed_on.age_ms, 0) + here_ms, whole_ms)
    return Waited(whole_ms, counted_ms, here_ms, hops=min(max(passed_on.hops, 0), limits.MOST_HOPS))


def _take(turn: Turn, report: i.CallArrived, waited: Waited, *, has_place: bool) -> None:
    channel: Channel = "chat" if report.kind == "chat" else "voice"
    asked = report.required, report.wanted
    reason = (
        "bad-skills"
        if report.unreadable
        else limits.barred(turn.state, report.queue, channel, *asked, has_place=has_place)
    )
    if reason is None:
        _queue_up(turn, report, waited, limits.STRAIGHT, report.queue)
        return
    way = limits.way_from(turn.state, report.queue, reason, *asked, waited.hops)
    if way.queue is not None:
        _queue_up(turn, report, waited, way, way.queue)
        return
    if way.callback and _may_be_called_back(report.caller, report.kind):
        came_ms = turn.now_ms - waited.whole_ms
        turn.say(f.CallbackOffered(turn.now_ms, report.line, report.queue, report.caller, way.reason, came_ms))
    assert way.reason != "timeout", f"{report} has not waited yet"
    turn.say(f.CallRefused(turn.now_ms, report.line, report.queue, way.reason, way.destination, _several(way)))


def _may_be_called_back(caller: Caller, kind: Kind) -> bool:
    """Not who withholds the number, nor whom we have called; and a chat is no call."""
    return kind == "inbound" and not is_withheld(caller)


def _several(way: limits.Way) -> tuple[f.Hop, ...]:
    """The queues on the way, where there is more than the one."""
    return way.via if len(way.via) > 1 else ()


def _queue_up(turn: Turn, report: i.CallArrived, waited: Waited, way: limits.Way, queue_id: QueueId) -> None:
    links.expect(turn, report.line.server)
    queue = turn.state.queues[queue_id]
    settings = queue.settings
    came_ms = turn.now_ms - waited.whole_ms
    since_ms = turn.now_ms - (waited.counted_ms if way.keeps_age else 0)
    awaited = preferences.awaited(turn.state, queue, report.named, report.caller, since_ms, turn.now_ms)
    turn.say(
        f.CallQueued(
            turn.now_ms,
            CallId(turn.new_id()),
            report.line,
            queue_id,
            report.caller,
            min(max(report.priority, PRIORITIES[0]), PRIORITIES[-1]),
            since_ms,
            _give_up_at_ms(turn, settings, waited, way),
            report.required,
            report.wanted,
            settings.rings,
            report.kind,
            *awaited,
            settings.ring_at_most,
            way.via,
            _first_announcement_ms(turn, settings),
            None if came_ms == since_ms else came_ms,
            waited.hops + len(way.via),
            report.named,
        )
    )


def _give_up_at_ms(turn: Turn, settings: QueueSettings, waited: Waited, way: limits.Way) -> int | None:
    """The whole of the longest wait for who has just come into the queue, and for others the rest of it."""
    if waited.rest is not None and not way.via:
        return None if waited.rest.left_ms is None else turn.now_ms + waited.rest.left_ms
    if settings.max_wait_ms is None:
        return None
    return turn.now_ms + settings.max_wait_ms - (0 if way.via else waited.here_ms)


def caller_left(turn: Turn, report: i.CallerLeft) -> None:
    """The caller is gone: from the line, from a ringing agent, or from a conversation."""
    known = turn.state.call_on.get(report.line)
    if known is None:
        return
    call = turn.state.calls[known]
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "caller" if report.hung_up else "system")
        return
    offers.end_all(turn, call, "caller-gone")
    if report.hung_up:
        turn.say(f.CallAbandoned(turn.now_ms, call.id, call.queue, waited_ms(turn, call)))
    else:
        turn.say(f.CallLost(turn.now_ms, call.id, call.queue, "left", waited_ms(turn, call)))


def wait_is_over(turn: Turn, call_id: CallId) -> None:
    """The longest wait has come: a phone that rings for the call stops; one that was picked up goes on, because the
    deadline went when the offer was accepted."""
    call = turn.state.calls[call_id]
    if not links.hears_caller(turn.state, call.line):
        turn.say(f.WaitOverdue(turn.now_ms, call.id))
        return
    leave(turn, call, "timeout")


def leave(turn: Turn, call: Call, reason: f.Reason) -> None:
    """The queue keeps the call no longer: to another queue, to a place in the dialplan, or back with the reason. Not
    even one that rings stays, if it still waits for more agents."""
    offers.end_all(turn, call, "withdrawn")
    way = limits.way_from(turn.state, call.queue, reason, call.profile.required, call.profile.wanted, call.hops)
    if way.queue is not None:
        _move(turn, call, way, way.queue)
        return
    if way.callback and _may_be_called_back(call.caller, call.kind):
        told = way.reason, call.came_ms
        turn.say(f.CallbackOffered(turn.now_ms, call.line, call.queue, call.caller, *told, call.id))
    gone, waited, to = (turn.now_ms, call.id, call.line, call.queue), waited_ms(turn, call), way.destination
    if way.reason == "timeout":
        turn.say(f.CallTimedOut(*gone, waited, to))
    else:
        turn.say(f.CallReturned(*gone, way.reason, waited, to, _several(way)))


def _move(turn: Turn, call: Call, way: limits.Way, queue_id: QueueId) -> None:
    """The call waits on in another queue. Its longest wait there counts from now, for it has just come."""
    queue = turn.state.queues[queue_id]
    settings = queue.settings
    since_ms = call.place.since_ms if way.keeps_age else turn.now_ms
    awaited = _awaited_on(turn, call, queue, since_ms)
    turn.say(
        f.CallMoved(
            turn.now_ms,
            call.id,
            call.line,
            call.queue,
            queue_id,
            way.via,
            waited_ms(turn, call),
            since_ms,
            None if settings.max_wait_ms is None else turn.now_ms + settings.max_wait_ms,
            call.hops + len(way.via),
            settings.rings,
            *awaited,
            settings.ring_at_most,
            _first_announcement_ms(turn, settings),
        )
    )


def _awaited_on(turn: Turn, call: Call, queue: Queue, since_ms: int) -> preferences.Awaited:
    """Whom the call waits for in its next queue: nobody alone, where that is over for this call."""
    if call.preference_lapsed:
        return preferences.NOBODY
    awaited = preferences.awaited(turn.state, queue, call.asks_for, call.caller, since_ms, turn.now_ms)
    return preferences.NOBODY if awaited.agent in call.refusers else awaited


def _first_announcement_ms(turn: Turn, settings: QueueSettings) -> int | None:
    """Counted from the coming into this queue, whatever the caller was told before."""
    told = settings.announcements
    return None if told is None else turn.now_ms + told.first_after_ms


def announce(turn: Turn, call_id: CallId) -> None:
    """It is time to tell the caller how it stands, if it can be told. A queue that announces nothing any more falls
    silent."""
    call = turn.state.calls[call_id]
    if not links.hears_caller(turn.state, call.line):
        turn.say(f.AnnouncementOverdue(turn.now_ms, call.id))
        return
    queue = turn.state.queues[call.queue]
    told = queue.settings.announcements or Announcements(0)
    place = None
    if told.position or told.estimated_wait:
        place = position(turn.state, call, turn.now_ms)
        turn.weight += len(queue.waiting.groups) // GROUPS_A_FACT
    turn.say(
        f.AnnouncementMade(
            turn.now_ms,
            call.id,
            call.line,
            call.queue,
            place if told.position else None,
            wait_at(queue, place, turn.now_ms) if told.estimated_wait else None,
            told.sound,
            None if told.every_ms is None else turn.now_ms + told.every_ms,
        )
    )


def look_at_limits(turn: Turn) -> None:
    """Where nobody is on duty any more, or the hours are over, those who wait may have to leave: if the queue is so
    configured they do, from this moment on. Of very many queues the rest is left to the next turn."""
    said = len(turn.facts)
    for queue_id in list(islice(turn.state.news.limits, LIMITS_SLICE)):
        queue = turn.state.queues[queue_id]
        reason = limits.must_leave(queue)
        if reason is not None and not queue.leaving and somebody_is_heard(turn.state, queue):
            turn.say(f.LeavingBegan(turn.now_ms, queue_id, reason))
        del turn.state.news.limits[queue_id]
        if len(turn.facts) == said + SLICE:
            return


def let_some_leave(turn: Turn, queue_id: QueueId) -> None:
    """A slice of those who wait leave, as long as there is reason to. Where that fills no turn, all have left whose
    servers can be heard."""
    queue = turn.state.queues[queue_id]
    reason = limits.must_leave(queue)
    if reason is not None:
        for call in next_in_line(turn, queue):
            leave(turn, call, limits.AS_TOLD[reason])
            if turn.is_full:  # many phones may have rung for it
                return
    turn.say(f.LeavingEnded(turn.now_ms, queue_id))


def next_in_line(turn: Turn, queue: Queue) -> list[Call]:
    """A slice of those who wait in the queue, as they come in the one order: who has to leave keeps it. Nothing is
    concluded of a server that is quiet: its callers wait on."""

    def order(found: tuple[int, Place]) -> Order:
        priority, place = found
        return order_at(queue.settings, priority, place.since_ms, place.number, turn.now_ms)

    oldest = queue.waiting.oldest(SLICE, lambda server: turn.state.servers[server].up)
    return [turn.state.calls[place.call] for _, place in nsmallest(SLICE, oldest, key=order)]


def somebody_is_heard(state: State, queue: Queue) -> bool:
    """Whether anybody waits in the queue on a server that can be heard."""
    return any(state.servers[group.server].up for group in queue.waiting.groups.values())


def lose(turn: Turn, call: Call, reason: Literal["gone", "server"]) -> None:
    """The call is no more on its server, or its server is no more."""
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "system")
        return
    offers.end_all(turn, call, "lost")
    turn.say(f.CallLost(turn.now_ms, call.id, call.queue, reason, waited_ms(turn, call)))


def again(turn: Turn, call: Call) -> None:
    """The caller of a conversation that is over stands in our place of the dialplan: the call waits anew, as old as
    it was when the conversation began, and is not turned away by who came meanwhile."""
    assert call.connected_at_ms is not None, f"call {call.id} was never connected"
    profile, connected_at_ms = call.profile, call.connected_at_ms
    report = i.CallArrived(
        call.line,
        call.queue,
        call.caller,
        call.priority,
        profile.required,
        profile.wanted,
        kind=call.kind,
        named=None if call.preference_lapsed else call.asks_for,
    )
    counted_ms = connected_at_ms - call.place.since_ms
    left_ms = None if call.give_up_at_ms is None else max(call.give_up_at_ms - connected_at_ms, 0)
    waited = Waited(connected_at_ms - call.came_ms, counted_ms, counted_ms, Rest(left_ms), call.hops)
    _take(turn, report, waited, has_place=True)


def waited_ms(turn: Turn, call: Call) -> int:
    """How long the caller has waited, whatever of that counts in the queue."""
    return turn.now_ms - call.came_ms
