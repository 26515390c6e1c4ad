"""Offers: one agent's phone rings for one call, and what becomes of that (docs/routing.md R5 to R9)."""

from acd.model import OfferId
from acd.router import conversations, links, memberships, preferences
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import REFUSERS_KEPT, Agent, Call, Offer
from acd.router.states import Work
from acd.router.turn import Turn

OUTCOME_OF: dict[i.LegEnd, f.OfferOutcome] = {
    "answered-elsewhere": "lost",
    "busy": "busy",
    "declined": "declined",
    "no-answer": "no-answer",
    "unreachable": "unreachable",
    "failed": "failed",
    "hung-up": "declined",
}
"""What the end of a ringing leg says about the offer. Every one is a refusal: whoever would be offered the same call
again in the same breath would be rung without end."""

CONNECT_TIMEOUT_MS = 10_000
"""How long the bridge may take after the agent picked up. The leg gives up by itself well before; this ends what the
phone system forgot, so that no agent stays connecting for ever."""

REFUSALS: frozenset[f.OfferOutcome] = frozenset(
    {"declined", "busy", "no-answer", "unreachable", "failed", "agent-left", "lost"}
)
"""After these the same agent is not offered the same call again at once."""

MISSES: frozenset[f.OfferOutcome] = frozenset({"declined", "busy", "no-answer", "unreachable", "agent-left"})
"""These the agent missed. What failed or was lost on the way says nothing about the agent."""

UNREACHABLE: frozenset[f.OfferOutcome] = frozenset({"unreachable", "failed"})
"""After these the agent is offered nothing for a while: the next call would fare no better."""


def make(turn: Turn, call: Call, agent: Agent) -> None:
    """Let the agent's phone ring for the call."""
    queue = turn.state.queues[call.queue].settings
    voice = queue.channel == "voice"
    assert not voice or agent.phone is not None, f"agent {agent.settings.id} has no phone"
    turn.say(
        f.OfferMade(
            turn.now_ms,
            OfferId(turn.new_id()),
            call.id,
            agent.settings.id,
            call.queue,
            queue.name,
            call.line,
            agent.phone if voice else None,
            call.caller,
            turn.now_ms + queue.ring_timeout_ms,
            call.kind,
        )
    )


def leg_answered(turn: Turn, report: i.LegAnswered) -> None:
    """The agent picked up: accept, unless the offer is over or accepted already."""
    offer = turn.state.offers.get(report.offer)
    if offer is not None and turn.state.work_at(offer) is Work.RINGING:
        accept(turn, offer)


def accept(turn: Turn, offer: Offer) -> None:
    """Let the bridge be made."""
    until_ms = turn.now_ms + CONNECT_TIMEOUT_MS
    turn.say(f.OfferAccepted(turn.now_ms, offer.id, offer.call, offer.agent, offer.line, until_ms))
    call = turn.state.calls[offer.call]
    if len(call.offers) > 1:
        stop_others(turn, call)


def leg_bridged(turn: Turn, report: i.LegBridged) -> None:
    """The conversation begins. Where the word that the agent picked up was missed, it is not made up for: telephony
    would build a bridge that stands already."""
    offer = turn.state.offers.get(report.offer)
    if offer is None:
        return
    call = turn.state.calls[offer.call]
    if call.connected_at_ms is not None:
        return
    conversations.begin(turn, call, offer)
    if len(call.offers) > 1:
        stop_others(turn, call)


def stop_others(turn: Turn, call: Call) -> None:
    """One agent was the quickest: the other phones stop."""
    for other in list(call.offers):
        if other != call.answered:
            end(turn, turn.state.offers[other], "taken")


def end_all(turn: Turn, call: Call, outcome: f.OfferOutcome) -> None:
    """Nobody rings for the call any more."""
    for offer in list(call.offers):
        _end(turn, turn.state.offers[offer], outcome)


def leg_ended(turn: Turn, report: i.LegEnded) -> None:
    """The agent's leg is gone: a refusal, a miss, or the end of the conversation."""
    offer = turn.state.offers.get(report.offer)
    if offer is None:
        return
    call = turn.state.calls[offer.call]
    if call.connected_at_ms is not None:
        conversations.end(turn, call, "agent")
    elif turn.state.work_at(offer) is Work.CONNECTING:
        end(turn, offer, "agent-left")
    else:
        end(turn, offer, OUTCOME_OF[report.end])


def time_is_over(turn: Turn, offer_id: OfferId) -> None:
    """Nobody answered in time, or the bridge was not made in time: if the leg can be heard of at all."""
    offer = turn.state.offers[offer_id]
    if not links.hears_leg(turn.state, offer):
        turn.say(f.OfferOverdue(turn.now_ms, offer.id))
    elif turn.state.work_at(offer) is Work.RINGING:
        end(turn, offer, "no-answer")
    else:
        end(turn, offer, "failed")


def end(turn: Turn, offer: Offer, outcome: f.OfferOutcome) -> None:
    """The offer came to nothing; the call is back at its place. It waits no more for who has refused it."""
    _end(turn, offer, outcome)
    call = turn.state.calls[offer.call]
    if call.named == offer.agent:
        preferences.lapses(turn, call.id, "refused")


def _rests(offer: Offer, outcome: f.OfferOutcome) -> bool:
    """Whether the phone could not be rung, and the next call would fare no better. A chat says nothing of the phone."""
    return outcome in UNREACHABLE and offer.channel == "voice"


def _end(turn: Turn, offer: Offer, outcome: f.OfferOutcome) -> None:
    settings = turn.state.settings
    misses = turn.state.agents[offer.agent].misses + 1 if outcome in MISSES else 0
    turn.say(
        f.OfferEnded(
            turn.now_ms,
            offer.id,
            offer.call,
            offer.agent,
            offer.line.server,
            outcome,
            turn.now_ms + settings.refusal_rest_ms if outcome in REFUSALS else None,
            turn.now_ms + settings.unreachable_rest_ms if _rests(offer, outcome) else None,
            misses,
        )
    )
    call = turn.state.calls[offer.call]
    if len(call.refusers) > REFUSERS_KEPT:
        turn.say(f.RefusalLapsed(turn.now_ms, next(iter(call.refusers)), call.id))
    memberships.work_ended(turn, offer.agent, offer.queue)
    if misses:
        memberships.missed(turn, offer.agent, misses)
