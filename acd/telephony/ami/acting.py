"""Committed facts become actions on one server."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from acd.core import Fact
from acd.model import ChannelId, OfferId, Phone, ServerId
from acd.router import facts as f
from acd.telephony.ami import dialplan
from acd.telephony.ami.books import Books, Caller, Leg
from acd.telephony.ami.hearing import ORIGINATE
from acd.telephony.ami.messages import AmiAction

log = structlog.get_logger(__name__)


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
        self._out: list[AmiAction] = []
        self._by_fact: dict[type[Fact], Callable[[Any], None]] = {
            f.CallQueued: self._call_queued,
            f.CallRefused: self._call_refused,
            f.CallTimedOut: lambda fact: self._return(fact.line.channel, "timeout", ""),
            f.CallReturned: lambda fact: self._return(fact.line.channel, "refused", fact.reason),
            f.CallEnded: self._call_ended,
            f.OfferMade: self._offer_made,
            f.OfferAccepted: self._offer_accepted,
            f.OfferEnded: self._offer_ended,
            f.StrayLegFound: lambda fact: self._out.append(dialplan.hang_up(fact.offer)),
        }

    def act(self, facts: Sequence[Fact]) -> None:
        """Act on facts that concern this server."""
        for fact in facts:
            act = self._by_fact.get(type(fact))
            if act is not None:
                act(fact)
        out, self._out = self._out, []
        if out:
            self._send(out)

    def claimed(self, channel: ChannelId) -> None:
        """The claim is confirmed: now the caller may be moved."""
        caller = self._books.callers.get(channel)
        if caller is None:
            return
        caller.claimed = True
        then, caller.then = caller.then, []
        if then:
            self._send(then)

    def _when_claimed(self, channel: ChannelId, actions: Sequence[AmiAction]) -> None:
        caller = self._books.callers.get(channel)
        if caller is None:
            return
        if caller.claimed:
            self._out.extend(actions)
        else:
            caller.then.extend(actions)

    def _call_queued(self, fact: f.CallQueued) -> None:
        self._books.callers.setdefault(fact.line.channel, Caller())
        self._out.extend(dialplan.claim(fact.line.channel))

    def _call_refused(self, fact: f.CallRefused) -> None:
        log.warning("call refused", server=self._server, queue=fact.queue, reason=fact.reason)
        self._out.extend(dialplan.claim(fact.line.channel))
        self._return(fact.line.channel, "refused", fact.reason)

    def _return(self, channel: ChannelId, result: str, reason: str) -> None:
        self._when_claimed(channel, dialplan.give_back(channel, result, reason))

    def _offer_made(self, fact: f.OfferMade) -> None:
        caller = self._books.callers.get(fact.line.channel)
        if caller is not None:
            caller.offer = fact.offer
        self._books.legs[fact.offer] = Leg(fact.line.channel)
        self._out.append(dialplan.ring(fact, self._address_of(fact.phone), ORIGINATE + fact.offer))

    def _offer_accepted(self, fact: f.OfferAccepted) -> None:
        self._when_claimed(fact.line.channel, dialplan.connect(fact.line.channel, fact.offer))

    def _offer_ended(self, fact: f.OfferEnded) -> None:
        if self._books.forget_leg(fact.offer) is not None:
            self._out.append(dialplan.hang_up(fact.offer))

    def _call_ended(self, fact: f.CallEnded) -> None:
        """The bridge lets the other side go by itself; should it not, the guard sees to it."""
        if self._books.forget_leg(fact.offer) is not None:
            self._expect_end(ChannelId(OfferId(fact.offer)))
