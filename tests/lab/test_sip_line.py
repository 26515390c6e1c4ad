"""A phone's line through which packets are late and lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from acd.lab.sip_line import NoNamespace, SipLine
from acd.telephony.sip.wire import Address
from tests import needs

PATIENCE_S = 5.0
LATE_S = 0.2


class End(asyncio.DatagramProtocol):
    """One who sends and hears packets."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.source: Address = ("", 0)

    @classmethod
    async def bound(cls) -> "End":
        _, end = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        return end

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.address: Address = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.source = addr
        self.heard.put_nowait(data)

    async def hears(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.heard.get()


class Ends(NamedTuple):
    phone: End
    asterisk: End


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    both = Ends(await End.bound(), await End.bound())
    yield both
    for end in both:
        end.transport.close()


def line_of(ends: Ends, *, lossy: bool = False) -> SipLine:
    return SipLine(ends.asterisk.address, lossy=lossy)


async def greeted(ends: Ends, line: SipLine) -> None:
    """The phone speaks first: so the line knows where it is."""
    ends.phone.transport.sendto(b"hello", line.registrar)
    assert await ends.asterisk.hears() == b"hello"


async def test_packets_come_to_both_ends_and_each_sees_the_line(ends: Ends) -> None:
    async with line_of(ends) as line:
        await greeted(ends, line)
        assert ends.asterisk.source == line.seen_at
        ends.asterisk.transport.sendto(b"hello yourself", line.seen_at)
        assert await ends.phone.hears() == b"hello yourself"
        assert ends.phone.source == line.registrar


async def test_slow_line_is_late_both_ways_until_it_is_whole(ends: Ends) -> None:
    async with line_of(ends) as line:
        line.slow_down(LATE_S)
        began = time.monotonic()
        await greeted(ends, line)
        ends.asterisk.transport.sendto(b"back", line.seen_at)
        await ends.phone.hears()
        assert time.monotonic() - began >= 2 * LATE_S
        line.slow_down(60)
        await line.mend()
        ends.phone.transport.sendto(b"quick", line.registrar)
        assert await ends.asterisk.hears() == b"quick"


async def test_first_of_every_three_packets_is_lost_until_the_line_is_whole(ends: Ends) -> None:
    async with AsyncExitStack() as stack:
        try:
            line = await stack.enter_async_context(line_of(ends, lossy=True))
        except NoNamespace as why:
            needs.missing(str(why))
        await greeted(ends, line)
        await line.lose_one_in(3)
        for number in range(7):
            ends.phone.transport.sendto(b"%d" % number, line.registrar)
        assert [await ends.asterisk.hears() for _ in range(4)] == [b"1", b"2", b"4", b"5"]
        await line.mend()
        for number in range(3):
            ends.asterisk.transport.sendto(b"%d" % number, line.seen_at)
        assert [await ends.phone.hears() for _ in range(3)] == [b"0", b"1", b"2"]


async def test_stranger_at_the_far_end_is_not_heard(ends: Ends) -> None:
    stranger = await End.bound()
    async with line_of(ends) as line:
        await greeted(ends, line)
        stranger.transport.sendto(b"INVITE", line.seen_at)
        ends.asterisk.transport.sendto(b"ours", line.seen_at)
        assert await ends.phone.hears() == b"ours"
    stranger.transport.close()
