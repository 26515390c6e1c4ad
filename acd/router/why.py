"""Why this agent, and why not another: found by looking at everything, in plain steps (docs/routing.md R1 to R4, R60).

Slow, and written without the lists that the match goes by: nothing here reads what is derived. It answers
`acd explain`, and it is what the match is compared with after every offer in tests. The core itself never asks it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, assert_never

from acd.model import AgentId, CallId, Channel, QueueId
from acd.router import objections as o
from acd.router.ready import ticket
from acd.router.settings import AgentSettings, QueueSettings
from acd.router.state import REFUSALS_KEPT, Agent, Call, State
from acd.router.states import Membership, Work


class Choice(NamedTuple):
    """Who should be offered what."""

    call: CallId
    agent: AgentId


class Reasoned(NamedTuple):
    """A choice, and the call that led to it: the first in the one order for which anybody is free. The agent who
    comes first for that one may take another call, by an order of his own."""

    choice: Choice
    led_by: CallId


def best_choice(state: State, now_ms: int) -> Choice | None:
    """The first work in the one order for which anybody is free, and who gets it; or what that agent takes instead,
    who takes work by another order."""
    reasoned = reasoned_choice(state, now_ms)
    return None if reasoned is None else reasoned.choice


def reasoned_choice(state: State, now_ms: int) -> Reasoned | None:
    """The same, with the call that led to it."""
    for call in in_one_order(state, now_ms):
        agents = takers(state, call, now_ms)
        if agents:
            own = min(works(state, agents[0], now_ms), key=lambda work: order_of(state, agents[0], work, now_ms))
            return Reasoned(Choice(own.id, agents[0].settings.id), call.id)
    return None


def in_one_order(state: State, now_ms: int) -> list[Call]:
    """All calls, as they come one after another."""
    return sorted(state.calls.values(), key=lambda call: one_order(state, call, now_ms))


def takers(state: State, call: Call, now_ms: int) -> list[Agent]:
    """Who may be offered the call now, in the order in which they come."""
    if call_objection(state, call) is not None:
        return []
    free = [agent for agent in state.agents.values() if objection(state, call, agent, now_ms) is None]
    return [agent for _, agent in in_their_order(state, call, free)]


def works(state: State, agent: Agent, now_ms: int) -> list[Call]:
    """What the agent may be offered now."""
    return [
        call
        for call in state.calls.values()
        if call_objection(state, call) is None and objection(state, call, agent, now_ms) is None
    ]


# --- Who may ----------------------------------------------------------------------------------------------------


def call_objection(state: State, call: Call) -> o.CallObjection | None:
    """Why the call is not to be offered to anybody now; None if nothing speaks against it."""
    return next(call_objections(state, call), None)


def call_objections(state: State, call: Call) -> Iterator[o.CallObjection]:
    """All that speaks against it."""
    queue = state.queues[call.queue]
    if call.answered is not None:
        agent = call.offers[call.answered]
        yield o.PickedUp(agent) if call.connected_at_ms is None else o.Connected(agent)
    elif len(call.offers) >= call.ring_at_most:
        yield o.RingsEnough(tuple(call.offers.values()))
    if queue.retired:
        yield o.QueueRetired(call.queue)
    if queue.unordered:
        yield o.QueueInDisorder(call.queue)
    if queue.leaving:
        yield o.QueueLetsGo(call.queue)
    if not state.servers[call.line.server].up:
        yield o.ServerUnheard(call.line.server)


def objection(state: State, call: Call, agent: Agent, now_ms: int) -> o.AgentObjection | None:
    """Why the agent may not be offered the call now; None if nothing speaks against it."""
    return next(objections(state, call, agent, now_ms), None)


def objections(state: State, call: Call, agent: Agent, now_ms: int) -> Iterator[o.AgentObjection]:
    """All that speaks against it, what ends last first."""
    yield from _membership_objections(call.queue, agent)
    yield from _work_objections(state, state.queues[call.queue].settings, agent)
    yield from _refusal_objections(state, call, agent)
    yield from _fit_objections(call, agent, now_ms)


def _membership_objections(queue: QueueId, agent: Agent) -> Iterator[o.AgentObjection]:
    entry = agent.queues.get(queue)
    if agent.retired:
        yield o.Leaving()
    if entry is None and queue not in agent.settings.queues:
        yield o.NotAssigned(queue)
    elif entry is None or entry.state is Membership.LOGGED_OUT:
        yield o.LoggedOut(queue)
    elif entry.state is Membership.PAUSED:
        yield o.Paused(queue, entry.reason)


def _work_objections(state: State, queue: QueueSettings, agent: Agent) -> Iterator[o.AgentObjection]:
    if queue.channel == "chat":
        if len(agent.chats) >= agent.settings.chats:
            yield o.ChatsFull(len(agent.chats), agent.settings.chats)
        return
    if agent.work is not Work.IDLE:
        yield _busy(state, agent)
    if agent.phone is None:
        yield o.NoPhone()
    for line, direct in state.direct_calls.items():
        if direct.phone == agent.phone:
            yield o.OnDirectCall(line)
    if agent.rests:
        yield o.Resting()


def _busy(state: State, agent: Agent) -> o.Busy:
    if agent.wrap_up is not None:
        return o.Busy(agent.work, agent.wrap_up.call, agent.wrap_up.queue)
    offer = next(offer for offer in state.offers.values() if offer.id == agent.offer)
    return o.Busy(agent.work, offer.call, offer.queue)


def _refusal_objections(state: State, call: Call, agent: Agent) -> Iterator[o.AgentObjection]:
    for offer, offered_to in call.offers.items():
        if offered_to == agent.settings.id:
            yield o.OfferedAlready(offer)
    if agent.settings.id in call.refusers:
        yield o.RefusedIt()
    refused = sum(agent.settings.id in other.refusers for other in state.calls.values())
    if refused >= REFUSALS_KEPT:
        yield o.RefusedMany(refused)


def _fit_objections(call: Call, agent: Agent, now_ms: int) -> Iterator[o.AgentObjection]:
    if call.named == agent.settings.id:
        return
    if call.named is not None:
        yield o.AnotherIsNamed(call.named, call.last_agent)
    opened = [ring for ring in call.profile.rings if ring.after_ms <= now_ms - call.place.since_ms]
    ring, entry = opened[-1] if opened else call.profile.rings[0], agent.queues.get(call.queue)
    if entry is not None and ring.tier is not None and entry.standing.tier > ring.tier:
        yield o.TierNotOpen(entry.standing.tier, ring.tier)
    for skill in call.profile.required:
        found, needed = level(agent.settings, skill.name), max(skill.level - ring.slack, 0)
        if found < needed:
            yield o.SkillMissing(skill.name, found, needed)


def level(agent: AgentSettings, skill: str) -> int:
    """The agent's level in a skill; 0 for none."""
    return next((own.level for own in agent.skills if own.name == skill), 0)


# --- Who comes first ----------------------------------------------------------------------------------------------


class Priority(NamedTuple):
    """What a call's priority is made of."""

    brought: int
    weight: int
    """Of its queue."""
    gained: int
    """By waiting."""


def one_order(state: State, call: Call, now_ms: int) -> tuple[int, int, int]:
    """Priority first: what the call brought along, its queue's weight, and what it gained by waiting. Then age."""
    queue = state.queues[call.queue].settings
    return (-sum(effective_priority(queue, call, now_ms)), call.place.since_ms, call.place.number)


def effective_priority(queue: QueueSettings, call: Call, now_ms: int) -> Priority:
    """The call's priority now, in its parts."""
    age_ms = now_ms - call.place.since_ms
    gained = [step.points for step in queue.growth.steps if age_ms >= step.after_ms][-1:]
    evenly = 0 if queue.growth.point_every_ms is None else max(age_ms, 0) // queue.growth.point_every_ms
    return Priority(call.priority, queue.weight, sum(gained) + evenly)


def order_of(state: State, agent: Agent, call: Call, now_ms: int) -> tuple[int, ...]:
    """The order in which this agent takes work."""
    match agent.settings.takes:
        case "order":
            return one_order(state, call, now_ms)
        case "rank":
            return (agent.queues[call.queue].standing.rank, *one_order(state, call, now_ms))
        case "longest-wait":
            return (call.place.since_ms, call.place.number)
        case takes:
            assert_never(takes)


class Standing(NamedTuple):
    """Where an agent stands for a call: the lowest comes first. The first part that differs decides."""

    tier: int
    unmet: int
    """How many of the call's wishes are not met."""
    not_drawn: int
    """1 of those who might have been drawn by chance, and were not; 0 of who was, and where nothing is drawn."""
    measure: int
    """What the queue's strategy goes by."""
    free_since_ms: int
    """Between equals the longest idle comes first; 0 where the strategy does not ask for that."""
    number: int
    agent: AgentId


def in_their_order(state: State, call: Call, agents: Sequence[Agent]) -> list[tuple[Standing, Agent]]:
    """Those who may be offered the call, one after another, each with the standing."""
    drawn = _drawn(state, call, agents)
    return sorted(((_standing(state, call, agent, drawn), agent) for agent in agents), key=lambda found: found[0])


def _drawn(state: State, call: Call, agents: Sequence[Agent]) -> AgentId | None:
    """On whom of those who come first by tier and wishes the draw falls that the next fact makes; None where nothing is
    drawn. The tickets are dealt out by skills, then by weight, then to the longest idle first."""
    if not agents or state.queues[call.queue].settings.strategy != "weighted-random":
        return None
    first = min(_tier_and_unmet(call, agent) for agent in agents)
    dealt = sorted(
        (skills, _measure(state, call, agent), agent.free, agent.settings.id)
        for agent in agents
        if _tier_and_unmet(call, agent) == first
        for skills in [[(skill.name, skill.level) for skill in agent.settings.skills]]
    )
    holders = [agent for _, weight, _, agent in dealt for _ in range(weight)]
    return holders[ticket(state.seed, state.fact_count + 1, len(holders))]


def _tier_and_unmet(call: Call, agent: Agent) -> tuple[int, int]:
    unmet = sum(level(agent.settings, skill.name) < skill.level for skill in call.profile.wanted)
    return agent.queues[call.queue].standing.tier, unmet


def _standing(state: State, call: Call, agent: Agent, drawn: AgentId | None) -> Standing:
    queue = state.queues[call.queue].settings
    not_drawn = int(drawn is not None and drawn != agent.settings.id)
    idle = (0, 0) if queue.strategy == "linear" else (agent.free.free_since_ms, agent.free.number)
    measure = _measure(state, call, agent)
    return Standing(*_tier_and_unmet(call, agent), not_drawn, measure, *idle, agent.settings.id)


def _today(agent: Agent, channel: Channel) -> tuple[int, int]:
    """Calls, and milliseconds of talk; in a queue of chats those of chats."""
    if channel == "chat":
        return agent.chats_today, agent.chatted_today_ms
    return agent.calls_today, agent.talked_today_ms


def _measure(state: State, call: Call, agent: Agent) -> int:
    entry, skills, queue = agent.queues[call.queue], agent.settings.skills, state.queues[call.queue].settings
    calls, talked_ms = _today(agent, queue.channel) if agent.day == state.day else (0, 0)
    match queue.strategy:
        case "longest-idle":
            return len(agent.chats) if queue.channel == "chat" else 0
        case "round-robin":
            return entry.offered
        case "linear":
            return agent.settings.order
        case "fewest-calls-today":
            return calls
        case "least-talk-today":
            return talked_ms
        case "weighted-random":
            return entry.standing.weight
        case "most-skilled":
            asked = {skill.name for skill in (*call.profile.required, *call.profile.wanted)}
            return -sum(skill.level for skill in skills if skill.name in asked)
        case "least-skilled":
            return sum(skill.level for skill in skills)
        case strategy:
            assert_never(strategy)
