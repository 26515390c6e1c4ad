"""What an offer passes at the agent who gets it, over all the agent's queues: older work that the agent might have been
offered. There is a bound to it, or the rank of its queue says so (docs/routing.md G3, R27, R35).

The bound is worked out as the rule says it, from priorities, weights and growth: no order is asked for.
"""

from acd.model import AgentId, CallId
from acd.router import why
from acd.router.settings import QueueSettings
from acd.router.state import Agent, Call, State


class Passing:
    """`offer` with the state just before each offer: `AssertionError` where more is passed than the rules allow."""

    def __init__(self) -> None:
        self.same_queue = 0
        """How often older work of the queue was passed, within the bound."""
        self.other_queue = 0
        """The same of another queue's."""
        self.by_rank = 0
        """How often older work was passed because its queue has a lower rank with the agent."""

    def offer(self, state: State, call_id: CallId, agent_id: AgentId, now_ms: int) -> None:
        """Look at all that is older."""
        agent, call = state.agents[agent_id], state.calls[call_id]
        for older in why.works(state, agent, now_ms):
            if older.place < call.place:
                allowed = self._may_pass(state, agent, call, older)
                assert allowed, f"{agent_id}, who takes {agent.settings.takes}, is offered {call} and not {older}"

    def _may_pass(self, state: State, agent: Agent, call: Call, older: Call) -> bool:
        match agent.settings.takes:
            case "longest-wait":
                return False
            case "rank" if call.queue != older.queue:
                rank, other = (agent.queues[queue].standing.rank for queue in (call.queue, older.queue))
                self.by_rank += rank < other
                return rank < other or (rank == other and self._within_bound(state, call, older))
            case _:
                return self._within_bound(state, call, older)

    def _within_bound(self, state: State, call: Call, older: Call) -> bool:
        own, other = state.queues[call.queue].settings, state.queues[older.queue].settings
        points = call.priority + own.weight - older.priority - other.weight
        if call.queue != older.queue and not _grows_no_faster(own, other):
            return True
        every_ms = other.growth.point_every_ms
        if every_ms is None:
            return points > 0
        if call.queue == older.queue:
            self.same_queue += 1
        else:
            self.other_queue += 1
        return call.place.since_ms - older.place.since_ms < points * every_ms


def _grows_no_faster(own: QueueSettings, other: QueueSettings) -> bool:
    """Whether work of the one queue gains by waiting no more than work as old gains in the other: without steps, and in
    no shorter intervals."""
    if own.growth.steps:
        return False
    own_ms, other_ms = own.growth.point_every_ms, other.growth.point_every_ms
    return own_ms is None or (other_ms is not None and own_ms >= other_ms)
