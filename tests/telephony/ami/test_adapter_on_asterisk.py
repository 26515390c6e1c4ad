"""What only a real Asterisk can prove of the adapter, beyond the contract suite."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from acd.lab.ears import no_channel_is_left
from acd.lab.relay import Relay
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router.settings import RouterSettings
from acd.tasks import Tasks
from acd.telephony.ami.dialplan import claim, set_global
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import MAX_RECORD_BYTES
from acd.testing.site import AGENT_HZ, CALLER_HZ, Site, agent, ami, queue
from tests import needs
from tests.telephony.ami.link_harness import Witness, record_writes

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = [agent("ana", "1001", "sales", "billing"), agent("ben", "1002", "sales", "billing")]
QUEUES = [queue("sales"), queue("billing")]


@pytest.fixture
async def lab() -> Lab:
    lab = Lab()
    with needs.the_lab():
        await lab.up("a")
    return lab


@asynccontextmanager
async def linked(address: AmiAddress) -> AsyncIterator[AmiLink]:
    witness = Witness()
    link = AmiLink(address, witness.on_event, witness.on_up, witness.on_down)
    tasks = Tasks("test")
    tasks.start("link", link.run())
    try:
        await witness.until(lambda: witness.ups)
        yield link
    finally:
        await tasks.stop()


async def test_twenty_actions_at_once_are_answered_at_once_over_tls(lab: Lab) -> None:
    """Asterisk takes 1,024 bytes out of a TLS record and leaves the rest lying until more comes: actions that left in
    one long record were answered seconds later."""
    address = AmiAddress(
        server="a", username="acd", secret="lab-acd", host=lab.a.host, port=lab.a.ami_tls_port, tls=True,
        ca_file=str(lab.a.ca_file),
    )  # fmt: skip
    async with linked(address) as link:
        records = record_writes(link)
        for size in (10, 60, 500, 900):
            actions = [set_global("LAB_LONG", "x" * size) for _ in range(20)]
            began = time.monotonic()
            answers = [await answer for answer in link.send_many(*actions)]
            assert time.monotonic() - began < 0.5, f"20 actions with {size} bytes each"
            assert all(answer.success for answer in answers)
        assert max(map(len, records)) <= MAX_RECORD_BYTES
        assert (await link.send("Getvar", ("Variable", "LAB_LONG"))).get("Value") == "x" * 900


async def test_claims_of_many_calls_over_tls_are_confirmed_within_their_two_seconds(lab: Lab) -> None:
    over_tls = replace(ami(lab.a), port=lab.a.ami_tls_port, tls=True, ca_file=str(lab.a.ca_file))
    async with Site(lab, queues=QUEUES, agents=[], servers=[over_tls]) as site:
        callers = [await site.calls("sales") for _ in range(20)]
        await site.claimed(count=20)
        began = time.monotonic()
        facts = site.all(f.CallQueued)
        link = site.telephony._servers[facts[0].line.server].link
        looks = [action for fact in facts for action in claim(fact.line.channel)]
        answers = [await answer for answer in link.send_many(*looks)]
        assert time.monotonic() - began < 0.5
        assert all(answer.success for answer in answers)
        for caller in callers:
            await caller.hang_up()
        await site.fact(f.CallAbandoned, count=20)


async def test_caller_whom_the_agents_phone_transfers_into_a_queue_is_served_there(lab: Lab) -> None:
    """A blind transfer leaves our place of the dialplan without a word; the same channel is handed over anew."""
    async with Site(lab, queues=QUEUES, agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        first = await ana.ring()
        await first.answer()
        offer = (await site.fact(f.CallConnected)).offer
        ben = await site.log_in("ben")
        await lab_transfers(lab, offer, "q-billing")
        await first.ended()
        assert (await site.fact(f.CallEnded)).ended_by == "agent"
        queued = await site.fact(f.CallQueued, queue="billing")
        assert queued.line == site.all(f.CallQueued)[0].line, "the same channel, a new call"
        rings = [phone for phone in (ana, ben) if phone.rings_waiting] or [ben]
        second = await rings[0].ring()
        await second.answer()
        await site.fact(f.CallConnected, count=2)
        caller.send_tone(CALLER_HZ)
        second.send_tone(AGENT_HZ)
        await second.hears(CALLER_HZ, within_s=3)
        await caller.hears(AGENT_HZ, within_s=3)
        await caller.hang_up()
        await site.fact(f.CallEnded, count=2)
        assert site.telephony._server_of == {}


async def lab_transfers(lab: Lab, offer: str, number: str) -> None:
    """What an agent's phone does with REFER."""
    address = AmiAddress(server="lab", username="lab", secret="lab-lab", host=lab.a.host)
    async with linked(address) as link:
        shown = await link.send("CoreShowChannels")
        leg = next(event for event in shown.events if event.get("Uniqueid") == offer)
        moved = await link.send(
            "BlindTransfer", ("Channel", leg.get("Channel")), ("Context", "phones"), ("Exten", number)
        )
        assert moved.success, moved.message


async def test_server_whose_address_changed_is_reached_there_and_nobody_notices(lab: Lab) -> None:
    """A changed configuration with one caller who talks and one who waits: neither is lost, and both are served."""
    async with Relay(lab.a.host, lab.a.ami_port) as relay, Site(lab, queues=QUEUES, agents=AGENTS[:1]) as site:
        ana = await site.log_in("ana")
        talking = await site.calls("sales")
        conversation = await ana.ring()
        await conversation.answer()
        await site.fact(f.CallConnected)
        waiting = await site.calls("sales")
        await site.claimed(count=2)
        moved = ami(lab.a, host="127.0.0.1", port=relay.port)
        await site.telephony.reconfigure([moved], frozenset(one.phone for one in AGENTS if one.phone))
        await site.fact(f.ServerSettled, count=2)
        assert not site.all(f.CallEnded)
        assert not site.all(f.CallLost)
        assert not site.all(f.DirectCallStarted)
        talking.send_tone(CALLER_HZ)
        await conversation.hears(CALLER_HZ, within_s=3)
        await conversation.hang_up()
        await (await ana.ring()).answer()
        await site.fact(f.CallConnected, count=2)
        await waiting.hang_up()
        await site.fact(f.CallEnded, count=2)


async def test_caller_of_a_server_that_was_given_up_is_served_once_it_is_back(lab: Lab) -> None:
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        router = RouterSettings(server_lost_after_ms=1_000)
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with Site(lab, queues=QUEUES, agents=AGENTS[:1], router=router, servers=[through_relay]) as site:
            caller = await site.calls("sales")
            await site.claimed(count=1)
            relay.cut()
            await site.fact(f.CallLost, reason="server")
            relay.mend()
            await site.fact(f.CallQueued, count=2, within_s=15)
            ana = await site.log_in("ana")
            await (await ana.ring()).answer()
            await site.fact(f.CallConnected)
            await caller.hang_up()
            await site.fact(f.CallEnded)


async def test_books_are_empty_after_calls_on_a_real_server(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales", max_wait_ms=1_500)], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        served = await site.calls("sales")
        await (await ana.ring()).answer()
        await site.fact(f.CallConnected)
        own = await site.calls("sales")
        timed_out = await site.calls("sales")
        unknown = await site.calls("nowhere")
        await own.hang_up()
        await site.fact(f.CallTimedOut)
        await served.hang_up()
        for caller in (timed_out, unknown):
            await caller.ended(within_s=10)  # the lab's fallback plays for five seconds
        await no_channel_is_left(lab)
        await asyncio.wait_for(site.engine.settled(), 5)
        (server,) = site.telephony._servers.values()
        await server.link.send("Ping")
        books = server.books
        kept = (books.callers, books.calls, books.legs, books.direct, books.ending, site.telephony._server_of)
        assert not any(kept), kept


async def test_every_cause_that_a_phone_can_give_comes_out_right(lab: Lab) -> None:
    """603, 486, 480 and 404 of a real phone, each once, in the order of the agents."""
    statuses = {603: "declined", 486: "busy", 480: "no-answer", 404: "unreachable", 500: "unreachable"}
    agents = [agent(f"agent-{status}", str(1_021 + place), "sales") for place, status in enumerate(statuses)]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        for one, status in zip(agents, statuses, strict=True):
            phone = await site.log_in(one.id)
            phone.refuses_with = status
        caller = await site.calls("sales")
        await site.fact(f.OfferEnded, count=len(statuses))
        came = {fact.agent: fact.outcome for fact in site.all(f.OfferEnded)}
        assert came == {f"agent-{status}": outcome for status, outcome in statuses.items()}
        await caller.hang_up()
        await site.fact(f.CallAbandoned)
