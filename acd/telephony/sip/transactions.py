"""SIP transactions over UDP (RFC 3261, section 17): repeat what may be lost, answer what is repeated, match answers.

aiosipua 0.7 has message, dialog, digest and SDP layers, and these are used. Its user agents are not, since no
transaction layer lies under them:

- a refused INVITE is not acknowledged, so that Asterisk repeats its 401 or 486 for 32 seconds, and the
  repeated 401 is then taken for a refusal of the credentials;
- a repeated INVITE becomes a second call, or 481 once the first was answered; a repeated BYE gets 481;
- requests are sent once only: one lost datagram loses a call;
- after a CANCEL the call is forgotten, so that a 200 OK which crosses it is neither acknowledged nor hung up:
  a ghost call stays in Asterisk;
- the answer to a re-INVITE on an incoming call finds no owner, and a refused re-INVITE ends the call.

All timers are plain loop timers and end with `close()`; nothing here is a task.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from aiosipua import SipRequest, SipResponse

from acd.telephony.sip.wire import Address, Arrival, Wire

T1_S = 0.5
T2_S = 4.0
LIFETIME_S = 64 * T1_S
"""After so long a request has failed, and a finished transaction needs no further answers to repetitions."""
MAX_TRANSACTIONS = 2000

Key = tuple[str, str]
OnResponse = Callable[[SipResponse, int], None]
"""Called with a response and the time at which it was read."""


class _Repeating:
    """Sends again after T1, doubling up to T2, until stopped; after 64 T1 it gives up."""

    def __init__(self, again: Callable[[], object], give_up: Callable[[], None]) -> None:
        self._again = again
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._deadline_s = self._loop.time() + LIFETIME_S
        self._pause_s = T1_S
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(T1_S, self._due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        if self._loop.time() >= self._deadline_s:
            self._timer = None
            self._give_up()
            return
        self._again()
        self._pause_s = min(2 * self._pause_s, T2_S)
        self._timer = self._loop.call_later(self._pause_s, self._due)


class Phase(Enum):
    """How far a request has come."""

    CALLING = "calling"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"


class ClientTransaction:
    """A request that this phone has sent. Nobody's answer counts as 408, as RFC 3261 8.1.3.1 wants it."""

    def __init__(self, wire: Wire, request: SipRequest, to: Address, on_response: OnResponse) -> None:
        self.request = request
        self.phase = Phase.CALLING
        self._wire = wire
        self._to = to
        self._on_response = on_response
        self.sent_at = wire.send(request, to)
        self._repeating = _Repeating(lambda: wire.send(request, to), self._no_answer)

    @property
    def provisional_seen(self) -> bool:
        """Whether a CANCEL may be sent already (RFC 3261 9.1)."""
        return self.phase is Phase.PROCEEDING

    def handle(self, response: SipResponse, at_ns: int) -> None:
        """Take a response from the wire."""
        status = response.status_code
        if status < 200:
            self._provisional(response, at_ns)
        elif self.request.method == "INVITE":
            self._final_to_invite(response, at_ns)
        elif self.phase is not Phase.COMPLETED:
            self._complete(response, at_ns)

    def stop(self) -> None:
        self._repeating.stop()

    def _provisional(self, response: SipResponse, at_ns: int) -> None:
        if self.phase is Phase.COMPLETED:
            return
        self.phase = Phase.PROCEEDING
        if self.request.method == "INVITE":
            self._repeating.stop()
        self._on_response(response, at_ns)

    def _final_to_invite(self, response: SipResponse, at_ns: int) -> None:
        # A repeated 200 goes up, since the call acknowledges it; a repeated refusal is acknowledged here.
        refused = response.status_code >= 300
        if refused:
            self._wire.send(_ack_of_refusal(self.request, response), self._to)
        if not refused or self.phase is not Phase.COMPLETED:
            self._complete(response, at_ns)

    def _complete(self, response: SipResponse, at_ns: int) -> None:
        self.phase = Phase.COMPLETED
        self._repeating.stop()
        self._on_response(response, at_ns)

    def _no_answer(self) -> None:
        self._complete(SipResponse(status_code=408, reason_phrase="Request Timeout"), self.sent_at)


class ServerTransaction:
    """A request that has come in, with the answer that it got."""

    def __init__(self, wire: Wire, request: SipRequest, source: Address, at_ns: int) -> None:
        self.request = request
        self.source = source
        self.received_at = at_ns
        self.on_ack: Callable[[], None] = _nothing
        self.on_unacknowledged: Callable[[], None] = _nothing
        self._wire = wire
        self._answer: SipResponse | None = None
        self._repeating: _Repeating | None = None

    @property
    def answered(self) -> bool:
        """Whether the final answer has been given."""
        return self._answer is not None and self._answer.status_code >= 200

    def reply(self, response: SipResponse) -> int:
        """Send this answer now and return the time; a final answer to an INVITE is repeated until its ACK."""
        assert not self.answered, (self.request.method, response.status_code)
        self._answer = response
        at_ns = self._wire.send(response, self.source)
        if self.request.method == "INVITE" and response.status_code >= 200:
            self._repeating = _Repeating(self.repeat, self._no_ack)
        return at_ns

    def repeat(self) -> None:
        """Send the latest answer again."""
        if self._answer is not None:
            self._wire.send(self._answer, self.source)

    def acknowledged(self) -> None:
        """The ACK has come; for a 200 the call says so, since that ACK is matched by its dialog."""
        if self._repeating is not None:
            self.stop()
            self.on_ack()

    def stop(self) -> None:
        if self._repeating is not None:
            self._repeating.stop()
            self._repeating = None

    def _no_ack(self) -> None:
        self._repeating = None
        self.on_unacknowledged()


class Transactions:
    """All transactions of one phone. New requests go to `on_request`, acknowledgements of a 200 to `on_ack`."""

    def __init__(
        self,
        wire: Wire,
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[SipRequest], None],
    ) -> None:
        self._wire = wire
        self._on_request = on_request
        self._on_ack = on_ack
        self._clients: dict[Key, tuple[float, ClientTransaction]] = {}
        self._servers: dict[Key, tuple[float, ServerTransaction]] = {}

    def send(self, request: SipRequest, to: Address, on_response: OnResponse) -> ClientTransaction:
        """Send a request now; its answers go to `on_response`, the final one once (a 200 to an INVITE each time)."""
        transaction = ClientTransaction(self._wire, request, to, on_response)
        self._forget_old()
        self._clients[_key(request, request.method)] = (_now_s(), transaction)
        return transaction

    def handle(self, arrival: Arrival) -> None:
        """Take whatever came from the wire."""
        message = arrival.message
        if isinstance(message, SipResponse):
            self._handle_response(message, arrival.at_ns)
        elif message.method == "ACK":
            self._handle_ack(message)
        else:
            self._handle_request(message, arrival)

    def invite_of(self, cancel: SipRequest) -> ServerTransaction | None:
        """The INVITE that this CANCEL is about: the one with the same branch (RFC 3261 9.2)."""
        found = self._servers.get(_key(cancel, "INVITE"))
        return found[1] if found else None

    def close(self) -> None:
        """End every timer."""
        for _, client in self._clients.values():
            client.stop()
        for _, server in self._servers.values():
            server.stop()
        self._clients.clear()
        self._servers.clear()

    def _handle_response(self, response: SipResponse, at_ns: int) -> None:
        assert response.cseq is not None
        found = self._clients.get(_key(response, response.cseq.method))
        if found is not None:
            found[1].handle(response, at_ns)

    def _handle_ack(self, ack: SipRequest) -> None:
        # The ACK of a refusal has the INVITE's branch; that of a 200 is a transaction of its own.
        found = self._servers.get(_key(ack, "INVITE"))
        if found is not None:
            found[1].acknowledged()
        else:
            self._on_ack(ack)

    def _handle_request(self, request: SipRequest, arrival: Arrival) -> None:
        key = _key(request, request.method)
        if (found := self._servers.get(key)) is not None:
            found[1].repeat()
            return
        self._forget_old()
        transaction = ServerTransaction(self._wire, request, arrival.source, arrival.at_ns)
        self._servers[key] = (_now_s(), transaction)
        self._on_request(transaction)

    def _forget_old(self) -> None:
        _forget_old(self._clients, lambda transaction: transaction.phase is Phase.COMPLETED)
        _forget_old(self._servers, lambda transaction: transaction.answered)


T = TypeVar("T", ClientTransaction, ServerTransaction)


def _forget_old(kept: dict[Key, tuple[float, T]], finished: Callable[[T], bool]) -> None:
    limit_s = _now_s() - (2 * LIFETIME_S if len(kept) < MAX_TRANSACTIONS else 0)
    for key in [key for key, (begun_s, held) in kept.items() if begun_s < limit_s and finished(held)]:
        kept.pop(key)[1].stop()


def _nothing() -> None:
    pass


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _key(message: SipRequest | SipResponse, method: str) -> Key:
    return message.via[0].branch or message.call_id or "", method


def request_like(invite: SipRequest, method: str) -> SipRequest:
    """The ACK of a refusal or the CANCEL of an INVITE: same branch, same number (RFC 3261 9.1, 17.1.1.3)."""
    assert invite.cseq is not None
    request = SipRequest(method=method, uri=invite.uri)
    request.add_header("Via", invite.get_header_values("via")[0])
    for name in ("From", "To", "Call-ID"):
        request.set_header(name, invite.get_header(name) or "")
    request.set_header("CSeq", f"{invite.cseq.seq} {method}")
    request.set_header("Max-Forwards", "70")
    for route in invite.get_header_values("route"):
        request.add_header("Route", route)
    return request


def _ack_of_refusal(invite: SipRequest, refusal: SipResponse) -> SipRequest:
    ack = request_like(invite, "ACK")
    ack.set_header("To", refusal.get_header("to") or "")
    return ack
