"""Channels of callers and of direct calls: heard of, and forgotten."""

from acd.model import Line
from acd.router.state import State


def hear_of(state: State, line: Line) -> None:
    """The channel is there. A wait that was over while the server could not be heard is over now."""
    state.server(line.server).channels.enter(line.channel)
    call = state.calls[state.call_on[line]] if line in state.call_on else None
    if call is not None and call.overdue:
        assert call.give_up_at_ms is not None, f"call {call.id} may wait for ever"
        call.overdue = False
        state.deadlines.set(call.give_up_at_ms, "give-up", call.id)


def forget_channel(state: State, line: Line) -> None:
    """A channel may be a caller and a direct call at once (an agent calls a queue): the last of both lets it go."""
    if line not in state.call_on and line not in state.direct_calls:
        state.server(line.server).channels.drop(line.channel)
