"""The second, independent phone in the engine's calls: what one SIP stack gets wrong, another does not share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.servers import Lab
from acd.model import AgentId
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.sip import Phone
from acd.telephony.sip.second import SecondPhone
from acd.testing.site import AGENT_HZ, CALLER_HZ, Site, agent, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]


@asynccontextmanager
async def second_phone(site: Site, number: str) -> AsyncIterator[SecondPhone]:
    """pyVoIP, registered."""
    async with SecondPhone(number, f"lab-{number}", (site.lab.a.host, site.lab.a.sip_port)) as phone:
        await phone.register()
        yield phone


async def log_in(site: Site, name: str) -> None:
    await site.ask(i.LogIn(request=site.request(), agent=AgentId(name), by=name))


async def test_agent_on_the_second_phone_and_the_caller_hear_each_other(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "1001") as ana:
        await log_in(site, "ana")
        caller = await site.calls("sales")
        ring = await ana.ring()
        assert ring.caller_number == "2001"
        await ring.answer()
        await site.fact(f.CallConnected, agent="ana")
        caller.send_tone(CALLER_HZ)
        ring.send_tone(AGENT_HZ)
        await ring.hears(CALLER_HZ, within_s=3)
        await caller.hears(AGENT_HZ, within_s=3)
        await caller.hang_up()
        await ring.ended()
        assert (await site.fact(f.CallEnded)).ended_by == "caller"


async def test_agent_on_the_second_phone_ends_the_conversation_and_gets_the_next_call(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "1001") as ana:
        await log_in(site, "ana")
        first = await site.queues_up("sales")
        second = await site.queues_up("sales")
        ring = await ana.ring()
        await ring.answer()
        await site.fact(f.CallConnected)
        first.send_tone(CALLER_HZ)
        ring.send_tone(AGENT_HZ)
        await ring.hears(CALLER_HZ, within_s=3)
        await first.hears(AGENT_HZ, within_s=3)
        await ring.hang_up()
        assert (await site.fact(f.CallEnded)).ended_by == "agent"
        again = await ana.ring()
        await again.answer()
        await site.fact(f.CallConnected, count=2)
        second.send_tone(CALLER_HZ)
        await again.hears(CALLER_HZ, within_s=3)
        await second.hang_up()
        await again.ended()
        await site.fact(f.CallEnded, count=2)


async def test_busy_second_phone_passes_the_call_on(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "1001") as ana:
        await log_in(site, "ana")
        ben = await site.log_in("ben")
        caller = await site.calls("sales")
        await (await ana.ring()).busy()
        await (await ben.ring()).answer()
        await site.fact(f.CallConnected, agent="ben")
        ended = await site.fact(f.OfferEnded)
        assert (ended.agent, ended.outcome) == ("ana", "busy")
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_second_phone_stops_ringing_when_the_caller_gives_up(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "1001") as ana:
        await log_in(site, "ana")
        caller = await site.calls("sales")
        ring = await ana.ring()
        await caller.hang_up()
        await ring.ended()
        assert (await site.fact(f.OfferEnded)).outcome == "caller-gone"
        await site.fact(f.CallAbandoned)


async def test_caller_on_the_second_phone_waits_with_music_and_is_served(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "2005") as customer:
        caller = await customer.place("q-sales")
        await caller.answered()
        await caller.hears_sound(within_s=3, other_than=(AGENT_HZ, FALLBACK_HZ))
        ana = await site.log_in("ana")
        ring = await ana.ring()
        await ring.answer()
        assert (await site.fact(f.CallConnected)).agent == "ana"
        caller.send_tone(CALLER_HZ)
        ring.send_tone(AGENT_HZ)
        await ring.hears(CALLER_HZ, within_s=3)
        await caller.hears(AGENT_HZ, within_s=3)
        await caller.hang_up()
        await ring.ended()
        assert (await site.fact(f.CallEnded)).ended_by == "caller"


@pytest.mark.parametrize(
    "name", ["Müller, Jürgen", "日本語 ☎", "a: b;tag=c@d", "x" * 300, "Eve <sip:9@9>", "100% $(X) ${Y}", "<unknown>"]
)
async def test_whatever_the_caller_is_called_the_second_phone_rings(lab: Lab, name: str) -> None:
    """A caller's name is outside text: it must keep no phone from ringing, however the phone reads its headers."""
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site, second_phone(site, "1001") as ana:
        await log_in(site, "ana")
        registrar = (site.lab.a.host, site.lab.a.sip_port)
        async with Phone("sipp", "", registrar) as stranger:  # the lab's one phone that may say any name
            caller = await stranger.place("q-sales", caller_name=name)
            await (await ana.ring()).answer()
            await site.fact(f.CallConnected)
            await caller.hang_up()
            await site.fact(f.CallEnded)


async def test_both_ends_are_second_phones(lab: Lab) -> None:
    async with (
        Site(lab, queues=[queue("sales")], agents=AGENTS) as site,
        second_phone(site, "1001") as ana,
        second_phone(site, "2005") as customer,
    ):
        await log_in(site, "ana")
        caller = await customer.place("q-sales")
        ring = await ana.ring()
        await ring.answer()
        await site.fact(f.CallConnected)
        caller.send_tone(CALLER_HZ)
        ring.send_tone(AGENT_HZ)
        await ring.hears(CALLER_HZ, within_s=3)
        await caller.hears(AGENT_HZ, within_s=3)
        await ring.hang_up()
        await caller.ended()
        assert (await site.fact(f.CallEnded)).ended_by == "agent"
