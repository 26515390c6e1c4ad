"""Conversations: caller and agent hear each other, until either ends it (docs/routing.md R11)."""

from typing import Literal

from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import Call
from acd.router.turn import Turn


def leg_bridged(turn: Turn, report: i.LegBridged) -> None:
    """The bridge is made: the conversation begins. Where the word that the agent picked up was missed, it is not
    made up for: telephony would build a bridge that stands already."""
    offer = turn.state.offers.get(report.offer)
    if offer is None:
        return
    call = turn.state.calls[offer.call]
    if call.connected_at_ms is not None:
        return
    waited_ms = turn.now_ms - call.place.since_ms
    turn.say(f.CallConnected(turn.now_ms, call.id, offer.id, offer.agent, call.queue, waited_ms))


def end(turn: Turn, call: Call, ended_by: Literal["caller", "agent", "system"]) -> None:
    """The two have spoken; the work after the call begins, unless the queue has none."""
    assert call.offer is not None, f"call {call.id} has no offer"
    assert call.connected_at_ms is not None, f"call {call.id} is not connected"
    offer = turn.state.offers[call.offer]
    retired = turn.state.agents[offer.agent].retired
    wrap_up_ms = turn.state.queues[call.queue].settings.wrap_up_ms
    talked_ms = turn.now_ms - call.connected_at_ms
    turn.say(f.CallEnded(turn.now_ms, call.id, offer.id, offer.agent, call.queue, ended_by, talked_ms))
    if wrap_up_ms > 0 and not retired:
        until_ms = turn.now_ms + wrap_up_ms
        turn.say(f.WrapUpStarted(turn.now_ms, offer.agent, call.id, call.queue, until_ms))
