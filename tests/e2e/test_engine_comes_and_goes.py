"""The engine stops, starts, or is not there at all. Asterisk never depends on it."""

import pytest

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami.server import ServerOptions
from acd.telephony.sip import NotHeard
from acd.testing.site import Site, agent, converse, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = [agent("ana", "1001", "sales")]


async def test_conversation_goes_on_when_the_engine_stops(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await ring.answer()
        await site.fact(f.CallConnected)
        await site.stop_engine()
        await converse(caller, ring)
        await ring.hang_up()
        await caller.ended(within_s=10)


async def test_stopping_engine_lets_the_phone_stop_ringing_and_the_caller_wait(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await site.claimed(count=1)
        await site.stop_engine()
        await ring.cancelled(within_s=3)
        await caller.hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
        await caller.hang_up()


async def test_callers_take_the_fallback_at_once_when_no_engine_runs(lab: Lab) -> None:
    """freeswitch #1674 and its like: the phone system must not depend on the queue engine to answer."""
    async with Site(lab, queues=[queue("sales")], agents=[]) as site:
        await site.stop_engine()
        await lab.cli("a", "dialplan set global ACD_ALIVE 1")  # as it reads ten seconds later
        caller = await site.calls("sales")
        await caller.hears(FALLBACK_HZ, within_s=1.5)
        await caller.hang_up()


async def test_callers_take_the_fallback_after_two_seconds_when_the_engine_has_just_died(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[]) as site:
        await site.stop_engine()
        caller = await site.calls("sales")
        await caller.hears(FALLBACK_HZ, within_s=4)
        await caller.hang_up()


async def test_waiting_caller_of_a_silent_engine_returns_as_lost(lab: Lab) -> None:
    """Also after a graceful stop without a restart. Three seconds here, sixty by default. The operator's dialplan
    reads why: the lab's fallback says what it found in the channel's variables."""
    options = ServerOptions(lost_after_s=3, heartbeat_s=1.0)
    async with (
        Site(lab, queues=[queue("sales")], agents=[], options=options) as site,
        Ears(lab.a, "user") as ears,
    ):
        caller = await site.calls("sales")
        await site.claimed(count=1)
        await caller.hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
        await site.stop_engine()
        await caller.hears(FALLBACK_HZ, within_s=8)
        fallback = await ears.hears("LabFallback")
        assert (fallback.get("Result"), fallback.get("Reason")) == ("lost", "engine-silent")
        await caller.hang_up()


async def test_heartbeat_keeps_callers_for_longer_than_the_silence_allowed(lab: Lab) -> None:
    options = ServerOptions(lost_after_s=3, heartbeat_s=1.0)
    async with Site(lab, queues=[queue("sales")], agents=AGENTS, options=options) as site:
        caller = await site.calls("sales")
        await caller.answered(within_s=3)
        await caller.hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
        with pytest.raises(NotHeard):
            await caller.hears(FALLBACK_HZ, within_s=8)
        ana = await site.log_in("ana")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected)
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_restarted_engine_takes_up_those_who_wait_in_their_order(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        first = await site.calls("sales")
        await site.claimed(count=1)
        await first.hears_sound(within_s=3)
        with pytest.raises(NotHeard):  # at least one second of waiting lies between the two
            await first.hears(FALLBACK_HZ, within_s=1.1)
        second = await site.calls("sales")
        await site.claimed(count=2)
        await site.stop_engine()
        await site.start_engine()
        await site.fact(f.CallQueued, count=2)
        ana = await site.log_in("ana")
        ring = await ana.ring(within_s=5)
        assert site.all(f.CallQueued)[0].caller.number == "2001", "the one who waited longer"
        assert ring.caller_number == "2001"
        await ring.answer()
        connected = await site.fact(f.CallConnected)
        assert connected.waited_ms >= 1_000, "the wait counts from the first moment"
        await converse(first, ring)
        await ring.hang_up()
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected, count=2)
        await second.hang_up()
        await site.fact(f.CallEnded, count=2)


async def test_restarted_engine_offers_nothing_to_an_agent_who_still_talks(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await ring.answer()
        await site.fact(f.CallConnected)
        await converse(caller, ring)
        await site.stop_engine()
        await site.start_engine()
        assert (await site.fact(f.DirectCallStarted)).phone == "1001"
        await site.fact(f.DirectCallExcluded)  # it is no direct call: only the phone is in use
        await site.ask(i.LogIn(request=site.request(), agent=AGENTS[0].id, by="ana"))
        waiting = await site.calls("sales")
        await site.claimed(count=1)
        assert not site.all(f.OfferMade), "the phone is on the call of the engine before"
        await ring.hang_up()
        await caller.ended(within_s=10)
        assert not (await site.fact(f.DirectCallEnded)).counted
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected)
        await waiting.hang_up()
        await site.fact(f.CallEnded)
