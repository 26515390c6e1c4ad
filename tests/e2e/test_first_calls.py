"""A caller reaches an agent, and the ways in which that can go. On a real Asterisk, with real phones and audio."""

import pytest

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router import inputs as i
from acd.testing.site import Site, agent, converse, queue

pytestmark = pytest.mark.e2e


async def test_caller_and_agent_hear_each_other(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[agent("ana", "1001", "sales")]) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        assert "Sales" in ring.caller_name, "the phone shows the queue's name"
        assert ring.caller_number == "2001", "and the caller's number"
        await ring.answer()
        await converse(caller, ring)
        assert (await site.fact(f.CallConnected)).agent == "ana"
        await caller.hang_up()
        await ring.ended(within_s=3)
        assert (await site.fact(f.CallEnded)).ended_by == "caller"


async def test_four_callers_reach_two_agents_in_their_order(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        phones = [await site.log_in("ana"), await site.log_in("ben")]
        callers = [await site.queues_up("sales") for _ in range(4)]
        rings = [await phone.ring(within_s=5) for phone in phones]
        for ring in rings:
            await ring.answer()
        await site.fact(f.CallConnected, count=2)
        for caller, ring, phone in zip(callers, rings, phones, strict=False):
            await converse(caller, ring)
            await ring.hang_up()
            await (await phone.ring(within_s=5)).answer()
        await site.fact(f.CallConnected, count=4)
        queued = [fact.call for fact in site.all(f.CallQueued)]
        assert [fact.call for fact in site.all(f.OfferMade)] == queued, "first come, first served"
        for caller in callers[2:]:
            await caller.hang_up()
        await site.fact(f.CallEnded, count=4)


async def test_declined_call_keeps_its_place_and_goes_to_the_next_agent(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        caller = await site.calls("sales")
        await (await ana.ring(within_s=5)).decline()
        ring = await ben.ring(within_s=5)
        assert (await site.fact(f.OfferEnded)).outcome == "declined"
        await ring.answer()
        connected = await site.fact(f.CallConnected)
        assert (connected.agent, connected.call) == ("ben", site.all(f.CallQueued)[0].call)
        await converse(caller, ring)
        await ring.hang_up()
        assert (await site.fact(f.CallEnded)).ended_by == "agent"
        await caller.ended(within_s=10)


async def test_busy_phone_passes_the_call_on(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        caller = await site.calls("sales")
        await (await ana.ring(within_s=5)).busy()
        await ben.ring(within_s=5)
        assert (await site.fact(f.OfferEnded)).outcome == "busy"
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_unanswered_phone_stops_ringing_and_the_call_goes_on(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales", ring_timeout_ms=700)], agents=agents) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        caller = await site.calls("sales")
        missed = await ana.ring(within_s=5)
        await missed.cancelled(within_s=5)
        await ben.ring(within_s=5)
        assert (await site.fact(f.OfferEnded)).outcome == "no-answer"
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_unregistered_phone_is_passed_over_at_once(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        await site.ask(i.LogIn(request=site.request(), agent=agents[0].id, by="ana"))
        ben = await site.log_in("ben")
        caller = await site.calls("sales")
        ring = await ben.ring(within_s=5)
        ended = await site.fact(f.OfferEnded)
        assert (ended.agent, ended.outcome) == ("ana", "unreachable")
        await ring.answer()
        await site.fact(f.CallConnected, agent="ben")
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_phone_that_went_without_a_word_is_passed_over_once_asterisk_has_noticed(lab: Lab) -> None:
    """It is registered still; `qualify_frequency` finds it out, and from then on no caller waits for it."""
    agents = [agent("ana", "1041", "sales"), agent("ben", "1042", "sales")]
    async with (
        Site(lab, queues=[queue("sales", ring_timeout_ms=60_000)], agents=agents) as site,
        Ears(lab.a, "system") as ears,
    ):
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        await ears.hears("ContactStatus", AOR="1041", ContactStatus="Reachable")
        await ana.vanish()
        await ears.hears("ContactStatus", AOR="1041", ContactStatus="Unreachable", within_s=15)
        caller = await site.calls("sales")
        ring = await ben.ring(within_s=5)
        ended = await site.fact(f.OfferEnded)
        assert (ended.agent, ended.outcome) == ("ana", "unreachable")
        await ring.answer()
        await site.fact(f.CallConnected, agent="ben")
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_caller_who_gives_up_while_waiting_has_abandoned(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[]) as site:
        caller = await site.calls("sales")
        await site.fact(f.CallQueued)
        await caller.hang_up()
        assert (await site.fact(f.CallAbandoned)).waited_ms >= 0


async def test_phone_stops_ringing_when_the_caller_gives_up(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[agent("ana", "1001", "sales")]) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring(within_s=5)
        await caller.hang_up()
        await ring.cancelled(within_s=2)
        assert (await site.fact(f.OfferEnded)).outcome == "caller-gone"
        await site.fact(f.CallAbandoned)


async def test_waiting_caller_hears_music(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[]) as site:
        caller = await site.calls("sales")
        await caller.answered(within_s=3)
        await caller.hears_sound(within_s=3)
        await caller.hang_up()
        await site.fact(f.CallAbandoned)


async def test_wrap_up_holds_the_agent_for_every_queue(lab: Lab) -> None:
    queues = [queue("sales", wrap_up_ms=1_500), queue("support")]
    async with Site(lab, queues=queues, agents=[agent("ana", "1001", "sales", "support")]) as site:
        ana = await site.log_in("ana")
        first = await site.calls("sales")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected)
        second = await site.calls("support")
        await site.fact(f.CallQueued, count=2)
        await first.hang_up()
        wrap_up = await site.fact(f.WrapUpStarted)
        await ana.ring(within_s=5)
        offered = site.all(f.OfferMade)[-1]
        assert offered.at_ms >= wrap_up.until_ms, "no offer before the wrap-up ended"
        assert (await site.fact(f.WrapUpEnded)).by == "time"
        await second.hang_up()
        await site.fact(f.CallAbandoned)


async def test_unknown_queue_returns_the_call_with_the_reason(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales")], agents=[]) as site:
        caller = await site.calls("nowhere")
        await caller.hears(FALLBACK_HZ, within_s=4)  # the lab's fallback
        assert (await site.fact(f.CallRefused)).reason == "unknown-queue"
        await caller.hang_up()


async def test_longest_wait_ends_in_the_operators_fallback(lab: Lab) -> None:
    async with Site(lab, queues=[queue("sales", max_wait_ms=800)], agents=[]) as site:
        caller = await site.calls("sales")
        await site.fact(f.CallTimedOut)
        await caller.hears(FALLBACK_HZ, within_s=4)
        await caller.hang_up()
