"""Reasons: the objections of `acd.router.why`, with since when and until when (docs/routing.md R61)."""

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import msgspec

from acd.model import CallId, QueueId
from acd.router import facts as f
from acd.router import objections as o
from acd.router import why
from acd.router.deadlines import Kind
from acd.router.settings import Ring
from acd.router.since import Since
from acd.router.state import REFUSALS_KEPT, Agent, Call, Offer, State


class Pending(msgspec.Struct, frozen=True):
    """What was asked for during work, and takes effect when that ends."""

    change: f.Change
    reason: str | None


class Reason(msgspec.Struct, frozen=True):
    """An objection, with its times where they are known."""

    objection: o.Objection
    since_ms: int | None = None
    until_ms: int | None = None
    """When it ends by itself, if nothing else happens; None: never, or nobody knows."""
    outcome: f.OfferOutcome | None = None
    """How the call was refused."""
    pending: Pending | None = None
    """What comes after the work in hand."""
    owed: tuple[CallId, ...] = ()
    """Till it is said what came of these calls the agent stays paused."""


class _Asked(NamedTuple):
    """What is looked at for the times."""

    state: State
    since: Since
    call: Call


class _Times(NamedTuple):
    """Since when, and until when."""

    since_ms: int | None = None
    until_ms: int | None = None


def against_call(state: State, since: Since, call: Call) -> tuple[Reason, ...]:
    """Why nobody is offered the call."""
    asked = _Asked(state, since, call)
    return tuple(Reason(found, *OF_CALL[type(found)](asked, found)) for found in why.call_objections(state, call))


def against_agent(state: State, since: Since, call: Call, agent: Agent, at_ms: int) -> tuple[Reason, ...]:
    """Why this agent is not, at that moment."""
    asked = _Asked(state, since, call)
    return tuple(
        Reason(
            found,
            *OF_AGENT[type(found)](asked, agent, found),
            _outcome(since, call, agent, found),
            pending_of(state, agent) if isinstance(found, o.Busy) else None,
            tuple(agent.owes) if isinstance(found, o.Paused) else (),
        )
        for found in why.objections(state, call, agent, at_ms)
    )


def pending_of(state: State, agent: Agent, queue: QueueId | None = None) -> Pending | None:
    """What comes after the work in hand in its queue, or in this one."""
    entry = agent.queues.get(queue or state.queue_at_work(agent) or QueueId(""))
    return None if entry is None or entry.pending is None else Pending(entry.pending.change, entry.pending.reason)


def pause_ends_ms(agent: Agent, reason: str | None) -> int | None:
    """When the pause for this reason ends by itself; None: never, it is at most said that it has lasted too long."""
    limit = None if reason is None else agent.limits.get(reason)
    return None if limit is None or limit.at_limit != "ready" else limit.until_ms


def work_ends_ms(state: State, agent: Agent) -> int | None:
    """When what the agent's voice does ends by itself; None: nobody knows, or there is nothing."""
    if agent.wrap_up is not None:
        return agent.wrap_up.until_ms
    return None if agent.offer is None else _offer_ends_ms(state, state.offers[agent.offer])


def _outcome(since: Since, call: Call, agent: Agent, objection: o.AgentObjection) -> f.OfferOutcome | None:
    refused = isinstance(objection, o.RefusedIt)
    return since.refusals[call.id][agent.settings.id].outcome if refused else None


def _rings_at(asked: _Asked, _: o.RingsEnough) -> _Times:
    offers = [asked.state.offers[offer] for offer in asked.call.offers]
    begun_ms = min(asked.since.offers[offer.id] for offer in offers)
    return _Times(begun_ms, _first([_offer_ends_ms(asked.state, offer) for offer in offers]))


OF_CALL: dict[type[o.CallObjection], Callable[[_Asked, Any], _Times]] = {
    o.Connected: lambda asked, _: _Times(asked.call.connected_at_ms),
    o.PickedUp: lambda asked, _: _Times(asked.since.accepted[asked.call.id]),
    o.RingsEnough: _rings_at,
    o.QueueRetired: lambda asked, found: _Times(asked.since.retired_queues[found.queue]),
    o.QueueInDisorder: lambda _asked, _: _Times(),
    o.QueueLetsGo: lambda _asked, _: _Times(),
    o.ServerUnheard: lambda asked, found: _Times(asked.since.servers.get(found.server)),
}


def _in_queue(asked: _Asked, agent: Agent, _: o.AgentObjection) -> _Times:
    return _Times(asked.since.in_queue(agent.settings.id, asked.call.queue))


def _paused(asked: _Asked, agent: Agent, found: o.Paused) -> _Times:
    return _Times(asked.since.in_queue(agent.settings.id, asked.call.queue), pause_ends_ms(agent, found.reason))


def _no_times(_asked: _Asked, _agent: Agent, _: o.AgentObjection) -> _Times:
    return _Times()


def _busy(asked: _Asked, agent: Agent, _: o.Busy) -> _Times:
    return _Times(asked.since.at_work(agent.settings.id), work_ends_ms(asked.state, agent))


def _rests(asked: _Asked, agent: Agent, _: o.Resting) -> _Times:
    id_ = agent.settings.id
    return _Times(asked.since.resting(id_), _due_ms(asked.state, "rest", id_))


def _offered(asked: _Asked, _agent: Agent, found: o.OfferedAlready) -> _Times:
    return _Times(asked.since.offers[found.offer], _offer_ends_ms(asked.state, asked.state.offers[found.offer]))


def _refused_it(asked: _Asked, agent: Agent, _: o.RefusedIt) -> _Times:
    refused_at_ms = asked.since.refusals[asked.call.id][agent.settings.id].at_ms
    return _Times(refused_at_ms, _due_ms(asked.state, "refusal", agent.settings.id, asked.call.id))


def _refused_many(asked: _Asked, agent: Agent, _: o.RefusedMany) -> _Times:
    """Until fewer are left than it takes."""
    lapses = [_due_ms(asked.state, "refusal", agent.settings.id, call) for call in agent.refusals]
    return _Times(None, sorted(lapse for lapse in lapses if lapse is not None)[len(lapses) - REFUSALS_KEPT])


def _another_is_named(asked: _Asked, _agent: Agent, _: o.AnotherIsNamed) -> _Times:
    return _Times(asked.call.place.since_ms, _due_ms(asked.state, "named", asked.call.id))


def _tier(asked: _Asked, _agent: Agent, found: o.TierNotOpen) -> _Times:
    return _Times(
        None, _opens_ms(asked.call, [ring.tier is None or ring.tier >= found.tier for ring in _rings(asked.call)])
    )


def _skill(asked: _Asked, _agent: Agent, found: o.SkillMissing) -> _Times:
    lacks = next(skill.level for skill in asked.call.profile.required if skill.name == found.skill) - found.level
    return _Times(None, _opens_ms(asked.call, [ring.slack >= lacks for ring in _rings(asked.call)]))


OF_AGENT: dict[type[o.AgentObjection], Callable[[_Asked, Agent, Any], _Times]] = {
    o.Leaving: lambda asked, agent, _: _Times(asked.since.leaving(agent.settings.id)),
    o.NotAssigned: _no_times,
    o.LoggedOut: _in_queue,
    o.Paused: _paused,
    o.Busy: _busy,
    o.NoPhone: _no_times,
    o.OnDirectCall: lambda asked, _, found: _Times(asked.since.direct_calls[found.line]),
    o.Resting: _rests,
    o.ChatsFull: _no_times,
    o.OfferedAlready: _offered,
    o.RefusedIt: _refused_it,
    o.RefusedMany: _refused_many,
    o.AnotherIsNamed: _another_is_named,
    o.TierNotOpen: _tier,
    o.SkillMissing: _skill,
}
assert set(get_args(o.Objection)) == {*OF_CALL, *OF_AGENT}, "every objection has its times"


def _rings(call: Call) -> tuple[Ring, ...]:
    return call.profile.rings


def _opens_ms(call: Call, opens: list[bool]) -> int | None:
    """When the call comes to the first ring that is wide enough; None if there is none."""
    wide = (ring for ring, enough in zip(_rings(call), opens, strict=True) if enough)
    ring = next(wide, None)
    return None if ring is None else call.place.since_ms + ring.after_ms


def _offer_ends_ms(state: State, offer: Offer) -> int | None:
    """When the ring or the connecting ends; a conversation has no end in view."""
    return _due_ms(state, offer.deadline, offer.id)


def _due_ms(state: State, kind: Kind, subject: str, other: str = "") -> int | None:
    deadline = state.deadlines.find(kind, subject, other)
    return None if deadline is None else deadline.due_ms


def _first(moments: list[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
