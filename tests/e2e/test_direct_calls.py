"""An agent whose phone is on any other call is unavailable; such calls, in and out, are counted apart."""

import pytest

from acd.lab.servers import Lab
from acd.model import Phone
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.sip import NothingHappened
from acd.testing.site import Site, agent, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = [agent("ana", "1001", "sales")]


async def test_agent_on_a_call_of_her_own_is_offered_nothing_until_it_ends(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        friend = await site.phone("2050")
        own = await ana.place("2050")
        await (await friend.ring(within_s=5)).answer()
        await own.answered(within_s=5)
        await site.fact(f.DirectCallAnswered)
        caller = await site.calls("sales")
        await site.claimed(count=1)
        with pytest.raises(NothingHappened):
            await ana.ring(within_s=1)
        await own.hang_up()
        await ana.ring(within_s=5)
        ended = await site.fact(f.DirectCallEnded)
        assert (ended.direction, ended.agent, ended.counted) == ("out", "ana", True)
        assert ended.talked_ms is not None
        assert ended.talked_ms >= 1_000
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_phone_that_rings_for_somebody_else_is_not_offered_a_call(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        friend = await site.phone("2050")
        direct = await friend.place("1001")
        ring = await ana.ring(within_s=5)
        caller = await site.calls("sales")
        await site.claimed(count=1)
        assert not site.all(f.OfferMade)
        await direct.hang_up()
        await ring.cancelled(within_s=3)
        await ana.ring(within_s=5)
        ended = await site.fact(f.DirectCallEnded)
        assert (ended.direction, ended.talked_ms) == ("in", None), "never answered"
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_direct_call_is_known_again_after_an_outage(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        friend = await site.phone("2050")
        own = await ana.place("2050")
        await (await friend.ring(within_s=5)).answer()
        await own.answered(within_s=5)
        await site.fact(f.DirectCallAnswered)
        await site.stop_engine()
        await site.start_engine()
        assert (await site.fact(f.DirectCallStarted)).direction == "out"
        await site.fact(f.DirectCallAnswered)
        await own.hang_up()
        await site.fact(f.DirectCallEnded)


async def test_phone_that_is_nobodys_own_is_watched_from_the_log_in_on(lab: Lab) -> None:
    """It is in a call already when the agent takes it: that is found out, and nothing is offered until it ends."""
    eve = agent("eve", None, "sales")
    async with Site(lab, queues=[queue("sales")], agents=[eve]) as site:
        desk, friend = await site.phone("1005"), await site.phone("2050")
        own = await desk.place("2050")
        await (await friend.ring(within_s=5)).answer()
        await own.answered(within_s=5)
        await site.ask(i.LogIn(request=site.request(), agent=eve.id, by="eve", phone=Phone("1005")))
        started = await site.fact(f.DirectCallStarted)
        assert (started.agent, started.direction) == ("eve", "out")
        caller = await site.calls("sales")
        await site.claimed(count=1)
        with pytest.raises(NothingHappened):
            await desk.ring(within_s=1)
        await own.hang_up()
        await desk.ring(within_s=5)
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_queue_calls_are_no_direct_calls(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected)
        await caller.hang_up()
        await site.fact(f.CallEnded)
        assert not site.all(f.DirectCallStarted)


async def test_customer_held_by_the_phone_hears_music_and_the_call_goes_on(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await ring.answer()
        await site.fact(f.CallConnected)
        await caller.hears_silence(for_s=0.3, within_s=3)
        await ring.hold()
        await caller.hears_sound(within_s=3)
        await ring.resume()
        await caller.hears_silence(for_s=0.3, within_s=3)
        assert not site.all(f.CallEnded)
        await caller.hang_up()
        await site.fact(f.CallEnded)
