"""Where a call stands in its line, and how long it may wait: worked out when asked, never by looking at all calls
(docs/routing.md R54, R55)."""

from acd.router.matching import Order, order_at, order_of
from acd.router.settings import QueueSettings
from acd.router.state import Call, Queue, State
from acd.router.waiting import Group

LEAST_DEPARTURES = 3
"""Of fewer nothing is concluded."""


def position(state: State, call: Call, now_ms: int) -> int | None:
    """1 for who is next; None while the call waits for one agent alone, who may take any other work before it. Within
    a group the older call is never the less urgent one: so how many of it come before is found by halving, and what is
    looked at are the groups, not their calls."""
    if call.named is not None:
        return None
    queue = state.queues[call.queue]
    own = order_of(state, call, now_ms)
    groups = [group for row in queue.waiting.rows.values() for _, _, group in row]
    return 1 + sum(_before(queue.settings, group, own, now_ms) for group in groups)


def _before(queue: QueueSettings, group: Group, own: Order, now_ms: int) -> int:
    """How many of the group come before."""
    low, high = 0, len(group)
    while low < high:
        middle = (low + high) // 2
        since_ms, number, _ = group[middle]
        if order_at(queue, group.priority, since_ms, number, now_ms) < own:
            low = middle + 1
        else:
            high = middle
    return low


def estimated_wait_ms(state: State, call: Call, now_ms: int) -> int | None:
    """How long it may take until an agent's phone rings for the call; None where too little is known, nobody is on
    duty, or the call has no position."""
    return wait_at(state.queues[call.queue], position(state, call, now_ms), now_ms)


def wait_at(queue: Queue, place: int | None, now_ms: int) -> int | None:
    """The same, of a call of this queue whose position is known already."""
    if place is None or queue.pace.departures < LEAST_DEPARTURES or not queue.on_duty:
        return None
    return place * queue.pace.interval_at(now_ms) // 1_000
