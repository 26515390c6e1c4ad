"""The work after a call: it begins when the conversation ends, may be extended, and ends by itself or on request. Some
calls need a disposition before the agent is ready again (docs/routing.md R11, R12, R40 to R42)."""

from typing import NamedTuple

from acd.model import AgentId, CallId, QueueId
from acd.router import facts as f
from acd.router import memberships
from acd.router.settings import NO_DISPOSITION
from acd.router.state import Agent, State
from acd.router.states import Work
from acd.router.turn import Turn

Refusal = f.RequestRefusal


def length_ms(state: State, agent: Agent, queue: QueueId) -> int:
    """How long the agent's work after a call of this queue is; 0 where there is none."""
    settings, own_ms = state.queues[queue].settings, agent.settings.wrap_up_ms
    if agent.retired or settings.channel != "voice":
        return 0
    return own_ms if own_ms is not None and settings.wrap_up_by_agent else settings.wrap_up_ms


def begin(turn: Turn, agent: Agent, call: CallId, queue: QueueId, lasts_ms: int, *, needs_disposition: bool) -> None:
    """Its end, and how far that may be put off, are fixed now."""
    until_ms = turn.now_ms + lasts_ms
    more_ms = turn.state.queues[queue].settings.wrap_up_extension_ms
    extendable_until_ms = until_ms + more_ms if more_ms else None
    turn.say(
        f.WrapUpStarted(turn.now_ms, agent.settings.id, call, queue, until_ms, extendable_until_ms, needs_disposition)
    )


def needs_disposition(state: State, agent: Agent, queue: QueueId) -> bool:
    """Whether it must be said what came of a call of this queue."""
    settings = state.queues[queue].settings
    return settings.disposition_required and bool(state.settings.dispositions) and not agent.retired


def extend(turn: Turn, agent: Agent, for_ms: int | None, by: str) -> Refusal | None:
    """Give more time, as far as there is any left."""
    wrap_up = agent.wrap_up
    if wrap_up is None:
        return "not-in-wrap-up"
    extendable_until_ms = wrap_up.until_ms if wrap_up.extendable_until_ms is None else wrap_up.extendable_until_ms
    until_ms = extendable_until_ms if for_ms is None else min(wrap_up.until_ms + for_ms, extendable_until_ms)
    if until_ms <= wrap_up.until_ms:
        return "no-more-time"
    turn.say(f.WrapUpExtended(turn.now_ms, agent.settings.id, wrap_up.call, wrap_up.queue, until_ms, by))
    return None


def time_is_over(turn: Turn, agent: Agent) -> None:
    """Nobody ended it before."""
    wrap_up = agent.wrap_up
    assert wrap_up is not None, f"{agent.settings.id} has no wrap-up"
    turn.say(f.WrapUpEnded(turn.now_ms, agent.settings.id, wrap_up.call, wrap_up.queue, "time"))
    over(turn, agent.settings.id, wrap_up.call, wrap_up.queue, needs_disposition=wrap_up.needs_disposition)


def end(turn: Turn, agent: Agent, by: str) -> Refusal | None:
    """The work is done before its time."""
    wrap_up = agent.wrap_up
    if wrap_up is None:
        return "not-in-wrap-up"
    if wrap_up.needs_disposition and turn.state.settings.dispositions:
        return "no-disposition"
    turn.say(f.WrapUpEnded(turn.now_ms, agent.settings.id, wrap_up.call, wrap_up.queue, by))
    over(turn, agent.settings.id, wrap_up.call, wrap_up.queue, needs_disposition=False)
    return None


def over(turn: Turn, agent_id: AgentId, call: CallId, queue: QueueId, *, needs_disposition: bool) -> None:
    """The call and the work after it are over. Who did not say what came of it is not ready till that is said; a reload
    may have left nothing that could be."""
    memberships.work_ended(turn, agent_id, queue)
    agent = turn.state.agents.get(agent_id)  # who was retired is gone, or holds chats still
    if agent is not None and not agent.retired and needs_disposition and turn.state.settings.dispositions:
        turn.say(f.DispositionMissed(turn.now_ms, agent_id, call, queue))
        memberships.pause_everywhere(turn, agent, NO_DISPOSITION)


def dispose(turn: Turn, agent: Agent, of: "OfCall | None", disposition: str, by: str) -> Refusal | None:
    """Say what came of the call. Who owes it of no other is ready again, where nothing else speaks against it."""
    if all(known.id != disposition for known in turn.state.settings.dispositions):
        return "unknown-disposition"
    if of is None:
        return "no-call"
    turn.say(f.DispositionSet(turn.now_ms, agent.settings.id, of.call, of.queue, disposition, by))
    queues = memberships.held_by(agent, NO_DISPOSITION)
    if queues and not agent.owes:
        turn.say(f.AgentBecameReady(turn.now_ms, agent.settings.id, queues, "system"))
    return None


class OfCall(NamedTuple):
    """A call of which it may be said what came of it."""

    call: CallId
    queue: QueueId


def meant(state: State, agent: Agent, call: CallId | None) -> OfCall | None:
    """The call that is named, if the agent talks with it, wraps it up or owes it. Where none is named: what the voice
    talks with or wraps up, else the last that is owed."""
    if call is not None:
        return _named(state, agent, call)
    if agent.wrap_up is not None:
        return OfCall(agent.wrap_up.call, agent.wrap_up.queue)
    if agent.offer is not None and agent.work is Work.TALKING:
        offer = state.offers[agent.offer]
        return OfCall(offer.call, offer.queue)
    return next((OfCall(*owed) for owed in reversed(agent.owes.items())), None)


def _named(state: State, agent: Agent, id_: CallId) -> OfCall | None:
    if id_ in agent.owes:
        return OfCall(id_, agent.owes[id_])
    if agent.wrap_up is not None and agent.wrap_up.call == id_:
        return OfCall(id_, agent.wrap_up.queue)
    call = state.calls.get(id_)
    if call is None or call.answered is None or call.connected_at_ms is None:
        return None
    return OfCall(id_, call.queue) if call.offers[call.answered] == agent.settings.id else None
