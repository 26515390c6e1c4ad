"""What applying any fact may need: deadlines, lines, channels, queues that empty."""

from collections.abc import Callable
from typing import Any

from acd.model import Line, QueueId
from acd.router import facts as f
from acd.router.state import Call, State

Table = dict[type[f.Fact], Callable[[State, Any], None]]
"""How each of some facts changes the state."""


def drain_if_retired(state: State, queue: QueueId) -> None:
    """A retired queue that may have become empty is looked at."""
    if state.queues[queue].retired:
        state.deadlines.set(state.now_ms, "retire", queue)


def wait(state: State, call: Call) -> None:
    """The call waits for one more agent, if it does not already; its wait is limited again."""
    if call.group is None:
        state.line_up(call)
    call.overdue = False
    if call.give_up_at_ms is not None:
        state.deadlines.set(call.give_up_at_ms, "give-up", call.id)
    if call.announce_at_ms is not None:
        state.deadlines.set(call.announce_at_ms, "announce", call.id)


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
