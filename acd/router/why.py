"""Why this agent, and why not another: found by looking at everything, in plain steps (docs/routing.md R1 to R4).

Slow, and written without the lists that the match goes by: nothing here reads what is derived. It answers
`acd explain`, and it is what the match is compared with after every offer in tests. `None` for an objection means
that there is none.
"""

from typing import NamedTuple

from acd.model import AgentId, CallId, QueueId
from acd.router.settings import AgentSettings, QueueSettings
from acd.router.state import REFUSALS_KEPT, Agent, Call, State
from acd.router.states import Membership, Work


class Choice(NamedTuple):
    """Who should be offered what."""

    call: CallId
    agent: AgentId


def best_choice(state: State, now_ms: int) -> Choice | None:
    """The first work in the one order for which anybody is free, and who gets it; or what that agent takes instead,
    who takes work by another order."""
    pairs = [
        (call, agent)
        for call in state.calls.values()
        if call_objection(state, call) is None
        for agent in state.agents.values()
        if objection(state, call, agent) is None
    ]
    if not pairs:
        return None
    first = min((call for call, _ in pairs), key=lambda call: one_order(state, call, now_ms))
    chosen = min((agent for call, agent in pairs if call is first), key=lambda agent: standing(state, first, agent))
    own = min(
        (call for call, agent in pairs if agent is chosen), key=lambda call: order_of(state, chosen, call, now_ms)
    )
    return Choice(own.id, chosen.settings.id)


# --- Who may ----------------------------------------------------------------------------------------------------


def call_objection(state: State, call: Call) -> str | None:
    """Why the call is not to be offered to anybody now."""
    queue = state.queues[call.queue]
    if call.connected_at_ms is not None:
        return "is connected"
    if call.answered is not None:
        return "was picked up"
    if len(call.offers) >= call.ring_at_most:
        return f"rings at {len(call.offers)} already"
    if queue.retired:
        return "its queue takes no calls any more"
    if not state.servers[call.line.server].up:
        return f"its server {call.line.server} cannot be heard"
    return None


def objection(state: State, call: Call, agent: Agent) -> str | None:
    """Why the agent may not be offered the call now."""
    return (
        _membership_objection(call.queue, agent)
        or _work_objection(state, state.queues[call.queue].settings, agent)
        or _refusal_objection(state, call, agent)
        or _fit_objection(call, agent)
    )


def _membership_objection(queue: QueueId, agent: Agent) -> str | None:
    if agent.retired:
        return "is leaving"
    entry = agent.queues.get(queue)
    if entry is None or entry.state is Membership.LOGGED_OUT:
        return "is not logged in to the queue"
    if entry.state is Membership.PAUSED:
        return f"is paused in the queue ({entry.reason})"
    return None


def _work_objection(state: State, queue: QueueSettings, agent: Agent) -> str | None:
    if queue.channel == "chat":
        return None if len(agent.chats) < agent.settings.chats else f"has {len(agent.chats)} chats"
    if agent.work is not Work.IDLE:
        return f"is {agent.work.value}"
    if agent.phone is None:
        return "has no phone"
    if any(direct.phone == agent.phone for direct in state.direct_calls.values()):
        return "is on a direct call"
    return "rests, because the phone could not be reached" if agent.rests else None


def _refusal_objection(state: State, call: Call, agent: Agent) -> str | None:
    if agent.settings.id in call.offers.values():
        return "is offered it already"
    if agent.settings.id in call.refusers:
        return "refused this call of late"
    refused = sum(agent.settings.id in other.refusers for other in state.calls.values())
    return f"refused {refused} calls of late" if refused >= REFUSALS_KEPT else None


def _fit_objection(call: Call, agent: Agent) -> str | None:
    if call.named is not None:
        return None if call.named == agent.settings.id else f"is not {call.named}, for whom the call asks"
    ring = call.profile.rings[call.ring]
    tier = agent.queues[call.queue].standing.tier
    if ring.tier is not None and tier > ring.tier:
        return f"is of tier {tier}, the call is open up to tier {ring.tier}"
    for skill in call.profile.required:
        found, needed = level(agent.settings, skill.name), max(skill.level - ring.slack, 0)
        if found < needed:
            return f"{skill.name} {found} < {needed}"
    return None


def level(agent: AgentSettings, skill: str) -> int:
    """The agent's level in a skill; 0 for none."""
    return next((own.level for own in agent.skills if own.name == skill), 0)


# --- Who comes first ----------------------------------------------------------------------------------------------


def one_order(state: State, call: Call, now_ms: int) -> tuple[int, int, int]:
    """Priority first: what the call brought along, its queue's weight, and what it gained by waiting. Then age."""
    queue = state.queues[call.queue].settings
    return (-effective_priority(queue, call, now_ms), call.place.since_ms, call.place.number)


def effective_priority(queue: QueueSettings, call: Call, now_ms: int) -> int:
    """The call's priority now."""
    age_ms = now_ms - call.place.since_ms
    gained = [step.points for step in queue.growth.steps if age_ms >= step.after_ms][-1:]
    evenly = 0 if queue.growth.point_every_ms is None else max(age_ms, 0) // queue.growth.point_every_ms
    return call.priority + queue.weight + sum(gained) + evenly


def order_of(state: State, agent: Agent, call: Call, now_ms: int) -> tuple[int, ...]:
    """The order in which this agent takes work."""
    match agent.settings.takes:
        case "order":
            return one_order(state, call, now_ms)
        case "rank":
            return (agent.queues[call.queue].standing.rank, *one_order(state, call, now_ms))
        case "longest-wait":
            return (call.place.since_ms, call.place.number)


def standing(state: State, call: Call, agent: Agent) -> tuple[object, ...]:
    """Where the agent stands for this call: the lowest comes first."""
    entry, skills = agent.queues[call.queue], agent.settings.skills
    unmet = sum(level(agent.settings, skill.name) < skill.level for skill in call.profile.wanted)
    asked = {skill.name for skill in (*call.profile.required, *call.profile.wanted)}
    idle = (agent.free.free_since_ms, agent.free.number)
    today = agent.day == state.day
    queue = state.queues[call.queue].settings
    first: tuple[object, ...]
    match queue.strategy:
        case "longest-idle":
            first = (len(agent.chats) if queue.channel == "chat" else 0, *idle)
        case "round-robin":
            first = (entry.offered, *idle)
        case "linear":
            first = (agent.settings.order,)
        case "fewest-calls-today":
            first = (agent.calls_today if today else 0, *idle)
        case "least-talk-today":
            first = (agent.talked_today_ms if today else 0, *idle)
        case "weighted-random":
            first = (entry.lot, *idle)
        case "most-skilled":
            first = (-sum(skill.level for skill in skills if skill.name in asked), *idle)
        case "least-skilled":
            first = (sum(skill.level for skill in skills), *idle)
    return (entry.standing.tier, unmet, *first, agent.settings.id)
