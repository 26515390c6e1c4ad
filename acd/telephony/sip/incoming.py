"""A call that comes to this phone."""

from collections.abc import Callable

from aiosipua import SdpNegotiationError, parse_address

from acd.telephony.sip.call import ANSWER_LIMIT_S, Call, EndedBy, State
from acd.telephony.sip.leg import Leg, Line, caller_of
from acd.telephony.sip.session import terms_of
from acd.telephony.sip.transactions import ServerTransaction
from acd.telephony.sip.watch import Eventually


class IncomingCall(Call):
    """Says 180 when it is made, unless its phone does not ring. `received_at` is when the INVITE was read."""

    def __init__(self, line: Line, invite: ServerTransaction, forget: Callable[[Call], None]) -> None:
        super().__init__(line, Leg.called(line, invite), forget)
        self.received_at: int = invite.received_at
        self.invite_at = invite.received_at
        self.cancelled_at: int | None = None
        self._invite = invite
        self._acked = False
        invite.on_ack = self._ack_came
        self._sdp = self._prepared_answer()
        if not self._sdp:
            self.refuse(488, "Not Acceptable Here")
        elif line.rings:
            self.ringing()
        else:
            self._leg.reply(invite, 100, "Trying")

    @property
    def caller_number(self) -> str:
        """The user part of the caller's address."""
        return parse_address(caller_of(self._invite.request)[1]).uri.user or ""

    @property
    def caller_name(self) -> str:
        """The caller's name as it was meant, without quotes."""
        return caller_of(self._invite.request)[0]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the INVITE, names in lower case; of a repeated header the first value."""
        return {name.lower(): values[0] for name, values in self._invite.request.headers.items()}

    def ringing(self) -> None:
        """Say 180."""
        if self.state in (State.CALLING, State.RINGING):
            self.ringing_at = self._leg.reply(self._invite, 180)
            self.state = State.RINGING

    def answer(self) -> Eventually[bool]:
        """Say 200 now. Awaited, it tells whether the call came to stand: false when the caller had left already,
        or left before the ACK."""
        if self.state in (State.CALLING, State.RINGING):
            self._await_ack(self._invite)
            at_ns = self._leg.reply(self._invite, 200, sdp=self._sdp)
            self._leg.dialog.confirm()
            self._talk(at_ns)
            if self._terms is not None:
                self._agree(self._terms)
        return Eventually(self._stands)

    def decline(self) -> Eventually[None]:
        """Say 603 now: the person does not want this call. Awaited, it returns when the far end has confirmed."""
        return self.refuse(603, "Decline")

    def busy(self) -> Eventually[None]:
        """Say 486 now."""
        return self.refuse(486, "Busy Here")

    def refuse(self, status: int, reason: str = "") -> Eventually[None]:
        """Refuse with this status now; a call that is over already stays as it is."""
        if self.state in (State.CALLING, State.RINGING):
            at_ns = self._leg.reply(self._invite, status, reason)
            self._refuse(EndedBy.US, f"{status} {reason}", at_ns)
        return Eventually(self._confirmed_end)

    async def cancelled(self, within_s: float = 5.0) -> None:
        """Return once the far end has withdrawn the call (CANCEL)."""
        await self._until(lambda: self.cancelled_at is not None, within_s, "the call was not withdrawn")

    def cancel(self, cancel: ServerTransaction) -> None:
        """Take the far end's CANCEL. After the answer it changes nothing: the far end must hang up."""
        self._leg.reply(cancel, 200)
        if self.state in (State.CALLING, State.RINGING):
            self.cancelled_at = cancel.received_at
            self._leg.reply(self._invite, 487)
            self._refuse(EndedBy.THEM, cancel.request.get_header("reason") or "", cancel.received_at)

    def _withdraw(self) -> None:
        self.decline()

    def _prepared_answer(self) -> str:
        # Prepared now, so that an answer leaves without delay.
        offer = self._invite.request.text
        try:
            self._terms = terms_of(offer) if offer else None
            return self._answer_to(offer, "INVITE")
        except (SdpNegotiationError, ValueError):
            return ""

    def _refuse(self, by: EndedBy, why: str, at_ns: int) -> None:
        self._invite.on_unacknowledged = self._gone
        self._end(by, why, at_ns)

    def _ack_came(self) -> None:
        self._acked = True
        if self.state is State.ENDED:
            self._gone()
        self._watch.changed()

    async def _stands(self) -> bool:
        await self._until(
            lambda: self._acked or self.state is State.ENDED, ANSWER_LIMIT_S, "the answer was not acknowledged"
        )
        return self._acked and self.answered_at is not None
