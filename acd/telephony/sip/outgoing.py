"""A call that this phone places."""

from collections.abc import Callable

from aiosipua import SipResponse

from acd.telephony.sip.call import Call, CallRefused, EndedBy, State
from acd.telephony.sip.leg import Leg, Line, Request, named
from acd.telephony.sip.transactions import request_like
from acd.telephony.sip.watch import NothingHappened


class OutgoingCall(Call):
    """Sends its INVITE when it is made. `invite_at` is the time of the INVITE that counts: where the far end asks
    for credentials, that is the second one, and `first_invite_at` the first."""

    def __init__(
        self,
        line: Line,
        leg: Leg,
        forget: Callable[[Call], None],
        *,
        caller_name: str,
        headers: dict[str, str],
        timeout_s: float,
    ) -> None:
        super().__init__(line, leg, forget)
        self._timeout_s = timeout_s
        self._withdrawn = False
        sender = f"{named(caller_name, leg.dialog.local_uri)};tag={leg.dialog.local_tag}"
        try:
            self._invite: Request = leg.send(
                "INVITE",
                self._answered_by,
                sdp=self._session.offer(holding=False),
                headers={**headers, "From": sender},
            )
        except ValueError:  # a line break in a name or header
            self._audio.close()
            raise
        self.first_invite_at: int = self._invite.transaction.sent_at
        self.invite_at = self.first_invite_at

    async def ringing(self, within_s: float | None = None) -> None:
        """Return once the far end rings, or has gone further; raises `CallRefused` when it refuses."""
        await self._reached(lambda: self.ringing_at is not None or self.answered_at is not None, within_s, "ring")

    async def answered(self, within_s: float | None = None) -> None:
        """Return once the far end has answered; raises `CallRefused` when it refuses."""
        await self._reached(lambda: self.answered_at is not None, within_s, "answer")

    async def refused(self, within_s: float | None = None) -> CallRefused:
        """Return the far end's refusal once it has come."""
        limit_s = self._timeout_s if within_s is None else within_s
        await self._until(lambda: self._refusal is not None, limit_s, "no refusal came")
        assert self._refusal is not None
        return self._refusal

    async def _reached(self, true: Callable[[], bool], within_s: float | None, what: str) -> None:
        limit_s = self._timeout_s if within_s is None else within_s
        await self._until(lambda: true() or self.state is State.ENDED, limit_s, f"the far end did not {what}")
        if not true():
            raise self._refusal or NothingHappened(f"the far end did not {what} before the end: {self}")

    def _answered_by(self, response: SipResponse, at_ns: int) -> None:
        self.invite_at = self._invite.transaction.sent_at
        if response.status_code < 200:
            self._progressed(response, at_ns)
        elif response.status_code < 300:
            self._accepted(response, at_ns)
        elif self.state is not State.ENDED:
            self._refused_by(response, at_ns)

    def _progressed(self, response: SipResponse, at_ns: int) -> None:
        if self._withdrawn and self.hung_up_at is None:
            self._send_cancel()
        if response.status_code == 100 or self.state is not State.CALLING:
            return
        self.ringing_at = at_ns
        self.state = State.RINGING
        if response.body:
            self._agree_on(response.text)  # early media: listened to, and answered with nothing
        self._watch.changed()

    def _accepted(self, response: SipResponse, at_ns: int) -> None:
        if self.state in (State.CALLING, State.RINGING):
            self._leg.confirmed_by(response)
            self._leg.acknowledge(response)
            self._begin(response, at_ns)
        else:
            self._leg.acknowledge(response)  # the 200 came again: its ACK was lost

    def _begin(self, response: SipResponse, at_ns: int) -> None:
        self._talk(at_ns)
        if self._withdrawn:
            # The 200 has crossed our CANCEL: the call stands, and is ended as a call that stands.
            self._send_bye()
        else:
            self._agree_on(response.text)

    def _refused_by(self, response: SipResponse, at_ns: int) -> None:
        why = f"{response.status_code} {response.reason_phrase}"
        self._refusal = CallRefused(response.status_code, response.reason_phrase)
        self._end_confirmed = True
        self._end(EndedBy.US if self._withdrawn else EndedBy.THEM, why, at_ns)
        self._forget(self)

    def _withdraw(self) -> None:
        if self._withdrawn:
            return
        self._withdrawn = self._invite.given_up = True
        # A CANCEL may overtake its INVITE, so it waits for the first sign of life (RFC 3261 9.1).
        if self._invite.transaction.provisional_seen:
            self._send_cancel()

    def _send_cancel(self) -> None:
        cancel = request_like(self._invite.transaction.request, "CANCEL")
        sent = self._line.transactions.send(cancel, self._leg.far, lambda _response, _at_ns: None)
        self.hung_up_at = sent.sent_at
