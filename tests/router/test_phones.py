"""Phones: what is no direct call (docs/routing.md R16)."""

import pytest

from acd.model import ChannelId, Line, Phone, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.testing.playbook import Playbook

A = ServerId("a")


def talking() -> Playbook:
    """Ana talks with C1; the link is lost."""
    book = Playbook()
    book.say("queue sales is configured: wrap-up 0 s")
    book.say("agent ana is configured: phone 1001, queues sales")
    book.say("server a reports: nothing")
    book.say("ana logs in")
    book.say("call C1 arrives in sales")
    book.say("ana's leg is bridged")
    book.say("the link to a is lost")
    return book


def report(book: Playbook, channel: str, caller: i.CallerPlace, server: ServerId = A) -> i.ServerReported:
    """Caller and leg, and a channel that is told for a direct call of Ana's phone."""
    return i.ServerReported(
        server,
        callers=(i.SeenCaller(ChannelId("C1"), caller),),
        legs=(i.SeenLeg(book.names.offer("ana"), "talking"),),
        phones=(i.SeenPhone(Phone("1001"), ChannelId(channel), "in", answered=True),),
    )


def test_leg_of_an_offer_is_no_direct_call_though_a_report_tells_it_for_one() -> None:
    """A phone system that was started anew does not know which legs are ours; the core does."""
    book = talking()
    facts = book.tell(report(book, book.names.offer("ana"), "talking"))
    assert not [fact for fact in facts if isinstance(fact, f.DirectCallStarted)]
    book.say("caller C1 hangs up")
    assert any(isinstance(fact, f.OfferMade) for fact in book.say("call C2 arrives in sales")), "the phone is free"
    book.finish()


@pytest.mark.parametrize("live", [True, False])
def test_leg_whose_offer_is_over_is_a_direct_call_while_it_talks(live: bool) -> None:
    """The caller is no more in our place, but the two talk on: the phone is in use."""
    book = talking()
    leg = book.names.offer("ana")
    book.tell(report(book, "other" if live else leg, "elsewhere"))
    if live:
        book.say("direct call other ends")
        book.tell(i.PhoneInUse(Phone("1001"), Line(A, ChannelId(leg)), "in"))
    facts = book.say("call C2 arrives in sales")
    assert not any(isinstance(fact, f.OfferMade) for fact in facts), "it is in use"
    facts = book.tell(i.PhoneReleased(Line(A, ChannelId(leg))))
    assert any(isinstance(fact, f.OfferMade) for fact in facts)
    book.finish()


def test_channel_of_another_server_is_no_leg_whatever_it_is_called() -> None:
    book = talking()
    facts = book.tell(i.PhoneInUse(Phone("1009"), Line(ServerId("b"), ChannelId(book.names.offer("ana"))), "in"))
    assert [type(fact) for fact in facts if isinstance(fact, f.DirectCallStarted)] == [f.DirectCallStarted]
