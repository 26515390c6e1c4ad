"""Conversations: caller and agent hear each other, until either ends it (docs/routing.md R11)."""

from typing import Literal

from acd.router import facts as f
from acd.router import preferences, wrap_ups
from acd.router.state import Call, Offer
from acd.router.turn import Turn


def begin(turn: Turn, call: Call, offer: Offer) -> None:
    """The bridge is made."""
    waited_ms = turn.now_ms - call.came_ms
    turn.say(f.CallConnected(turn.now_ms, call.id, offer.id, offer.agent, call.queue, waited_ms))


def end(turn: Turn, call: Call, ended_by: Literal["caller", "agent", "system"]) -> None:
    """The two have spoken; the work after the call begins, unless the queue has none."""
    assert call.answered is not None, f"call {call.id} has no offer"
    assert call.connected_at_ms is not None, f"call {call.id} is not connected"
    offer = turn.state.offers[call.answered]
    agent = turn.state.agents[offer.agent]
    wrap_up_ms = wrap_ups.length_ms(turn.state, agent, call.queue)
    needs_disposition = not offer.disposed and wrap_ups.needs_disposition(turn.state, agent, call.queue)
    talked_ms = turn.now_ms - call.connected_at_ms
    turn.say(f.CallEnded(turn.now_ms, call.id, offer.id, offer.agent, call.queue, ended_by, talked_ms))
    if turn.state.last_agent_queues or len(turn.state.last_agents):
        preferences.remember(turn, call, offer.agent, talked_ms)
    if wrap_up_ms > 0:
        wrap_ups.begin(turn, agent, call.id, call.queue, wrap_up_ms, needs_disposition=needs_disposition)
    else:
        wrap_ups.over(turn, offer.agent, call.id, call.queue, needs_disposition=needs_disposition)
