"""What agents are in their queues: changed at once, or, in the queue of the work in hand, when that work ends; and
pauses that end by themselves, or that the engine itself decides on (docs/routing.md R13, R43 to R45)."""

from typing import assert_never

from acd.model import AgentId, QueueId
from acd.router import facts as f
from acd.router.settings import MISSED_OFFERS, NO_DISPOSITION, PauseReason
from acd.router.state import Agent, InQueue, Limit, State
from acd.router.states import Membership
from acd.router.turn import Turn

Queues = tuple[QueueId, ...]


def logged_in(agent: Agent) -> Queues:
    """The queues that the agent is logged in to, ready or paused."""
    return tuple(queue for queue, entry in agent.queues.items() if entry.state is not Membership.LOGGED_OUT)


def pause(turn: Turn, agent: Agent, queues: Queues, reason: str, by: str) -> Queues:
    """Pause the agent in these queues. Returns those in which that is still to come."""
    now, later = _parted(turn.state, agent, queues)
    held = agent.limits.get(reason)
    if later and not now and held is not None and not held.overdue:
        now = paused_for(agent, reason)  # it is one pause, with one limit
    if now:
        is_to_come = bool(later) or _is_to_come(agent, reason)
        _begin_pause(turn, agent, now, reason, by, is_to_come=is_to_come)
    for queue in later:
        turn.say(f.ChangePostponed(turn.now_ms, agent.settings.id, queue, "pause", by, reason))
    return later


def _is_to_come(agent: Agent, reason: str) -> bool:
    """Whether a pause for this reason comes to a further queue when the work in hand ends."""
    return any(entry.pending is not None and entry.pending.reason == reason for entry in agent.queues.values())


def _begin_pause(turn: Turn, agent: Agent, queues: Queues, reason: str, by: str, *, is_to_come: bool = False) -> None:
    """Say it, with its limit; where that is another than before, of all queues in which it holds. `is_to_come`: the
    pause comes to a further queue when the work in hand ends."""
    known = next((known for known in turn.state.settings.pause_reasons if known.id == reason), None)
    limit = _limit(turn, agent, reason, known, is_to_come=is_to_come)
    if limit.ends and limit != agent.limits.get(reason):
        queues = tuple(dict.fromkeys((*paused_for(agent, reason), *queues)))
    productive = known is not None and known.productive
    turn.say(
        f.AgentPaused(
            turn.now_ms,
            agent.settings.id,
            queues,
            reason,
            by,
            limit.until_ms,
            limit.at_limit,
            productive,
            limit.lasts_ms,
        )
    )


def _limit(turn: Turn, agent: Agent, reason: str, known: PauseReason | None, *, is_to_come: bool) -> Limit:
    """The one that the pause has already in whichever queues, or none if it has none there, or else a new one. What
    comes to a further queue after the work in hand is a new pause, unless it is overdue, and its time counts from
    there."""
    held, new = agent.limits.get(reason), _new_limit(known)
    if is_to_come and new.ends and not (held is not None and held.overdue):
        return new
    if held is None:
        return Limit(None, "ready") if paused_for(agent, reason) else new.begun(turn.now_ms)
    return held if turn.state.queue_at_work(agent) is not None else held.begun(turn.now_ms)


def _new_limit(known: PauseReason | None) -> Limit:
    if known is None or known.limit_ms is None:
        return Limit(None, "ready")
    return Limit(None, known.at_limit, lasts_ms=known.limit_ms)


def pause_limit(turn: Turn, agent: Agent, reason: str) -> None:
    """The pause has lasted as long as its reason allows: it ends, in all its queues, or that is said."""
    queues = paused_for(agent, reason)
    if agent.limits[reason].at_limit == "warn":
        turn.say(f.PauseOverdue(turn.now_ms, agent.settings.id, queues, reason))
    elif owes(turn.state, agent):
        turn.say(f.AgentPaused(turn.now_ms, agent.settings.id, queues, NO_DISPOSITION, "system"))
    else:
        turn.say(f.AgentBecameReady(turn.now_ms, agent.settings.id, queues, "time"))


def paused_for(agent: Agent, reason: str) -> Queues:
    """The queues in which the agent is paused for this reason."""
    return tuple(queue for queue, entry in agent.queues.items() if entry.reason == reason)


def held_by(agent: Agent, reason: str) -> Queues:
    """The queues in which the agent is paused for this reason, or will be when the work in hand ends."""
    to_come = (queue for queue, entry in agent.queues.items() if entry.pending and entry.pending.reason == reason)
    return (*paused_for(agent, reason), *to_come)


def owes(state: State, agent: Agent) -> bool:
    """Whether the agent owes a disposition, and there are any to give."""
    return bool(agent.owes) and bool(state.settings.dispositions)


def pause_everywhere(turn: Turn, agent: Agent, reason: str) -> None:
    """Pause the agent for a reason of the engine's own, wherever the agent is ready and nothing else is to come."""
    ready = tuple(
        queue for queue, entry in agent.queues.items() if entry.state is Membership.READY and entry.pending is None
    )
    if ready:
        pause(turn, agent, ready, reason, "system")


def missed(turn: Turn, agent_id: AgentId, misses: int) -> None:
    """The agent missed an offer, the last of so many in a row."""
    limit, agent = turn.state.settings.misses_before_pause, turn.state.agents.get(agent_id)
    if limit is not None and misses >= limit and agent is not None:
        pause_everywhere(turn, agent, MISSED_OFFERS)


def log_out(turn: Turn, agent: Agent, queues: Queues, by: str) -> Queues:
    """Log the agent out of these queues. Returns those in which that is still to come."""
    now, later = _parted(turn.state, agent, queues)
    for queue in later:
        turn.say(f.ChangePostponed(turn.now_ms, agent.settings.id, queue, "log out", by))
    if now:
        turn.say(f.AgentLoggedOut(turn.now_ms, agent.settings.id, now, by))
    return later


def _parted(state: State, agent: Agent, queues: Queues) -> tuple[Queues, Queues]:
    """The queues in which something may change now, and the one in which it must wait."""
    at_work = state.queue_at_work(agent)
    return tuple(queue for queue in queues if queue != at_work), tuple(queue for queue in queues if queue == at_work)


def work_ended(turn: Turn, agent_id: AgentId, queue: QueueId) -> None:
    """Work of this queue has ended, its wrap-up included: what was postponed takes effect."""
    agent = turn.state.agents.get(agent_id)  # who was retired is gone with the last work
    entry = None if agent is None else agent.queues.get(queue)
    if agent is not None and entry is not None and entry.pending is not None:
        _take_effect(turn, agent, queue, entry)
    if agent is not None and agent.limits and turn.state.queue_at_work(agent) is None:
        _let_limits_begin(turn, agent)


def _let_limits_begin(turn: Turn, agent: Agent) -> None:
    """What a pause was to last from the end of the work: also where it did not come to the queue of that work."""
    for reason, limit in list(agent.limits.items()):
        if limit.until_ms is None:
            _begin_pause(turn, agent, paused_for(agent, reason), reason, "system")


def _take_effect(turn: Turn, agent: Agent, queue: QueueId, entry: InQueue) -> None:
    pending = entry.pending
    assert pending is not None, f"{agent.settings.id}: nothing is pending in {queue}"
    match pending.change:
        case "pause" if pending.reason == NO_DISPOSITION and not owes(turn.state, agent):
            turn.say(f.AgentBecameReady(turn.now_ms, agent.settings.id, (queue,), "system"))
        case "pause":
            assert pending.reason is not None, f"{agent.settings.id}: a pause for no reason in {queue}"
            _begin_pause(turn, agent, (queue,), pending.reason, pending.by)
        case "log out":
            turn.say(f.AgentLoggedOut(turn.now_ms, agent.settings.id, (queue,), pending.by))
        case _:
            assert_never(pending.change)
