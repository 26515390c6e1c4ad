"""The match: once in each turn, over the queues that were touched, the best work first (docs/routing.md R1 to R4).

Between turns no free agent and eligible waiting call are left together, so only a queue in which a call or an
agent appeared can hold a pair. Among those queues the call that comes first (priority, then age, then arrival)
goes to the agent who has been idle longest in its queue; then again, until no pair is left. A call that every
free agent just refused does not hold up the calls behind it: an agent who is offered work has refused few calls
(`REFUSALS_KEPT`), so few calls can stand in the way, and of each no more agents are passed over than refused it.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush, merge
from typing import NamedTuple

from acd.router import offers
from acd.router.state import Agent, Call, Place, Queue, State
from acd.router.states import Work
from acd.router.turn import SLICE, Turn


class Pair(NamedTuple):
    """A call and the agent for it. Pairs order by the call's place."""

    place: Place
    call: Call
    agent: Agent


def match(turn: Turn) -> None:
    """Offer waiting calls for which an agent is free: all of them, or a slice, and then the rest stays touched."""
    state = turn.state
    pairs = [pair for queue in state.touched if (pair := best_pair(state, state.queues[queue])) is not None]
    heapify(pairs)
    for _ in range(SLICE):
        best = _first_that_holds(state, pairs)
        if best is None:
            break
        offers.make(turn, best.call, best.agent)
    state.touched = {pair.call.queue: None for pair in pairs}


def _first_that_holds(state: State, pairs: list[Pair]) -> Pair | None:
    """The best of the pairs. Offers only take calls and agents away: so a pair whose agent has been taken, for this
    call or another, gives way to the next one of its queue, which cannot come before it."""
    while pairs:
        if pairs[0].agent.work is Work.IDLE:
            return pairs[0]
        queue = state.queues[heappop(pairs).call.queue]
        following = best_pair(state, queue)
        if following is not None:
            heappush(pairs, following)
    return None


def best_pair(state: State, queue: Queue) -> Pair | None:
    """The first call of the queue for which a ready agent is free, and that agent."""
    if queue.retired or not queue.ready or not queue.waiting:
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
