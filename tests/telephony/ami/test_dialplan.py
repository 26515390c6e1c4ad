"""What the dialplan says is taken for what it may be, and what we say to it can always be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.model import AgentId, Caller, CallId, ChannelId, Line, OfferId, Phone, QueueId, ServerId
from acd.router.facts import OfferMade
from acd.telephony.ami import dialplan
from acd.telephony.ami.messages import MAX_LINE_BYTES, AmiEvent, check_action, parse_headers

HOSTILE = [
    "Eve\r\nAction: Logoff",
    "Eve\r\n\r\nEvent: Hangup",
    "zero\0byte",
    'quotes "inside" <and brackets>',
    "comma, semicolon; pipe| ampersand& dollar${X}",
    "x" * 10_000,
    "😀" * 10_000,
    "\ufffd\ufffd wrong UTF-8",
    "\ud800 half a pair",
    "line\u2028separator",
    "(null)",
    "<unknown>",
    "\\",
    "",
]


def event(**headers: str | list[str]) -> AmiEvent:
    return AmiEvent(name="UserEvent", headers={key.lower(): value for key, value in headers.items()})


def offer(name: str, number: str = "555", queue: str = "Sales") -> OfferMade:
    line = Line(ServerId("a"), ChannelId("c1"))
    return OfferMade(
        0, OfferId("acd0123456789-1"), CallId("x"), AgentId("a"), QueueId("q"), queue, line, Phone("1001"),
        Caller(number, name), 15_000,
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["name", "number", "queue"])
def test_nothing_that_a_caller_is_called_breaks_the_wire(text: str, place: str) -> None:
    action = dialplan.ring(offer(**{"name": "Ada", place: text}), "PJSIP/1001")
    check_action(action)
    quoted, _, rest = dict(action.headers)["CallerID"].removeprefix('"').partition('" <')
    assert not set(quoted) & set('"<>\\:;,=@%$')
    assert not set(rest.removesuffix(">")) & set('"<>\\:;,=@%$')


@given(st.text(), st.text(), st.text())
def test_whatever_anybody_is_called_can_be_sent(name: str, number: str, queue: str) -> None:
    action = dialplan.ring(offer(name, number, queue), "PJSIP/1001")
    check_action(action)
    assert all(len(value.encode()) < MAX_LINE_BYTES for _, value in action.headers)
    assert parse_headers("\r\n".join(f"{key}: {value}" for key, value in action.headers))[1] == 0


def test_phone_shows_queue_and_name_or_number_or_that_nobody_is_known() -> None:
    def shown(name: str, number: str) -> str:
        return dict(dialplan.ring(offer(name, number), "PJSIP/1001").headers)["CallerID"]

    assert shown("Ada", "555") == '"Sales - Ada" <555>'
    assert shown("", "555") == '"Sales - 555" <555>'
    assert shown("", "") == '"Sales - unknown" <anonymous>'


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"O\'Brien", "O'Brien"),
        (r"\"Bob\"", '"Bob"'),
        (r"Who\?", "Who?"),
        (r"A\\nB", r"A\nB"),
        (r"A\nB\tC", "A B C"),
        (r"Eve\r\nEvent: forged", "Eve Event: forged"),
        (r"C:\\\\x\\", r"C:\\x" + "\\"),
        ("Zoë", "Zoë"),
        (r"\x is none of Asterisk's", r"\x is none of Asterisk's"),
        ("cut at its end \\", "cut at its end \\"),
    ],
)
def test_caller_is_called_as_before_asterisk_wrote_it_into_an_event(written: str, name: str) -> None:
    assert dialplan.caller_of(event(CallerIDNum="555", CallerIDName=written)) == Caller("555", name)


@pytest.mark.parametrize("text", HOSTILE)
def test_caller_is_cleaned(text: str) -> None:
    caller = dialplan.caller_of(event(CallerIDNum=text, CallerIDName=text))
    assert caller.number.isprintable()
    assert caller.name.isprintable()
    assert (len(caller.number) <= 40, len(caller.name) <= 80) == (True, True)
    if text in {"(null)", "<unknown>"}:
        assert caller == Caller("", "")


@pytest.mark.parametrize(
    ("text", "queue"),
    [
        ("sales", "sales"), (" sales ", "sales"), ("a.b_c-D9", "a.b_c-D9"), ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 63 + "…"), ("x" * 64 + "!", ""), ("x" * 9_999, "x" * 63 + "…"),
        ("", ""), ("(null)", ""), ("sal es", ""), ("sales\r\nX: 1", ""), ("vertrieb/süd", ""), ("a,b", ""),
    ],
)  # fmt: skip
def test_queue_is_a_name_or_cut_or_empty(text: str, queue: str) -> None:
    assert dialplan.queue_of(text) == queue


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("5", 5), ("-5", -5), ("", 0), (" 7 ", 7), ("007", 7), ("10", 10), ("11", 10), ("-99999", -10),
        ("9" * 10_000, 10), ("-" + "9" * 10_000, -10), ("0" * 10_000 + "4", 4), ("high", 0), ("5-3", 0),
        ("--5", 0), ("1.5", 0), ("²", 0), ("٣", 0), ("+5", 0), ("(null)", 0), ("-", 0),
    ],
)  # fmt: skip
def test_priority_is_a_number_within_its_bounds(text: str, priority: int) -> None:
    assert dialplan.priority_of(text) == priority


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("42", 42), ("", None), ("-1", None), ("²", None), ("٣", None), ("9" * 5_000, None)]
)
def test_number_is_digits_and_not_endless(text: str, number: int | None) -> None:
    assert dialplan.number_of(text) == number


@pytest.mark.parametrize(
    ("names", "channel"),
    [
        ("a-1700000000.12", "a-1700000000.12"), ("acd0123456789-4", "acd0123456789-4"), ("", None),
        (["c1", "c2"], None), (["c1", "c1"], None), ("c1\nEvent: x", None), ("c1\r", None), ("x" * 151, None),
        ("c\0", None),
    ],
)  # fmt: skip
def test_event_is_about_one_channel_or_none(names: str | list[str], channel: str | None) -> None:
    assert dialplan.channel_of(event(Uniqueid=names)) == channel


@pytest.mark.parametrize(
    ("channel", "is_leg"),
    [
        ("acd0123456789-4", True), ("acd0123456789-", False), ("acdk3f9q2abcd-4", False), ("a-1700000000.12", False),
        ("xacd0123456789-4", False), ("acd0123456789-4\n", False), ("", False),
    ],
)  # fmt: skip
def test_leg_is_known_by_its_id(channel: str, is_leg: bool) -> None:
    assert dialplan.is_leg(channel) is is_leg


@pytest.mark.parametrize("text", HOSTILE)
def test_every_action_on_an_odd_channel_can_be_sent_or_is_refused_before_the_wire(text: str) -> None:
    """Such a channel never gets past `channel_of`."""
    if dialplan.channel_of(event(Uniqueid=text)) is not None:
        for action in dialplan.claim(ChannelId(text)):
            check_action(action)


def test_answers_for_the_phone_are_among_the_core_sounds() -> None:
    assert all(prompt.replace("&", "").replace("-", "").isalpha() for prompt in dialplan.SPOKEN.values())
