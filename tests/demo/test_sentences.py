"""What the demo says where there is no terminal."""

from typing import get_args

import pytest

from acd.lab.view.board import Board
from acd.lab.view.sentences import sentence, summary
from acd.model import AgentId, CallId, OfferId, ServerId
from acd.router import facts as f
from tests.demo.told import two_agents


def test_story_reads_as_one_would_tell_it() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555")
    told.rang("1001", 4.25)
    told.say("ana's leg ends: declined")
    told.wait(1.5)
    told.say("ben's leg answers", "ben's leg is bridged")
    told.heard("1002")
    told.heard("555", good=False)
    told.wait(12)
    told.say("ben's leg ends: hung-up")
    told.wait(10)
    assert told.said == [
        "Bob calls Sales",
        "Ana's phone is to ring for Bob",
        "Ana's phone rings 4.2 ms after the caller's INVITE",
        "Ana declines Bob",
        "Ben's phone is to ring for Bob",
        "Ben picks up",
        "Ben talks with Bob, who waited 1.5 s",
        "Ben hears 500 Hz at -15 dBFS",
        "Bob does not hear the other side",
        "Ben hangs up after 12.0 s with Bob",
        "Ben wraps up for 10.0 s at most",
        "Ben has wrapped up",
    ]


def test_those_who_wait_before_are_counted() -> None:
    told = two_agents()
    told.say(*(f"call C{number} arrives in sales from {number}" for number in (1, 2, 3, 4)))
    assert [said for said in told.said if "calls" in said] == [
        "1 calls Sales",
        "2 calls Sales",
        "3 calls Sales",
        "4 calls Sales, behind 1",
    ]


def test_people_come_go_and_rest() -> None:
    told = two_agents()
    told.say("ana pauses for lunch", "ana gets ready", "phone 1002 dials on D1", "direct call D1 ends", "ana logs out")
    assert told.said == [
        "Ana pauses: Lunch",
        "Ana is back",
        "Ben dials, past all queues",
        "Ben's direct call is over",
        "Ana logs out",
    ]


def test_what_waits_for_the_end_of_the_work_is_told() -> None:
    told = two_agents()
    told.say("queue sales is configured: wrap-up 10 s, extension 20 s")
    told.say("call C1 arrives in sales from 555", "ana's leg is bridged", "ana pauses for lunch", "ana logs out")
    told.say("caller C1 hangs up", "ana extends the wrap-up")
    assert told.said[-5:] == [
        "Ana will pause (Lunch) when the work in hand is done",
        "Ana will log out when the work in hand is done",
        "Bob hangs up after 0.0 s with Ana",
        "Ana wraps up for 10.0 s at most",
        "Ana wraps up for 30.0 s more",
    ]


def test_those_who_are_not_served_are_told_of() -> None:
    told = two_agents()
    told.say("ana logs out", "ben logs out", "call C1 arrives in sales from 555", "call C2 arrives in nowhere")
    told.wait(3)
    told.say("caller C1 hangs up", "the link to a is lost")
    assert told.said[2:] == [
        "Bob calls Sales",
        "a call to nowhere is refused: unknown-queue",
        "Bob gives up after 3.0 s",
        "server a is not heard of",
    ]


def test_who_was_not_quick_enough_is_told() -> None:
    told = two_agents()
    told.say("queue sales is configured: rung at 10", "call C1 arrives in sales from 555", "ben's leg answers")
    assert told.said[-2:] == ["Ben picks up", "Ana's phone stops: somebody was quicker"]


@pytest.mark.parametrize("outcome", get_args(f.OfferOutcome))
def test_every_way_an_offer_can_end_has_its_sentence(outcome: f.OfferOutcome) -> None:
    ended = f.OfferEnded(1, OfferId("o"), CallId("c"), AgentId("ana"), ServerId("a"), outcome, None, None)
    assert sentence(Board(), ended)


def test_what_a_caller_asks_for_and_how_that_relaxes_is_told() -> None:
    told = two_agents()
    told.say(
        "queue sales is configured: open to all then all less 2 after 20 s",
        "call C1 arrives in sales from 555, asking for german:2",
    )
    told.wait(20)
    assert told.said[:2] == ["Bob calls Sales for german", "Ana's phone is to ring for Bob"]


def test_summary_tells_the_whole_in_sentences() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555")
    told.rang("1001", 4.2)
    told.wait(2)
    told.say("ana's leg answers", "ana's leg is bridged")
    told.heard("1001")
    told.heard("555")
    assert summary(told.board, "Asterisk") == (
        "1 call on Asterisk: 1 answered, 0 gave up, 100 % answered within 20 s, average wait 2.0 s. "
        "A ready agent's phone rang 4.2 ms after the caller's INVITE (median). "
        "In 1 of 1 conversation both sides heard each other."
    )


def test_summary_of_nothing_is_no_error() -> None:
    assert summary(Board(), "Asterisk") == "0 calls on Asterisk: 0 answered, 0 gave up."
