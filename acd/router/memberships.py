"""What agents are in their queues: changed at once, or, in the queue of the work in hand, when that work ends
(docs/routing.md R13)."""

from typing import assert_never

from acd.model import AgentId, QueueId
from acd.router import facts as f
from acd.router.state import Agent, InQueue, State
from acd.router.states import Membership
from acd.router.turn import Turn

Queues = tuple[QueueId, ...]


def logged_in(agent: Agent) -> Queues:
    """The queues that the agent is logged in to, ready or paused."""
    return tuple(queue for queue, entry in agent.queues.items() if entry.state is not Membership.LOGGED_OUT)


def pause(turn: Turn, agent: Agent, queues: Queues, reason: str, by: str) -> Queues:
    """Pause the agent in these queues. Returns those in which that is still to come."""
    now, later = _parted(turn.state, agent, queues)
    if now:
        turn.say(f.AgentPaused(turn.now_ms, agent.settings.id, now, reason, by))
    for queue in later:
        turn.say(f.ChangePostponed(turn.now_ms, agent.settings.id, queue, "pause", by, reason))
    return later


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


def _take_effect(turn: Turn, agent: Agent, queue: QueueId, entry: InQueue) -> None:
    pending = entry.pending
    assert pending is not None, f"{agent.settings.id}: nothing is pending in {queue}"
    match pending.change:
        case "pause":
            assert pending.reason is not None, f"{agent.settings.id}: a pause for no reason in {queue}"
            turn.say(f.AgentPaused(turn.now_ms, agent.settings.id, (queue,), pending.reason, pending.by))
        case "log out":
            turn.say(f.AgentLoggedOut(turn.now_ms, agent.settings.id, (queue,), pending.by))
        case _:
            assert_never(pending.change)
