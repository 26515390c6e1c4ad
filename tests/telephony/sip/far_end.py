"""A far end that says exactly what a test tells it to, over a real socket: also what no phone should say."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosipua import SipMessage, SipRequest, SipResponse

from acd.telephony.sip.audio import Audio
from acd.telephony.sip.ear import Ear
from acd.telephony.sip.session import Session
from acd.telephony.sip.transactions import request_like
from acd.telephony.sip.wire import Address


class FarEnd(asyncio.DatagramProtocol):
    """Keeps what arrives in a queue; each `expect` takes the next one."""

    def __init__(self) -> None:
        self.address: Address = ("", 0)
        self.phone: Address = ("", 0)
        self.arrived: asyncio.Queue[SipRequest | SipResponse] = asyncio.Queue()
        self.audio = Audio("127.0.0.1", media=True, ear=Ear())
        self.sdp = Session("127.0.0.1", self.audio.port)
        self._number = 100
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self.address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.phone = addr
        self.arrived.put_nowait(SipMessage.parse(data))

    @property
    def uri(self) -> str:
        return f"sip:far@{self.address[0]}:{self.address[1]}"

    def throw(self, data: bytes, to: Address | None = None) -> None:
        self._transport.sendto(data, to or self.phone)

    def send(self, message: SipRequest | SipResponse, to: Address | None = None) -> None:
        self.throw(bytes(message), to)

    async def expect(self, what: str | int, within_s: float = 1.0) -> SipRequest:
        """The next message, which must be this request or have this status."""
        async with asyncio.timeout(within_s):
            message = await self.arrived.get()
        kind = message.method if isinstance(message, SipRequest) else message.status_code
        assert kind == what, bytes(message).decode()
        return message  # type: ignore[return-value]

    async def expect_nothing(self, for_s: float) -> None:
        try:
            async with asyncio.timeout(for_s):
                message = await self.arrived.get()
        except TimeoutError:
            return
        raise AssertionError(f"nothing was expected, but this came: {bytes(message).decode()}")

    def reply(
        self, to: SipRequest, status: int, sdp: str = "", *, tag: str = "far", headers: dict[str, str] | None = None
    ) -> SipResponse:
        """Answer a request of the phone's."""
        response = SipResponse(status_code=status, reason_phrase="Scripted")
        for via in to.get_header_values("via"):
            response.add_header("Via", via)
        for name in ("From", "To", "Call-ID", "CSeq"):
            response.set_header(name, to.get_header(name) or "")
        if status > 100 and ";tag=" not in (to.get_header("to") or ""):
            response.set_header("To", f"{to.get_header('to')};tag={tag}")
        response.set_header("Contact", f"<{self.uri}>")
        for name, value in (headers or {}).items():
            response.set_header(name, value)
        if sdp:
            response.text = sdp
            response.set_header("Content-Type", "application/sdp")
        self.send(response)
        return response

    def invite(self, to: str, sdp: str, *, branch: str = "z9hG4bKfirst", call_id: str = "scripted") -> SipRequest:
        """Call the phone."""
        request = self._request("INVITE", to, "", branch, sdp)
        request.set_header("Call-ID", call_id)
        host, port = to.removeprefix("sip:").partition("@")[2].split(":")
        self.phone = (host, int(port))
        self.send(request)
        return request

    def ask(self, method: str, within: SipRequest | SipResponse, sdp: str = "") -> SipRequest:
        """Send a request within the dialog that this message of the phone's belongs to."""
        theirs, ours = ("to", "from") if isinstance(within, SipResponse) else ("from", "to")
        request = self._request(method, self.phone_uri, "", f"z9hG4bK{method}{time.monotonic_ns()}", sdp)
        request.set_header("To", within.get_header(theirs) or "")
        own = within.get_header(ours) or ""
        request.set_header("From", own if ";tag=" in own else f"{own};tag=far")
        request.set_header("Call-ID", within.call_id or "")
        self.send(request)
        return request

    def acknowledge(self, answered: SipRequest, response: SipResponse | SipRequest, sdp: str = "") -> None:
        """Send the ACK of the phone's 200 to an INVITE of ours."""
        ack = request_like(answered, "ACK")
        ack.remove_header("Via")
        ack.add_header("Via", f"SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bKack{self._number}")
        ack.set_header("To", response.get_header("to") or "")
        if sdp:
            ack.text = sdp
            ack.set_header("Content-Type", "application/sdp")
        self.send(ack)

    @property
    def phone_uri(self) -> str:
        return f"sip:1001@{self.phone[0]}:{self.phone[1]}"

    def _request(self, method: str, uri: str, to_tag: str, branch: str, sdp: str) -> SipRequest:
        self._number += 1
        request = SipRequest(method=method, uri=uri)
        request.add_header("Via", f"SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch={branch}")
        request.set_header("From", f"<{self.uri}>;tag=far")
        request.set_header("To", f"<{uri}>{to_tag}")
        request.set_header("CSeq", f"{self._number} {method}")
        request.set_header("Call-ID", "scripted")
        request.set_header("Contact", f"<{self.uri}>")
        if sdp:
            request.text = sdp
            request.set_header("Content-Type", "application/sdp")
        return request

    def close(self) -> None:
        self.audio.close()
        self._transport.close()


@asynccontextmanager
async def far_end() -> AsyncIterator[FarEnd]:
    loop = asyncio.get_running_loop()
    _, far = await loop.create_datagram_endpoint(FarEnd, local_addr=("127.0.0.1", 0))
    try:
        yield far
    finally:
        far.close()
        await asyncio.sleep(0)
