"""What the facts tell of a run: calls, waits, service level, occupancy. Every figure comes from facts alone."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from acd.core import Fact
from acd.journal.port import Entry
from acd.model import AgentId, CallId, OfferId, QueueId
from acd.router import facts as f


def _times() -> "array[int]":
    return array("q")


@dataclass
class QueueFigures:
    """One queue, or several together. A call counts in the queue for which it came, wherever it was served; one that
    was found again after its server was given up, or by an engine that began anew, counts again."""

    offered: int = 0
    """Calls that came, refused ones included."""
    refused: int = 0
    timed_out: int = 0
    lost: int = 0
    """Gone with their server or with the engine, or back in the operator's dialplan: who had to leave, for instance,
    because the queue closed."""
    answered_in_time: int = 0
    """Within the time of the service level."""
    waits: "array[int]" = field(default_factory=_times)
    """Of each answered call, in milliseconds."""
    abandoned_after: "array[int]" = field(default_factory=_times)
    talked_ms: int = 0
    worked_ms: int = 0
    """By its agents while they are assigned to it, in whatever queue: from the offer to the end of the wrap-up. Work of
    the queue itself counts to its end."""
    present_ms: int = 0
    """By the same agents: logged in and not paused, or at work."""

    @property
    def answered(self) -> int:
        return len(self.waits)

    @property
    def abandoned(self) -> int:
        return len(self.abandoned_after)

    @property
    def service_level(self) -> float:
        """Share of the calls offered that were answered in time."""
        return self.answered_in_time / self.offered if self.offered else 0.0

    @property
    def occupancy(self) -> float:
        """Share of their presence in which the agents worked."""
        return self.worked_ms / self.present_ms if self.present_ms else 0.0

    def wait_ms(self, share: float) -> int:
        """The wait that this share of the answered callers did not exceed (nearest rank); 0 where nobody was."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0

    def add_calls(self, other: "QueueFigures") -> None:
        """Count the other's calls here, too."""
        self.offered += other.offered
        self.refused += other.refused
        self.timed_out += other.timed_out
        self.lost += other.lost
        self.answered_in_time += other.answered_in_time
        self.waits.extend(other.waits)
        self.abandoned_after.extend(other.abandoned_after)
        self.talked_ms += other.talked_ms

    def add_time(self, worked_ms: int, present_ms: int) -> None:
        self.worked_ms += worked_ms
        self.present_ms += present_ms


@dataclass(slots=True)
class _AgentTime:
    """One agent's time, by the facts."""

    queues: tuple[QueueId, ...]
    ready: dict[QueueId, None] = field(default_factory=dict)
    works_in: QueueId | None = None
    since_ms: int = 0

    @property
    def serves(self) -> Iterable[QueueId]:
        """Those of the agent, and the one of the work in hand, should the agent have lost it meanwhile."""
        return self.queues if self.works_in is None else dict.fromkeys((*self.queues, self.works_in))

    def pass_until(self, now_ms: int) -> "_Passed":
        passed_ms, self.since_ms = now_ms - self.since_ms, now_ms
        works = self.works_in is not None
        return _Passed(passed_ms if works else 0, passed_ms if works or self.ready else 0)


class _Passed(NamedTuple):
    """A time in which nothing changed."""

    worked_ms: int
    present_ms: int


class Figures:
    """A reader of committed entries. `close` ends the counting: what comes later is not of these days."""

    def __init__(self, answer_within_ms: int) -> None:
        self.inputs = 0
        self.facts = 0
        self.queues: dict[QueueId, QueueFigures] = {}
        self.offers: Counter[str] = Counter()
        """What became of the offers that were not accepted."""
        self.servers_given_up = 0
        self._answer_within_ms: Final = answer_within_ms
        self._agents: dict[AgentId, _AgentTime] = {}
        self._counting = True
        self._worked_ms = 0
        self._present_ms = 0
        self._waiting: dict[CallId, QueueFigures | None] = {}
        """Where they count; None: nowhere."""
        self._talking: dict[CallId, QueueFigures] = {}
        """Those that count, and where."""
        self._in_hand: dict[OfferId, None] = {}
        self._digest = hashlib.sha256()
        self._encode = msgspec.json.Encoder().encode
        self._take: dict[type[Fact], Callable[[Any], object]] = {
            f.JournalOpened: self._begins_anew,
            f.QueueConfigured: lambda fact: self._queue(fact.settings.id),
            f.AgentConfigured: self._agent_configured,
            f.CallQueued: self._queued,
            f.CallRefused: self._refused,
            f.CallConnected: self._connected,
            f.CallEnded: self._ended,
            f.CallAbandoned: self._abandoned,
            f.CallTimedOut: self._timed_out,
            f.CallReturned: self._lost,
            f.CallLost: self._lost,
            f.OfferMade: self._offer_made,
            f.OfferEnded: self._offer_ended,
            f.AgentRetired: self._retired,
            f.AgentLoggedIn: self._becomes_ready,
            f.AgentBecameReady: self._becomes_ready,
            f.AgentPaused: self._is_away,
            f.AgentLoggedOut: self._is_away,
            f.WrapUpStarted: self._begins_work,
            f.WrapUpEnded: self._ends_work,
            f.ServerGivenUp: self._given_up,
        }

    def read(self, entries: Sequence[Entry]) -> None:
        """Take committed entries in."""
        self.inputs += len(entries)
        for entry in entries:
            self.facts += len(entry.facts)
            for fact in entry.facts:
                self._digest.update(self._encode(fact))
                take = self._take.get(type(fact))
                if take is not None:
                    take(fact)

    @property
    def digest(self) -> str:
        """One line for the whole journal: equal digests mean equal facts."""
        return self._digest.hexdigest()

    @property
    def open_calls(self) -> int:
        """Calls that wait, and offers that ring or talk."""
        return len(self._waiting) + len(self._in_hand)

    @property
    def total(self) -> QueueFigures:
        """All queues together."""
        whole = QueueFigures()
        for queue in self.queues.values():
            whole.add_calls(queue)
        whole.add_time(self._worked_ms, self._present_ms)
        return whole

    def close(self, now_ms: int) -> None:
        """The days are over: calls that came are followed to their end, new ones are not counted, nor is time."""
        for agent in self._agents.values():
            self._pass(agent, now_ms)
        self._counting = False

    # --- Calls ------------------------------------------------------------------------------------------------

    def _begins_anew(self, fact: f.JournalOpened) -> None:
        """What the engine before this one had in hand, if there was one, nobody will hear the end of."""
        for agent in self._agents.values():
            self._pass(agent, fact.at_ms)
        for queue in self._waiting.values():
            if queue is not None:
                queue.lost += 1
        for in_hand in (self._waiting, self._talking, self._in_hand, self._agents):
            in_hand.clear()

    def _queue(self, queue: QueueId) -> QueueFigures:
        known = self.queues.get(queue)
        if known is None:
            known = self.queues[queue] = QueueFigures()
        return known

    def _queued(self, fact: f.CallQueued) -> None:
        """A callback is no second call of who gave up."""
        counts = self._counting and fact.kind != "callback"
        queue = self._queue(fact.via[0].queue if fact.via else fact.queue)
        queue.offered += counts
        self._waiting[fact.call] = queue if counts else None

    def _refused(self, fact: f.CallRefused) -> None:
        self._queue(fact.queue).offered += self._counting
        self._queue(fact.queue).refused += self._counting

    def _connected(self, fact: f.CallConnected) -> None:
        queue = self._waiting.pop(fact.call)
        if queue is not None:
            self._talking[fact.call] = queue
            queue.waits.append(fact.waited_ms)
            queue.answered_in_time += fact.waited_ms <= self._answer_within_ms

    def _ended(self, fact: f.CallEnded) -> None:
        if fact.call in self._talking:
            self._talking.pop(fact.call).talked_ms += fact.talked_ms
        del self._in_hand[fact.offer]
        self._ends_work(fact)

    def _abandoned(self, fact: f.CallAbandoned) -> None:
        queue = self._waiting.pop(fact.call)
        if queue is not None:
            queue.abandoned_after.append(fact.waited_ms)

    def _timed_out(self, fact: f.CallTimedOut) -> None:
        queue = self._waiting.pop(fact.call)
        if queue is not None:
            queue.timed_out += 1

    def _lost(self, fact: f.CallLost | f.CallReturned) -> None:
        queue = self._waiting.pop(fact.call)
        if queue is not None:
            queue.lost += 1

    # --- Agents -----------------------------------------------------------------------------------------------

    def _pass(self, agent: _AgentTime, now_ms: int) -> None:
        """Count the agent's time since the last change: in each queue that the agent served in it."""
        passed = agent.pass_until(now_ms)
        if self._counting and passed.present_ms:
            self._worked_ms += passed.worked_ms
            self._present_ms += passed.present_ms
            for queue in agent.serves:
                self._queue(queue).add_time(*passed)

    def _agent_configured(self, fact: f.AgentConfigured) -> None:
        known = self._agents.setdefault(fact.settings.id, _AgentTime(fact.settings.queues))
        self._pass(known, fact.at_ms)
        known.queues = fact.settings.queues
        known.ready = {queue: None for queue in known.ready if queue in fact.settings.queues}

    def _retired(self, fact: f.AgentRetired) -> None:
        self._pass(self._agents[fact.agent], fact.at_ms)
        self._agents[fact.agent].ready = {}

    def _offer_made(self, fact: f.OfferMade) -> None:
        self._in_hand[fact.offer] = None
        self._begins_work(fact)

    def _offer_ended(self, fact: f.OfferEnded) -> None:
        self.offers[fact.outcome] += 1
        del self._in_hand[fact.offer]
        self._ends_work(fact)

    def _begins_work(self, fact: f.OfferMade | f.WrapUpStarted) -> None:
        agent = self._agents[fact.agent]
        self._pass(agent, fact.at_ms)
        agent.works_in = fact.queue

    def _ends_work(self, fact: f.OfferEnded | f.CallEnded | f.WrapUpEnded) -> None:
        agent = self._agents[fact.agent]
        self._pass(agent, fact.at_ms)
        agent.works_in = None

    def _becomes_ready(self, fact: f.AgentLoggedIn | f.AgentBecameReady) -> None:
        """Who logs in during a pause stays paused; here nobody does."""
        agent = self._agents[fact.agent]
        self._pass(agent, fact.at_ms)
        agent.ready.update(dict.fromkeys(fact.queues))

    def _is_away(self, fact: f.AgentPaused | f.AgentLoggedOut) -> None:
        agent = self._agents[fact.agent]
        self._pass(agent, fact.at_ms)
        for queue in fact.queues:
            agent.ready.pop(queue, None)

    def _given_up(self, _fact: f.ServerGivenUp) -> None:
        self.servers_given_up += 1


def merged(many: Iterable[QueueFigures]) -> QueueFigures:
    """Several runs of one queue as one."""
    whole = QueueFigures()
    for figures in many:
        whole.add_calls(figures)
        whole.add_time(figures.worked_ms, figures.present_ms)
    return whole
