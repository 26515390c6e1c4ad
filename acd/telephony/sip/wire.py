"""The phone's signalling socket: whole SIP messages in and out, each with the time at which it passed.

aiosipua parses and writes the messages. Its own UDP transport is not used: it keeps no arrival times, does not
learn the port that the system chose, and returns from stop() before its socket is closed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from aiosipua import SipMessage, SipRequest, SipResponse

Address = tuple[str, int]

KEPT_MESSAGES = 200

Overheard = Callable[[int, str, SipRequest | SipResponse], None]
"""Gets each message that passes: when (`time.monotonic_ns()`), `->` for one that is sent, and the message."""


@dataclass(frozen=True)
class Arrival:
    """A message, who sent it, and when its datagram was read (`time.monotonic_ns()`)."""

    message: SipRequest | SipResponse
    source: Address
    at_ns: int


class Wire(asyncio.DatagramProtocol):
    """One UDP socket. What it cannot parse it drops, as RFC 3261 16.3 allows for garbage."""

    def __init__(
        self,
        on_arrival: Callable[[Arrival], None],
        on_message: Overheard | None = None,
        seen_at: Address | None = None,
    ) -> None:
        self.address: Address = seen_at or ("", 0)
        """Where this phone is reached."""
        self._seen_at = seen_at
        self._on_arrival = on_arrival
        self._on_message = on_message
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.get_running_loop().create_future()
        self._passed: deque[tuple[int, str, SipRequest | SipResponse]] = deque(maxlen=KEPT_MESSAGES)

    @classmethod
    async def open(
        cls,
        host: str,
        on_arrival: Callable[[Arrival], None],
        on_message: Overheard | None = None,
        seen_at: Address | None = None,
    ) -> "Wire":
        """Bind a free port on this address. `seen_at`: what the far end is told instead."""
        _, wire = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(on_arrival, on_message, seen_at), local_addr=(host, 0)
        )
        return wire

    def send(self, message: SipRequest | SipResponse, to: Address) -> int:
        """Send the message now and return the time of it; on a closed wire it is lost, as on any network."""
        data = bytes(message)
        at_ns = time.monotonic_ns()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)
            self._note(at_ns, "->", message)
        return at_ns

    async def close(self) -> None:
        """Close the socket and wait until it is."""
        if self._transport is not None:
            self._transport.close()
            await self._closed

    def conversation(self) -> str:
        """The latest messages, one a line, for the report of a failed test."""
        begin = self._passed[0][0] if self._passed else 0
        return "\n".join(
            f"{(at_ns - begin) / 1e6:10.2f} ms {arrow} {_summary(message)}" for at_ns, arrow, message in self._passed
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since asyncio's own class is no DatagramTransport before Python 3.12.
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.address = self._seen_at or self._transport.get_extra_info("sockname")

    def connection_lost(self, _exc: Exception | None) -> None:
        self._closed.set_result(None)

    def error_received(self, _exc: Exception) -> None:
        """A far end that has gone: the transaction's repetitions and time-out deal with it."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        at_ns = time.monotonic_ns()
        try:
            message = SipMessage.parse(data)
            if message.cseq is None or message.call_id is None or not message.via:
                raise ValueError("a mandatory header is missing")
        except ValueError:
            return
        self._note(at_ns, "<-", message)
        self._on_arrival(Arrival(message, addr, at_ns))

    def _note(self, at_ns: int, arrow: str, message: SipRequest | SipResponse) -> None:
        self._passed.append((at_ns, arrow, message))
        if self._on_message is not None:
            self._on_message(at_ns, arrow, message)


def _summary(message: SipRequest | SipResponse) -> str:
    cseq = message.get_header("cseq")
    call = (message.call_id or "")[:8]
    if isinstance(message, SipRequest):
        return f"{message.method} {message.uri}  ({cseq}, {call})"
    return f"{message.status_code} {message.reason_phrase}  ({cseq}, {call})"
