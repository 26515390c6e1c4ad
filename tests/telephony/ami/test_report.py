"""The report: every place and state that `Status` can show, and how it is cut into parts."""

import pytest

from acd.model import Caller, ChannelId, OfferId, Phone, QueueId, ServerId
from acd.router.inputs import CallerPlace, LegState, PassedOn, SeenCaller, SeenLeg, SeenPhone
from acd.telephony.ami import report
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.phones import PhoneWatch
from acd.testing.ami_server import Pairs
from tests.telephony.ami.adapter_harness import TAG, leg, waiting

WATCH = PhoneWatch("PJSIP/{phone}", [Phone("1001"), Phone("1002")])
OFFER = OfferId(f"{TAG}-1")


def read(
    *channels: Pairs, known: frozenset[OfferId] = frozenset(), gone: frozenset[ChannelId] = frozenset()
) -> report.Report:
    events = [AmiEvent(name="Status", headers={k.lower(): v for k, v in shown.items()}) for shown in channels]
    return report.read([*events, AmiEvent(name="StatusComplete", headers={})], WATCH, known, gone)


def phone(channel: str, name: str, state: str = "6", application: str = "Dial", **more: str) -> Pairs:
    return {"Uniqueid": channel, "Channel": name, "ChannelState": state, "Application": application, **more}


# --- Callers --------------------------------------------------------------------------------------------------

BRIDGED = leg(OFFER, "6", bridge="b1")


@pytest.mark.parametrize(
    ("shown", "place"),
    [
        (waiting("c1", exten="s"), "waiting"),
        (waiting("c1", exten="wait"), "waiting"),
        (waiting("c1", exten="hold"), "waiting"),
        (waiting("c1", exten="say"), "waiting"),
        (waiting("c1", exten="connect"), "waiting"),
        ({**waiting("c1", exten="connect"), "BridgeID": "b1"}, "talking"),
        ({**waiting("c1", exten="connect"), "BridgeID": "b2"}, "waiting"),
        ({**waiting("c1"), "Context": "after-queue"}, "elsewhere"),
        ({**waiting("c1"), "Context": "after-queue", "BridgeID": "b1"}, "elsewhere"),
        ({**waiting("c1"), "Context": "acd-agent"}, "elsewhere"),
        ({**waiting("c1"), "Context": ""}, "elsewhere"),
        ({**waiting("c1"), "Variable": []}, "waiting"),
        ({**waiting("c1"), "Channel": "Local/5@x-0000000a;2"}, "waiting"),
    ],
)
def test_place_of_a_caller(shown: Pairs, place: CallerPlace) -> None:
    assert read(shown, BRIDGED).callers == (SeenCaller(ChannelId("c1"), place),)


@pytest.mark.parametrize(
    "shown",
    [
        phone("t1", "PJSIP/trunk-0000000a"),
        phone("t1", "PJSIP/trunk-0000000a", Context="phones", Variable="ACD_QUEUE=(null)"),
        phone("t1", "Local/5@x-0000000a;1", Context="acd-code"),
        {"Uniqueid": "t1"},
        {"Channel": "PJSIP/1001-0000000a", "Context": "acd"},
        {"Uniqueid": "", "Context": "acd"},
        {"Uniqueid": ["c1", "c2"], "Context": "acd"},
    ],
)
def test_channel_that_was_never_handed_over_is_no_caller(shown: Pairs) -> None:
    assert read(shown).callers == ()


@pytest.mark.parametrize(
    ("since", "since_s"),
    [("1700000000", 1_700_000_000), ("", None), ("(null)", None), ("soon", None), ("9" * 5_000, None), ("²", None)],
)
def test_wait_counts_from_what_the_dialplan_noted(since: str, since_s: int | None) -> None:
    assert [seen.since_s for seen in read(waiting("c1", since=since)).waiting] == [since_s]


def test_who_waits_comes_with_all_that_a_new_hand_over_needs() -> None:
    variables = ["ACD_QUEUE=billing", "ACD_PRIORITY=-3", "ACD_SKILLS=german&vip", "ACD_SINCE=17"]
    (seen,) = read({**waiting("c1"), "Variable": variables}).waiting
    assert seen == report.Waiting(
        ChannelId("c1"), QueueId("billing"), -3, ("german", "vip"), Caller("555", ""), in_grace=False, since_s=17
    )


@pytest.mark.parametrize(
    ("noted", "passed_on"),
    [
        ("31000/20000/2", PassedOn(31_000, 20_000, 2)),
        ("0/0/1", PassedOn(0, 0, 1)),
        ("86400000/86400000/8", PassedOn(86_400_000, 86_400_000, 8)),
        ("86400001/0/1", None),
        ("1000/1001/1", None),
        ("1000/1000/9", None),
        ("-1/-1/1", None),
        ("1000/1000", None),
        ("1000/1000/1/1", None),
        ("1000/1000/1 ", None),
        ("9999999999/1/1", None),
        ("²/1/1", None),
        ("support", None),
        ("", None),
        ("(null)", None),
    ],
)
def test_how_a_call_was_passed_on_is_read_from_its_channel(noted: str, passed_on: PassedOn | None) -> None:
    """R52. What cannot be is nothing."""
    (seen,) = read({**waiting("c1"), "Variable": ["ACD_QUEUE=support", f"ACD_PASSED={noted}"]}).waiting
    assert (seen.queue, seen.passed_on) == ("support", passed_on)


@pytest.mark.parametrize("exten", ["s", "wait"])
def test_who_waits_in_grace_is_marked(exten: str) -> None:
    (seen,) = read(waiting("c1", exten=exten)).waiting
    assert seen.in_grace is (exten == "s")


@pytest.mark.parametrize("place", ["talking", "elsewhere", "no queue yet"])
def test_nobody_else_is_taken_up(place: str) -> None:
    shown = {
        "talking": {**waiting("c1", exten="connect"), "BridgeID": "b1"},
        "elsewhere": {**waiting("c1"), "Context": "after-queue"},
        "no queue yet": {**waiting("c1", exten="s"), "Variable": ["ACD_QUEUE=(null)", "ACD_SINCE=(null)"]},
    }
    assert read(shown[place], BRIDGED).waiting == ()


def test_variable_with_an_equals_sign_keeps_its_value() -> None:
    event = AmiEvent(name="Status", headers={"variable": ["ACD_SKILLS=a=b", "ACD_QUEUE=", "odd", "X=(null)"]})
    assert report.variables_of(event) == {"ACD_SKILLS": "a=b"}


# --- Legs and phones ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (leg(OFFER, "0"), "ringing"),
        (leg(OFFER, "5"), "ringing"),
        (leg(OFFER, "6"), "answered"),
        (leg(OFFER, "6", bridge="holding"), "answered"),
        (leg(OFFER, "6", bridge="b1"), "talking"),
        (leg(OFFER, "5", bridge="b1"), "ringing"),
        ({**leg(OFFER), "ChannelState": "odd"}, "ringing"),
    ],
)
def test_state_of_a_leg(shown: Pairs, state: LegState) -> None:
    talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
    assert read(shown, talks).legs == (SeenLeg(OFFER, state),)


def test_two_legs_in_one_bridge_are_no_conversation_with_a_caller() -> None:
    other = OfferId(f"{TAG}-2")
    assert {seen.state for seen in read(BRIDGED, leg(other, "6", bridge="b1")).legs} == {"answered"}


@pytest.mark.parametrize(
    ("shown", "seen"),
    [
        (phone("d1", "PJSIP/1001-0000000a", "5", "AppDial"), ("1001", "in", False)),
        (phone("d1", "PJSIP/1001-0000000a", "6", "AppDial"), ("1001", "in", True)),
        (phone("d1", "PJSIP/1001-0000000a", "5", "AppDial2"), ("1001", "in", False)),
        (phone("d1", "PJSIP/1002-0000000a", "4", "Dial"), ("1002", "out", False)),
        (phone("d1", "PJSIP/1002-0000000a", "6", "Dial"), ("1002", "out", True)),
        (phone("d1", "PJSIP/1002-0000000a", "6", "Read"), ("1002", "out", True)),
    ],
)
def test_direct_call_of_a_watched_phone(shown: Pairs, seen: tuple[str, str, bool]) -> None:
    (one,) = read(shown).phones
    assert (one.phone, one.direction, one.answered) == seen


@pytest.mark.parametrize(
    "name",
    ["PJSIP/trunk-0000000a", "PJSIP/lab-a-0000000a", "PJSIP/1003-0000000a", "Local/1001@x-0000000a;1", "", "odd"],
)
def test_trunks_local_channels_and_other_phones_are_not_seen(name: str) -> None:
    assert read(phone("t1", name)).phones == ()


def test_agents_phone_that_waits_in_a_queue_is_both() -> None:
    seen = read({**waiting("c1"), "Channel": "PJSIP/1001-0000000a"})
    assert seen.callers == (SeenCaller(ChannelId("c1"), "waiting"),)
    assert seen.phones == (SeenPhone(Phone("1001"), ChannelId("c1"), "out", answered=True),)
    assert seen.serving == ("c1",)


def test_agents_phone_that_keys_in_a_feature_code_is_in_use_but_not_counted() -> None:
    keys_in = phone("d1", "PJSIP/1001-0000000a", "6", "Read", Context="acd-code")
    seen = read(keys_in, phone("d2", "PJSIP/1002-0000000b"), phone("t1", "PJSIP/trunk-0000000c", Context="acd-code"))
    assert [one.channel for one in seen.phones] == ["d1", "d2"]
    assert seen.serving == ("d1",)


def test_leg_of_an_engine_before_us_keeps_its_phone_in_use_while_it_talks() -> None:
    talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
    seen = read(BRIDGED, talks)
    assert seen.phones == (SeenPhone(Phone("1001"), ChannelId(OFFER), "in", answered=True),)
    assert seen.serving == (ChannelId(OFFER),), "it is no direct call"
    assert read(BRIDGED, talks, known=frozenset({OFFER})).phones == ()
    assert read(leg(OFFER, "6"), talks).phones == ()


def test_what_hung_up_meanwhile_is_left_out() -> None:
    talks = {**waiting("c1", exten="connect"), "BridgeID": "b1"}
    seen = read(BRIDGED, talks, waiting("c2"), gone=frozenset({ChannelId("c1"), ChannelId("c2")}))
    assert seen.callers == ()
    assert seen.legs == (SeenLeg(OFFER, "answered"),), "its partner is gone"


# --- Parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("callers", "legs", "parts"), [(0, 0, 1), (1, 0, 1), (200, 200, 1), (201, 0, 2), (3, 401, 3), (1_000, 1, 5)]
)
def test_report_comes_in_parts_of_bounded_size(callers: int, legs: int, parts: int) -> None:
    shown = [waiting(f"c{number}") for number in range(callers)] + [leg(f"{TAG}-{number}") for number in range(legs)]
    said = list(read(*shown).parts(ServerId("a")))
    assert len(said) == parts
    assert [part.first for part in said] == [True] + [False] * (parts - 1)
    assert [part.last for part in said] == [False] * (parts - 1) + [True]
    assert all(len(part.callers) <= report.PART and len(part.legs) <= report.PART for part in said)
    assert sum(len(part.callers) for part in said) == callers
    assert sum(len(part.legs) for part in said) == legs
