"""Channels of callers and of direct calls: heard of, and forgotten."""

from acd.model import Line
from acd.router.state import State


def hear_of(state: State, line: Line) -> None:
    """The channel is there. What fell due for it while the server could not be heard is due now."""
    state.server(line.server).channels.enter(line.channel)
    call = state.calls[state.call_on[line]] if line in state.call_on else None
    if call is not None and call.overdue:
        assert call.give_up_at_ms is not None, f"call {call.id} may wait for ever"
        call.overdue = False
        state.deadlines.set(call.give_up_at_ms, "give-up", call.id)
    if call is not None and call.announcement_overdue:
        assert call.announce_at_ms is not None, f"call {call.id} is to be told nothing"
        call.announcement_overdue = False
        state.deadlines.set(call.announce_at_ms, "announce", call.id)


def forget_channel(state: State, line: Line) -> None:
    """A channel may be a caller and a direct call at once (an agent calls a queue): the last of both lets it go."""
    if line not in state.call_on and line not in state.direct_calls:
        state.server(line.server).channels.drop(line.channel)
