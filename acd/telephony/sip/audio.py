"""The audio of one call: a socket, the frames that go out every 20 ms, and the ear for those that come in.

Written on aiortp's packets, codec and telephone events. Its RTPSession is not used: it opens a second socket and
starts a task and a timer for every call, binds asynchronously (an answer must leave in the same instant) and
sends all packets of a key press at once, which no telephone system takes for a key. Here one timer paces all
calls of the process.
"""

import asyncio
import itertools
import random
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

from aiortp import DtmfEvent, DtmfReceiver, RtpPacket, is_rtcp
from aiortp.dtmf import DTMF_EVENTS

from acd.telephony.sip.ear import Ear
from acd.telephony.sip.tone import FRAME_MS, FRAME_SAMPLES, SILENT_FRAME, tone_frames
from acd.telephony.sip.watch import NothingHappened, Watch

Address = tuple[str, int]

PCMU = 0
KEY_FRAMES = 5
KEY_ENDS = 3
"""The end of a key press is sent three times (RFC 4733, 2.5.1.4)."""
KEY_GAP_FRAMES = 3
MAX_KEYS = 64
MAX_LATE_FRAMES = 5
LARGEST_PACKET = 2048


class Pacer:
    """Sends one frame of every call each 20 ms: one timer for the whole process, and none while nobody speaks."""

    _of_loop: ClassVar["WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._calls: dict[Audio, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    @classmethod
    def here(cls) -> "Pacer":
        """The pacer of the running loop."""
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    def add(self, audio: "Audio") -> None:
        """Let this call send from the next tick on."""
        self._calls[audio] = None
        if self._timer is None:
            self._next_s = asyncio.get_running_loop().time()
            self._arm()

    def remove(self, audio: "Audio") -> None:
        """Send nothing more for this call; with the last call the timer goes too."""
        self._calls.pop(audio, None)
        if not self._calls and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        # A loop that was held up sends a few frames in quick succession, as a real phone's jitter looks, but
        # never works through a long backlog.
        loop = asyncio.get_running_loop()
        frame_s = FRAME_MS / 1000
        self._next_s = max(self._next_s + frame_s, loop.time() - MAX_LATE_FRAMES * frame_s)
        self._timer = loop.call_at(self._next_s, self._tick)

    def _tick(self) -> None:
        self._arm()
        for audio in tuple(self._calls):
            audio.send_frame()


@dataclass(frozen=True)
class _KeyFrame:
    """One packet of a key press. All packets of a press carry the timestamp of its beginning."""

    payload: bytes
    begins: bool


class Audio:
    """One call's audio. With `media=False` the port exists, but nothing is read from it or sent."""

    def __init__(self, host: str, *, media: bool, ear: Ear) -> None:
        self.ear = ear
        self.keys_heard = ""
        self.packets_sent = 0
        self._media = media
        self._remote: Address | None = None
        self._key_type = 101
        self._sounds: Iterator[bytes] = itertools.repeat(SILENT_FRAME)
        self._keys: deque[_KeyFrame | None] = deque()
        self._watch = Watch()
        self._key_receiver = DtmfReceiver(self._key_heard)
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)
        self._key_timestamp = 0
        self._socket = _bound_socket(host, media)
        self.port: int = self._socket.getsockname()[1]
        if media:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def connect(self, remote: Address, *, key_type: int, sends: bool) -> None:
        """Exchange audio with this address; called again it follows the new address or direction."""
        self._remote = remote
        self._key_type = key_type
        if self._media and sends:
            Pacer.here().add(self)
        else:
            Pacer.here().remove(self)

    def send_tone(self, hz: float) -> None:
        """Send this tone from the next frame on, until told otherwise."""
        self._sounds = itertools.cycle(tone_frames(hz))

    def send_silence(self) -> None:
        """Send silence: packets, as a phone does whose user listens."""
        self._sounds = itertools.repeat(SILENT_FRAME)

    async def press(self, keys: str) -> None:
        """Press keys (0-9, *, #, A-D) as telephone events (RFC 4733); returns when the last has left."""
        if not self._media:
            raise RuntimeError("keys cannot be pressed on a phone with media=False")
        if len(keys) > MAX_KEYS:
            raise ValueError(f"{len(keys)} keys at once: at most {MAX_KEYS}")
        for key in keys:
            self._keys.extend(_key_press(key))
        limit_s = 1.0 + 2 * len(self._keys) * FRAME_MS / 1000
        await self._watch.until(lambda: not self._keys, limit_s, lambda: NothingHappened(f"{keys!r} was not sent"))

    async def hears_keys(self, keys: str, within_s: float) -> None:
        """Return once the keys heard so far end with these."""
        await self._watch.until(
            lambda: self.keys_heard.endswith(keys),
            within_s,
            lambda: NothingHappened(f"keys {keys!r} were not heard; heard: {self.keys_heard!r}"),
        )

    def send_frame(self) -> None:
        """Send what is due now: a part of a key press, else 20 ms of sound. The pacer calls this."""
        key = self._keys.popleft() if self._keys else None
        if key is None:
            self._send(PCMU, next(self._sounds), self._timestamp)
        else:
            if key.begins:
                self._key_timestamp = self._timestamp
            self._send(self._key_type, key.payload, self._key_timestamp, marker=int(key.begins))
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        self._watch.changed()

    def close(self) -> None:
        """Stop sending and give the socket back."""
        if self._socket.fileno() < 0:
            return
        Pacer.here().remove(self)
        if self._media:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _send(self, payload_type: int, payload: bytes, timestamp: int, marker: int = 0) -> None:
        packet = RtpPacket(payload_type, marker, self._sequence, timestamp, self._ssrc, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        assert self._remote is not None
        try:
            self._socket.sendto(packet.serialize(), self._remote)
        except OSError:
            return  # a full buffer or a far end that has gone: audio is lost, as on any network
        self.packets_sent += 1

    def _readable(self) -> None:
        try:
            data, source = self._socket.recvfrom(LARGEST_PACKET)
        except OSError:
            return
        # A port is used again soon after a call: what its former partner still sends is not this call's audio.
        if is_rtcp(data) or (self._remote is not None and source != self._remote):
            return
        self._received(data)

    def _received(self, data: bytes) -> None:
        try:
            packet = RtpPacket.parse(data)
        except ValueError:
            return
        if packet.payload_type == PCMU:
            self.ear.take(packet.payload, time.monotonic_ns())
        elif packet.payload_type == self._key_type and len(packet.payload) >= 4:
            self._key_receiver.handle_packet(packet)

    def _key_heard(self, key: str, _duration: int) -> None:
        self.keys_heard += key
        self._watch.changed()


def _bound_socket(host: str, media: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    if not media:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # never read: the kernel drops the rest
    bound.bind((host, 0))
    return bound


def _key_press(key: str) -> list[_KeyFrame | None]:
    event = DTMF_EVENTS.get(key.upper())
    if event is None:
        raise ValueError(f"{key!r} is not a key: {' '.join(DTMF_EVENTS)} are")
    last = KEY_FRAMES * FRAME_SAMPLES
    lengths = [(n * FRAME_SAMPLES, False) for n in range(1, KEY_FRAMES)] + [(last, True)] * KEY_ENDS
    frames = [DtmfEvent(event, end, volume=10, duration=length).serialize() for length, end in lengths]
    return [*(_KeyFrame(frame, begins=n == 0) for n, frame in enumerate(frames)), *[None] * KEY_GAP_FRAMES]
