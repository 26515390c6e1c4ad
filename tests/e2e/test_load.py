"""A rush: SIPp, a third SIP stack, places ten calls a second, and eight agents serve them all."""

import asyncio
import contextlib
import shutil
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.lab.ears import no_channel_is_left
from acd.lab.servers import Lab, LabServer
from acd.router import facts as f
from acd.router import inputs as i
from acd.testing.site import Site, agent, queue
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CALLS = 100
CALLS_A_SECOND = 10
TALK_MS = 500
"""Twice what a conversation is at least: a machine at work elsewhere makes a bridge late."""
MOST_EVENTS_A_CALL = 20
AGENTS = [agent(f"agent-{number}", str(number), "sales") for number in range(1_011, 1_019)]

SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller [call_number]" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller [call_number]" <sip:sipp@[local_ip]:[local_port]>;tag=[pid]c[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0
]]></send>
  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0
]]></send>
</scenario>
"""
"""Calls, and stays until the other side ends the call: who is not served stays for ever, and the test says so."""


@pytest.fixture
def sipp(tmp_path: Path) -> Path:
    """The scenario's file. Without SIPp: `tests.needs`."""
    if shutil.which("sipp") is None:
        needs.missing("SIPp is not installed (package sip-tester)")
    scenario = tmp_path / "caller.xml"
    scenario.write_text(SCENARIO)
    return scenario


@asynccontextmanager
async def rush(scenario: Path, server: LabServer, number: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """So many callers, one after the other; at the end the process is gone."""
    process = await asyncio.create_subprocess_exec(
        "sipp", f"{server.host}:{server.sip_port}", "-sf", str(scenario), "-s", number, "-m", str(CALLS),
        "-r", str(CALLS_A_SECOND), "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", str(_free_port()),
        "-cp", str(_free_port()), "-timeout", "90s", "-timeout_error", "-nostdin",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=scenario.parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_hundred_calls_at_ten_a_second_are_served_exactly_once(
    lab: Lab, sipp: Path, record_property: Callable[[str, object], None]
) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        for one in AGENTS:
            assert one.phone is not None
            phone = await site.phone(one.phone, media=False)
            phone.attend(after_ms=20, talk_ms=TALK_MS)
            await site.ask(i.LogIn(request=site.request(), agent=one.id, by=one.id))
        heard = site.telephony._servers[site._servers[0].id].link.counters
        before = heard.events
        async with rush(sipp, lab.a, "q-sales") as callers:
            output, _ = await callers.communicate()
        assert callers.returncode == 0, output.decode(errors="replace")[-3_000:]
        await site.fact(f.CallEnded, count=CALLS)
        _each_was_served_once(site)
        await no_channel_is_left(lab)
        a_call = (heard.events - before) / CALLS
        record_property("events_a_call", a_call)
        sys.stdout.write(f"events a call: {a_call:.2f} (at most {MOST_EVENTS_A_CALL})\n")
        assert a_call <= MOST_EVENTS_A_CALL
        assert (heard.handler_errors, heard.malformed, heard.timeouts, heard.reconnects) == (0, 0, 0, 0)


def _each_was_served_once(site: Site) -> None:
    queued = [fact.call for fact in site.all(f.CallQueued)]
    assert len(queued) == len(set(queued)) == CALLS
    once = Counter(queued)
    assert Counter(fact.call for fact in site.all(f.OfferMade)) == once, "nobody was rung twice"
    assert Counter(fact.call for fact in site.all(f.CallConnected)) == once
    assert Counter(fact.call for fact in site.all(f.CallEnded)) == once
    by_agent = Counter(fact.agent for fact in site.all(f.CallConnected))
    assert len(by_agent) == len(AGENTS), f"everybody has work: {by_agent}"
    assert site.core.state.calls == {}
