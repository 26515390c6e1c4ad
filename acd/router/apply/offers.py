"""Offers, from the first ring to the bridge or the miss."""

from acd.router import facts as f
from acd.router.apply import members, queues
from acd.router.apply.table import Table
from acd.router.state import Agent, Call, Offer, State


def move(agent: Agent, offer: Offer, event: str) -> None:
    """Let the agent's voice, or the one chat, make a legal move."""
    if offer.channel == "voice":
        agent.move(event)
    else:
        agent.move_chat(offer.id, event)


def _offer_made(state: State, fact: f.OfferMade) -> None:
    agent, call, queue = state.agents[fact.agent], state.calls[fact.call], state.queues[fact.queue]
    offer = Offer(fact.offer, fact.call, fact.agent, fact.queue, fact.line, queue.settings.channel)
    move(agent, offer, "offer made")
    if offer.channel == "voice":
        agent.offer = fact.offer
    state.offers[fact.offer] = offer
    call.offers[fact.offer] = fact.agent
    if len(call.offers) >= call.ring_at_most:
        state.take_from_line(call)
    agent.queues[fact.queue].offered = state.fact_count
    state.servers[fact.line.server].legs.enter(fact.offer)
    state.deadlines.set(fact.ring_until_ms, "ring", fact.offer)
    state.relist(agent)


def _offer_accepted(state: State, fact: f.OfferAccepted) -> None:
    offer = state.offers[fact.offer]
    move(state.agents[fact.agent], offer, "offer accepted")
    picked_up(state, state.calls[fact.call], offer)
    offer.deadline = "connect"
    state.deadlines.set(fact.connect_until_ms, "connect", fact.offer)


def picked_up(state: State, call: Call, offer: Offer) -> None:
    """Neither the ring nor the wait can be over any more, nobody else is wanted, and the leg is alive."""
    call.answered = offer.id
    if call.group is not None:
        state.take_from_line(call)
    call.overdue = call.announcement_overdue = False
    heard(state, offer)
    if call.give_up_at_ms is not None and call.connected_at_ms is None:
        state.deadlines.drop("give-up", call.id)
    if call.announce_at_ms is not None and call.connected_at_ms is None:
        state.deadlines.drop("announce", call.id)


def heard(state: State, offer: Offer) -> None:
    """The leg is alive, and what it waited for has come."""
    offer.overdue = False
    state.servers[offer.line.server].legs.hear(offer.id)
    state.deadlines.drop(offer.deadline, offer.id)


def _offer_overdue(state: State, fact: f.OfferOverdue) -> None:
    offer = state.offers[fact.offer]
    offer.overdue = True
    state.deadlines.drop(offer.deadline, fact.offer)


def _offer_ended(state: State, fact: f.OfferEnded) -> None:
    agent = state.agents[fact.agent]
    offer = state.offers[fact.offer]
    drop_offer(state, offer, "offer ended")
    call = state.calls[fact.call]
    del call.offers[fact.offer]
    if call.answered == fact.offer:
        call.answered = None
    if fact.refused_until_ms is not None:
        members.remember_refusal(state, agent, call, fact.refused_until_ms)
        call.preference_lapsed = call.preference_lapsed or fact.agent == call.asks_for
    if fact.misses:
        agent.misses = fact.misses
    if fact.rest_until_ms is not None:
        agent.rests = True
        state.deadlines.set(fact.rest_until_ms, "rest", fact.agent)
        for queue in agent.queues:
            members.wait_no_more(state, agent, queue)
    if call.answered is None:
        queues.wait(state, call)
    queues.drain_if_retired(state, call.queue)
    state.relist(agent)
    members.tidy(state, agent)


def drop_offer(state: State, offer: Offer, event: str) -> None:
    """The voice, or one of the chats, is free of it."""
    agent = state.agents[offer.agent]
    move(agent, offer, event)
    del state.offers[offer.id]
    if event != "call ended":
        state.deadlines.drop(offer.deadline, offer.id)
    state.servers[offer.line.server].legs.drop(offer.id)
    if agent.offer == offer.id:
        agent.offer = None


APPLY: Table = {
    f.OfferMade: _offer_made,
    f.OfferAccepted: _offer_accepted,
    f.OfferOverdue: _offer_overdue,
    f.OfferEnded: _offer_ended,
}
