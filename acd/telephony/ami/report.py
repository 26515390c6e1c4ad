"""What exists on a server, read from the answer to `Status`, for the core to settle the differences."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from acd.model import Caller, ChannelId, Direction, OfferId, QueueId, ServerId
from acd.router.inputs import CallerPlace, LegState, PassedOn, SeenCaller, SeenLeg, SeenPhone, ServerReported
from acd.telephony.ami import dialplan
from acd.telephony.ami.messages import AmiAction, AmiEvent
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.wishes import words_of

PART: Final = 200
"""Channels in one part of a report: a part is one input, and no input may be long work."""
UP: Final = "6"
GRACE: Final = "s"
"""The extension in which a caller waits for the claim."""
DIALLED: Final = "AppDial"
"""How the application of a channel begins that Asterisk dialled, by Dial() or by an Originate."""


class Waiting(msgspec.Struct, frozen=True):
    """A caller in our place of the dialplan, with all that is needed to take the call up again."""

    channel: ChannelId
    queue: QueueId
    priority: int
    skills: tuple[str, ...]
    caller: Caller
    in_grace: bool
    """The dialplan's own word of this caller may be on its way still."""
    since_s: int | None
    """When the wait began, in seconds of the server's own clock."""
    passed_on: PassedOn | None = None
    """How it came into `queue`, if from another one."""


class Report(msgspec.Struct, frozen=True):
    """One server's channels, sorted by what they are to us."""

    callers: tuple[SeenCaller, ...]
    legs: tuple[SeenLeg, ...]
    phones: tuple[SeenPhone, ...]
    waiting: tuple[Waiting, ...]
    serving: tuple[ChannelId, ...]
    """Of the phones' channels those that key in a feature code, call a queue or serve one: no direct calls."""

    def parts(self, server: ServerId) -> Iterator[ServerReported]:
        """The report as inputs of bounded size; only the last one completes it."""
        count = max(1, -(-max(len(self.callers), len(self.legs), len(self.phones)) // PART))
        for index in range(count):
            part = slice(index * PART, (index + 1) * PART)
            first, last = index == 0, index == count - 1
            yield ServerReported(server, self.callers[part], self.legs[part], self.phones[part], first, last)


def ask() -> AmiAction:
    """The action whose answer `read` understands."""
    return AmiAction("Status", (("Variables", ",".join(dialplan.CALL_VARIABLES)),), timeout_s=30.0)


def read(
    events: Sequence[AmiEvent], watch: PhoneWatch, known_legs: Collection[OfferId], gone: Collection[ChannelId]
) -> Report:
    """Sort the channels. `known_legs`: offers that we still hold to be alive; `gone`: hung up while we asked."""
    left_out = {None, *gone}
    channels = [event for event in events if event.name == "Status" and dialplan.channel_of(event) not in left_out]
    legs = [event for event in channels if dialplan.is_leg(event.get("Uniqueid"))]
    others = [event for event in channels if not dialplan.is_leg(event.get("Uniqueid"))]
    leg_bridges = {bridge for event in legs if (bridge := event.get("BridgeID"))}
    caller_bridges = {bridge for event in others if (bridge := event.get("BridgeID"))}
    callers = [(event, variables_of(event), _place(event, leg_bridges)) for event in others]
    callers = [caller for caller in callers if "ACD_QUEUE" in caller[1] or _in_acd(caller[0])]
    phones = tuple(_phones(others, legs, watch, known_legs, caller_bridges))
    serving = {_id(event) for event, *_ in callers} | {_id(event) for event in others if _keys_in_a_code(event)}
    serving |= {_id(event) for event in legs}  # a queue's call, which an engine before us connected
    return Report(
        tuple(SeenCaller(_id(event), place) for event, _, place in callers),
        tuple(SeenLeg(OfferId(_id(event)), _leg_state(event, caller_bridges)) for event in legs),
        phones,
        tuple(
            # Who has no queue yet has just come: the dialplan is about to say so.
            _waiting(event, variables)
            for event, variables, place in callers
            if place == "waiting" and "ACD_QUEUE" in variables
        ),
        tuple(phone.channel for phone in phones if phone.channel in serving),
    )


def _id(event: AmiEvent) -> ChannelId:
    return ChannelId(event.get("Uniqueid"))


def _in_acd(event: AmiEvent) -> bool:
    return event.get("Context") == dialplan.WAITING


def _keys_in_a_code(event: AmiEvent) -> bool:
    return event.get("Context") == dialplan.CODE


def variables_of(event: AmiEvent) -> dict[str, str]:
    """The channel variables in a Status event; an unset one reads `(null)` and is left out."""
    pairs = (line.partition("=") for line in event.all("Variable"))
    return {name: value for name, _, value in pairs if value not in {"", "(null)"}}


def _place(event: AmiEvent, leg_bridges: set[str]) -> CallerPlace:
    if not _in_acd(event):
        return "elsewhere"
    return "talking" if event.get("BridgeID") in leg_bridges else "waiting"


def _leg_state(event: AmiEvent, caller_bridges: set[str]) -> LegState:
    if event.get("ChannelState") != UP:
        return "ringing"
    return "talking" if event.get("BridgeID") in caller_bridges else "answered"


def _phones(
    others: Sequence[AmiEvent],
    legs: Sequence[AmiEvent],
    watch: PhoneWatch,
    known_legs: Collection[OfferId],
    caller_bridges: set[str],
) -> Iterator[SeenPhone]:
    """Direct calls on watched phones, and legs of an engine before us that still talk."""
    for event in others:
        yield from _seen(event, watch, "in" if event.get("Application").startswith(DIALLED) else "out")
    for event in legs:
        if OfferId(_id(event)) not in known_legs and _leg_state(event, caller_bridges) == "talking":
            yield from _seen(event, watch, "in")


def _seen(event: AmiEvent, watch: PhoneWatch, direction: Direction) -> Iterator[SeenPhone]:
    phone = watch.phone_of(event.get("Channel"))
    if phone is not None:
        yield SeenPhone(phone, _id(event), direction, event.get("ChannelState") == UP)


def _waiting(event: AmiEvent, variables: dict[str, str]) -> Waiting:
    return Waiting(
        _id(event),
        dialplan.queue_of(variables.get("ACD_QUEUE", "")),
        dialplan.priority_of(variables.get("ACD_PRIORITY", "")),
        words_of(variables.get("ACD_SKILLS", "")),
        dialplan.caller_of(event),
        event.get("Exten") == GRACE,
        dialplan.number_of(variables.get("ACD_SINCE", "")),
        dialplan.passed_on(variables.get("ACD_PASSED", "")),
    )
