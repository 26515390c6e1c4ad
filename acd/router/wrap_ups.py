"""The work after a call: it begins when the conversation ends, may be extended, and ends by itself or on request
(docs/routing.md R11, R12, R40)."""

from acd.model import CallId, QueueId
from acd.router import facts as f
from acd.router import memberships
from acd.router.state import Agent, State, WrapUp
from acd.router.turn import Turn

Refusal = f.RequestRefusal


def length_ms(state: State, agent: Agent, queue: QueueId) -> int:
    """How long the agent's work after a call of this queue is; 0 where there is none."""
    settings, own_ms = state.queues[queue].settings, agent.settings.wrap_up_ms
    if agent.retired or settings.channel != "voice":
        return 0
    return own_ms if own_ms is not None and settings.wrap_up_by_agent else settings.wrap_up_ms


def begin(turn: Turn, agent: Agent, call: CallId, queue: QueueId, lasts_ms: int) -> None:
    """Its end, and how far that may be put off, are fixed now."""
    until_ms = turn.now_ms + lasts_ms
    more_ms = turn.state.queues[queue].settings.wrap_up_extension_ms
    extendable_until_ms = until_ms + more_ms if more_ms else None
    turn.say(f.WrapUpStarted(turn.now_ms, agent.settings.id, call, queue, until_ms, extendable_until_ms))


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
    assert agent.wrap_up is not None, f"{agent.settings.id} has no wrap-up"
    _end(turn, agent, agent.wrap_up, "time")


def end(turn: Turn, agent: Agent, by: str) -> Refusal | None:
    """The work is done before its time."""
    if agent.wrap_up is None:
        return "not-in-wrap-up"
    _end(turn, agent, agent.wrap_up, by)
    return None


def _end(turn: Turn, agent: Agent, wrap_up: WrapUp, by: str) -> None:
    turn.say(f.WrapUpEnded(turn.now_ms, agent.settings.id, wrap_up.call, wrap_up.queue, by))
    memberships.work_ended(turn, agent.settings.id, wrap_up.queue)
