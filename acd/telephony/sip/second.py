"""A second softphone with nothing in common with the first: pyVoIP, which has its own SIP, RTP and G.711.

Two phones that share a mistake understand each other. This one keeps the end-to-end tests honest; it can only
register, place, answer, refuse, hang up, say a tone and hear. It lives on threads, and what it does with them
had to be mended before it could live in a test run in which every warning is an error. All of that is here:

- sockets are closed while threads use them: the threads are stopped and joined first;
- the receiving thread starts after a second, and an incoming call is told a second late;
- a refused call is not noticed, nor is a CANCEL answered with 487;
- the ACK of a 200 has a new tag each time, so that Asterisk does not take it for an ACK;
- the first call of each phone has the same branch, the second too, and so on, so that Asterisk takes the BYE
  of one for a repetition of another's and the call goes on;
- its lock is free a moment before its socket blocks again, so that a call placed then fails;
- while it unregisters it takes any message for the registrar's, so a BYE's 200 must have come before;
- a re-INVITE starts the audio threads a second time;
- ports are taken from a list without a look at whether they are free;
- audio is kept for ever, in two copies.
"""

import asyncio
import contextlib
import itertools
import select
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, cast

from acd.telephony.sip.call import CallRefused
from acd.telephony.sip.ear import Ear
from acd.telephony.sip.tone import FRAME_SAMPLES, Measurement, decoded, tone_frames
from acd.telephony.sip.watch import NothingHappened, Watch
from acd.telephony.sip.wire import Address

with warnings.catch_warnings():
    # pyVoIP needs audioop, which Python 3.11 and 3.12 have with a warning, and later ones as a package.
    warnings.filterwarnings("ignore", message="'audioop' is deprecated", category=DeprecationWarning)
    from pyVoIP.VoIP import VoIP

    # pyVoIP's modules import each other in a circle, which must be entered at this end.
    # isort: split
    import pyVoIP
    from pyVoIP import RTP, SIP
    from pyVoIP.VoIP.status import PhoneStatus

THREAD_END_S = 2.0
LOOK_S = 0.05
"""How long the receiving thread waits for a message before it looks whether it is to end."""
pyVoIP.REGISTER_FAILURE_THRESHOLD = 1
"""A refused registration is over; pyVoIP would try again at once, each time on a new thread."""
SILENT_8BIT = b"\x80" * FRAME_SAMPLES


def _end_threads(owner: object) -> None:
    """Wait for every thread that runs a method of this object, but the one that asks."""
    for thread in threading.enumerate():
        works_for = getattr(getattr(thread, "function", None), "__self__", None)
        if works_for is owner and thread is not threading.current_thread():
            while thread.ident is None:  # another thread is just starting it
                time.sleep(0.001)
            thread.join(THREAD_END_S)


class _Sound:
    """In place of pyVoIP's outgoing buffer: gives frames without end, 8 bits a sample."""

    def __init__(self) -> None:
        self._frames: Iterator[bytes] = itertools.repeat(SILENT_8BIT)

    def say(self, hz: float | None) -> None:
        frames = [SILENT_8BIT] if hz is None else [_as_8bit(frame) for frame in tone_frames(hz)]
        self._frames = itertools.cycle(frames)

    def read(self, _length: int = FRAME_SAMPLES) -> bytes:
        return next(self._frames)


def _as_8bit(frame: bytes) -> bytes:
    return bytes((sample >> 8) + 128 for sample in decoded(frame))


class _Rtp(RTP.RTPClient):
    """pyVoIP's audio stream, started once and stopped in order."""

    hear: Callable[[bytes, int], None]

    def start(self) -> None:
        if not hasattr(self, "sin"):
            super().start()

    def stop(self) -> None:
        self.NSD = False
        _end_threads(self)
        if hasattr(self, "sin"):
            self.sin.close()

    def parse_pcmu(self, packet: Any) -> None:
        self.hear(packet.payload, time.monotonic_ns())


class _Call(VoIP.VoIPCall):
    """pyVoIP's call, which tells of its changes."""

    phone: "_Phone"
    changed: Callable[[], None] = staticmethod(lambda: None)
    refusal: CallRefused | None = None

    def create_rtp_clients(self, codecs: Any, ip: str, port: int, request: Any, baseport: int) -> None:
        far = request.body["c"][0]["address"]
        rtp = _Rtp(codecs, ip, port, far, baseport, self.sendmode, dtmf=self.dtmf_callback)
        rtp.hear = lambda payload, at_ns: self.phone.in_loop(self.ear.take, payload, at_ns)
        rtp.pmout = cast("RTP.RTPPacketManager", self.sound)
        self.RTPClients = [rtp]

    def __del__(self) -> None:
        """Nothing is given back here: ports come from the system."""

    @property
    def ear(self) -> Ear:
        """Made when first needed, since the constructor of pyVoIP's class makes the audio stream already."""
        return self.__dict__.setdefault("_ear", Ear())  # type: ignore[no-any-return]

    @property
    def sound(self) -> _Sound:
        return self.__dict__.setdefault("_sound", _Sound())  # type: ignore[no-any-return]

    def answered(self, request: Any) -> None:
        super().answered(request)
        self.phone.in_loop(self.changed)

    def bye(self) -> None:
        super().bye()
        self.over()

    def over(self, refusal: CallRefused | None = None) -> None:
        """The call has ended: stop its audio and tell."""
        self.refusal = refusal
        self.state = VoIP.CallState.ENDED
        for rtp in self.RTPClients:
            rtp.stop()
        self.phone.calls.pop(self.call_id, None)
        self.phone.in_loop(self.changed)


class _Socket(socket.socket):
    """A socket that always blocks: pyVoIP's threads change that behind each other's back."""

    def setblocking(self, flag: bool) -> None:
        """Nothing."""


class _Client(SIP.SIPClient):
    """pyVoIP's SIP side with the mends that the module's docstring lists."""

    phone: "_Phone"

    def start(self) -> None:
        self.bye_confirmed = threading.Event()
        self.NSD = True
        self.register_timeout = int(THREAD_END_S)
        self.s = self.out = _Socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((self.myIP, 0))
        self.myPort = self.s.getsockname()[1]
        self.register()
        self._receiving = threading.Timer(0, self.recv_loop)
        self._receiving.start()

    def recv_loop(self) -> None:
        while self.NSD:
            if self._has_come(LOOK_S):
                with self.recvLock:
                    if self._has_come(0):  # and was not read meanwhile by a call that is being placed
                        self.recv()

    def _has_come(self, within_s: float) -> bool:
        return bool(select.select([self.s], [], [], within_s)[0])

    def stop(self) -> None:
        if not self.NSD:
            return
        self.NSD = False
        if self.registerThread is not None:
            self.registerThread.cancel()
        _end_threads(self)
        with contextlib.suppress(OSError):
            self.deregister()
        self._close_sockets()

    def parse_message(self, message: Any) -> None:
        is_request = message.type == SIP.SIPMessageType.MESSAGE
        if is_request and message.method == "CANCEL":
            self._cancelled(message)
        elif not is_request and int(message.status) >= 300 and message.headers["CSeq"]["method"] == "INVITE":
            self._refused(message)
        elif not is_request and message.headers["CSeq"]["method"] == "BYE":
            self.bye_confirmed.set()
        else:
            super().parse_message(message)

    def gen_ack(self, request: Any) -> str:
        ack: str = super().gen_ack(request)
        own_tag = request.headers["To"]["tag"]
        lines = [
            f"To: {request.headers['To']['raw']};tag={own_tag}" if line.startswith("To: ") else line
            for line in ack.split("\r\n")
        ]
        return "\r\n".join(lines)

    def gen_invite(self, number: str, sess_id: str, ms: Any, sendtype: Any, _branch: str, call_id: str) -> str:
        invite: str = super().gen_invite(number, sess_id, ms, sendtype, self.gen_branch(), call_id)
        return invite

    def say(self, text: str) -> None:
        self.out.sendto(text.encode("utf8"), (self.server, self.port))

    def _cancelled(self, cancel: Any) -> None:
        self.say(self.gen_ok(cancel))
        call = self.phone.calls.get(cancel.headers["Call-ID"])
        if call is not None and call.state == VoIP.CallState.RINGING:
            self.say(self.gen_busy(call.request).replace("486 Busy Here", "487 Request Terminated"))
            call.over()

    def _refused(self, refusal: Any) -> None:
        self.say(self.gen_ack(refusal))
        call = self.phone.calls.get(refusal.headers["Call-ID"])
        if call is not None and call.state == VoIP.CallState.DIALING:
            call.over(CallRefused(int(refusal.status), refusal.status.phrase))


class _Phone(VoIP.VoIPPhone):
    """pyVoIP's phone, with the classes above in place of its own."""

    calls: dict[str, Any]
    sip: _Client
    threads: list[threading.Timer]

    def __init__(self, owner: "SecondPhone", registrar: Address, number: str, password: str, host: str) -> None:
        super().__init__(*registrar, number, password, myIP=host, callCallback=lambda _call: None)
        self._owner = owner
        self.in_loop = owner.in_loop
        self.sip = _Client(
            *registrar, number, password, phone=self, myIP=host, callCallback=self.callback, fatalCallback=self.fatal
        )

    def request_port(self, blocking: bool = True) -> int:  # noqa: ARG002 (pyVoIP's signature)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((self.myIP, 0))
            port: int = free.getsockname()[1]
            return port

    def release_ports(self, call: Any = None) -> None:
        """Nothing to release, and pyVoIP would forget living calls here."""

    def _create_Call(self, request: Any, sess_id: int) -> None:  # noqa: N802 (pyVoIP's name)
        call = _Call(self, VoIP.CallState.RINGING, request, sess_id, self.myIP, sendmode=self.recvmode)
        self.calls[call.call_id] = call
        self.in_loop(self._owner.rang, call)

    def call(self, number: str) -> _Call:
        media: Any = {self.request_port(): {0: RTP.PayloadType.PCMU, 101: RTP.PayloadType.EVENT}}
        request, call_id, session = self.sip.invite(number, media, RTP.TransmitType.SENDRECV)
        call = _Call(self, VoIP.CallState.DIALING, request, session, self.myIP, ms=media, sendmode=self.sendmode)
        self.calls[call_id] = call
        return call

    def stop(self, failed: bool = False) -> None:
        for call in list(self.calls.values()):
            if call.state == VoIP.CallState.ANSWERED:
                self.sip.bye_confirmed.clear()
                self.sip.bye(call.request)
                self.sip.bye_confirmed.wait(THREAD_END_S)
            call.over()
        for late in self.threads:
            late.cancel()
            late.join(THREAD_END_S)
        super().stop(failed)


class SecondCall:
    """A call of the second phone."""

    def __init__(self, call: _Call) -> None:
        self._call = call
        self._watch = Watch()
        call.changed = self._watch.changed

    @property
    def caller_number(self) -> str:
        """The user part of the caller's address."""
        return str(self._call.request.headers["From"]["number"])

    @property
    def heard(self) -> Measurement:
        """What came in the last 200 ms."""
        return self._call.ear.heard()

    async def answer(self) -> None:
        """Say 200."""
        self._call.answer()

    async def busy(self) -> None:
        """Say 486."""
        await asyncio.to_thread(self._call.deny)

    async def hang_up(self) -> None:
        """Say BYE."""
        await asyncio.to_thread(self._call.hangup)

    async def answered(self, within_s: float = 5.0) -> None:
        """Return once the far end has answered; raises `CallRefused` when it refuses."""
        await self._until(lambda: self._call.state != VoIP.CallState.DIALING, within_s, "answered")
        if self._call.refusal is not None:
            raise self._call.refusal

    async def ended(self, within_s: float = 5.0) -> None:
        """Return once the call is over."""
        await self._until(lambda: self._call.state == VoIP.CallState.ENDED, within_s, "ended")

    def send_tone(self, hz: float) -> None:
        """Say a tone until told otherwise."""
        self._call.sound.say(hz)

    def send_silence(self) -> None:
        """Say nothing, in packets."""
        self._call.sound.say(None)

    async def hears(self, hz: float, within_s: float = 2.0) -> None:
        """Return once this tone is heard."""
        await self._call.ear.hears(hz, within_s)

    async def hears_sound(self, within_s: float = 2.0, other_than: tuple[float, ...] = ()) -> None:
        """Return once anything but these tones is heard."""
        await self._call.ear.hears_sound(within_s, other_than)

    async def _until(self, true: Callable[[], bool], within_s: float, what: str) -> None:
        await self._watch.until(
            true, within_s, lambda: NothingHappened(f"not {what} within {within_s:g} s: {self._call.state}")
        )


class SecondPhone:
    """pyVoIP as an async context manager. Leaving it ends its calls, unregisters and ends its threads."""

    def __init__(self, number: str, password: str, registrar: Address, *, host: str = "127.0.0.1") -> None:
        self._make: Callable[[], _Phone] = lambda: _Phone(self, registrar, number, password, host)
        self._ringing: list[SecondCall] = []
        self._watch = Watch()
        self._phone: _Phone
        self._loop: asyncio.AbstractEventLoop

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._phone = self._make()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._phone.stop)

    def in_loop(self, function: Callable[..., object], *values: object) -> None:
        """Call this in the event loop, from any of pyVoIP's threads."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *values)

    async def register(self, within_s: float = 5.0) -> None:
        """Register; raises `NothingHappened` when the registrar refuses, for pyVoIP does not say why."""
        async with asyncio.timeout(within_s):
            await asyncio.to_thread(self._phone.start)
        if self._phone.get_status() != PhoneStatus.REGISTERED:
            raise NothingHappened(f"pyVoIP is not registered: {self._phone.get_status()}")

    async def place(self, number: str) -> SecondCall:
        """Call a number of the registrar's."""
        return SecondCall(await asyncio.to_thread(self._phone.call, number))

    async def ring(self, within_s: float = 5.0) -> SecondCall:
        """The next call that has come in; 180 has been sent."""
        await self._watch.until(
            lambda: bool(self._ringing), within_s, lambda: NothingHappened("the second phone did not ring")
        )
        return self._ringing.pop(0)

    def rang(self, call: _Call) -> None:
        """Take a new call from pyVoIP; called in the event loop."""
        self._ringing.append(SecondCall(call))
        self._watch.changed()
