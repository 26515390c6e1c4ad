"""Calls: how they come into a queue and leave it (docs/routing.md R10, R17, R19)."""

from typing import Literal

from acd.model import PRIORITIES, AgentId, CallId
from acd.router import conversations, links, offers
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import Ring
from acd.router.state import Call, Queue
from acd.router.turn import Turn


def arrived(turn: Turn, report: i.CallArrived) -> None:
    """Queue the call, or refuse it with a reason. One that is known already changes nothing; one that has waited
    already has a place."""
    if report.line not in turn.state.call_on:
        _take(turn, report, has_place=report.waited_ms > 0)


def _take(turn: Turn, report: i.CallArrived, *, has_place: bool) -> None:
    reason = _refusal(turn, report, has_place=has_place)
    if reason is not None:
        turn.say(f.CallRefused(turn.now_ms, report.line, report.queue, reason))
        return
    links.expect(turn, report.line.server)
    queue = turn.state.queues[report.queue]
    settings = queue.settings
    age_ms = max(report.waited_ms, 0)
    since_ms = turn.now_ms - age_ms
    ring = max((at for at, ring in enumerate(settings.rings) if ring.after_ms <= age_ms), default=0)
    named = report.named if _may_wait_for(queue, report.named, age_ms) else None
    turn.say(
        f.CallQueued(
            turn.now_ms,
            CallId(turn.new_id()),
            report.line,
            report.queue,
            report.caller,
            min(max(report.priority, PRIORITIES[0]), PRIORITIES[-1]),
            since_ms,
            None if settings.max_wait_ms is None else since_ms + settings.max_wait_ms,
            report.required,
            report.wanted,
            settings.rings,
            ring,
            _widens_at_ms(settings.rings, ring, since_ms),
            report.kind,
            named,
            None if named is None else since_ms + settings.named_agent_ms,
            settings.ring_at_most,
        )
    )


def _may_wait_for(queue: Queue, named: AgentId | None, age_ms: int) -> bool:
    """Whether somebody may be waited for alone: only who is logged in, and only for a time."""
    return named in queue.members and age_ms < queue.settings.named_agent_ms


def _widens_at_ms(rings: tuple[Ring, ...], ring: int, since_ms: int) -> int | None:
    """When a call comes to the ring after this one."""
    return since_ms + rings[ring + 1].after_ms if ring + 1 < len(rings) else None


def widen(turn: Turn, call_id: CallId) -> None:
    """The call has waited long enough for the next ring."""
    call = turn.state.calls[call_id]
    rings, ring = call.profile.rings, call.ring + 1
    widens_at_ms = _widens_at_ms(rings, ring, call.place.since_ms)
    turn.say(f.RingWidened(turn.now_ms, call.id, call.queue, ring, widens_at_ms))


def preference_lapses(turn: Turn, call_id: CallId) -> None:
    """The agent for whom the call asked had time enough."""
    call = turn.state.calls[call_id]
    assert call.named is not None, f"call {call_id} names nobody"
    turn.say(f.PreferenceLapsed(turn.now_ms, call.id, call.queue, call.named))


def _refusal(turn: Turn, report: i.CallArrived, *, has_place: bool) -> f.RefusalReason | None:
    queue = turn.state.queues.get(report.queue)
    if queue is None:
        return "unknown-queue"
    if queue.retired:
        return "queue-closed"
    longest = queue.settings.max_length
    if longest is not None and queue.length >= longest and not has_place:
        return "queue-full"
    profiles = queue.waiting.profiles
    if len(profiles) >= turn.state.settings.max_profiles:
        profile = turn.state.profiles.get((report.required, report.wanted, queue.settings.rings))
        if profile is None or profile not in profiles:
            return "too-many-profiles"
    return None


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
    offers.end_all(turn, call, "withdrawn")
    turn.say(f.CallTimedOut(turn.now_ms, call.id, call.line, call.queue, waited_ms(turn, call)))


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
    waited_ms = call.connected_at_ms - call.place.since_ms
    profile = call.profile
    report = i.CallArrived(
        call.line, call.queue, call.caller, call.priority, profile.required, profile.wanted, waited_ms, call.kind
    )
    _take(turn, report, has_place=True)


def give_back(turn: Turn, call: Call, reason: f.RefusalReason) -> None:
    """The queue takes no calls any more: not even one that rings, if it still waits for more agents."""
    offers.end_all(turn, call, "withdrawn")
    turn.say(f.CallReturned(turn.now_ms, call.id, call.line, call.queue, reason, waited_ms(turn, call)))


def waited_ms(turn: Turn, call: Call) -> int:
    """How long the caller has waited."""
    return turn.now_ms - call.place.since_ms
