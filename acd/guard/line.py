"""Who stood before whom, by the facts alone (docs/routing.md R2, R27, G6): work that asks for the same goes by its age,
whatever kind it is of. So a callback passes exactly the callers who came after it, and no caller passes a callback.

Compared is work that nothing but its age and its priority tell apart: of one queue and one server, with the same
requirements, that names nobody. Between equals only age counts; what has a higher priority passes what is older by less
than the time in which the queue's growth makes up for it (none, if it does not grow evenly).
"""

from typing import NamedTuple

from acd.model import AgentId, CallId, OfferId, QueueId, ServerId, Skill
from acd.router import facts as f
from acd.router.settings import Ring


class _Asks(NamedTuple):
    """Who asks for the same is compared."""

    queue: QueueId
    server: ServerId
    required: tuple[Skill, ...]
    rings: tuple[Ring, ...]
    named: AgentId | None


class _Age(NamedTuple):
    """The lowest has waited longest."""

    since_ms: int
    number: int


class Line:
    """Post every fact in order. `offer` before the offer is posted: `AssertionError` where it passes older work."""

    def __init__(self) -> None:
        self.compared: dict[str, int] = {}
        """How often there was a choice, by the kind of work that was offered."""
        self.bounded = 0
        """How often work of a higher priority passed older work, and could not have passed any that is much older."""
        self._point_every_ms: dict[QueueId, int | None] = {}
        self._priorities: dict[CallId, int] = {}
        self._number = 0
        self._asks: dict[CallId, _Asks] = {}
        self._groups: dict[_Asks, dict[CallId, _Age]] = {}
        """Calls that are with nobody."""
        self._ages: dict[CallId, _Age] = {}
        self._offers: dict[CallId, dict[OfferId, None]] = {}
        self._refused: dict[CallId, dict[AgentId, None]] = {}

    def offer(self, fact: f.OfferMade) -> None:
        """Nothing is passed that comes before, but for what the agent has refused."""
        asks, age = self._asks[fact.call], self._ages[fact.call]
        equals = self._groups.get(asks, {})
        if len(equals) < 2 or fact.call not in equals or asks.named is not None:
            return
        self.compared[fact.kind] = self.compared.get(fact.kind, 0) + 1
        for call, other in equals.items():
            if other < age and fact.agent not in self._refused.get(call, {}):
                allowed = self._may_pass(fact, call, age.since_ms - other.since_ms)
                assert allowed, f"{fact}, which waits since {age}, passes {call}, which waits since {other}"

    def _may_pass(self, fact: f.OfferMade, call: CallId, older_by_ms: int) -> bool:
        """Whether its priority lets it pass work that is older by so much."""
        points = self._priorities[fact.call] - self._priorities[call]
        point_every_ms = self._point_every_ms.get(fact.queue)
        if point_every_ms is not None and points > 0:
            self.bounded += 1
            return older_by_ms < points * point_every_ms
        return points > 0

    def post(self, fact: f.Fact) -> None:
        """Take in one fact."""
        self._number += 1
        match fact:
            case f.CallQueued():
                self._ages[fact.call] = _Age(fact.since_ms, self._number)
                self._priorities[fact.call] = fact.priority
                self._asks[fact.call] = _Asks(fact.queue, fact.line.server, fact.required, fact.rings, fact.named)
                self._stand(fact.call)
            case f.CallMoved():
                self._moved(fact)
            case f.PreferenceLapsed():
                self._change(fact.call, self._asks[fact.call]._replace(named=None))
            case f.OfferMade():
                self._step_out(fact.call)
                self._offers.setdefault(fact.call, {})[fact.offer] = None
            case f.OfferEnded():
                self._offer_ended(fact)
            case f.RefusalLapsed():
                self._refused.get(fact.call, {}).pop(fact.agent, None)
            case f.CallEnded() | f.CallAbandoned() | f.CallTimedOut() | f.CallReturned() | f.CallLost():
                self._forget(fact.call)
            case f.QueueConfigured():
                self._point_every_ms[fact.settings.id] = fact.settings.growth.point_every_ms
            case _:
                pass

    def _moved(self, fact: f.CallMoved) -> None:
        age = self._ages[fact.call]
        self._change(
            fact.call, self._asks[fact.call]._replace(queue=fact.to, rings=fact.rings, named=fact.named), stands=False
        )
        if fact.since_ms != age.since_ms:
            self._ages[fact.call] = _Age(fact.since_ms, self._number)
        self._stand(fact.call)

    def _offer_ended(self, fact: f.OfferEnded) -> None:
        offers = self._offers[fact.call]
        del offers[fact.offer]
        if fact.refused_until_ms is not None:
            self._refused.setdefault(fact.call, {})[fact.agent] = None
        if not offers:
            self._stand(fact.call)

    def _change(self, call: CallId, asks: _Asks, *, stands: bool = True) -> None:
        stood = call in self._groups.get(self._asks[call], {})
        self._step_out(call)
        self._asks[call] = asks
        if stood and stands:
            self._stand(call)

    def _stand(self, call: CallId) -> None:
        self._groups.setdefault(self._asks[call], {})[call] = self._ages[call]

    def _step_out(self, call: CallId) -> None:
        asks = self._asks[call]
        group = self._groups.get(asks, {})
        group.pop(call, None)
        if not group:
            self._groups.pop(asks, None)

    def _forget(self, call: CallId) -> None:
        self._step_out(call)
        for kept in (self._asks, self._ages, self._priorities, self._offers, self._refused):
            kept.pop(call, None)
