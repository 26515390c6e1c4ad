"""Who may ask something for an agent: the agent, the engine itself, and supervisors, each for the queues they may steer
(docs/routing.md R45)."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from acd.model import AgentId, QueueId, SupervisorId
from acd.router.state import State

Queues = tuple[QueueId, ...]
THE_ENGINE = ("configuration", "system")
"""What is asked for in these names is not asked by a person."""


class Rights(NamedTuple):
    """The queues over which somebody may decide for an agent."""

    over: Mapping[QueueId, None] | None
    """None: all."""

    def has(self, queue: QueueId) -> bool:
        """Whether this queue is among them."""
        return self.over is None or queue in self.over

    def choose(self, named: Queues, all_: Queues, assigned: Queues = ()) -> Queues | Literal["not-allowed"]:
        """The queues that are meant: the ones that are named, or of all those that one has a right to. They may be none
        for who has a right to others to which the agent is assigned."""
        chosen = tuple(dict.fromkeys(named)) or tuple(queue for queue in all_ if self.has(queue))
        may_decide = not all_ or any(map(self.has, assigned))
        allowed = all(map(self.has, chosen)) and (bool(chosen) or may_decide)
        return chosen if allowed else "not-allowed"


ALL = Rights(None)


def rights(state: State, by: str, agent: AgentId) -> Rights | None:
    """What `by` may decide for the agent; None for somebody who may decide nothing. Another agent is no supervisor,
    though one were called alike."""
    if by == agent or by in THE_ENGINE:
        return ALL
    if AgentId(by) in state.agents:
        return None
    supervisor = state.supervisors.get(SupervisorId(by))
    return None if supervisor is None else Rights(supervisor.queues)
