"""The link to Asterisk is cut, stalls, comes back; servers restart; there are two of them."""

import pytest
from msgspec.structs import replace

from acd.lab.relay import Relay
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import RouterSettings
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.ami.server import ServerOptions
from acd.telephony.sip import NothingHappened
from acd.testing.site import CALLER_HZ, Site, agent, ami, converse, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

QUICK = ServerOptions(link=LinkLimits(ping_every_s=0.5, ping_answer_s=0.5))
AGENTS = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]


async def test_ten_seconds_without_link_lose_nobody_and_ring_nobody_twice(lab: Lab) -> None:
    """One caller talks, one phone rings, two callers wait; the link is cut for ten seconds."""
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with Site(
            lab, queues=[queue("sales", ring_timeout_ms=30_000)], agents=AGENTS, servers=[through_relay]
        ) as site:
            ana, ben = await site.log_in("ana"), await site.log_in("ben")
            talking = await site.calls("sales")
            conversation = await ana.ring(within_s=5)
            await conversation.answer()
            await site.fact(f.CallConnected)
            ringing = await site.calls("sales")
            ring = await ben.ring(within_s=5)
            waiting = [await site.queues_up("sales") for _ in range(2)]
            await site.claimed(count=4)

            relay.cut()
            await site.fact(f.ServerWentQuiet)
            with pytest.raises(NothingHappened):
                await ben.ring(within_s=10)
            relay.mend()
            await site.fact(f.ServerSettled, count=2, within_s=10)

            assert not site.all(f.OfferEnded), "the phone that rang rings on"
            assert not site.all(f.CallLost)
            await ring.answer()
            await site.fact(f.CallConnected, count=2)
            await converse(talking, conversation)
            await converse(ringing, ring)
            for busy in (conversation, ring):
                await busy.hang_up()
            for phone in (ana, ben):
                await (await phone.ring(within_s=5)).answer()
            await site.fact(f.CallConnected, count=4)
            order = [fact.call for fact in site.all(f.CallQueued)]
            offered = [fact.call for fact in site.all(f.OfferMade)]
            assert offered == order, "everyone kept the place in line, with one offer each: nobody was rung twice"
            for caller in (ringing, talking, *waiting):
                await caller.hang_up()
            await site.fact(f.CallEnded, count=4)


async def test_what_happened_while_the_link_was_down_is_settled_from_the_report(lab: Lab) -> None:
    """While nobody hears it, the ringing phone's caller, a waiting caller and a talking agent hang up."""
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with Site(
            lab, queues=[queue("sales", ring_timeout_ms=30_000)], agents=AGENTS, servers=[through_relay]
        ) as site:
            ana, ben = await site.log_in("ana"), await site.log_in("ben")
            talking = await site.calls("sales")
            conversation = await ana.ring(within_s=5)
            await conversation.answer()
            await site.fact(f.CallConnected)
            await converse(talking, conversation)
            ringing = await site.calls("sales")
            ring = await ben.ring(within_s=5)
            waiting, staying = await site.queues_up("sales"), await site.queues_up("sales")
            await site.claimed(count=4)

            relay.cut()
            await site.fact(f.ServerWentQuiet)
            await conversation.hang_up()
            await talking.ended(within_s=10)
            await ringing.hang_up()
            await waiting.hang_up()
            relay.mend()
            await site.fact(f.ServerSettled, count=2, within_s=10)

            last = site.all(f.CallQueued)[-1].call
            await site.fact(f.OfferMade, call=last)
            await ring.cancelled(within_s=3)
            assert site.all(f.CallEnded)[0].ended_by in {"system", "caller", "agent"}
            assert len(site.all(f.CallLost)) == 2, "two callers hung up unheard"
            await staying.hang_up()
            await site.fact(f.CallAbandoned)


async def test_half_open_link_is_noticed_and_replaced(lab: Lab) -> None:
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with Site(lab, queues=[queue("sales")], agents=[], servers=[through_relay], options=QUICK) as site:
            relay.stall()
            await site.fact(f.ServerWentQuiet, within_s=5)
            relay.mend()
            await site.fact(f.ServerSettled, count=2, within_s=10)


async def test_restarted_server_ends_its_calls_and_frees_its_agents_at_once(lab: Lab) -> None:
    """asterisk #66 and freeswitch #1674 are about what a restart forgets; here the agent keeps queue and state."""
    async with Site(lab, queues=[queue("sales")], agents=AGENTS[:1], options=QUICK) as site:
        ana = await site.log_in("ana")
        await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await ring.answer()
        await site.fact(f.CallConnected)
        await site.calls("sales")
        await site.fact(f.CallQueued, count=2)
        await lab.restart("a")
        await site.fact(f.ServerSettled, count=2, within_s=20)
        assert len(site.all(f.CallEnded)) == 1, "the conversation is over"
        assert len(site.all(f.CallLost)) + len(site.all(f.CallAbandoned)) == 1, "the waiting call is gone"
        await ana.register()
        await site.calls("sales", "2010")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected, count=2)


async def test_agent_takes_calls_of_two_servers_each_on_its_own(lab: Lab) -> None:
    """The agent's phone is on server a. From b it is dialled over the trunk, on the caller's server."""
    servers = [ami(lab.a), ami(lab.b, dial="PJSIP/{phone}@lab-a")]
    async with Site(lab, queues=[queue("sales")], agents=AGENTS[:1], servers=servers) as site:
        ana = await site.log_in("ana")
        for server in (lab.b, lab.a):
            caller = await site.calls("sales", server=server)
            ring = await ana.ring(within_s=5)
            await ring.answer()
            await converse(caller, ring)
            offered = site.all(f.OfferMade)[-1]
            assert offered.line.server == server.name
            await caller.hang_up()
            await ring.ended(within_s=3)
        await site.fact(f.CallEnded, count=2)
        counted = [fact for fact in site.all(f.DirectCallStarted) if fact.counted]
        assert not counted, "the far end of our own leg is no direct call"


async def test_losing_one_server_ends_only_its_calls(lab: Lab) -> None:
    async with Relay(lab.b.host, lab.b.ami_port) as relay:
        servers = [ami(lab.a), ami(lab.b, host="127.0.0.1", port=relay.port)]
        router = RouterSettings(server_lost_after_ms=1_500)
        async with Site(lab, queues=[queue("sales")], agents=AGENTS[:1], servers=servers, router=router) as site:
            ana = await site.log_in("ana")
            here = await site.calls("sales")
            ring = await ana.ring(within_s=5)
            await ring.answer()
            await site.fact(f.CallConnected)
            there = await site.calls("sales", server=lab.b)
            await site.fact(f.CallQueued, count=2)
            relay.cut()
            lost = await site.fact(f.CallLost, within_s=10)
            assert (lost.reason, lost.call) == ("server", site.all(f.CallQueued)[1].call)
            assert not site.all(f.CallEnded)
            here.send_tone(CALLER_HZ)
            await ring.hears(CALLER_HZ, within_s=3)
            await here.hang_up()
            await there.hang_up()
            await site.fact(f.CallEnded)


async def test_ami_over_tls_carries_a_call(lab: Lab) -> None:
    over_tls = replace(ami(lab.a), port=lab.a.ami_tls_port, tls=True, ca_file=str(lab.a.ca_file))
    async with Site(lab, queues=[queue("sales")], agents=AGENTS[:1], servers=[over_tls]) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected)
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_pause_and_queues_are_kept_over_an_outage(lab: Lab) -> None:
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with Site(lab, queues=[queue("sales")], agents=AGENTS[:1], servers=[through_relay]) as site:
            ana = await site.log_in("ana")
            await site.ask(i.Pause(request=site.request(), agent=AGENTS[0].id, by="ana", reason="lunch"))
            relay.cut()
            await site.fact(f.ServerWentQuiet)
            relay.mend()
            await site.fact(f.ServerSettled, count=2, within_s=10)
            caller = await site.calls("sales")
            await site.fact(f.CallQueued)
            with pytest.raises(NothingHappened):
                await ana.ring(within_s=1)
            await site.ask(i.GetReady(request=site.request(), agent=AGENTS[0].id, by="ana"))
            await ana.ring(within_s=5)
            await caller.hang_up()
            await site.fact(f.CallAbandoned)
