"""Events of one server become inputs."""

from collections.abc import Callable
from typing import Final, get_args

import structlog

from acd.model import ChannelId, Line, OfferId, QueueId, ServerId
from acd.router import inputs as i
from acd.telephony.ami import dialplan
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.ami.protocol import is_milestone
from acd.telephony.port import CodeRequest, FeatureCode, Submit
from acd.telephony.wishes import wishes_of, words_of

log = structlog.get_logger(__name__)

RINGING_IN: Final = "4"
"""ChannelState of a channel that the far end dialled into Asterisk; one that Asterisk dials begins in state 0."""
UP: Final = "6"
TIMED_OUT: Final = "3"
"""The one Reason of a failed Originate that says something: its channel rang, so a Hangup will follow."""
HOLDING: Final = "holding_bridge"
"""The technology of a bridge in which nobody hears anybody."""
CODES: Final[dict[str, CodeRequest]] = {request: request for request in get_args(CodeRequest)}


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
        self.malformed = 0
        """Events that were none of Asterisk's, or were made to look like another one."""
        self.foreign = 0
        """Legs that another engine rang."""
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
            "UserEvent": self._user_event,
        }
        self._by_user_event: dict[str, Callable[[AmiEvent, ChannelId], None]] = {
            "AcdBack": self._back,
            "AcdCall": self._call,
            "AcdLeft": self._left,
            "AcdRequest": self._request,
            "AcdStay": self._stay,
            "AcdUp": self._leg_up,
        }

    def hear(self, event: AmiEvent) -> None:
        """Take one event. One that we do not know is no error: filters are the operator's."""
        if event.name == "OriginateResponse":  # its Uniqueid is what was asked for, whether it came to be or not
            self._originate_response(event)
            return
        handler = self._by_name.get(event.name)
        if handler is None:
            return
        channel = dialplan.channel_of(event)
        if channel is None:
            self._not_understood(event)
        else:
            handler(event, channel)

    def _not_understood(self, event: AmiEvent) -> None:
        self.malformed += 1
        if is_milestone(self.malformed):
            log.warning("event without a channel", server=self._server, ami_event=event.name, so_far=self.malformed)

    def _line(self, channel: ChannelId) -> Line:
        return Line(self._server, channel)

    # --- What the dialplan says -------------------------------------------------------------------------------

    def _user_event(self, event: AmiEvent, channel: ChannelId) -> None:
        handler = self._by_user_event.get(event.get("UserEvent"))
        if handler is not None:
            handler(event, channel)

    def _call(self, event: AmiEvent, channel: ChannelId) -> None:
        known = self._books.callers.get(channel)
        queue = dialplan.queue_of(event.get("Queue"))
        if known is not None and not known.announced and known.queue == queue:  # the report was quicker than the event
            known.announced = True
            return
        if known is not None:  # handed over again: out of a conversation (transferred), or by the operator's hand
            self._hand_over_ended(channel)
        self._books.hand_over(channel, Caller(queue))
        if channel in self._books.direct:  # an agent's phone calls a queue: it is in use, but as a caller
            self._submit(i.PhoneServes(self._line(channel)))
        self._arrived(event, channel, queue)

    def _back(self, event: AmiEvent, channel: ChannelId) -> None:
        """The bridge was not made, or fell in the moment in which it was made: the caller waits on. Who is still in
        line keeps the place; whose conversation is counted as over is in line again, as one who has waited."""
        caller = self._books.callers.get(channel)
        if caller is None:
            passed_on = dialplan.passed_on(event.get("Passed"))
            caller = Caller(dialplan.queue_of(event.get("Queue")), passed_on=passed_on)
            self._books.hand_over(channel, caller)
        offer = OfferId(event.get("Offer"))  # the core may have made another one meanwhile: that one rings on
        leg = self._books.legs.get(offer)
        if leg is not None and leg.caller == channel:
            self._expect_end(ChannelId(offer))
            self._leg_ended(offer, "hung-up")
        waited_ms = max(1, dialplan.waited(dialplan.number_of(event.get("Waited")) or 0))
        self._arrived(event, channel, caller.now_in, waited_ms, caller.passed_on)

    def _arrived(
        self,
        event: AmiEvent,
        channel: ChannelId,
        queue: QueueId,
        waited_ms: int = 0,
        passed_on: i.PassedOn | None = None,
    ) -> None:
        wishes = wishes_of(words_of(event.get("Skills")))
        self._submit(
            i.CallArrived(
                self._line(channel),
                queue,
                dialplan.caller_of(event),
                dialplan.priority_of(event.get("CallPriority")),
                wishes.required,
                wishes.wanted,
                waited_ms,
                named=wishes.named,
                passed_on=passed_on,
                unreadable=not wishes.readable,
            )
        )

    def _stay(self, _event: AmiEvent, channel: ChannelId) -> None:
        """The caller was just leaving, and saw our claim."""
        self._announced(channel)
        self._on_claimed(channel)

    def _left(self, event: AmiEvent, channel: ChannelId) -> None:
        """The caller went on in the operator's dialplan: by our word, or without us."""
        caller = self._books.callers.get(channel)
        if caller is None:
            return
        if event.get("Result") == "served":  # the bridge's own event may be the slower one
            self._bridged(channel)
        self._hand_over_ended(channel)

    def _hand_over_ended(self, channel: ChannelId) -> None:
        """A caller who goes on after a conversation was let go by the agent."""
        pair = self._books.pair_of(channel)
        if pair is not None and pair.leg.bridged:
            self._expect_end(ChannelId(pair.offer))
            self._leg_ended(pair.offer, "hung-up")
        self._caller_gone(channel, hung_up=False)

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
        asked = CODES.get(event.get("Request"))
        if asked is None:
            log.warning("unknown feature code", server=self._server, request=event.get("Request")[:40])
            return
        self._on_code(
            FeatureCode(
                self._line(channel),
                asked,
                event.get("Agent")[:32],
                "",
                dialplan.number_of(event.get("Reason")),
                dialplan.phone_of(event.get("Phone")),
                dialplan.number_of(event.get("Disposition")),
                dialplan.caller_of(event).number,
            )
        )

    # --- What channels do -------------------------------------------------------------------------------------

    def _bridge_enter(self, event: AmiEvent, channel: ChannelId) -> None:
        """The second of a pair to enter a bridge that is no waiting place makes the conversation."""
        together = dialplan.number_of(event.get("BridgeNumChannels")) or 0
        if together >= 2 and event.get("BridgeTechnology") != HOLDING:
            self._bridged(channel)

    def _bridged(self, channel: ChannelId) -> None:
        pair = self._books.pair_of(channel)
        if pair is not None and pair.leg.answered and not pair.leg.bridged:
            pair.leg.bridged = True
            self._announced(pair.leg.caller)
            self._submit(i.LegBridged(pair.offer))

    def _announced(self, channel: ChannelId) -> None:
        """Who has come so far was handed over long ago: the next word of it is another hand-over."""
        caller = self._books.callers.get(channel)
        if caller is not None:
            caller.announced = True

    def _hangup_request(self, _event: AmiEvent, channel: ChannelId) -> None:
        """The first sign of an end, and the one that names who ended. Asterisk may still lose the hang-up."""
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None:
            leg.seen = True
            if leg.answered:
                self._expect_end(channel)
                self._leg_ended(OfferId(channel), "hung-up")
        elif channel in self._books.callers:
            self._expect_end(channel)
            self._caller_gone(channel, hung_up=True)

    def _hangup(self, event: AmiEvent, channel: ChannelId) -> None:
        self._books.has_ended(channel)
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None:
            end = "hung-up" if leg.answered else dialplan.leg_end(event.get("Cause"))
            self._leg_ended(OfferId(channel), end)
        self._caller_gone(channel, hung_up=True)
        if channel in self._books.direct:
            del self._books.direct[channel]
            self._submit(i.PhoneReleased(self._line(channel)))

    def _leg_ended(self, offer: OfferId, end: i.LegEnd) -> None:
        if self._books.forget_leg(offer) is not None:
            self._submit(i.LegEnded(offer, end))

    def _caller_gone(self, channel: ChannelId, *, hung_up: bool) -> None:
        if self._books.forget_caller(channel) is not None:
            self._submit(i.CallerLeft(self._line(channel), hung_up))

    def _originate_response(self, event: AmiEvent) -> None:
        """The only sign of a phone that could not be tried at all: no channel, so no Hangup will come. It comes
        before the Hangup of a channel that there was."""
        offer = dialplan.offer_of(event.get("ActionID"))
        leg = self._books.legs.get(offer)
        failed = event.get("Response") == "Failure" and event.get("Reason") != TIMED_OUT
        if failed and leg is not None and not leg.seen:
            self._leg_ended(offer, "unreachable")

    def _new_channel(self, event: AmiEvent, channel: ChannelId) -> None:
        if dialplan.is_leg(channel):
            self._new_leg(channel)
            return
        phone = self.watch.phone_of(event.get("Channel"))
        if phone is None:
            return
        self._books.direct[channel] = None
        placed = event.get("ChannelState") == RINGING_IN
        self._submit(i.PhoneInUse(phone, self._line(channel), "out" if placed else "in"))

    def _new_leg(self, channel: ChannelId) -> None:
        """A leg that nobody wants any more when its channel begins: the order to hang it up came before it."""
        leg = self._books.legs.get(OfferId(channel))
        if leg is not None:
            leg.seen = True
        elif self._books.made_here(OfferId(channel)):
            self._hang_up(channel)
        else:
            self._other_engine(channel)

    def _other_engine(self, channel: ChannelId) -> None:
        """Its legs are not ours to hang up; that both claim every call is for the operator to end."""
        self.foreign += 1
        if is_milestone(self.foreign):
            log.error(
                "another engine rings agents on this server",
                server=self._server,
                channel=channel,
                mend="let only one engine use a server: end the other one, or give each its own",
            )

    def _new_state(self, event: AmiEvent, channel: ChannelId) -> None:
        if event.get("ChannelState") == UP and channel in self._books.direct:
            self._submit(i.PhoneAnswered(self._line(channel)))
