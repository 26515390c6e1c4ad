"""One side of a SIP dialog: builds the requests and answers of a call, with credentials when they are asked for.

The dialog itself is aiosipua's. Mended here: it takes no route or target from the answer to an INVITE, has no way
to name the caller, counts up for an ACK, and reads a name that contains `<` as the address.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiosipua import (
    CSeq,
    Dialog,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    create_dialog_from_request,
    generate_call_id,
    generate_tag,
    stringify_uri,
)
from aiosipua.auth import answer_challenge

from acd.telephony.sip.transactions import ClientTransaction, OnResponse, ServerTransaction, Transactions
from acd.telephony.sip.wire import Address, Wire

ALLOWED = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"
SDP = "application/sdp"
CHALLENGES = (401, 407)


@dataclass(frozen=True)
class Line:
    """What a call needs of its phone."""

    number: str
    wire: Wire
    transactions: Transactions
    credentials: SipDigestAuth | None
    media: bool
    rings: bool

    @property
    def host(self) -> str:
        return self.wire.address[0]

    @property
    def uri(self) -> str:
        """Where this phone is reached."""
        host, port = self.wire.address
        return f"sip:{self.number}@{host}:{port}"


class Leg:
    """The dialog of one call, seen from this phone. `far` is where its requests are sent."""

    def __init__(self, line: Line, dialog: Dialog, far: Address) -> None:
        self.dialog = dialog
        self.far = far
        self._line = line

    @classmethod
    def calling(cls, line: Line, from_uri: str, to_uri: str, far: Address) -> "Leg":
        """A dialog that this phone begins."""
        dialog = Dialog(
            call_id=generate_call_id(line.host),
            local_tag=generate_tag(),
            local_uri=from_uri,
            remote_uri=to_uri,
            remote_target=to_uri,
        )
        return cls(line, dialog, far)

    @classmethod
    def called(cls, line: Line, invite: ServerTransaction) -> "Leg":
        """A dialog that somebody begins with this phone."""
        # The copy without the caller's name is for aiosipua, which looks for "<" in the name too.
        copy = SipRequest(invite.request.headers.copy(), method="INVITE", uri=invite.request.uri)
        copy.set_header("From", caller_of(invite.request)[1])
        return cls(line, create_dialog_from_request(copy), invite.source)

    def send(
        self,
        method: str,
        on_response: OnResponse,
        *,
        sdp: str = "",
        headers: dict[str, str] | None = None,
    ) -> "Request":
        """Send a request of this dialog now."""

        def build() -> SipRequest:
            host, port = self._line.wire.address
            request = self.dialog.create_request(method, via_host=host, via_port=port)
            request.set_header("Contact", f"<{self._line.uri}>")
            request.set_header("Allow", ALLOWED)
            for name, value in (headers or {}).items():
                request.set_header(name, value)
            if sdp:
                request.text = sdp
                request.set_header("Content-Type", SDP)
            return request

        return Request(self._line, build, self.far, on_response)

    def acknowledge(self, response: SipResponse) -> None:
        """Send the ACK of a 200 to an INVITE; it bears that INVITE's number and is not answered."""
        assert response.cseq is not None
        host, port = self._line.wire.address
        ack = self.dialog.create_request("ACK", via_host=host, via_port=port)
        self.dialog.local_cseq -= 1
        ack.cseq = CSeq(response.cseq.seq, "ACK")
        self._line.wire.send(ack, self.far)

    def reply(self, to: ServerTransaction, status: int, reason: str = "", *, sdp: str = "") -> int:
        """Answer a request of this dialog now, and return the time of it."""
        response = self.dialog.create_response(to.request, status, reason, contact=f"<{self._line.uri}>")
        response.set_header("Allow", ALLOWED)
        if sdp:
            response.text = sdp
            response.set_header("Content-Type", SDP)
        return to.reply(response)

    def confirmed_by(self, response: SipResponse) -> None:
        """Take the far end's tag, target and route from its 200 (RFC 3261 12.1.2)."""
        to = response.to_addr
        self.dialog.remote_tag = (to.tag if to else None) or ""
        if response.contact:
            self.dialog.remote_target = stringify_uri(response.contact[0].uri)
        self.dialog.route_set = list(reversed(response.get_header_values("record-route")))
        self.dialog.confirm()


class Request:
    """A request of this phone, sent a second time with credentials when the far end wants them."""

    def __init__(self, line: Line, build: Callable[[], SipRequest], far: Address, on_response: OnResponse) -> None:
        self.transaction: ClientTransaction
        self.given_up = False
        """Set to take a challenge as the end: the caller has hung up meanwhile."""
        self._line = line
        self._build = build
        self._far = far
        self._on_response = on_response
        self._challenged = False
        self._send(build())

    def _send(self, request: SipRequest) -> None:
        self.transaction = self._line.transactions.send(request, self._far, self._heard)

    def _heard(self, response: SipResponse, at_ns: int) -> None:
        if response.status_code in CHALLENGES and not self._challenged and not self.given_up:
            self._challenged = True
            if self._sent_with_credentials(response):
                return
        self._on_response(response, at_ns)

    def _sent_with_credentials(self, challenge: SipResponse) -> bool:
        if self._line.credentials is None:
            return False
        first = self.transaction.request
        header = answer_challenge(self._line.credentials, challenge, challenge.status_code, first.method, first.uri)
        if header is None:
            return False
        request = self._build()
        request.set_header(*header)
        self._send(request)
        return True


def plain_reply(to: ServerTransaction, status: int, reason: str) -> None:
    """Answer a request that belongs to no call."""
    response = SipResponse(status_code=status, reason_phrase=reason)
    for via in to.request.get_header_values("via"):
        response.add_header("Via", via)
    for name in ("From", "Call-ID", "CSeq"):
        response.set_header(name, to.request.get_header(name) or "")
    called = to.request.get_header("to") or ""
    response.set_header("To", called if ";tag=" in called else f"{called};tag={generate_tag()}")
    response.set_header("Allow", ALLOWED)
    to.reply(response)


def named(name: str, uri: str) -> str:
    """An address with the name of its owner, quoted so that any name is only a name (RFC 3261 25.1)."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{uri}>'


def caller_of(request: SipRequest) -> tuple[str, str]:
    """The caller's name and the rest of the From header, whatever the name contains."""
    value = (request.get_header("from") or "").strip()
    if not value.startswith('"'):
        name, bracket, rest = value.partition("<")
        return name.strip(), bracket + rest if bracket else value
    name, position = "", 1
    while position < len(value) and value[position] != '"':
        if value[position] == "\\":
            position += 1
        name += value[position : position + 1]
        position += 1
    return name, value[position + 1 :].strip()
