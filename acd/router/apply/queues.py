"""A call that waits in its queue, and a queue that may be empty."""

from acd.model import QueueId
from acd.router.state import Call, State


def drain_if_retired(state: State, queue: QueueId) -> None:
    """A retired queue that may have become empty is looked at."""
    if state.queues[queue].retired:
        state.deadlines.set(state.now_ms, "retire", queue)


def wait(state: State, call: Call) -> None:
    """The call waits for one more agent, if it does not already; its wait is limited again."""
    if call.group is None:
        state.line_up(call)
    if call.give_up_at_ms is not None and not call.overdue:
        state.deadlines.set(call.give_up_at_ms, "give-up", call.id)
    if call.announce_at_ms is not None and not call.announcement_overdue:
        state.deadlines.set(call.announce_at_ms, "announce", call.id)
