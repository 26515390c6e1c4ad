"""What the choice of an agent goes by, counted a second time: from the facts alone, without the core's state.

The oracle (`acd/router/why.py`) reads these from the state, so a wrong count would deceive it as it deceives the match.
Left out is the weight of `weighted-random`, which is a setting, and the chance that goes by it.
"""

from typing import NamedTuple

from acd.model import AgentId, Caller, CallId, OfferId, QueueId
from acd.router import facts as f
from acd.router.last_agents import number_of
from acd.router.preferences import CONVERSATION_LEAST_MS
from acd.router.ready import NO_PLACE, IdlePlace
from acd.router.settings import RouterSettings
from acd.router.state import Agent, Limit, State


class Today(NamedTuple):
    """What an agent has done since midnight; chats are counted apart."""

    calls: int = 0
    talked_ms: int = 0
    chats: int = 0
    chatted_ms: int = 0


class LastConversations:
    """With whom each caller spoke last (R39): counted from the conversations, without what the core remembers."""

    def __init__(self) -> None:
        self._callers: dict[CallId, Caller] = {}
        self._last: dict[str, tuple[AgentId, int]] = {}
        """And until when that may be remembered."""
        self._remembered_ms = RouterSettings().last_agent_remembered_ms
        self.waited_for = 0
        """How often a call waited for who spoke with the caller last."""

    def post(self, fact: f.Fact) -> None:
        """Take in one fact; `AssertionError` where a call waits for somebody else."""
        match fact:
            case f.RouterConfigured():
                self._remembered_ms = fact.settings.last_agent_remembered_ms
            case f.CallQueued():
                self._callers[fact.call] = fact.caller
                self._look(fact, fact.caller)
            case f.CallMoved():
                self._look(fact, self._callers[fact.call])
            case f.CallEnded():
                number = number_of(self._callers.pop(fact.call))
                if number is not None and fact.talked_ms >= CONVERSATION_LEAST_MS:
                    self._last[number] = (fact.agent, fact.at_ms + self._remembered_ms)
            case f.CallAbandoned() | f.CallTimedOut() | f.CallReturned() | f.CallLost():
                del self._callers[fact.call]
            case _:
                pass

    def _look(self, fact: f.CallQueued | f.CallMoved, caller: Caller) -> None:
        if not fact.last_agent:
            return
        self.waited_for += 1
        number = number_of(caller)
        assert number is not None, f"{fact} waits for somebody, and nobody knows for whom"
        agent, until_ms = self._last[number]
        assert fact.named == agent, f"{fact} waits for {fact.named}, but {agent} spoke with the caller last"
        assert fact.at_ms < until_ms, f"{fact}, though that was to be forgotten at {until_ms}"


class Tally:
    """Post every fact in order; `compare` says where a state counts otherwise."""

    def __init__(self) -> None:
        self._facts = 0
        self._today: dict[AgentId, Today] = {}
        self._day_began_ms = 0
        self._free: dict[AgentId, IdlePlace] = {}
        self._offered: dict[AgentId, dict[QueueId, int]] = {}
        """The number of the fact that last offered a call of the queue."""
        self._logged_in: dict[AgentId, dict[QueueId, None]] = {}
        self._assigned: dict[AgentId, tuple[QueueId, ...]] = {}
        self._work: dict[AgentId, dict[OfferId | CallId, None]] = {}
        """Offers and conversations, and the call of a wrap-up."""
        self._chats: dict[OfferId, None] = {}
        """Offers of chats."""
        self._connected_ms: dict[OfferId, int] = {}
        self._retired: dict[AgentId, None] = {}
        self._unordered: dict[QueueId, dict[AgentId, None]] = {}
        """Who is to be put in order anew."""
        self._paused: dict[tuple[AgentId, QueueId], f.AgentPaused] = {}
        """What was last said of a pause in one queue: of its limit, too."""
        self.last = LastConversations()
        """Who spoke with whom."""

    def post(self, fact: f.Fact) -> None:
        """Count one fact."""
        self._facts += 1
        self.last.post(fact)
        match fact:
            case f.OfferMade():
                self._work.setdefault(fact.agent, {})[fact.offer] = None
                self._offered.setdefault(fact.agent, {})[fact.queue] = self._facts
                if fact.kind == "chat":
                    self._chats[fact.offer] = None
            case f.OfferEnded():
                self._work[fact.agent].pop(fact.offer)
                self._chats.pop(fact.offer, None)
            case f.CallConnected():
                self._connected_ms[fact.offer] = fact.at_ms
            case f.CallEnded():
                self._ended(fact)
            case f.WrapUpStarted():
                self._work.setdefault(fact.agent, {})[fact.call] = None
            case f.WrapUpEnded():
                self._work[fact.agent].pop(fact.call)
                self._is_free(fact.agent, fact.at_ms)
            case f.DayBegan():
                self._today = {}
                self._day_began_ms = fact.at_ms
            case _:
                self._of_staff(fact)
        agent = getattr(fact, "agent", None)
        if agent in self._retired and not self._work.get(agent):
            self._forget(agent)

    def _of_staff(self, fact: f.Fact) -> None:
        match fact:
            case f.AgentConfigured():
                self._configured(fact)
            case f.AgentRetired():
                self._retired[fact.agent] = None
            case f.AgentLoggedIn() | f.AgentBecameReady() | f.AgentPaused():
                if isinstance(fact, f.AgentLoggedIn) and not self._logged_in.get(fact.agent):
                    self._is_free(fact.agent, fact.at_ms)
                self._logged_in.setdefault(fact.agent, {}).update(dict.fromkeys(fact.queues))
                if isinstance(fact, f.AgentPaused):
                    self._paused.update({(fact.agent, queue): fact for queue in fact.queues})
            case f.AgentLoggedOut():
                for queue in fact.queues:
                    self._leave(fact.agent, queue, forget=queue not in self._assigned[fact.agent])
            case _:
                self._of_queue(fact)

    def _of_queue(self, fact: f.Fact) -> None:
        match fact:
            case f.QueueConfigured(reorders=True):
                self._disorder(fact.settings.id)
            case f.QueueUnordered():
                self._disorder(fact.queue)
            case f.AgentsReordered():
                for agent in fact.agents:
                    del self._unordered[fact.queue][agent]
            case _:
                pass

    def _ended(self, fact: f.CallEnded) -> None:
        talked_ms = fact.at_ms - self._connected_ms.pop(fact.offer)
        assert fact.talked_ms == talked_ms, f"{fact} after {talked_ms} ms"
        self._work[fact.agent].pop(fact.offer)
        talked_ms = min(talked_ms, fact.at_ms - self._day_began_ms)
        today = self._today.get(fact.agent, Today())
        if fact.offer in self._chats:
            del self._chats[fact.offer]
            more = today._replace(chats=today.chats + 1, chatted_ms=today.chatted_ms + talked_ms)
        else:
            more = today._replace(calls=today.calls + 1, talked_ms=today.talked_ms + talked_ms)
        self._today[fact.agent] = more
        self._is_free(fact.agent, fact.at_ms)

    def _is_free(self, agent: AgentId, at_ms: int) -> None:
        self._free[agent] = IdlePlace(at_ms, self._facts)

    def _configured(self, fact: f.AgentConfigured) -> None:
        id_, queues = fact.settings.id, fact.settings.queues
        self._retired.pop(id_, None)
        for queue in self._assigned.get(id_, ()):
            if queue not in queues:
                self._leave(id_, queue, forget=True)
        self._assigned[id_] = queues

    def _leave(self, agent: AgentId, queue: QueueId, *, forget: bool) -> None:
        """`forget`: the queue is none of the agent's any more."""
        self._logged_in.get(agent, {}).pop(queue, None)
        self._unordered.get(queue, {}).pop(agent, None)
        if forget:
            self._offered.get(agent, {}).pop(queue, None)

    def _forget(self, agent: AgentId) -> None:
        """Who is gone and comes back begins anew."""
        for queue in list(self._logged_in.get(agent, {})):
            self._leave(agent, queue, forget=True)
        for kept in (self._today, self._free, self._offered, self._logged_in, self._assigned, self._work):
            kept.pop(agent, None)
        del self._retired[agent]

    def _disorder(self, queue: QueueId) -> None:
        self._unordered[queue] = {agent: None for agent, queues in self._logged_in.items() if queue in queues}

    # --- What the state says ----------------------------------------------------------------------------------

    def compare(self, state: State) -> None:
        """Raise if the state counts otherwise."""
        assert state.fact_count == self._facts, f"{state.fact_count} facts, {self._facts} were posted"
        assert set(state.agents) == set(self._assigned), f"agents {list(state.agents)}, not {list(self._assigned)}"
        for id_, agent in state.agents.items():
            self._compare_agent(id_, agent, state.day)
        for queue_id, queue in state.queues.items():
            unordered = self._unordered.get(queue_id, {})
            assert set(queue.unordered) == set(unordered), f"{queue_id}: {queue.unordered}, not {unordered}"

    def _compare_agent(self, id_: AgentId, agent: Agent, day: int) -> None:
        done = (agent.calls_today, agent.talked_today_ms, agent.chats_today, agent.chatted_today_ms)
        counted = Today(*done) if agent.day == day else Today()
        today = self._today.get(id_, Today())
        assert counted == today, f"{id_} has done {today} by the facts, {counted} by the state"
        free = self._free.get(id_, NO_PLACE)
        assert agent.free == free, f"{id_} is free since {free} by the facts, since {agent.free} by the state"
        offered = self._offered.get(id_, {})
        for queue_id, entry in agent.queues.items():
            last = offered.get(queue_id, 0)
            assert entry.offered == last, f"{id_} was last offered a call of {queue_id} by fact {last}, not {entry}"
            if entry.reason is not None:
                self._compare_pause(agent, entry.reason, self._paused[id_, queue_id])

    def _compare_pause(self, agent: Agent, reason: str, told: f.AgentPaused) -> None:
        limit = agent.limits.get(reason, Limit(None, told.at_limit))
        last = (told.reason, told.until_ms, told.lasts_ms, told.at_limit)
        known = (reason, limit.until_ms, limit.lasts_ms, limit.at_limit)
        assert known == last, f"{agent.settings.id} is paused as {last} by the facts, as {known} by the state"
