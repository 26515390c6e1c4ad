"""Explanations: the answer of `acd.router.why` for one decision or one moment, whole and typed (docs/routing.md R60 to
R64). For people `acd.explain` puts it into words, for machines it is JSON as it stands.

The state is the one just before the decision; `Since` was kept beside it. Nothing here decides, and no rule stands
here a second time: who may, who comes first and what comes first is asked of `why`.
"""

from typing import Literal

import msgspec

from acd.model import AgentId, Caller, CallId, Channel, Kind, OfferId, QueueId
from acd.router import facts as f
from acd.router import why
from acd.router.reasons import Pending, Reason, against_agent, against_call, pause_ends_ms, pending_of, work_ends_ms
from acd.router.settings import Strategy, Takes
from acd.router.since import Since
from acd.router.state import Agent, Call, State
from acd.router.states import Membership, Work

TOLD = 20
"""How much other work is told of one by one, on either side."""


Part = Literal["tier", "wishes", "chance", "strategy", "idle", "name"]
PARTS: tuple[Part, ...] = ("tier", "wishes", "chance", "strategy", "idle", "idle", "name")
"""What each part of a `why.Standing` is."""


class Place(msgspec.Struct, frozen=True):
    """Where an agent stands among those who may be offered the call."""

    number: int
    """From 1."""
    tier: int
    unmet: int
    """Wishes of the call that the agent does not meet."""
    strategy: Strategy
    channel: Channel
    measure: int
    """What the strategy goes by, the lowest first: chats in hand, the number of the fact that last offered a call, the
    place in the configuration (from 0), calls or milliseconds of talk today (in a queue of chats those of chats), or
    levels (`most-skilled`: negative); for `weighted-random` the weight, and who was drawn comes first."""
    weights: int | None
    """`weighted-random`: of all who take part in the draw, together; None of who does not."""
    offered_at_ms: int | None
    """When a call of the queue was last offered; None: never."""
    idle_since_ms: int
    after_first_by: Part | None
    """What made the first one come before; None for the first."""


class Considered(msgspec.Struct, frozen=True):
    """An agent, and why the call goes there or not."""

    agent: AgentId
    name: str
    chosen: bool
    """By the facts."""
    place: Place | None
    """None where there are reasons against it."""
    reasons: tuple[Reason, ...]


class Queued(msgspec.Struct, frozen=True):
    """Work, and what places it in the one order."""

    call: CallId
    queue: QueueId
    queue_name: str
    kind: Kind
    caller: Caller
    since_ms: int
    """As old as it is in its queue."""
    came_ms: int
    """Since when the caller has waited, whatever of that counts in the queue."""
    brought: int
    """Of the priority: what the call brought along, ..."""
    weight: int
    """... the weight of its queue, ..."""
    gained: int
    """... and what it gained by waiting."""

    @property
    def priority(self) -> int:
        """All of it."""
        return self.brought + self.weight + self.gained


class PassedOn(msgspec.Struct, frozen=True):
    """A queue that the call came to, and that did not keep it."""

    at_ms: int
    queue: QueueId
    queue_name: str
    reason: f.Reason


class Passed(msgspec.Struct, frozen=True):
    """Work that comes before the call in the one order, and why it did not get the agent."""

    work: Queued
    reasons: tuple[Reason, ...]
    """Why nobody is offered it."""
    takers: tuple[AgentId, ...]
    """Who may be offered it, in their order; None of them where there is no reason: nobody who may is free."""
    chosen_objects: tuple[Reason, ...]
    """Why not the agent whom the facts chose."""


class OwnOrder(msgspec.Struct, frozen=True):
    """The agent came first for other work, and took this one by an order of his own."""

    agent: AgentId
    takes: Takes
    led_by: Queued
    """The work in the one order for which the agent came first."""
    agents: tuple[Considered, ...]
    """Who might have been offered that, in their order."""
    rank: int
    led_rank: int


class Choice(msgspec.Struct, frozen=True):
    """Who would be offered what."""

    call: CallId
    agent: AgentId


class Explanation(msgspec.Struct, frozen=True):
    """Of one call at one moment."""

    at_ms: int
    release: str
    """Which one wrote the facts."""
    work: Queued
    way: tuple[PassedOn, ...]
    """The queues that passed it on to the one in which it is."""
    offer: OfferId | None
    """The decision that is explained; None where it is asked why the call still waits."""
    chosen: AgentId | None
    reasons: tuple[Reason, ...]
    """Why nobody is offered the call; empty at a decision."""
    agents: tuple[Considered, ...]
    """All of them: first those who may be offered the call, in their order."""
    before: tuple[Passed, ...]
    before_count: int
    """Of which `before` tells the first."""
    after: tuple[Queued, ...]
    after_count: int
    own_order: OwnOrder | None
    best: Choice | None
    """What this release would offer at that moment."""
    agrees: bool
    """Whether that is what the facts say."""


class InHand(msgspec.Struct, frozen=True):
    """The work that an agent's voice is at."""

    call: CallId
    queue: QueueId
    queue_name: str
    caller: Caller | None
    """None where the call is over, and its wrap-up is what is left."""
    until_ms: int | None
    """When the ring, the connecting or the wrap-up ends at the latest."""


class InOneQueue(msgspec.Struct, frozen=True):
    """What an agent is in one queue."""

    queue: QueueId
    state: str
    reason: str | None
    since_ms: int | None
    waiting: int
    """Calls that wait there."""
    until_ms: int | None
    """When the pause ends by itself."""
    pending: Pending | None
    """What comes when the work in hand, which is of this queue, ends."""


class NotTaken(msgspec.Struct, frozen=True):
    """Work that waits, and why the agent is not offered it."""

    work: Queued
    reasons: tuple[Reason, ...]
    """Of the call, then of the agent. Empty: it would be offered now."""


class AgentExplanation(msgspec.Struct, frozen=True):
    """Of one agent at one moment: why there is nothing to do."""

    at_ms: int
    release: str
    agent: AgentId
    name: str
    doing: Work
    doing_since_ms: int | None
    voice: InHand | None
    """None while idle."""
    chats: tuple[CallId, ...]
    """Those that the agent holds, or is offered."""
    takes: Takes
    queues: tuple[InOneQueue, ...]
    works: tuple[NotTaken, ...]
    """What waits in the agent's queues, in the order in which the agent takes it; then in those where the agent has
    never been."""
    works_count: int
    """Of which `works` tells the first."""
    owed: tuple[CallId, ...]
    """It must still be said what came of these calls."""


# --- Why this call ----------------------------------------------------------------------------------------------


def explain_offer(state: State, since: Since, offer: f.OfferMade) -> Explanation:
    """Why the offer was made, by the state just before it."""
    return _explain(state, since, state.calls[offer.call], offer.at_ms, offer)


def explain_wait(state: State, since: Since, call: CallId, at_ms: int) -> Explanation:
    """Why the call still waits at that moment, or who serves it."""
    return _explain(state, since, state.calls[call], at_ms, None)


def _explain(state: State, since: Since, call: Call, at_ms: int, offer: f.OfferMade | None) -> Explanation:
    chosen = None if offer is None else offer.agent
    line = [work for work in why.in_one_order(state, at_ms) if work is call or _waits(work)]
    at = line.index(call)
    reasoned = why.reasoned_choice(state, at_ms)
    best = None if reasoned is None else Choice(*reasoned.choice)
    agrees = (best is None or best.call != call.id) if chosen is None else best == Choice(call.id, chosen)
    return Explanation(
        at_ms,
        since.release,
        queued(state, call, at_ms),
        _way(state, since, call),
        None if offer is None else offer.offer,
        chosen,
        against_call(state, since, call),
        consider(state, since, call, chosen, at_ms),
        tuple(_passed(state, since, work, at_ms, chosen) for work in line[:at][:TOLD]),
        at,
        tuple(queued(state, work, at_ms) for work in line[at + 1 :][:TOLD]),
        len(line) - at - 1,
        _own_order(state, since, reasoned, at_ms) if agrees and chosen is not None else None,
        best,
        agrees,
    )


def _waits(call: Call) -> bool:
    """Whether somebody is still wanted for it."""
    return call.answered is None and len(call.offers) < call.ring_at_most


def queued(state: State, call: Call, at_ms: int) -> Queued:
    """The call as it stands in the one order."""
    queue = state.queues[call.queue].settings
    priority = why.effective_priority(queue, call, at_ms)
    return Queued(call.id, call.queue, queue.name, call.kind, call.caller, call.place.since_ms, call.came_ms, *priority)


def _way(state: State, since: Since, call: Call) -> tuple[PassedOn, ...]:
    return tuple(
        PassedOn(at_ms, hop.queue, _name(state, hop.queue), hop.reason) for at_ms, hop in since.ways.get(call.id, ())
    )


def _name(state: State, queue: QueueId) -> str:
    """Of a queue that may be gone by now."""
    return state.queues[queue].settings.name if queue in state.queues else queue


def consider(state: State, since: Since, call: Call, chosen: AgentId | None, at_ms: int) -> tuple[Considered, ...]:
    """Every agent: those who may be offered the call in their order, then the others."""
    free: list[Agent] = []
    others: list[Considered] = []
    for agent in state.agents.values():
        reasons = against_agent(state, since, call, agent, at_ms)
        id_ = agent.settings.id
        if reasons:
            others.append(Considered(id_, agent.settings.name, id_ == chosen, None, reasons))
        else:
            free.append(agent)
    return (*_placed(state, since, call, free, chosen), *others)


def _placed(
    state: State, since: Since, call: Call, agents: list[Agent], chosen: AgentId | None
) -> tuple[Considered, ...]:
    """Those who may be offered the call, as they come one after another."""
    placed = why.in_their_order(state, call, agents)
    settings = state.queues[call.queue].settings
    weights = None
    if settings.strategy == "weighted-random":
        weights = sum(standing.measure for standing, _ in placed if standing[:2] == placed[0][0][:2])
    return tuple(
        Considered(
            (id_ := agent.settings.id),
            agent.settings.name,
            id_ == chosen,
            Place(
                number,
                standing.tier,
                standing.unmet,
                settings.strategy,
                settings.channel,
                standing.measure,
                weights if standing[:2] == placed[0][0][:2] else None,
                since.last_offered(id_, call.queue),
                agent.free.free_since_ms,
                _first_difference(placed[0][0], standing),
            ),
            (),
        )
        for number, (standing, agent) in enumerate(placed, 1)
    )


def _first_difference(first: why.Standing, standing: why.Standing) -> Part | None:
    """The part that decided between the two; None between one and itself."""
    parts = zip(PARTS, first, standing, strict=True)
    return next((part for part, one, other in parts if one != other), None)


def _passed(state: State, since: Since, call: Call, at_ms: int, chosen: AgentId | None) -> Passed:
    agent = None if chosen is None else state.agents[chosen]
    return Passed(
        queued(state, call, at_ms),
        against_call(state, since, call),
        tuple(taker.settings.id for taker in why.takers(state, call, at_ms)),
        () if agent is None else against_agent(state, since, call, agent, at_ms),
    )


def _own_order(state: State, since: Since, reasoned: why.Reasoned | None, at_ms: int) -> OwnOrder | None:
    """How the agent came to other work than the one that led to him."""
    if reasoned is None or reasoned.led_by == reasoned.choice.call:
        return None
    agent, led_by = state.agents[reasoned.choice.agent], state.calls[reasoned.led_by]
    taken = state.calls[reasoned.choice.call]
    return OwnOrder(
        agent.settings.id,
        agent.settings.takes,
        queued(state, led_by, at_ms),
        _placed(state, since, led_by, why.takers(state, led_by, at_ms), agent.settings.id),
        agent.queues[taken.queue].standing.rank,
        agent.queues[led_by.queue].standing.rank,
    )


# --- Why this agent gets nothing --------------------------------------------------------------------------------


def explain_agent(state: State, since: Since, id_: AgentId, at_ms: int) -> AgentExplanation:
    """Why the agent has nothing to do at that moment."""
    agent = state.agents[id_]
    line = [call for call in why.in_one_order(state, at_ms) if _waits(call)]
    own = sorted(
        (call for call in line if call.queue in agent.queues),
        key=lambda call: why.order_of(state, agent, call, at_ms),
    )
    never = [call for call in line if call.queue in agent.settings.queues and call.queue not in agent.queues]
    works = [*own, *never]
    return AgentExplanation(
        at_ms,
        since.release,
        id_,
        agent.settings.name,
        agent.work,
        since.at_work(id_),
        _in_hand(state, agent),
        tuple(state.offers[offer].call for offer in agent.chats),
        agent.settings.takes,
        tuple(
            _in_queue(state, since, agent, queue) for queue in dict.fromkeys((*agent.settings.queues, *agent.queues))
        ),
        tuple(NotTaken(queued(state, call, at_ms), _both(state, since, call, agent, at_ms)) for call in works[:TOLD]),
        len(works),
        _owed(agent),
    )


def _in_hand(state: State, agent: Agent) -> InHand | None:
    until_ms = work_ends_ms(state, agent)
    if agent.wrap_up is not None:
        queue = agent.wrap_up.queue
        return InHand(agent.wrap_up.call, queue, _name(state, queue), None, until_ms)
    if agent.offer is None:
        return None
    call = state.calls[state.offers[agent.offer].call]
    return InHand(call.id, call.queue, _name(state, call.queue), call.caller, until_ms)


def _owed(agent: Agent) -> tuple[CallId, ...]:
    wrap_up = agent.wrap_up
    needs = wrap_up is not None and wrap_up.needs_disposition
    return (*agent.owes, wrap_up.call) if wrap_up is not None and needs else tuple(agent.owes)


def _in_queue(state: State, since: Since, agent: Agent, queue: QueueId) -> InOneQueue:
    entry = agent.queues.get(queue)
    return InOneQueue(
        queue,
        Membership.LOGGED_OUT.value if entry is None else entry.state.value,
        None if entry is None else entry.reason,
        since.in_queue(agent.settings.id, queue),
        sum(call.queue == queue and _waits(call) for call in state.calls.values()),
        None if entry is None else pause_ends_ms(agent, entry.reason),
        pending_of(state, agent, queue),
    )


def _both(state: State, since: Since, call: Call, agent: Agent, at_ms: int) -> tuple[Reason, ...]:
    """What speaks against the call, and against the agent."""
    return (*against_call(state, since, call), *against_agent(state, since, call, agent, at_ms))
