"""What the engine and the operator's include file (config/asterisk/acd.conf) have agreed on, as AMI actions.

Places in the dialplan, channel variables and user events are named here and nowhere else in Python.
"""

import re
import time
from typing import Final

import structlog

from acd.model import PRIORITIES, Caller, ChannelId, OfferId, Phone, QueueId
from acd.router.facts import OfferMade
from acd.router.inputs import LegEnd, PassedOn
from acd.router.limits import MOST_HOPS
from acd.router.settings import Destination
from acd.telephony.ami.messages import AmiAction, AmiEvent, AmiResponse, clean_value
from acd.telephony.port import CodeAnswer

log = structlog.get_logger(__name__)

WAITING: Final = "acd"
"""The context in which callers are ours."""
AGENT: Final = "acd-agent"
"""The context in which agents' legs wait for their caller."""
CODE: Final = "acd-code"
"""The context in which somebody keys in a feature code, and hears the answer."""
CALL_VARIABLES: Final = ("ACD_QUEUE", "ACD_PRIORITY", "ACD_SKILLS", "ACD_SINCE", "ACD_PASSED")
RING_MARGIN_MS: Final = 2_000
"""Asterisk stops ringing by itself so long after the engine should have: only a dead engine lets it come to that."""

ORIGINATE: Final = "ring-"
"""Before the offer's id, the ActionID of its one Originate."""
LONGEST_CHANNEL_ID: Final = 150
"""Asterisk's own bound."""
LONGEST_NUMBER: Final = 12
"""Digits of any number that the dialplan says: what is longer is none."""

_QUEUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONG_QUEUE = re.compile(r"[A-Za-z0-9_.-]{65,}")
_PASSED = re.compile(r"([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,2})")
_PHONE = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
_NO_DELIMITERS = str.maketrans(dict.fromkeys('"<>\\:;,=@%$', " "))
_ESCAPED = re.compile(r"""\\([abfnrtv\\'"?])""")
_MADE_HERE = re.compile(r"acd[0-9a-f]{10}-[0-9]+")

SPOKEN: Final[dict[CodeAnswer, str]] = {
    "logged-in": "agent-loginok",
    "logged-out": "agent-loggedoff",
    "logged-out-later": "one-moment-please&agent-loggedoff",
    "ready": "do-not-disturb&de-activated",
    "paused": "do-not-disturb&activated",
    "paused-later": "one-moment-please&do-not-disturb&activated",
    "wrap-up-ended": "auth-thankyou",
    "wrap-up-extended": "one-moment-please&auth-thankyou",
    "disposition-set": "auth-thankyou",
    "wrong": "vm-incorrect",
    "locked": "im-sorry&please-try-call-later",
    "refused": "pm-invalid-option",
    "unavailable": "all-circuits-busy-now",
}
"""Which prompt says what. All are among Asterisk's core sounds."""

_ENDS: Final[dict[str, LegEnd]] = {
    "16": "hung-up",
    "17": "busy",
    "18": "no-answer",
    "19": "no-answer",
    "21": "declined",
    "26": "answered-elsewhere",
}
"""Hang-up causes (ITU-T Q.850) of a ringing leg; every other one means that the phone was not reached."""


def leg_end(cause: str) -> LegEnd:
    """What the hang-up cause of a leg that was not answered says."""
    return _ENDS.get(cause, "unreachable")


def is_leg(channel: str) -> bool:
    """Whether a channel id was made by an engine: the id of an offer, of this journal or of another."""
    return _MADE_HERE.fullmatch(channel) is not None


def channel_of(event: AmiEvent) -> ChannelId | None:
    """The channel that an event is about. None where it names none, or more than one: such an event was not made by
    Asterisk alone."""
    names = event.all("Uniqueid")
    if len(names) != 1 or not 1 <= len(names[0]) <= LONGEST_CHANNEL_ID or not names[0].isprintable():
        return None
    return ChannelId(names[0])


def offer_of(action_id: str) -> OfferId:
    """The offer for which an Originate was sent; empty where it was none of ours."""
    return OfferId(action_id.removeprefix(ORIGINATE) if action_id.startswith(ORIGINATE) else "")


def number_of(text: str) -> int | None:
    """A whole number that is not negative, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None


WAITED_MOST_MS: Final = 24 * 3_600_000
"""Nobody waits for longer than a day: who is said to has been told the time by a wrong clock."""


def waited(ms: int) -> int:
    """The time for which a caller has waited, if that can be believed: else nothing, and the log says so."""
    if ms <= WAITED_MOST_MS:
        return max(ms, 0)
    log.warning(
        "a waiting time is not believed",
        said_s=ms // 1_000,
        most_s=WAITED_MOST_MS // 1_000,
        mend="the clock of the phone server was wrong: let it be set before Asterisk starts",
    )
    return 0


def passed_on(text: str) -> PassedOn | None:
    """What `now_in` has noted at a channel. What cannot be is nothing: then the call counts as one that was never
    passed on."""
    found = _PASSED.fullmatch(text)
    if found is None:
        return None
    noted = PassedOn(*map(int, found.groups()))
    return noted if noted.age_ms <= noted.waited_ms <= WAITED_MOST_MS and noted.hops <= MOST_HOPS else None


def phone_of(text: str) -> Phone:
    """A phone as the dialplan said it. What no phone can be called comes back empty."""
    return Phone(text if _PHONE.fullmatch(text) else "")


def queue_of(text: str) -> QueueId:
    """A queue's id as the dialplan said it. What no queue can be called is refused: it comes back empty, or cut with
    a mark that no queue's id has, so that the log tells which name was too long."""
    text = text.strip()
    if _LONG_QUEUE.fullmatch(text):
        return QueueId(text[:63] + "…")
    return QueueId(text if _QUEUE.fullmatch(text) else "")


def priority_of(text: str) -> int:
    """A priority; anything else is 0, and what is out of bounds is the nearest bound."""
    digits = text.strip().removeprefix("-").lstrip("0")
    size = number_of(digits[:LONGEST_NUMBER]) if digits.isdigit() else None
    priority = -(size or 0) if text.strip().startswith("-") else size or 0
    return min(max(priority, PRIORITIES[0]), PRIORITIES[-1])


def caller_of(event: AmiEvent) -> Caller:
    """Who calls, cleaned: both come from outside."""
    return Caller(_known(event.get("CallerIDNum"), 40), _known(unescaped(event.get("CallerIDName")), 80))


def unescaped(text: str) -> str:
    r"""A name as it was before Asterisk wrote it into an event: there `O'Brien` reads `O\'Brien` (ast_escape_c in
    main/utils.c; numbers are not escaped). What was a control character is a space."""
    return _ESCAPED.sub(lambda found: " " if found[1] in "abfnrtv" else found[1], text)


def _known(text: str, limit: int) -> str:
    return "" if text in {"<unknown>", "(null)"} else clean_value(text, limit)


# --- Actions --------------------------------------------------------------------------------------------------


def set_variable(channel: ChannelId | OfferId, name: str, value: str) -> AmiAction:
    return AmiAction("Setvar", (("Channel", channel), ("Variable", name), ("Value", value)))


def get_variable(channel: ChannelId, name: str) -> AmiAction:
    return AmiAction("Getvar", (("Channel", channel), ("Variable", name)))


def get_global(name: str) -> AmiAction:
    return AmiAction("Getvar", (("Variable", name),))


def time_of(answer: AmiResponse) -> int:
    """The server's own time in seconds, from the answer to `get_global("EPOCH")`; ours where it tells none."""
    epoch = number_of(answer.get("Value"))
    return int(time.time()) if epoch is None else epoch


def set_global(name: str, value: str) -> AmiAction:
    return AmiAction("Setvar", (("Variable", name), ("Value", value)))


def redirect(channel: ChannelId, context: str, extension: str) -> AmiAction:
    headers = (("Channel", channel), ("Context", context), ("Exten", extension), ("Priority", "1"))
    return AmiAction("Redirect", headers)


def hang_up(channel: ChannelId | OfferId) -> AmiAction:
    return AmiAction("Hangup", (("Channel", channel),))


def claim(channel: ChannelId) -> tuple[AmiAction, AmiAction]:
    """Say that the call is ours, then look whether it left: the answer to the second one decides."""
    return set_variable(channel, "ACD_CLAIM", "1"), get_variable(channel, "ACD_LEFT")


def give_back(channel: ChannelId, result: str, reason: str) -> tuple[AmiAction, ...]:
    """Back to the operator's dialplan, right after its Gosub. Only for a call that is claimed."""
    return (
        set_variable(channel, "ACD_RESULT", result),
        set_variable(channel, "ACD_REASON", reason),
        redirect(channel, WAITING, "leave"),
    )


def send_to(channel: ChannelId, result: str, reason: str, place: Destination) -> tuple[AmiAction, ...]:
    """Out of our place of the dialplan into one that the configuration names; back, where there is none of that
    name. Only for a call that is claimed."""
    return (
        set_variable(channel, "ACD_RESULT", result),
        set_variable(channel, "ACD_REASON", reason),
        set_variable(channel, "ACD_GOTO", f"{place.context},{place.extension},{place.priority}"),
        redirect(channel, WAITING, "goto"),
    )


def say(channel: ChannelId, position: int | None, minutes: int | None, sound: str) -> tuple[AmiAction, ...]:
    """An announcement, after which the caller waits on. Only for a call that is claimed."""
    return (
        set_variable(channel, "ACD_SAY_POSITION", "" if position is None else str(position)),
        set_variable(channel, "ACD_SAY_MINUTES", "" if minutes is None else str(minutes)),
        set_variable(channel, "ACD_SAY", sound),
        redirect(channel, WAITING, "say"),
    )


def now_in(channel: ChannelId, queue: QueueId, noted: PassedOn | None) -> tuple[AmiAction, ...]:
    """What an engine that is restarted reads of the call, and what a caller says who is back from a bridge. Durations,
    because no clock but the server's own knows its ACD_SINCE."""
    passed = "" if noted is None else f"{noted.waited_ms}/{noted.age_ms}/{noted.hops}"
    return set_variable(channel, "ACD_PASSED", passed), set_variable(channel, "ACD_QUEUE", queue)


def connect(channel: ChannelId, offer: OfferId) -> tuple[AmiAction, ...]:
    """The caller's own thread makes the bridge to the leg. Only for a call that is claimed."""
    return set_variable(channel, "ACD_PEER", offer), redirect(channel, WAITING, "connect")


def ring(made: OfferMade, address: str) -> AmiAction:
    """Ring the agent's phone: the leg gets the offer's id as channel id, and a place of its own to wait in."""
    timeout_ms = made.ring_until_ms - made.at_ms + RING_MARGIN_MS
    headers = (
        ("Channel", address),
        ("ChannelId", made.offer),
        ("Context", AGENT),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Async", "true"),
        ("Timeout", str(timeout_ms)),
        ("CallerID", _shown(made)),
        ("Variable", f"ACD_OFFER={made.offer}"),
    )
    return AmiAction("Originate", headers, ORIGINATE + made.offer)


def _shown(made: OfferMade) -> str:
    """What the phone shows: the queue's name and all that is known of the caller."""
    name = _plain(f"{made.queue_name} - {made.caller.name or made.caller.number or 'unknown'}", 80)
    number = _plain(made.caller.number, 40) or "anonymous"
    return f'"{name}" <{number}>'


def _plain(text: str, limit: int) -> str:
    """Without the characters that headers are made of: a caller's name must not keep a phone from ringing, and there
    are phones whose parser stumbles over them even between quotes (pyVoIP over ': ')."""
    return clean_value(text.translate(_NO_DELIMITERS), limit)
