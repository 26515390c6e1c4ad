"""The match: once in each turn, over the queues that were touched, the best work first.

Between turns no free agent and eligible waiting call are left together, so only a queue in which a call or an
agent appeared can hold a pair. Among those queues the call that comes first (priority, then age, then arrival)
goes to the agent who has been idle longest in its queue; then again, until no pair is left. A call that every
free agent just refused does not hold up the calls behind it: an agent who is offered work has refused few calls
(`REFUSALS_KEPT`), so few calls can stand in the way, and of each no more agents are passed over than refused it.
"""

from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

from acd.model import QueueId
from acd.router import offers
from acd.router.state import Agent, Call, Place, Queue, State
from acd.router.turn import Turn


class Pair(NamedTuple):
    """A call and the agent for it. Pairs order by the call's place."""

    place: Place
    call: Call
    agent: Agent


def match(turn: Turn) -> None:
    """Offer every waiting call for which an agent is free."""
    state = turn.state
    pairs: dict[QueueId, Pair] = {}
    fresh: list[QueueId] = list(state.touched)
    while fresh or pairs:
        for queue in fresh:
            pair = best_pair(state, state.queues[queue])
            if pair is not None:
                pairs[queue] = pair
        if not pairs:
            break
        best = min(pairs.values(), key=_place)
        offers.make(turn, best.call, best.agent)
        fresh = [queue for queue, pair in pairs.items() if pair.call is best.call or pair.agent is best.agent]
        for queue in fresh:
            del pairs[queue]
    state.touched.clear()


def _place(pair: Pair) -> Place:
    return pair.place


def best_pair(state: State, queue: Queue) -> Pair | None:
    """The first call of the queue for which a ready agent is free, and that agent."""
    if queue.retired or not queue.ready:
        return None
    for place in _in_order(state, queue):
        call = state.calls[place.call]
        for idle in queue.ready:
            if idle.agent not in call.refusers:
                return Pair(place, call, state.agents[idle.agent])
    return None


def _in_order(state: State, queue: Queue) -> Iterator[Place]:
    """The queue's callers on servers that are up, first come first."""
    lines = [line for server, line in queue.waiting.items() if state.servers[server].up]
    if len(lines) == 1:
        return iter(lines[0])
    return merge(*lines)
