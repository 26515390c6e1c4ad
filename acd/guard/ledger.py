"""The books of calls, offers and agents, kept from the facts alone: whatever the core believes, these must add up.

Nothing here reads the core's state, so a core that is wrong and consistent with itself is found out.
"""

from msgspec import structs

from acd.model import AgentId, CallId, OfferId, QueueId
from acd.router import facts as f


class Ledger:
    """Post every fact in order; `AssertionError` where the story does not add up."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.waiting: dict[CallId, f.CallQueued] = {}
        self.chats: dict[AgentId, int] = {}
        self.offered: dict[OfferId, f.OfferMade] = {}
        self.ringing: dict[CallId, dict[OfferId, f.OfferMade]] = {}
        """The same, by their calls."""
        self.held: dict[AgentId, dict[OfferId, f.OfferMade]] = {}
        """Offers and conversations, by their agents."""
        self.accepted: set[OfferId] = set()
        self.talking: dict[OfferId, f.CallConnected] = {}
        self.wrapping_up: dict[AgentId, f.WrapUpStarted] = {}
        self.postponed: dict[tuple[AgentId, QueueId], f.ChangePostponed] = {}
        self.retired: set[AgentId] = set()
        self.disposed: dict[CallId, str] = {}
        self.joined: dict[AgentId, dict[QueueId, None]] = {}
        """Queues that an agent came into without being assigned."""
        self.owed: dict[AgentId, dict[CallId, None]] = {}
        self.misses: dict[AgentId, int] = {}
        self.worked_until_ms: dict[AgentId, int] = {}
        self.ids: set[str] = set()
        self.queued = 0
        self.queue_of: dict[CallId, QueueId] = {}
        """Where each call waits that waits."""
        self.ring_at_most: dict[CallId, int] = {}
        self.callbacks: dict[CallId, f.CallbackOffered] = {}
        """Of calls that are about to leave."""
        self.ended: dict[str, int] = {}
        self.closed: set[QueueId] = set()
        self.closing_frees: set[QueueId] = set()
        """Queues whose callers leave when they close."""
        self.gone: set[QueueId] = set()
        """Queues that are retired."""

    def post(self, fact: f.Fact) -> None:
        """Enter one fact."""
        assert fact.at_ms >= self.now_ms, f"time went back to {fact}"
        self.now_ms = fact.at_ms
        match fact:
            case f.CallQueued():
                self._is_new(fact.call)
                self.waiting[fact.call] = fact
                self.queue_of[fact.call] = fact.queue
                self.ring_at_most[fact.call] = fact.ring_at_most
                self.queued += 1
            case f.OfferMade():
                self._offer_made(fact)
            case f.OfferAccepted():
                assert fact.offer in self.offered, f"{fact} of no live offer"
                self.accepted.add(fact.offer)
            case f.OfferEnded():
                self._offer_over(fact)
                del self.held[fact.agent][fact.offer]
                self._other(fact)
            case f.CallConnected():
                self._connected(fact)
            case f.CallEnded():
                assert self.talking.pop(fact.offer, None) is not None, f"{fact} of no conversation"
                del self.held[fact.agent][fact.offer]
                self.worked_until_ms[fact.agent] = fact.at_ms
                self._count(fact)
            case f.CallAbandoned() | f.CallTimedOut() | f.CallReturned() | f.CallLost():
                self._left(fact)
            case f.WrapUpStarted():
                assert fact.agent not in self.wrapping_up, f"{fact} within a wrap-up"
                self.wrapping_up[fact.agent] = fact
            case f.WrapUpEnded():
                self._wrapped_up(fact)
            case _:
                self._other(fact)

    def _other(self, fact: f.Fact) -> None:
        match fact:
            case f.AgentConfigured():
                self._configured(fact)
            case f.CallMoved():
                self._moved(fact)
            case f.AnnouncementMade():
                assert self.queue_of.get(fact.call) == fact.queue, f"{fact} to nobody who waits there"
                picked_up = [offer for offer in self.ringing.get(fact.call, ()) if offer in self.accepted]
                assert not picked_up, f"{fact} after {picked_up}"
            case f.CallbackOffered():
                self._callback_offered(fact)
            case f.QueueConfigured():
                self._queue_configured(fact)
            case f.QueueClosed():
                self.closed.add(fact.queue)
            case f.QueueOpened():
                self.closed.discard(fact.queue)
            case f.QueueRetired():
                self.gone.add(fact.queue)
            case f.AgentRetired():
                self.postponed = {key: change for key, change in self.postponed.items() if change.agent != fact.agent}
            case _:
                self._of_agent(fact)

    def _of_agent(self, fact: f.Fact) -> None:
        match fact:
            case f.WrapUpExtended():
                self._extended(fact)
            case f.AgentRetired():
                self.retired.add(fact.agent)
            case f.ChangePostponed():
                self.postponed[fact.agent, fact.queue] = fact
            case f.DispositionMissed():
                assert fact.call not in self.disposed, f"{fact} after all"
                self.owed.setdefault(fact.agent, {})[fact.call] = None
            case f.DispositionSet():
                self.disposed[fact.call] = fact.disposition
                self.owed.get(fact.agent, {}).pop(fact.call, None)
            case f.OfferEnded():
                known = self.misses.get(fact.agent, 0)
                assert fact.misses <= known + 1, f"{fact} after {known}"
                self.misses[fact.agent] = fact.misses or known
            case f.AgentLoggedIn():
                self._changed(fact, "log out")
                self._is_there(fact)
            case f.AgentBecameReady():
                self._changed(fact, "log out", "pause")
                self.misses.pop(fact.agent, None)
                self._is_there(fact)
            case f.AgentPaused() | f.AgentLoggedOut():
                self._changed(fact, "log out", "pause")
            case _:
                pass

    def _queue_configured(self, fact: f.QueueConfigured) -> None:
        """One that was retired and comes back is open."""
        queue = fact.settings.id
        if queue in self.gone:
            self.gone.discard(queue)
            self.closed.discard(queue)
        if "closed" in fact.settings.ends.leaving:
            self.closing_frees.add(queue)
        else:
            self.closing_frees.discard(queue)

    def _configured(self, fact: f.AgentConfigured) -> None:
        """In a queue that the agent loses, nothing is to come; who was retired and has come to the end of all work is
        somebody new. Who is assigned to a queue has joined it no more."""
        anew = fact.settings.id in self.retired and not self._at_work(fact.settings.id)
        self.retired.discard(fact.settings.id)
        self.chats[fact.settings.id] = fact.settings.chats
        for agent, queue in list(self.postponed):
            known = (*fact.settings.queues, *self.joined.get(agent, ()))
            if agent == fact.settings.id and (anew or queue not in known):
                del self.postponed[agent, queue]
        for queue in fact.settings.queues:
            self.joined.get(fact.settings.id, {}).pop(queue, None)

    def _at_work(self, agent: AgentId) -> bool:
        offered = any(fact.agent == agent for fact in self.offered.values())
        return offered or agent in self.wrapping_up or any(fact.agent == agent for fact in self.talking.values())

    def _is_there(self, fact: f.AgentLoggedIn | f.AgentBecameReady) -> None:
        self.owed.pop(fact.agent, None)
        self.joined.setdefault(fact.agent, {}).update(dict.fromkeys(fact.joined))

    def _changed(
        self,
        fact: f.AgentLoggedIn | f.AgentBecameReady | f.AgentPaused | f.AgentLoggedOut,
        *replaced: f.Change,
    ) -> None:
        for queue in fact.queues:
            to_come = self.postponed.get((fact.agent, queue))
            if to_come is not None and to_come.change in replaced:
                del self.postponed[fact.agent, queue]

    def _extended(self, fact: f.WrapUpExtended) -> None:
        """Never shortened, and never beyond what was allowed when it began."""
        before = self.wrapping_up.get(fact.agent)
        assert before is not None, f"{fact} of no wrap-up"
        assert before.extendable_until_ms is not None, f"{fact} of {before}"
        assert before.until_ms < fact.until_ms <= before.extendable_until_ms, f"{fact} of {before}"
        self.wrapping_up[fact.agent] = structs.replace(before, until_ms=fact.until_ms)

    def _wrapped_up(self, fact: f.WrapUpEnded) -> None:
        """Time ends it when it was said to, and not before."""
        began = self.wrapping_up.pop(fact.agent, None)
        assert began is not None, f"{fact} of no wrap-up"
        assert fact.by != "time" or fact.at_ms >= began.until_ms, f"{fact} of {began}"
        self.worked_until_ms[fact.agent] = fact.at_ms

    def balance(self) -> None:
        """Every call that was queued is waiting, talking or ended, and nothing is counted twice."""
        known = len(self.waiting) + len(self.talking) + sum(self.ended.values())
        assert self.queued == known, f"{self.queued} calls were queued, {known} are accounted for"

    def _is_new(self, id_: str) -> None:
        assert id_ not in self.ids, f"the id {id_} was used before"
        self.ids.add(id_)

    def _offer_made(self, fact: f.OfferMade) -> None:
        self._is_new(fact.offer)
        assert fact.call in self.waiting, f"{fact}: the call does not wait"
        for_it = list(self.ringing.get(fact.call, {}).values())
        assert len(for_it) < self.ring_at_most[fact.call], f"{fact} while {for_it}"
        assert not any(other.offer in self.accepted for other in for_it), f"{fact} while {for_it}"
        assert not any(other.agent == fact.agent for other in for_it), f"{fact} while {for_it}"
        self._has_room(fact)
        assert fact.ring_until_ms > fact.at_ms, f"{fact} does not ring"
        assert fact.queue not in self.closed & self.closing_frees, f"{fact} after its queue closed"
        assert fact.queue not in self.gone, f"{fact} of a retired queue"
        assert fact.queue == self.queue_of[fact.call], f"{fact}: the call waits in {self.queue_of[fact.call]}"
        self.offered[fact.offer] = fact
        self.ringing.setdefault(fact.call, {})[fact.offer] = fact
        self.held.setdefault(fact.agent, {})[fact.offer] = fact

    def _offer_over(self, fact: f.OfferEnded | f.CallConnected) -> f.OfferMade:
        """It rings no more."""
        offer = self.offered.pop(fact.offer, None)
        assert offer is not None, f"{fact} of no live offer"
        self.accepted.discard(fact.offer)
        del self.ringing[offer.call][fact.offer]
        if not self.ringing[offer.call]:
            del self.ringing[offer.call]
        return offer

    def _has_room(self, fact: f.OfferMade) -> None:
        """One voice, which a wrap-up holds, and so many chats."""
        chat = fact.kind == "chat"
        assert not self.owed.get(fact.agent), f"{fact} while {self.owed}"
        held = [other for other in self.held.get(fact.agent, {}).values() if (other.kind == "chat") == chat]
        if chat:
            assert len(held) < self.chats[fact.agent], f"{fact} while {held}"
        else:
            assert not held, f"{fact} while {held}"
            assert fact.agent not in self.wrapping_up, f"{fact} during a wrap-up"
            to_come = [change for (agent, _), change in self.postponed.items() if agent == fact.agent]
            assert not to_come, f"{fact} before {to_come} took effect"

    def _connected(self, fact: f.CallConnected) -> None:
        offer = self._offer_over(fact)
        assert (offer.agent, offer.call) == (fact.agent, fact.call), f"{fact}, but {offer}"
        assert fact.call in self.waiting, f"{fact}: the call does not wait"
        assert fact.queue == self.queue_of.pop(fact.call), f"{fact}: the call waited elsewhere"
        assert fact.call not in self.callbacks, f"{fact} after {self.callbacks[fact.call]}"
        del self.waiting[fact.call]
        self.misses.pop(fact.agent, None)
        self.talking[fact.offer] = fact

    def _moved(self, fact: f.CallMoved) -> None:
        """It leaves no phone ringing, and no queue that it was not in."""
        assert fact.call not in self.ringing, f"{fact} while it rings"
        assert self.queue_of.get(fact.call) == fact.queue == fact.via[0].queue, (
            f"{fact}: {self.queue_of.get(fact.call)}"
        )
        self.queue_of[fact.call] = fact.to
        self.ring_at_most[fact.call] = fact.ring_at_most

    def _callback_offered(self, fact: f.CallbackOffered) -> None:
        """It is said once of a call, which leaves with the next fact."""
        if fact.call is not None:
            assert fact.call in self.waiting, f"{fact}: the call does not wait"
            assert fact.call not in self.callbacks, f"{fact} twice"
            self.callbacks[fact.call] = fact

    def _left(self, fact: f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost) -> None:
        assert fact.call not in self.ringing, f"{fact} while {self.ringing[fact.call]}"
        assert fact.call in self.waiting, f"{fact}: the call does not wait"
        assert fact.queue == self.queue_of.pop(fact.call), f"{fact}: the call waited elsewhere"
        offered = self.callbacks.pop(fact.call, None)
        assert offered is None or isinstance(fact, f.CallTimedOut | f.CallReturned), f"{fact} after {offered}"
        del self.waiting[fact.call]
        self._count(fact)

    def _count(self, fact: f.Fact) -> None:
        name = type(fact).__name__
        self.ended[name] = self.ended.get(name, 0) + 1
