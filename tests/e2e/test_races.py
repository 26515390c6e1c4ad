"""Everything that can cross: hang-ups around the answer, claims around the two seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.ears import Ears
from acd.lab.relay import Relay
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router.settings import RouterSettings
from acd.telephony.sip import moment
from acd.testing.site import AGENT_HZ, Site, agent, ami, converse, pings_answered, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MILLISECOND = 1_000_000
CLOSE_MS = 200
"""Two moments that are one, as two machines' clocks and a busy core tell them."""
EARLY_S = 1.7
LATE_S = 2.5
"""The youngest of the calls is 0.28 s younger than the oldest, whose age is what the sweep names."""


async def test_caller_who_hangs_up_around_the_answer_leaves_no_ghost(lab: Lab) -> None:
    """asterisk #1557 and the ghost calls of the recipes: the caller's BYE from 3 ms before to 5 ms after the agent's
    200 OK, in steps of half a millisecond. Both phones must come to rest, and the agent must get the next call."""
    async with Site(lab, queues=[queue("sales")], agents=[agent("ana", "1001", "sales")]) as site:
        ana = await site.log_in("ana")
        customer = await site.phone("2001")
        for step in range(-6, 11):
            caller = await customer.place("q-sales")
            ring = await ana.ring(within_s=5)
            await caller.answered(within_s=3)
            moment_ns = time.monotonic_ns() + 5 * MILLISECOND
            offset_ns = step * MILLISECOND // 2
            async with asyncio.TaskGroup() as both:
                both.create_task(_at(moment_ns, ring.answer))
                both.create_task(_at(moment_ns + offset_ns, caller.hang_up))
            await caller.ended(within_s=3)
            await ring.ended(within_s=3)
            await site.over(step + 7)
            over = len(site.all(f.CallAbandoned)) + len(site.all(f.CallEnded))
            assert over == step + 7, f"the call with BYE at {step / 2} ms is both abandoned and ended"
        assert len(site.all(f.OfferMade)) == 17, "each call was offered once"
        assert len(site.core.state.calls) == 0


async def _at(moment_ns: int, act: Callable[[], Awaitable[object]]) -> None:
    await moment.at(moment_ns)
    await act()


async def test_agent_who_hangs_up_right_after_answering_leaves_the_caller_in_line(lab: Lab) -> None:
    """asterisk #1557: the agent's BYE from 0 to 12 ms after the ACK of the own 200 OK, so before the bridge, while it
    is made, and after it. Whichever it is, nobody has spoken: the caller keeps age and priority, is never sent on as
    served, and reaches the next agent."""
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    router = RouterSettings(refusal_rest_ms=500, misses_before_pause=None)  # else ana would rest, or be paused
    async with Site(lab, queues=[queue("sales")], agents=agents, router=router) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        customer = await site.phone("2001")
        for step in range(13):
            before = len(site.facts)
            caller = await customer.place("q-sales+5")
            ring = await ana.ring(within_s=5)
            await ring.answer()  # returns with the ACK: no phone may say BYE before it (RFC 3261, 15)
            await moment.at(time.monotonic_ns() + step * MILLISECOND)
            await ring.hang_up()
            rescue = await ben.ring(within_s=5)
            await rescue.answer()
            await site.fact(f.CallConnected, agent="ben", count=step + 1)
            await converse(caller, rescue)
            await caller.hang_up()
            await site.fact(f.CallEnded, agent="ben", count=step + 1)
            _is_one_story([fact for fact in site.facts[before:] if isinstance(fact, f.CallQueued)])
        assert not site.all(f.CallLost), "nobody was sent on"
        assert not site.all(f.CallAbandoned)
        assert {fact.ended_by for fact in site.all(f.CallEnded, agent="ana")} <= {"agent"}
        assert {fact.outcome for fact in site.all(f.OfferEnded)} <= {"agent-left"}


def _is_one_story(queued: list[f.CallQueued]) -> None:
    """A bridge that stood for a moment is a conversation to the core: the same caller is in line again, as old as
    before and with the same priority."""
    first, *again = queued
    assert len(again) <= 1, queued
    for fact in again:
        assert (fact.line, fact.priority, fact.required, fact.caller) == (first.line, 5, first.required, first.caller)
        assert abs(fact.since_ms - first.since_ms) < CLOSE_MS, queued


@pytest.mark.parametrize("cut_s", [1.6, 1.9, 1.95, 2.0, 2.05, 2.1, 2.6])
async def test_late_claim_never_pulls_a_call_out_of_the_fallback(lab: Lab, cut_s: float) -> None:
    """The link is down while calls arrive, and back at about the two seconds after which they take the fallback.

    Each call is either ours (it waits with music, or speaks with an agent) or in the operator's fallback (a tone) and
    stays there; never both, never none. Agents are ready and answer at once, and the word that a caller leaves comes
    late: whom the engine took for its own by then, an agent's answer would pull out of the fallback.
    """
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Relay(lab.a.host, lab.a.ami_port) as relay:
        through_relay = ami(lab.a, host="127.0.0.1", port=relay.port)
        async with (
            Site(lab, queues=[queue("sales")], agents=agents, servers=[through_relay]) as site,
            Ears(lab.a, "user") as ears,
        ):
            for name in ("ana", "ben"):
                (await site.log_in(name)).attend(tone_hz=AGENT_HZ)
            phones = [await site.phone(str(number)) for number in range(2011, 2019)]
            relay.stall()
            relay.keep_back(b"UserEvent: AcdLeft")
            began = time.monotonic_ns()
            callers = {}
            for place, phone in enumerate(phones):
                await moment.at(began + place * 40 * MILLISECOND)
                callers[phone.number] = await phone.place("q-sales")
            await moment.at(began + int(cut_s * 1_000) * MILLISECOND)
            relay.mend()
            await moment.at(began + 3_000 * MILLISECOND)
            relay.let_go()
            await pings_answered(site.telephony)
            await site.engine.settled()
            ours = {call.caller.number for call in site.core.state.calls.values()}
            given_back = {event.get("CallerIDNum") for event in ears.all("LabFallback")}
            assert ours.isdisjoint(given_back), "nobody is in both places"
            assert ours | given_back == callers.keys(), "nobody is in none"
            for number in ours:
                await callers[number].hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
            for number in given_back:
                await callers[number].hears(FALLBACK_HZ, within_s=3)
            if cut_s < EARLY_S:
                assert not given_back, "well within the two seconds every claim is in time"
            elif cut_s > LATE_S:
                assert not ours, "well after them every claim is too late"
            for caller in callers.values():
                await caller.hang_up()
            await site.over(len(ours))
