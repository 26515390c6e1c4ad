"""A phone's line to Asterisk whose SIP packets can be delayed and lost. What is spoken does not pass here.

The packets come in at one socket and go out at another. Between the two lies the loopback of a network namespace that
belongs to this line alone: what is lost is dropped there by a packet filter, and no other network is touched.
The namespace is a thread's: it needs root, and it is gone with the thread and the sockets.
"""

import asyncio
import ctypes
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self, TypeVar

from acd.telephony.sip.wire import Address

T = TypeVar("T")
Heard = Callable[[bytes, Address], None]

LOOPBACK: Final = "127.0.0.1"
NEW_NETWORK: Final = 0x40000000
"""CLONE_NEWNET of unshare(2)."""
COMMAND_S: Final = 10.0
BEGIN: Final = ("ip", "link", "set", "lo", "up")
DROP: Final = ("iptables", "--wait", "-A", "INPUT", "-p", "udp", "-m", "statistic", "--mode", "nth", "--packet", "0")
CLEAR: Final = ("iptables", "--wait", "-F", "INPUT")


class NoNamespace(RuntimeError):
    """This machine gives none; the text says why in one sentence."""


class SipLine:
    """`async with` lays it, from a phone to the Asterisk at `asterisk`.

    `registrar` is where the phone finds Asterisk, and `seen_at` where Asterisk finds the phone. With `lossy` it goes
    through a namespace; raises `NoNamespace` where none can be had.
    """

    def __init__(self, asterisk: Address, *, lossy: bool) -> None:
        self._asterisk = asterisk
        self._lossy = lossy
        self._delay_s = 0.0
        self._phone: Address | None = None
        self._stack = AsyncExitStack()
        self._wire: _Namespace | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._lay()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _lay(self) -> None:
        self._at_phone = await self._socket(_plain(), self._from_phone)
        self._at_asterisk = await self._socket(_plain(), self._from_asterisk)
        self.registrar: Address = _address(self._at_phone)
        self.seen_at: Address = _address(self._at_asterisk)
        if self._lossy:
            self._wire = wire = await asyncio.to_thread(_Namespace)
            self._stack.push_async_callback(asyncio.to_thread, wire.close)
            near, far = await wire.run(_plain), await wire.run(_plain)
            self._near = await self._socket(near, lambda data, _source: self._out_to_phone(data))
            self._far = await self._socket(far, lambda data, _source: self._out_to_asterisk(data))

    async def _socket(self, own: socket.socket, heard: Heard) -> asyncio.DatagramTransport:
        end = _End(heard)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: end, sock=own)
        self._stack.push_async_callback(end.closed.wait)
        self._stack.callback(transport.close)
        return transport

    # --- What it can suffer ---------------------------------------------------------------------------------------

    def slow_down(self, by_s: float) -> None:
        """From now on each packet takes so much longer, either way."""
        self._delay_s = by_s

    async def lose_one_in(self, count: int) -> None:
        """From now on the first of each `count` packets is lost; both ways count together."""
        assert self._wire is not None, "it was laid lossy"
        await self._wire.run(_command, CLEAR)
        await self._wire.run(_command, (*DROP, "--every", str(count), "-j", "DROP"))

    async def mend(self) -> None:
        """It is quick again, and loses nothing."""
        self._delay_s = 0.0
        if self._wire is not None:
            await self._wire.run(_command, CLEAR)

    # --- The packets ----------------------------------------------------------------------------------------------

    def _from_phone(self, data: bytes, source: Address) -> None:
        self._phone = source
        self._across(data, to_asterisk=True)

    def _from_asterisk(self, data: bytes, source: Address) -> None:
        if source == self._asterisk:
            self._across(data, to_asterisk=False)

    def _across(self, data: bytes, *, to_asterisk: bool) -> None:
        """A packet passes the namespace where there is one, and nothing where there is none."""
        if self._wire is None:
            (self._out_to_asterisk if to_asterisk else self._out_to_phone)(data)
        elif to_asterisk:
            self._near.sendto(data, _address(self._far))
        else:
            self._far.sendto(data, _address(self._near))

    def _out_to_asterisk(self, data: bytes) -> None:
        self._later(self._at_asterisk, data, self._asterisk)

    def _out_to_phone(self, data: bytes) -> None:
        if self._phone is not None:
            self._later(self._at_phone, data, self._phone)

    def _later(self, out: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, _send, out, data, to)
        else:
            _send(out, data, to)


def _send(out: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    if not out.is_closing():
        out.sendto(data, to)


def _address(transport: asyncio.DatagramTransport) -> Address:
    host, port = transport.get_extra_info("sockname")
    return host, port


def _plain() -> socket.socket:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setblocking(False)
    own.bind((LOOPBACK, 0))
    return own


class _End(asyncio.DatagramProtocol):
    """One socket of the line."""

    def __init__(self, heard: Heard) -> None:
        self.closed = asyncio.Event()
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard(data, addr)

    def error_received(self, _exc: Exception) -> None:
        """The far end is not there: the packet is lost, and whoever waits for an answer sends it again."""

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed.set()


class _Namespace:
    """A network namespace with nothing but its loopback, in a thread: what runs there sees no other network."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lossy")
        try:
            self._thread.submit(_enter).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def run(self, work: Callable[..., T], *words: object) -> T:
        """What this gives, done in the namespace."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *words)

    def close(self) -> None:
        """Its thread ends; the sockets are closed by then."""
        self._thread.shutdown()


def _enter() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NoNamespace(f"packets can be lost only in a network namespace, which needs root ({reason})")
    _command(BEGIN)


def _command(words: Sequence[str]) -> None:
    try:
        subprocess.run(words, check=True, capture_output=True, timeout=COMMAND_S, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise NoNamespace(f"packets can be lost only where the command `{words[0]}` is installed") from None
    except subprocess.CalledProcessError as error:
        raise NoNamespace(f"`{' '.join(words)}` failed: {error.stderr.decode(errors='replace').strip()}") from None
