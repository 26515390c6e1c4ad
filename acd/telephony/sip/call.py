"""A call as one phone has it: how it stands, when what happened, what is heard, and how it ends.

Everything that sends does so in the call itself, before any `await`, and notes when. What comes back can be
awaited. All times are `time.monotonic_ns()`, taken at the socket.
"""

from collections.abc import Callable
from enum import Enum

from aiosipua import SdpNegotiationError, SipRequest, SipResponse

from acd.telephony.sip.audio import Audio
from acd.telephony.sip.ear import Ear
from acd.telephony.sip.leg import Leg, Line, Request
from acd.telephony.sip.session import Session, Terms, terms_of
from acd.telephony.sip.tone import Measurement
from acd.telephony.sip.transactions import ServerTransaction
from acd.telephony.sip.watch import Eventually, NothingHappened, Watch

ANSWER_LIMIT_S = 5.0
"""How long an awaited hang-up, answer or hold waits for the far end's word."""


class State(Enum):
    """How a call stands: calling and ringing lead to talking or to the end, talking leads to the end."""

    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class EndedBy(Enum):
    """Who ended a call."""

    US = "us"
    THEM = "them"


class CallRefused(Exception):
    """The far end said no: `status` is its SIP status (486 busy, 603 declined ...), `reason` its words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class Call:
    """What callers' and called phones' calls have in common. `leg` is its dialog, `line` its phone's."""

    def __init__(self, line: Line, leg: Leg, forget: Callable[["Call"], None]) -> None:
        self.state = State.CALLING
        self.invite_at: int | None = None
        self.ringing_at: int | None = None
        self.answered_at: int | None = None
        self.hung_up_at: int | None = None
        """When this phone sent its BYE or CANCEL."""
        self.ended_at: int | None = None
        self.ended_by: EndedBy | None = None
        self.ended_with = ""
        """The Reason header of the far end's BYE or CANCEL, or the status of its refusal."""
        self.on_hold_by_far_end = False
        self.ear = Ear(where=self._where)
        self._line = line
        self._leg = leg
        self._forget = forget
        self._audio = Audio(line.host, media=line.media, ear=self.ear)
        self._session = Session(line.host, self._audio.port)
        self._watch = Watch()
        self._holding = False
        self._terms: Terms | None = None
        self._renegotiation: Request | None = None
        self._refusal: CallRefused | None = None
        self._unacknowledged: dict[int, ServerTransaction] = {}
        self._end_confirmed = False

    @property
    def call_id(self) -> str:
        """The SIP Call-ID."""
        return self._leg.dialog.call_id

    def __str__(self) -> str:
        return f"{type(self).__name__} of {self._line.number} ({self.state.value}, {self.call_id[:8]})"

    # What this side says.

    def send_tone(self, hz: float) -> None:
        """Send a tone (whole hertz) until told otherwise."""
        self._audio.send_tone(hz)

    def send_silence(self) -> None:
        """Send silence, as every call does at first."""
        self._audio.send_silence()

    async def press(self, keys: str) -> None:
        """Press keys, one after the other; returns when the last one has left (200 ms a key)."""
        await self._audio.press(keys)

    # What this side hears.

    @property
    def heard(self) -> Measurement:
        """What came in the last 200 ms."""
        return self.ear.heard()

    @property
    def keys_heard(self) -> str:
        """All keys that the far end has pressed."""
        return self._audio.keys_heard

    async def hears(self, hz: float, within_s: float = 2.0) -> None:
        """Return once this tone is heard, or raise `NotHeard` with what was heard instead."""
        await self.ear.hears(hz, within_s)

    async def hears_no_more(self, hz: float, within_s: float = 2.0) -> None:
        """Return once audio has arrived without this tone: it is over, whatever came after it."""
        await self.ear.hears_no_more(hz, within_s)

    async def hears_sound(self, within_s: float = 2.0, other_than: tuple[float, ...] = ()) -> None:
        """Return once anything but these tones is heard: music, a prompt."""
        await self.ear.hears_sound(within_s, other_than)

    async def hears_silence(self, for_s: float = 0.5, within_s: float = 3.0) -> None:
        """Return once nothing audible has come for so long."""
        await self.ear.hears_silence(for_s, within_s)

    async def hears_keys(self, keys: str, within_s: float = 2.0) -> None:
        """Return once the keys pressed by the far end so far end with these."""
        await self._audio.hears_keys(keys, within_s)

    # How it changes and ends.

    def hold(self) -> Eventually[None]:
        """Put the far end on hold: this phone neither talks nor listens. Awaited, it raises `CallRefused`."""
        return self._renegotiate(holding=True)

    def resume(self) -> Eventually[None]:
        """Talk again after a hold."""
        return self._renegotiate(holding=False)

    def hang_up(self) -> Eventually[None]:
        """End the call: the datagram leaves now. Awaited, it returns when the far end has confirmed."""
        if self.state is State.TALKING:
            self._send_bye()
        elif self.state is not State.ENDED:
            self._withdraw()
        return Eventually(self._confirmed_end)

    async def ended(self, within_s: float = 5.0) -> None:
        """Return once the call is over, whoever ended it."""
        await self._until(lambda: self.state is State.ENDED, within_s, "the call did not end")

    # What the phone hands over.

    def handle(self, request: ServerTransaction) -> None:
        """Take a request of the far end within this call."""
        match request.request.method:
            case "BYE":
                self._take_bye(request)
            case "INVITE" | "UPDATE" if self.state is State.ENDED:
                self._leg.reply(request, 481)
            case "INVITE" | "UPDATE":
                self._take_offer(request)
            case "INFO" | "NOTIFY" | "OPTIONS":
                self._leg.reply(request, 200)
            case _:
                self._leg.reply(request, 405)

    def acknowledged(self, ack: SipRequest) -> None:
        """Take the ACK of a 200 that this side has sent."""
        assert ack.cseq is not None
        answered = self._unacknowledged.pop(ack.cseq.seq, None)
        if answered is None:
            return
        answered.acknowledged()
        if ack.body and self.state is State.TALKING:
            self._agree_on(ack.text)
        self._watch.changed()

    def abandon(self) -> None:
        """End it without a word to the far end: the phone is gone."""
        self._end_confirmed = True
        self._end(EndedBy.US)

    # For the two kinds of call.

    def _withdraw(self) -> None:
        """End a call that nobody has answered yet."""
        raise NotImplementedError

    def _agree_on(self, sdp: str) -> None:
        # A far end that answers with nonsense is hung up on: there is nobody to talk to.
        try:
            self._agree(terms_of(sdp))
        except ValueError:
            self._send_bye_if_talking()

    def _agree(self, terms: Terms) -> None:
        self._terms = terms
        self.on_hold_by_far_end = not terms.listens
        sends = terms.listens and not self._holding and self.state is State.TALKING
        self._audio.connect(terms.remote, key_type=terms.key_type, sends=sends)

    def _talk(self, at_ns: int) -> None:
        self.answered_at = at_ns
        self.state = State.TALKING
        self._watch.changed()

    def _end(self, by: EndedBy, why: str = "", at_ns: int | None = None) -> None:
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        self.ended_by = by
        self.ended_with = why
        self.ended_at = at_ns
        for waiting in self._unacknowledged.values():
            waiting.stop()
        self._audio.close()
        self._watch.changed()
        if by is not EndedBy.US:
            self._forget(self)

    def _send_bye(self) -> None:
        request = self._leg.send("BYE", self._bye_confirmed)
        self.hung_up_at = request.transaction.sent_at
        self._end(EndedBy.US, at_ns=self.hung_up_at)

    def _bye_confirmed(self, response: SipResponse, _at_ns: int) -> None:
        if response.status_code >= 200:
            self._gone()

    def _gone(self) -> None:
        self._end_confirmed = True
        self._watch.changed()
        self._forget(self)

    async def _confirmed_end(self) -> None:
        await self._until(
            lambda: self.state is State.ENDED and (self.ended_by is not EndedBy.US or self._end_confirmed),
            ANSWER_LIMIT_S,
            "the far end did not confirm the end",
        )

    async def _until(self, true: Callable[[], bool], within_s: float, otherwise: str) -> None:
        await self._watch.until(
            true,
            within_s,
            lambda: NothingHappened(f"{otherwise} within {within_s:g} s: {self}\n{self._line.wire.conversation()}"),
        )

    def _where(self) -> str:
        return f"{self}, {self._audio.packets_sent} packets sent, {self.ear.frames_heard} received; "

    # Re-INVITE and UPDATE, in both directions.

    def _renegotiate(self, *, holding: bool) -> Eventually[None]:
        if self.state is not State.TALKING:
            raise RuntimeError(f"hold and resume need a call that is talking: {self}")
        if self._renegotiation is not None:
            raise RuntimeError(f"the last hold or resume is not answered yet: {self}")
        before, self._holding = self._holding, holding
        self._refusal = None
        sdp = self._session.offer(holding=holding)

        def answered(response: SipResponse, _at_ns: int) -> None:
            if response.status_code >= 200:
                self._renegotiated(response, before=before)

        self._renegotiation = self._leg.send("INVITE", answered, sdp=sdp)
        return Eventually(self._settled)

    def _renegotiated(self, response: SipResponse, *, before: bool) -> None:
        if response.status_code >= 300:
            self._holding = before
            self._refusal = CallRefused(response.status_code, response.reason_phrase)
        else:
            self._leg.acknowledge(response)
            if self._renegotiation is not None and self.state is State.TALKING:
                self._agree_on(response.text)
        self._renegotiation = None
        self._watch.changed()

    async def _settled(self) -> None:
        await self._until(
            lambda: self._renegotiation is None or self.state is State.ENDED,
            ANSWER_LIMIT_S,
            "hold or resume was not answered",
        )
        if self._refusal is not None:
            raise self._refusal

    def _take_offer(self, request: ServerTransaction) -> None:
        if self._renegotiation is not None:
            self._leg.reply(request, 491, "Request Pending")
            return
        offer = request.request.text
        try:
            sdp = self._answer_to(offer, request.request.method)
        except (SdpNegotiationError, ValueError):
            self._leg.reply(request, 488)
            return
        self._leg.reply(request, 200, sdp=sdp)
        if request.request.method == "INVITE":
            self._await_ack(request)
        if offer:
            self._agree(terms_of(offer))
            self._watch.changed()

    def _answer_to(self, offer: str, method: str) -> str:
        """The SDP of a 200: an answer to an offer, an offer where the INVITE left it to us (RFC 3264 5)."""
        if offer:
            return self._session.answer(offer, holding=self._holding)
        return self._session.offer(holding=self._holding) if method == "INVITE" else ""

    def _await_ack(self, answered: ServerTransaction) -> None:
        assert answered.request.cseq is not None
        self._unacknowledged[answered.request.cseq.seq] = answered
        answered.on_unacknowledged = self._send_bye_if_talking

    def _send_bye_if_talking(self) -> None:
        if self.state is State.TALKING:
            self._send_bye()

    def _take_bye(self, bye: ServerTransaction) -> None:
        self._leg.reply(bye, 200)
        if self.state is State.ENDED:
            self._gone()
        self._end(EndedBy.THEM, bye.request.get_header("reason") or "", bye.received_at)
