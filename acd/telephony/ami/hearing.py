"""Events of one server become inputs."""

from collections.abc import Callable
from typing import Final

import structlog

from acd.model import ChannelId, Line, OfferId, Phone, RequestId, ServerId
from acd.router import inputs as i
from acd.telephony.ami import dialplan
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.port import FeatureCode, Submit

log = structlog.get_logger(__name__)

RINGING_IN: Final = "4"
"""ChannelState of a channel that the far end dialled into Asterisk; one that Asterisk dials begins in state 0."""
UP: Final = "6"
CODES: Final = frozenset({"login", "logout", "ready", "pause", "end-wrap-up"})


class Hearing:
    """Understands events. `expect_end` is called for a channel that is to be gone in a moment."""

    def __init__(
        self,
        server: ServerId,
        books: Books,
        submit: Submit,
        expect_end: Callable[[ChannelId], None],
        on_claimed: Callable[[ChannelId], None],
        on_code: Callable[[FeatureCode], None],
        hang_up: Callable[[ChannelId], None],
    ) -> None:
        self.watch = PhoneWatch("", ())
        self._server = server
        self._books = books
        self._submit = submit
        self._expect_end = expect_end
        self._on_claimed = on_claimed
        self._on_code = on_code
        self._hang_up = hang_up
        self._by_name: dict[str, Callable[[AmiEvent, ChannelId], None]] = {
            "BridgeEnter": self._bridge_enter,
            "Hangup": self._hangup,
            "HangupRequest": self._hangup_request,
            "Newchannel": self._new_channel,
            "Newstate": self._new_state,
            "OriginateResponse": self._originate_response,
            "UserEvent": self._user_event,
        }
        self._by_user_event: dict[str, Callable[[AmiEvent, ChannelId], None]] = {
            "AcdCall": self._call,
            "AcdLeft": self._left,
            "AcdRequest": self._request,
            "AcdStay": lambda _event, channel: self._on_claimed(channel),
            "AcdUp": self._leg_up,
        }

    def hear(self, event: AmiEvent) -> None:
        """Take one event. One that we do not know is no error: filters are the operator's."""
        handler = self._by_name.get(event.name)
        if handler is not None:
            handler(event, ChannelId(event.get("Uniqueid")))

    def _line(self, channel: ChannelId) -> Line:
        return Line(self._server, channel)

    # --- What the dialplan says -------------------------------------------------------------------------------

    def _user_event(self, event: AmiEvent, channel: ChannelId) -> None:
        handler = self._by_user_event.get(event.get("UserEvent"))
        if handler is not None and channel:
            handler(event, channel)

    def _call(self, event: AmiEvent, channel: ChannelId) -> None:
        self._books.callers[channel] = Caller()
        if channel in self._books.direct:  # an agent's phone calls a queue: it is in use, but as a caller
            self._submit(i.PhoneServes(self._line(channel)))
        self._submit(
            i.CallArrived(
                self._line(channel),
                dialplan.queue_of(event.get("Queue")),
                dialplan.caller_of(event),
                dialplan.priority_of(event.get("CallPriority")),
                dialplan.skills_of(event.get("Skills")),
            )
        )

    def _left(self, event: AmiEvent, channel: ChannelId) -> None:
        """The caller went on in the operator's dialplan: by our word, or without us."""
        caller = self._books.callers.get(channel)
        if caller is None:
            return
        if event.get("Result") == "served" and caller.offer is not None:
            self._leg_ended(caller.offer, "hung-up")
        self._books.callers.pop(channel, None)
        self._submit(i.CallerLeft(self._line(channel), hung_up=False))

    def _leg_up(self, _event: AmiEvent, channel: ChannelId) -> None:
        leg = self._books.legs.get(OfferId(channel))
        if leg is None:  # withdrawn in the same moment, or of an engine before us
            self._hang_up(channel)
            return
        leg.seen = leg.answered = True
        self._submit(i.LegAnswered(OfferId(channel)))

    def _request(self, event: AmiEvent, channel: ChannelId) -> None:
        if channel in self._books.direct:
            self._submit(i.PhoneServes(self._line(channel)))
        asked = event.get("Request")
        if asked not in CODES:
            log.warning("unknown feature code", server=self._server, request=asked[:40])
            return
        reason = event.get("Reason")
        self._on_code(
            FeatureCode(
                self._line(channel),
                asked,  # type: ignore[arg-type]
                event.get("Agent")[:32],
                "",
                int(reason) if reason.isascii() and reason.isdigit() and len(reason) < 4 else None,
                Phone(event.get("Phone")[:64]),
            )
        )

    # --- What channels do -------------------------------------------------------------------------------------

    def _bridge_enter(self, event: AmiEvent, channel: ChannelId) -> None:
        """The second of a pair to enter a bridge that is no waiting place makes the conversation."""
        if event.get("BridgeType") == "holding" or event.get("BridgeNumChannels") in {"0", "1"}:
            return
        pair = self._books.pair_of(channel)
        if pair is not None and pair[1].answered and not pair[1].bridged:
            pair[1].bridged = True
            self._submit(i.LegBridged(pair[0]))

    def _hangup_request(self, _event: AmiEvent, channel: ChannelId) -> None:
        """The first sign of an end, and the one that names who ended. Asterisk may still lose the hang-up."""
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None and leg.answered:
            self._expect_end(channel)
            self._leg_ended(OfferId(channel), "hung-up")
        elif channel in self._books.callers:
            self._expect_end(channel)
            self._caller_gone(channel)

    def _hangup(self, event: AmiEvent, channel: ChannelId) -> None:
        self._books.has_ended(channel)
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None:
            end = "hung-up" if leg.answered else dialplan.leg_end(event.get("Cause"))
            self._leg_ended(OfferId(channel), end)
        self._caller_gone(channel)
        if channel in self._books.direct:
            del self._books.direct[channel]
            self._submit(i.PhoneReleased(self._line(channel)))

    def _leg_ended(self, offer: OfferId, end: i.LegEnd) -> None:
        if self._books.forget_leg(offer) is not None:
            self._submit(i.LegEnded(offer, end))

    def _caller_gone(self, channel: ChannelId) -> None:
        if self._books.callers.pop(channel, None) is not None:
            self._submit(i.CallerLeft(self._line(channel), hung_up=True))

    def _originate_response(self, event: AmiEvent, _channel: ChannelId) -> None:
        """The only sign of a phone that could not be tried at all: no channel, so no Hangup will come."""
        offer = OfferId(event.get("ActionID").removeprefix(ORIGINATE))
        leg = self._books.legs.get(offer)
        if event.get("Response") == "Failure" and leg is not None and not leg.seen:
            self._leg_ended(offer, "unreachable")

    def _new_channel(self, event: AmiEvent, channel: ChannelId) -> None:
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None:
            leg.seen = True
            return
        phone = self.watch.phone_of(event.get("Channel"))
        if phone is None or dialplan.is_leg(channel):
            return
        self._books.direct[channel] = None
        placed = event.get("ChannelState") == RINGING_IN
        self._submit(i.PhoneInUse(phone, self._line(channel), "out" if placed else "in"))

    def _new_state(self, event: AmiEvent, channel: ChannelId) -> None:
        if event.get("ChannelState") == UP and channel in self._books.direct:
            self._submit(i.PhoneAnswered(self._line(channel)))


ORIGINATE: Final = "ring-"
"""Before the offer's id, the ActionID of its one Originate."""


def request_id(line: Line, number: int) -> RequestId:
    """The id of a request made from a phone: unlike any other, and telling where it came from."""
    return RequestId(f"phone-{line.server}-{line.channel}-{number}")
