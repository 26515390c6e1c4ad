"""What should be matched, found by looking at everything: slow, plain, and written without the core's lists.

The rules are those of docs/routing.md; the core's own lists, counts and indexes are not read here.
"""

from typing import NamedTuple

from acd.model import AgentId, CallId
from acd.router.state import REFUSALS_KEPT, Agent, Call, State
from acd.router.states import Membership, Work


class Choice(NamedTuple):
    """Who should be offered what."""

    call: CallId
    agent: AgentId


def best_choice(state: State) -> Choice | None:
    """The first call in order for which anybody is free, and the longest idle of those (docs/routing.md R1 to R4)."""
    waiting = [call for call in state.calls.values() if waits(state, call)]
    available = [agent for agent in state.agents.values() if is_available(state, agent)]
    pairs = [(call, agent) for call in waiting for agent in available if fits(call, agent)]
    if not pairs:
        return None
    call, agent = min(pairs, key=lambda pair: (pair[0].place, pair[1].free))
    return Choice(call.id, agent.settings.id)


def waits(state: State, call: Call) -> bool:
    """Whether the call waits for an agent: in an open queue, with a server that can be heard."""
    ringing = any(offer.call == call.id for offer in state.offers.values())
    return not ringing and not state.queues[call.queue].retired and state.servers[call.line.server].up


def is_available(state: State, agent: Agent) -> bool:
    """Whether the agent may be offered anything at all."""
    on_the_phone = any(direct.phone == agent.phone for direct in state.direct_calls.values())
    refused = sum(1 for call in state.calls.values() if agent.settings.id in call.refusers)
    return (
        agent.phone is not None
        and agent.work is Work.IDLE
        and not agent.retired
        and not agent.rests
        and not on_the_phone
        and refused < REFUSALS_KEPT
    )


def fits(call: Call, agent: Agent) -> bool:
    """Whether the agent is ready in the queue of the call and has not refused that call of late."""
    entry = agent.queues.get(call.queue)
    return entry is not None and entry.state is Membership.READY and agent.settings.id not in call.refusers
