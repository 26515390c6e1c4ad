"""The softphone: registers, places calls, rings.

    async with Phone(number="1001", password="lab-1001", registrar=("127.0.1.1", 5060)) as phone:
        await phone.register()
        call = await phone.place("echo")
        await call.answered(within_s=5)
        call.send_tone(440)
        await call.hears(440, within_s=2)

It binds a free port of the loopback interface. Leaving the block ends its calls, unregisters and closes all
sockets, within bounded time and whatever the far end does.
"""

import asyncio
import contextlib
from collections import deque
from types import TracebackType
from typing import Self

from aiosipua import SipDigestAuth, SipRequest, parse_uri

from acd.tasks import Tasks
from acd.telephony.sip.binding import Binding, NotRegistered
from acd.telephony.sip.call import Call, State
from acd.telephony.sip.incoming import IncomingCall
from acd.telephony.sip.leg import Leg, Line, plain_reply
from acd.telephony.sip.outgoing import OutgoingCall
from acd.telephony.sip.transactions import ServerTransaction, Transactions
from acd.telephony.sip.watch import NothingHappened, Watch
from acd.telephony.sip.wire import Address, Arrival, Overheard, Wire

FAREWELL_S = 2.0
"""How long leaving waits for the far end's and the registrar's word."""
MAX_CALLS = 200
"""More calls at once are refused with 486: a phone that nobody attends must not grow for ever."""


class Phone:
    """One softphone.

    `registrar` is where it registers and sends its calls; without one it calls other phones by their `uri`.
    `media=False` makes a phone for load: its calls have a port, but no packet is sent or read.
    `rings=False` makes one that never says 180. `refuses_with` answers each call with that status at once.
    `on_message` gets each SIP message that passes. `seen_at` is where the far end is told to reach it, where
    something stands between them.
    """

    def __init__(
        self,
        number: str,
        password: str = "",
        registrar: Address | None = None,
        *,
        host: str = "127.0.0.1",
        media: bool = True,
        rings: bool = True,
        refuses_with: int | None = None,
        on_message: Overheard | None = None,
        seen_at: Address | None = None,
    ) -> None:
        self.number = number
        self.refuses_with = refuses_with
        self._credentials = SipDigestAuth(number, password) if password else None
        self._registrar = registrar
        self._host = host
        self._media = media
        self._rings = rings
        self._on_message = on_message
        self._seen_at = seen_at
        self._calls: dict[str, Call] = {}
        self._ringing: deque[IncomingCall] = deque(maxlen=MAX_CALLS)
        self._watch = Watch()
        self._tasks = Tasks(f"phone-{number}")
        self._attending: tuple[float, float | None, float | None] | None = None
        self._line: Line
        self._binding: Binding | None = None
        self._gone = False

    async def __aenter__(self) -> Self:
        wire = await Wire.open(self._host, self._arrived, self._on_message, self._seen_at)
        transactions = Transactions(wire, self._requested, self._acknowledged)
        self._line = Line(self.number, wire, transactions, self._credentials, self._media, self._rings)
        if self._registrar is not None:
            self._binding = Binding(self._line, self._registrar)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.stop()
        if not self._gone:
            await self._say_farewell()
        await self._close()

    @property
    def uri(self) -> str:
        """Where this phone is reached directly."""
        return self._line.uri

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are not over, oldest first."""
        return tuple(call for call in self._calls.values() if call.state is not State.ENDED)

    @property
    def registered(self) -> bool:
        """Whether the registrar knows this phone, as far as we know."""
        return self._binding is not None and self._binding.registered

    def conversation(self) -> str:
        """The latest SIP messages of this phone, one a line."""
        return self._line.wire.conversation()

    async def register(self, within_s: float = 5.0) -> None:
        """Register, with credentials where they are asked for; raises `NotRegistered`."""
        await self._bound().register(within_s)

    async def unregister(self, within_s: float = 5.0) -> None:
        """Tell the registrar that this phone takes no more calls."""
        await self._bound().unregister(within_s)

    async def place(
        self,
        to: str,
        *,
        caller_name: str = "",
        headers: dict[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> OutgoingCall:
        """Call a number of the registrar's, or any `sip:` address directly; returns when the INVITE has left.

        `timeout_s` is how long the call's own waiting lasts where nothing else is said.
        """
        uri, far = self._reached_by(to)
        own_host = self._registrar[0] if self._registrar else self._line.host
        leg = Leg.calling(self._line, f"sip:{self.number}@{own_host}", uri, far)
        call = OutgoingCall(
            self._line, leg, self._forget, caller_name=caller_name, headers=headers or {}, timeout_s=timeout_s
        )
        self._calls[call.call_id] = call
        return call

    async def ring(self, within_s: float = 5.0) -> IncomingCall:
        """The next call that has come in, oldest first; it may be over already."""
        await self._watch.until(
            lambda: bool(self._ringing),
            within_s,
            lambda: NothingHappened(f"{self.number} did not ring within {within_s:g} s\n{self.conversation()}"),
        )
        return self._ringing.popleft()

    @property
    def rings_waiting(self) -> int:
        """How many calls have come in that nobody has taken with `ring()`."""
        return len(self._ringing)

    def attend(self, *, after_ms: float = 0, talk_ms: float | None = None, tone_hz: float | None = None) -> None:
        """From now on answer each call by itself, after so long; hang up after `talk_ms`, else leave that to the
        caller; say a tone meanwhile. Such calls do not appear in `ring()`."""
        self._attending = (after_ms, talk_ms, tone_hz)

    async def vanish(self) -> None:
        """Be gone at once, as if the plug was pulled: nobody is told."""
        self._gone = True
        for call in tuple(self._calls.values()):
            call.abandon()
        await self._close()

    # From the wire.

    def _arrived(self, arrival: Arrival) -> None:
        self._line.transactions.handle(arrival)

    def _requested(self, request: ServerTransaction) -> None:
        method = request.request.method
        if method == "CANCEL":
            self._cancelled(request)
        elif method == "INVITE" and ";tag=" not in (request.request.get_header("to") or ""):
            self._invited(request)
        elif (call := self._calls.get(request.request.call_id or "")) is not None:
            call.handle(request)
        elif method in ("OPTIONS", "NOTIFY"):
            plain_reply(request, 200, "OK")
        elif method in ("INVITE", "BYE", "UPDATE", "INFO"):
            plain_reply(request, 481, "Call/Transaction Does Not Exist")
        else:
            plain_reply(request, 405, "Method Not Allowed")

    def _invited(self, invite: ServerTransaction) -> None:
        if self.refuses_with is not None or len(self._calls) >= MAX_CALLS:
            plain_reply(invite, self.refuses_with or 486, "Refused")
            return
        if (invite.request.call_id or "") in self._calls:
            plain_reply(invite, 482, "Loop Detected")  # this phone has called itself
            return
        call = IncomingCall(self._line, invite, self._forget)
        if call.state is State.ENDED:
            return
        self._calls[call.call_id] = call
        if self._attending is not None:
            self._tasks.start(f"attend-{call.call_id[:8]}", self._attend(call, *self._attending))
            return
        self._ringing.append(call)
        self._watch.changed()

    def _cancelled(self, cancel: ServerTransaction) -> None:
        invite = self._line.transactions.invite_of(cancel.request)
        call = self._calls.get(cancel.request.call_id or "")
        if invite is not None and isinstance(call, IncomingCall):
            call.cancel(cancel)
        else:
            plain_reply(cancel, 481, "Call/Transaction Does Not Exist")

    def _acknowledged(self, ack: SipRequest) -> None:
        if (call := self._calls.get(ack.call_id or "")) is not None:
            call.acknowledged(ack)

    # The rest.

    async def _attend(self, call: IncomingCall, after_ms: float, talk_ms: float | None, tone_hz: float | None) -> None:
        await asyncio.sleep(after_ms / 1000)
        if tone_hz is not None:
            call.send_tone(tone_hz)
        with contextlib.suppress(NothingHappened):
            if await call.answer() and talk_ms is not None:
                await call.ended(within_s=talk_ms / 1000)
        if talk_ms is not None:
            with contextlib.suppress(NothingHappened):
                await call.hang_up()

    def _reached_by(self, to: str) -> tuple[str, Address]:
        if to.startswith("sip:"):
            uri = parse_uri(to)
            return to, (uri.host, uri.port or 5060)
        if self._registrar is None:
            raise ValueError(f"{to!r}: a phone without a registrar calls sip: addresses only")
        host, port = self._registrar
        return f"sip:{to}@{host}:{port}", self._registrar

    def _bound(self) -> Binding:
        if self._binding is None:
            raise RuntimeError(f"phone {self.number} has no registrar")
        return self._binding

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.call_id, None)

    async def _say_farewell(self) -> None:
        # Nobody may be there to confirm; then the phone leaves all the same, after one time-out and not two.
        with contextlib.suppress(TimeoutError, NothingHappened, NotRegistered):
            async with asyncio.timeout(FAREWELL_S):
                for ending in [call.hang_up() for call in tuple(self._calls.values())]:
                    await ending
                if self._binding is not None and self._binding.registered:
                    await self._binding.unregister(FAREWELL_S)

    async def _close(self) -> None:
        if self._binding is not None:
            await self._binding.close()
        for call in tuple(self._calls.values()):
            call.abandon()
        self._calls.clear()
        self._line.transactions.close()
        await self._line.wire.close()
