"""Reasons: the objections of `acd.router.why`, with since when and until when (docs/routing.md R61)."""

from typing import assert_never

import msgspec

from acd.router import facts as f
from acd.router import objections as o
from acd.router import why
from acd.router.deadlines import Kind
from acd.router.settings import Ring
from acd.router.since import Since
from acd.router.state import Agent, Call, Offer, State


class Reason(msgspec.Struct, frozen=True):
    """An objection, with its times where they are known."""

    objection: o.Objection
    since_ms: int | None = None
    until_ms: int | None = None
    """When it ends by itself, if nothing else happens; None: never, or nobody knows."""
    outcome: f.OfferOutcome | None = None
    """How the call was refused."""


def against_call(state: State, since: Since, call: Call) -> tuple[Reason, ...]:
    """Why nobody is offered the call."""
    return tuple(_of_call(state, since, call, objection) for objection in why.call_objections(state, call))


def against_agent(state: State, since: Since, call: Call, agent: Agent) -> tuple[Reason, ...]:
    """Why this agent is not."""
    return tuple(_of_agent(state, since, call, agent, objection) for objection in why.objections(state, call, agent))


def _of_call(state: State, since: Since, call: Call, objection: o.CallObjection) -> Reason:
    match objection:
        case o.Connected():
            return Reason(objection, call.connected_at_ms)
        case o.PickedUp():
            return Reason(objection, since.accepted[call.id])
        case o.RingsEnough():
            ends = [_offer_ends_ms(state, state.offers[offer]) for offer in call.offers]
            return Reason(objection, min(since.offers[offer] for offer in call.offers), _first(ends))
        case o.QueueRetired():
            return Reason(objection, since.retired_queues[objection.queue])
        case o.QueueInDisorder():
            return Reason(objection)
        case o.ServerUnheard():
            return Reason(objection, since.servers.get(objection.server))
        case _:
            assert_never(objection)


def _of_agent(state: State, since: Since, call: Call, agent: Agent, objection: o.AgentObjection) -> Reason:
    id_ = agent.settings.id
    match objection:
        case o.LoggedOut() | o.Paused():
            return Reason(objection, since.in_queue(id_, call.queue))
        case o.NotAssigned() | o.NoPhone() | o.ChatsFull():
            return Reason(objection)
        case o.Leaving():
            return Reason(objection, since.leaving(id_))
        case o.Busy():
            return Reason(objection, since.at_work(id_), _work_ends_ms(state, agent))
        case o.OnDirectCall():
            return Reason(objection, since.direct_calls[objection.line])
        case o.Resting():
            return Reason(objection, since.resting(id_), _due_ms(state, "rest", id_))
        case o.OfferedAlready():
            offer = state.offers[objection.offer]
            return Reason(objection, since.offers[offer.id], _offer_ends_ms(state, offer))
        case o.RefusedIt():
            refused = since.refusals[call.id][id_]
            return Reason(objection, refused.at_ms, _due_ms(state, "refusal", id_, call.id), refused.outcome)
        case o.RefusedMany():
            return Reason(objection, None, _first([_due_ms(state, "refusal", id_, of) for of in agent.refusals]))
        case o.AnotherIsNamed():
            return Reason(objection, call.place.since_ms, _due_ms(state, "named", call.id))
        case o.TierNotOpen():
            tier = objection.tier
            return Reason(
                objection, None, _opens_ms(call, [ring.tier is None or ring.tier >= tier for ring in _rings(call)])
            )
        case o.SkillMissing():
            lacks = _asked_level(call, objection.skill) - objection.level
            return Reason(objection, None, _opens_ms(call, [ring.slack >= lacks for ring in _rings(call)]))
        case _:
            assert_never(objection)


def _rings(call: Call) -> tuple[Ring, ...]:
    return call.profile.rings


def _asked_level(call: Call, skill: str) -> int:
    return next(asked.level for asked in call.profile.required if asked.name == skill)


def _opens_ms(call: Call, opens: list[bool]) -> int | None:
    """When the call comes to the first ring that is wide enough; None if there is none."""
    wide = (ring for ring, enough in zip(_rings(call), opens, strict=True) if enough)
    ring = next(wide, None)
    return None if ring is None else call.place.since_ms + ring.after_ms


def _work_ends_ms(state: State, agent: Agent) -> int | None:
    if agent.wrap_up is not None:
        return agent.wrap_up.until_ms
    return None if agent.offer is None else _offer_ends_ms(state, state.offers[agent.offer])


def _offer_ends_ms(state: State, offer: Offer) -> int | None:
    """When the ring or the connecting ends; a conversation has no end in view."""
    return _due_ms(state, offer.deadline, offer.id)


def _due_ms(state: State, kind: Kind, subject: str, other: str = "") -> int | None:
    deadline = state.deadlines.find(kind, subject, other)
    return None if deadline is None else deadline.due_ms


def _first(moments: list[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
