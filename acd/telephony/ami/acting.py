"""Committed facts become actions on one server."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from acd.core import Fact
from acd.model import CallId, ChannelId, OfferId, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router.settings import Destination
from acd.telephony.ami import dialplan
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.messages import AmiAction
from acd.telephony.passed_on import passed_on

log = structlog.get_logger(__name__)

Actions = Iterable[AmiAction]


class Acting:
    """Turns facts into actions; those of one batch leave in one write, in the order of the facts."""

    def __init__(
        self,
        server: ServerId,
        address_of: Callable[[Phone], str],
        books: Books,
        send: Callable[[Sequence[AmiAction]], None],
        expect_end: Callable[[ChannelId], None],
    ) -> None:
        self._address_of = address_of
        self._server = server
        self._books = books
        self._send = send
        self._expect_end = expect_end
        self._by_fact: dict[type[Fact], Callable[[Any], Actions]] = {
            f.CallQueued: self._call_queued,
            f.CallMoved: self._call_moved,
            f.AnnouncementMade: self._announcement_made,
            f.CallRefused: self._call_refused,
            f.CallTimedOut: lambda fact: self._call_returned(fact, "timeout", ""),
            f.CallReturned: lambda fact: self._call_returned(fact, "refused", fact.reason),
            f.CallAbandoned: lambda fact: self._call_over(fact.call),
            f.CallLost: lambda fact: self._call_over(fact.call),
            f.CallEnded: self._call_ended,
            f.OfferMade: self._offer_made,
            f.OfferAccepted: self._offer_accepted,
            f.OfferEnded: self._offer_ended,
            f.StrayLegFound: lambda fact: (dialplan.hang_up(fact.offer),),
        }

    def act(self, facts: Sequence[Fact]) -> bool:
        """Act on facts that concern this server, in one write, and say whether all could be acted on. Claims come last:
        they have two seconds, and whoever is to be rung has none."""
        actions: list[AmiAction] = []
        claims: list[AmiAction] = []
        could = True
        for fact in facts:
            act = self._by_fact.get(type(fact))
            if act is None:
                continue
            try:
                ordered = list(act(fact))
            except Exception:
                log.exception("a fact could not be acted on", server=self._server, fact=type(fact).__name__)
                could = False
            else:
                (claims if isinstance(fact, f.CallQueued) else actions).extend(ordered)
        if actions or claims:
            self._send(actions + claims)
        return could

    # --- Callers ----------------------------------------------------------------------------------------------

    def claimed(self, channel: ChannelId) -> None:
        """The claim is confirmed: now the caller may be moved."""
        caller = self._books.callers.get(channel)
        if caller is None or caller.claimed:
            return
        caller.claimed = True
        then, caller.then = caller.then, []
        if then:
            self._send(then)

    def _caller_of(self, channel: ChannelId, call: CallId) -> Caller | None:
        """The caller of this very call: one channel may be handed over again before the core knows."""
        caller = self._books.callers.get(channel)
        return caller if caller is not None and caller.call == call else None

    def _call_queued(self, fact: f.CallQueued) -> Actions:
        """A caller who is gone already is not claimed: the report of it is on its way to the core."""
        caller = self._books.take(fact.line.channel, fact.call)
        if caller is None:
            return
        yield from dialplan.claim(fact.line.channel)
        if fact.via:
            yield from _wait_in(caller, fact, fact.queue)

    def _call_moved(self, fact: f.CallMoved) -> Actions:
        caller = self._caller_of(fact.line.channel, fact.call)
        return () if caller is None else _wait_in(caller, fact, fact.to)

    def _announcement_made(self, fact: f.AnnouncementMade) -> Actions:
        """Not for whom the bridge is ordered already."""
        caller = self._caller_of(fact.line.channel, fact.call)
        wait_ms = fact.estimated_wait_ms
        minutes = None if wait_ms is None else max(1, -(-wait_ms // 60_000))
        if caller is None or not (fact.position or minutes or fact.sound):
            return ()
        if any(offer in self._books.legs and self._books.legs[offer].ordered for offer in caller.offers):
            return ()
        return _when_claimed(caller, dialplan.say(fact.line.channel, fact.position, minutes, fact.sound))

    def _call_refused(self, fact: f.CallRefused) -> Actions:
        caller = self._books.callers.get(fact.line.channel)
        if caller is not None:
            yield from dialplan.claim(fact.line.channel)
            yield from _give_back(caller, fact.line.channel, "refused", fact.reason, fact.destination)

    def _call_returned(self, fact: f.CallTimedOut | f.CallReturned, result: str, reason: str) -> Actions:
        """Whom a broken link keeps here all the same is handed over anew by the next report."""
        caller = self._caller_of(fact.line.channel, fact.call)
        self._books.let_go(fact.call)
        return () if caller is None else _give_back(caller, fact.line.channel, result, reason, fact.destination)

    def _call_over(self, call: CallId) -> Actions:
        """The caller's own channel says when it is gone; one who is still here then is handed over anew."""
        self._books.let_go(call)
        return ()

    # --- Agents' legs -----------------------------------------------------------------------------------------

    def _offer_made(self, fact: f.OfferMade) -> Actions:
        """One offer, one attempt: whatever became of it, it is not made again. For a caller who is gone already no
        phone rings: the report of it is on its way to the core."""
        if not self._books.is_new(fact.offer):
            log.error("an offer that was made already is not made again", server=self._server, offer=fact.offer)
            return
        if fact.phone is None or self._caller_of(fact.line.channel, fact.call) is None:
            return
        self._books.ring(fact.offer, fact.line.channel, fact.call)
        yield dialplan.ring(fact, self._address_of(fact.phone))

    def _offer_accepted(self, fact: f.OfferAccepted) -> Actions:
        """The order for the bridge is given once: said again, it would tear down the bridge that it made."""
        leg = self._books.legs.get(fact.offer)
        caller = self._caller_of(fact.line.channel, fact.call)
        if leg is None or leg.bridged or leg.ordered or caller is None:
            return ()
        leg.ordered, caller.accepted = True, fact.offer
        return _when_claimed(caller, dialplan.connect(fact.line.channel, fact.offer))

    def _offer_ended(self, fact: f.OfferEnded) -> Actions:
        """A leg whose channel is only just being made does not hear the first order: hence the guard."""
        if self._books.forget_leg(fact.offer) is not None:
            self._expect_end(ChannelId(fact.offer))
            yield dialplan.hang_up(fact.offer)

    def _call_ended(self, fact: f.CallEnded) -> Actions:
        """The bridge lets the other side go by itself; should it not, the guard sees to it."""
        if self._books.forget_leg(fact.offer) is not None:
            self._expect_end(ChannelId(OfferId(fact.offer)))
        return self._call_over(fact.call)


def _wait_in(caller: Caller, fact: f.CallQueued | f.CallMoved, queue: QueueId) -> Actions:
    """The channel itself tells in which queue it waits, and how it came there from another one."""
    caller.wait_in(queue, passed_on(fact))
    return dialplan.now_in(fact.line.channel, queue, caller.passed_on)


def _give_back(caller: Caller, channel: ChannelId, result: str, reason: str, place: Destination | None) -> Actions:
    if place is None:
        sent = dialplan.give_back(channel, result, reason)
    else:
        sent = dialplan.send_to(channel, result, reason, place)
    actions = _when_claimed(caller, sent)
    caller.leaving = True
    return actions


def _when_claimed(caller: Caller, actions: Sequence[AmiAction]) -> Actions:
    """Now, or once the claim is confirmed; never for one who was sent back already."""
    if caller.leaving:
        return ()
    if caller.claimed:
        return actions
    caller.then.extend(actions)
    return ()
