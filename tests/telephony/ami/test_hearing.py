"""Events understood: hostile, malformed and unknown ones are survived, counted, and change nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from acd.core import Input
from acd.model import Caller as WhoCalls
from acd.model import CallId, ChannelId, Line, OfferId, Phone, QueueId, ServerId
from acd.router import inputs as i
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.hearing import Hearing
from acd.telephony.ami.messages import AmiEvent, parse_headers
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.port import FeatureCode

OFFER = OfferId("acd0123456789-1")


class Listener:
    """Hearing with its books, and with everything that it asked for."""

    def __init__(self) -> None:
        self.books = Books()
        self.inputs: list[Input] = []
        self.codes: list[FeatureCode] = []
        self.done: list[tuple[str, str]] = []
        self.hearing = Hearing(
            ServerId("a"),
            self.books,
            self.inputs.append,
            self._note("expect end"),
            self._note("claimed"),
            self.codes.append,
            self._note("hang up"),
        )
        self.hearing.watch = PhoneWatch("PJSIP/{phone}", [Phone("1001"), Phone("1002")])

    def _note(self, what: str) -> Callable[[ChannelId], None]:
        return lambda channel: self.done.append((what, channel))

    def hear(self, name: str, **headers: str | list[str]) -> None:
        self.hearing.hear(AmiEvent(name=name, headers={key.lower(): value for key, value in headers.items()}))

    def wire(self, text: str) -> None:
        """An event as it comes over the wire, its name first."""
        headers, _ = parse_headers(text)
        name = headers["event"]
        assert isinstance(name, str)
        self.hearing.hear(AmiEvent(name=name, headers=headers))

    def with_pair(self) -> "Listener":
        """A caller with an agent's ringing leg."""
        self.books.hand_over(ChannelId("c1"), Caller(QueueId("sales")))
        self.books.take(ChannelId("c1"), CallId("call"))
        self.books.ring(OFFER, ChannelId("c1"), CallId("call"))
        return self


def line(channel: str) -> Line:
    return Line(ServerId("a"), ChannelId(channel))


# --- Callers' texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["CallerIDName", "CallerIDNum", "Queue", "CallPriority", "Skills", "Reason", "Agent"]
)
@pytest.mark.parametrize(
    "text", ["x" * 10_000, "a\rb", "a\nb", "a\0b", '"<>,;|&', "\ufffd", "(null)", "<unknown>", "", "²"]
)
def test_no_text_of_a_caller_raises_or_gets_through_uncleaned(header: str, text: str) -> None:
    heard = Listener()
    heard.hear("UserEvent", UserEvent="AcdCall", Uniqueid="c1", **{header: text})
    (arrived,) = heard.inputs
    assert isinstance(arrived, i.CallArrived)
    assert arrived.caller.name.isprintable()
    assert arrived.caller.number.isprintable()
    assert len(repr(arrived)) < 500


def test_call_with_nothing_but_a_channel_is_a_call_for_no_queue() -> None:
    heard = Listener()
    heard.hear("UserEvent", UserEvent="AcdCall", Uniqueid="c1")
    assert heard.inputs == [i.CallArrived(line("c1"), QueueId(""), WhoCalls())]


# --- Malformed ------------------------------------------------------------------------------------------------

EVENTS = ["Newchannel", "Newstate", "Hangup", "HangupRequest", "BridgeEnter", "UserEvent"]
USER_EVENTS = ["AcdCall", "AcdLeft", "AcdStay", "AcdUp", "AcdRequest"]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("user_event", USER_EVENTS)
@pytest.mark.parametrize(
    "channel", [None, "", "a\nb", "x" * 200, ["c1", "c2"]], ids=["none", "empty", "two-lines", "long", "two"]
)
def test_event_without_one_channel_changes_nothing_and_is_counted(
    name: str, user_event: str, channel: str | list[str] | None
) -> None:
    """A direct call without a channel would keep its phone in use for ever."""
    heard = Listener().with_pair()
    headers: dict[str, Any] = {} if channel is None else {"Uniqueid": channel}
    with capture_logs() as logs:
        heard.hear(name, UserEvent=user_event, Channel="PJSIP/1001-0000000a", ChannelState="4", **headers)
    assert (heard.inputs, heard.done, heard.codes) == ([], [], [])
    assert heard.books.direct == {}
    assert heard.hearing.malformed == 1
    assert logs[0]["ami_event"] == name


def test_malformed_events_are_logged_less_and_less_often() -> None:
    heard = Listener()
    with capture_logs() as logs:
        for _ in range(1_000):
            heard.hear("Hangup")
    assert heard.hearing.malformed == 1_000
    assert len(logs) == 10


def test_dialled_number_with_line_breaks_cannot_name_another_channel() -> None:
    """Asterisk writes the dialled number into its events as it came; the operator's filters may be missing."""
    heard = Listener().with_pair()
    heard.wire(
        f"Event: UserEvent\r\nChannel: PJSIP/9-00000001\r\nExten: q\r\nUniqueid: {OFFER}\r\nUniqueid: c9\r\n"
        "UserEvent: AcdUp"
    )
    assert (heard.inputs, heard.hearing.malformed) == ([], 1)


@pytest.mark.parametrize("name", ["AcdNews", "Acd", "", "acdcall", "LabFallback"])
def test_unknown_user_event_changes_nothing(name: str) -> None:
    heard = Listener().with_pair()
    heard.hear("UserEvent", UserEvent=name, Uniqueid="c1")
    assert (heard.inputs, heard.done, heard.hearing.malformed) == ([], [], 0)


@pytest.mark.parametrize("name", ["DTMFEnd", "BridgeLeave", "FullyBooted", "VarSet", "Event"])
def test_event_that_says_nothing_to_us_changes_nothing(name: str) -> None:
    heard = Listener().with_pair()
    heard.hear(name, Uniqueid="c1")
    assert (heard.inputs, heard.done, heard.hearing.malformed) == ([], [], 0)


# --- Somebody else's channel ----------------------------------------------------------------------------------


@pytest.mark.parametrize("user_event", ["AcdLeft", "AcdStay", "AcdUp"])
@pytest.mark.parametrize("channel", ["c9", "acd9999999999-1"])
def test_word_about_a_channel_that_nobody_knows_reports_nothing(user_event: str, channel: str) -> None:
    heard = Listener().with_pair()
    heard.hear("UserEvent", UserEvent=user_event, Uniqueid=channel, Offer=OFFER)
    assert heard.inputs == []
    assert heard.books.legs[OFFER].answered is False, "the channel counts, not what somebody writes behind Offer"


def test_answer_said_on_the_callers_channel_is_no_answer_and_that_channel_is_not_hung_up_by_mistake() -> None:
    heard = Listener().with_pair()
    heard.hear("UserEvent", UserEvent="AcdLeft", Uniqueid=OFFER, Result="served")
    heard.hear("UserEvent", UserEvent="AcdStay", Uniqueid=OFFER)
    assert heard.inputs == []
    assert set(heard.books.callers) == {"c1"}


def test_leg_that_is_handed_over_as_a_caller_ends_as_both() -> None:
    heard = Listener().with_pair()
    heard.hear("UserEvent", UserEvent="AcdCall", Uniqueid=OFFER, Queue="sales")
    heard.hear("Hangup", Uniqueid=OFFER, Cause="17")
    assert heard.inputs[1:] == [i.LegEnded(OFFER, "busy"), i.CallerLeft(line(OFFER), hung_up=True)]
    assert (heard.books.legs, set(heard.books.callers)) == ({}, {"c1"})


# --- Phones ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "state", "direction"),
    [("PJSIP/1001-0000002a", "4", "out"), ("PJSIP/1001-0000002a", "0", "in"), ("PJSIP/1002-ffffffff", "five", "in")],
)
def test_channel_of_a_watched_phone_is_a_direct_call(channel: str, state: str, direction: str) -> None:
    heard = Listener()
    heard.hear("Newchannel", Uniqueid="d1", Channel=channel, ChannelState=state)
    (use,) = heard.inputs
    assert isinstance(use, i.PhoneInUse)
    assert (use.line, use.direction) == (line("d1"), direction)


@pytest.mark.parametrize(
    "channel",
    [
        "PJSIP/1003-0000002a", "PJSIP/trunk-0000002a", "Local/1001@phones-0000002a;1", "SIP/1001-0000002a",
        "PJSIP/1001", "PJSIP/1001-xyz", "PJSIP/11001-0000002a", "", "PJSIP/-0000002a", "PJSIP/1001-0000002a\nX",
    ],
)  # fmt: skip
def test_channel_of_anything_else_is_not_ours_to_see(channel: str) -> None:
    heard = Listener()
    heard.hear("Newchannel", Uniqueid="d1", Channel=channel, ChannelState="4")
    heard.hear("Newstate", Uniqueid="d1", Channel=channel, ChannelState="6")
    heard.hear("Hangup", Uniqueid="d1", Channel=channel, Cause="16")
    assert heard.inputs == []


def test_direct_call_is_answered_once_it_is_up_and_released_when_it_hangs_up() -> None:
    heard = Listener()
    heard.hear("Newchannel", Uniqueid="d1", Channel="PJSIP/1001-0000002a", ChannelState="0")
    for state in ("5", "", "66", "6"):
        heard.hear("Newstate", Uniqueid="d1", ChannelState=state)
    heard.hear("HangupRequest", Uniqueid="d1")
    heard.hear("Hangup", Uniqueid="d1", Cause="16")
    heard.hear("Hangup", Uniqueid="d1", Cause="16")
    assert heard.inputs[1:] == [i.PhoneAnswered(line("d1")), i.PhoneReleased(line("d1"))]


# --- Everything at once ---------------------------------------------------------------------------------------

channels = st.sampled_from(["c1", "c2", OFFER, "acd0123456789-2", "d1", "", "a\nb"])
texts = st.one_of(
    st.sampled_from(["0", "1", "2", "6", "17", "served", "login", "Failure", f"ring-{OFFER}"]), st.text(max_size=20)
)
headers = st.dictionaries(
    st.sampled_from(
        ["Channel", "ChannelState", "BridgeNumChannels", "Cause", "Result", "Response", "ActionID", "Request", "Reason"]
    ),
    st.one_of(texts, st.lists(texts, min_size=2, max_size=3), st.just("PJSIP/1001-0000002a")),
)
events = st.tuples(st.sampled_from([*EVENTS, "OriginateResponse"]), st.sampled_from(USER_EVENTS), channels, headers)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=40))
def test_no_order_of_events_raises_and_what_has_ended_is_forgotten(sequence: list[Any]) -> None:
    heard = Listener().with_pair()
    for name, user_event, channel, more in sequence:
        heard.hear(name, **({"UserEvent": user_event, "Uniqueid": channel} | more))
    for channel in ("c1", "c2", OFFER, "acd0123456789-2", "d1"):
        heard.hear("Hangup", Uniqueid=channel, Cause="16")
    books = heard.books
    assert not any((books.callers, books.calls, books.legs, books.direct))
    arrivals = sum(isinstance(said, i.CallArrived) for said in heard.inputs)
    assert sum(isinstance(said, i.CallerLeft) for said in heard.inputs) == arrivals + 1
    assert sum(isinstance(said, i.LegEnded) for said in heard.inputs) == 1
