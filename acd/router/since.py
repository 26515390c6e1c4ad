"""Since when: the times that the state does not hold, kept beside it by whoever refolds the facts to ask why.

The core has none of this. What changed is seen by looking at the agents whom a fact names, before and after: so a
new kind of fact is followed without a word here.
"""

from typing import NamedTuple

from acd.model import AgentId, CallId, Line, OfferId, QueueId, ServerId
from acd.router import facts as f
from acd.router.state import Agent, State
from acd.router.states import Membership, Work


class Refused(NamedTuple):
    """How an offer came to nothing, and when."""

    at_ms: int
    outcome: f.OfferOutcome


class PassedOn(NamedTuple):
    """That a queue did not keep a call, and when."""

    at_ms: int
    hop: f.Hop


class _Shown(NamedTuple):
    """What an agent is in one queue."""

    state: Membership
    reason: str | None


class _Agent:
    """Since when one agent is what the agent is."""

    def __init__(self, at_ms: int) -> None:
        self.work: tuple[Work, int] = (Work.IDLE, at_ms)
        self.rests: tuple[bool, int] = (False, at_ms)
        self.retired: tuple[bool, int] = (False, at_ms)
        self.queues: dict[QueueId, tuple[_Shown, int]] = {}
        self.offered: dict[QueueId, int] = {}
        """When the agent was last offered a call of the queue."""

    def look(self, agent: Agent, at_ms: int) -> None:
        """Note what has changed."""
        if self.work[0] is not agent.work:
            self.work = (agent.work, at_ms)
        if self.rests[0] is not agent.rests:
            self.rests = (agent.rests, at_ms)
        if self.retired[0] is not agent.retired:
            self.retired = (agent.retired, at_ms)
        for queue in [queue for queue in self.queues if queue not in agent.queues]:
            del self.queues[queue]
        for queue, entry in agent.queues.items():
            shown, known = _Shown(entry.state, entry.reason), self.queues.get(queue)
            if known is None or known[0] != shown:
                self.queues[queue] = (shown, at_ms)


class Since:
    """The times of one journal, from its first fact on."""

    def __init__(self) -> None:
        self.release = ""
        """Which one wrote the facts."""
        self.offers: dict[OfferId, int] = {}
        self.accepted: dict[CallId, int] = {}
        """When somebody last picked up, for calls that are not over."""
        self.refusals: dict[CallId, dict[AgentId, Refused]] = {}
        """The last of each agent, for calls that are not over."""
        self.ways: dict[CallId, tuple[PassedOn, ...]] = {}
        """The queues that passed a call on, for calls that are not over."""
        self.servers: dict[ServerId, int] = {}
        self.retired_queues: dict[QueueId, int] = {}
        self.direct_calls: dict[Line, int] = {}
        self._agents: dict[AgentId, _Agent] = {}

    def follow(self, state: State, fact: f.Fact) -> None:
        """Take in the fact that was just applied to the state."""
        self._note(fact)
        for id_ in _named(fact):
            agent = state.agents.get(id_)
            if agent is None:
                self._agents.pop(id_, None)
            else:
                self._of(id_, fact.at_ms).look(agent, fact.at_ms)

    def _of(self, id_: AgentId, at_ms: int) -> _Agent:
        return self._agents.setdefault(id_, _Agent(at_ms))

    def _note(self, fact: f.Fact) -> None:
        match fact:
            case f.JournalOpened():
                self.release = fact.release
            case f.ServerWentQuiet() | f.ServerGivenUp():
                self.servers[fact.server] = fact.at_ms
            case f.QueueRetired():
                self.retired_queues[fact.queue] = fact.at_ms
            case f.DirectCallStarted():
                self.direct_calls[fact.line] = fact.at_ms
            case f.DirectCallEnded():
                self.direct_calls.pop(fact.line, None)
            case _:
                self._note_of_call(fact)

    def _note_of_call(self, fact: f.Fact) -> None:
        match fact:
            case f.CallQueued() | f.CallMoved() if fact.via:
                way = tuple(PassedOn(fact.at_ms, hop) for hop in fact.via)
                self.ways[fact.call] = (*self.ways.get(fact.call, ()), *way)
            case f.OfferMade():
                self.offers[fact.offer] = fact.at_ms
                self._of(fact.agent, fact.at_ms).offered[fact.queue] = fact.at_ms
            case f.OfferAccepted():
                self.accepted[fact.call] = fact.at_ms
            case f.OfferEnded():
                self.offers.pop(fact.offer, None)
                if fact.refused_until_ms is not None:
                    self.refusals.setdefault(fact.call, {})[fact.agent] = Refused(fact.at_ms, fact.outcome)
            case f.CallEnded():
                self.offers.pop(fact.offer, None)
                self._forget(fact.call)
            case f.CallAbandoned() | f.CallTimedOut() | f.CallReturned() | f.CallLost():
                self._forget(fact.call)
            case _:
                pass

    def _forget(self, call: CallId) -> None:
        self.accepted.pop(call, None)
        self.refusals.pop(call, None)
        self.ways.pop(call, None)

    # --- What is asked ----------------------------------------------------------------------------------------

    def in_queue(self, agent: AgentId, queue: QueueId) -> int | None:
        """Since when the agent is in the queue what the agent is there; None if never in it."""
        known = self._agents.get(agent)
        return known.queues[queue][1] if known is not None and queue in known.queues else None

    def at_work(self, agent: AgentId) -> int | None:
        """Since when the agent does what the agent does."""
        return self._agents[agent].work[1] if agent in self._agents else None

    def resting(self, agent: AgentId) -> int | None:
        """Since when the agent rests."""
        return self._agents[agent].rests[1] if agent in self._agents else None

    def leaving(self, agent: AgentId) -> int | None:
        """Since when the agent is leaving."""
        return self._agents[agent].retired[1] if agent in self._agents else None

    def last_offered(self, agent: AgentId, queue: QueueId) -> int | None:
        """When the agent was last offered a call of the queue; None if never."""
        return self._agents[agent].offered.get(queue) if agent in self._agents else None


def _named(fact: f.Fact) -> tuple[AgentId, ...]:
    """The agents whom the fact is about."""
    if isinstance(fact, f.AgentConfigured):
        return (fact.settings.id,)
    agent = getattr(fact, "agent", None)
    return getattr(fact, "agents", ()) if agent is None else (agent,)
