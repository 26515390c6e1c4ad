"""Who gets which call, on a real Asterisk with real phones: skills, rings, named agents, turns, ring-all."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from acd.lab.servers import Lab
from acd.model import QueueId, Skill
from acd.router import facts as f
from acd.router.settings import QueueSettings, Ring, RouterSettings, Standing
from acd.telephony.sip import Call, IncomingCall, NothingHappened, Phone, moment
from acd.testing.site import Site, agent, converse, queue

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MILLISECOND = 1_000_000
AT_ONCE_S = 1.0
GERMAN = (Skill("german", 3),)
THREE = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales"), agent("cleo", "1003", "sales")]


def ring_all(**settings: object) -> QueueSettings:
    return queue("sales", ring_at_most=10, **settings)


async def test_call_waits_for_who_has_the_skill_while_the_one_behind_it_is_served(lab: Lab) -> None:
    """asterisk #1561: a call that the free agent may not take blocks those that the agent may."""
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales", skills=GERMAN)]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        ben = await site.log_in("ben")
        first = await site.calls("sales")
        talk = await ben.ring(within_s=5)
        await talk.answer()
        await converse(first, talk)
        ana = await site.log_in("ana")
        german = await site.calls("sales", wishes="german:3")
        await site.fact(f.CallQueued, count=2)
        assert site.all(f.CallQueued)[-1].required == GERMAN
        plain = await site.calls("sales")
        await (await ana.ring(within_s=5)).answer()
        served = await site.fact(f.CallConnected, agent="ana")
        assert served.call == (await site.fact(f.CallQueued, count=3)).call
        await talk.hang_up()
        last = await ben.ring(within_s=5)
        await last.answer()
        await converse(german, last)
        assert (await site.fact(f.CallConnected, agent="ben", count=2)).call == site.all(f.CallQueued)[1].call
        for caller in (plain, german):
            await caller.hang_up()
        await site.fact(f.CallEnded, count=3)


async def test_wish_chooses_among_those_who_are_free_and_waits_for_nobody(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales", skills=GERMAN)]
    async with Site(lab, queues=[queue("sales")], agents=agents) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        first = await site.calls("sales", wishes="~german")
        await (await ben.ring(within_s=5)).answer()
        second = await site.calls("sales", wishes="~german")
        await (await ana.ring(within_s=5)).answer()
        await site.fact(f.CallConnected, count=2)
        for caller in (first, second):
            await caller.hang_up()
        await site.fact(f.CallEnded, count=2)


async def test_rings_widen_with_waiting(lab: Lab) -> None:
    """First the first line with the skill, then the second line with it, then anyone."""
    rings = (Ring(0, tier=1), Ring(700), Ring(1_400, slack=100))
    second_line = (Standing(QueueId("sales"), tier=2),)
    agents = [
        agent("ana", "1001", "sales"),
        agent("ben", "1002", "sales", skills=GERMAN, standings=second_line),
    ]
    async with Site(lab, queues=[queue("sales", rings=rings)], agents=agents) as site:
        ana, ben = await site.log_in("ana"), await site.log_in("ben")
        caller = await site.calls("sales", wishes="german:3")
        declined = await ben.ring(within_s=5)
        queued = await site.fact(f.CallQueued)
        assert (await site.fact(f.OfferMade)).at_ms - queued.since_ms >= 700
        await declined.decline()
        ring = await ana.ring(within_s=5)
        offered = await site.fact(f.OfferMade, agent="ana")
        assert offered.at_ms - queued.since_ms >= 1_400
        await ring.answer()
        await converse(caller, ring)
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def test_named_agent_is_waited_for_and_then_anyone_may_take_the_call(lab: Lab) -> None:
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales", named_agent_ms=1_000)], agents=agents) as site:
        ben, ana = await site.log_in("ben"), await site.log_in("ana")
        for_ana = await site.calls("sales", wishes="@ana")
        talk = await ana.ring(within_s=5)  # though ben has been idle longer
        await talk.answer()
        await converse(for_ana, talk)
        again = await site.calls("sales", wishes="@ana")
        queued = await site.fact(f.CallQueued, count=2)
        ring = await ben.ring(within_s=5)
        offered = await site.fact(f.OfferMade, agent="ben")
        assert offered.at_ms - queued.since_ms >= 1_000
        assert (await site.fact(f.PreferenceLapsed)).agent == "ana"
        await ring.answer()
        await converse(again, ring)
        for caller in (for_ana, again):
            await caller.hang_up()
        await site.fact(f.CallEnded, count=2)


async def test_caller_who_comes_again_reaches_the_agent_of_the_last_conversation(lab: Lab) -> None:
    """docs/routing.md R39. What takes less than five seconds does not count as a conversation, so this takes longer."""
    agents = [agent("ana", "1001", "sales"), agent("ben", "1002", "sales")]
    async with Site(lab, queues=[queue("sales", last_agent_ms=5_000)], agents=agents) as site:
        ana, customer = await site.log_in("ana"), await site.phone("2001")
        ana.attend(talk_ms=5_200)
        await customer.place("o-sales")
        await site.fact(f.CallConnected)
        ben = await site.log_in("ben")
        remembered = await site.fact(f.CallerRemembered, within_s=10)
        assert (remembered.number, remembered.agent) == ("0305552001", "ana")
        again = await customer.place("o-sales")  # ben has been idle longer
        served = await site.fact(f.CallConnected, agent="ana", count=2)
        queued = site.all(f.CallQueued)[-1]
        assert (served.call, queued.last_agent, queued.named) == (queued.call, True, "ana")
        third = await site.calls("sales")  # of somebody else, while she talks
        await (await ben.ring(within_s=5)).answer()
        await site.fact(f.CallConnected, agent="ben")
        for caller in (again, third):
            await caller.hang_up()
        await site.fact(f.CallEnded, count=3)


async def test_agents_take_turns_in_a_round_robin(lab: Lab) -> None:
    """FreePBX tracker #40: "least recent" keeps ringing one agent. Who declined has had a turn."""
    async with Site(lab, queues=[queue("sales", strategy="round-robin")], agents=THREE) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE}
        customer = await site.phone("2001")
        for count, (declines, takes) in enumerate([("ana", "ben"), (None, "cleo"), (None, "ana"), ("ben", "cleo")], 1):
            caller = await customer.place("q-sales")
            if declines is not None:
                await (await phones[declines].ring(within_s=5)).decline()
            ring = await phones[takes].ring(within_s=5)
            await ring.answer()
            await site.fact(f.CallConnected, count=count)
            await caller.hang_up()
            await ring.ended(within_s=3)
            await site.fact(f.CallEnded, count=count)
        assert [fact.agent for fact in site.all(f.OfferMade)] == ["ana", "ben", "cleo", "ana", "ben", "cleo"]


# --- Several phones at once -----------------------------------------------------------------------------------


async def _all_ring(phones: dict[str, Phone]) -> dict[str, IncomingCall]:
    return {name: await phone.ring(within_s=5) for name, phone in phones.items()}


async def test_first_to_answer_is_connected_and_all_others_stop_at_once(lab: Lab) -> None:
    async with Site(lab, queues=[ring_all()], agents=THREE) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE}
        for count, first in enumerate(("cleo", "ana", "ben"), 1):
            caller = await site.calls("sales")
            rings = await _all_ring(phones)
            await rings[first].answer()
            for other in rings.keys() - {first}:
                await rings[other].cancelled(within_s=AT_ONCE_S)
            assert (await site.fact(f.CallConnected, count=count)).agent == first
            await converse(caller, rings[first])
            await rings[first].hang_up()
            await site.fact(f.CallEnded, count=count)
            await caller.ended(within_s=3)
        assert [fact.outcome for fact in site.all(f.OfferEnded)] == ["taken"] * 6
        assert len(site.all(f.OfferMade)) == 9, "nobody was rung twice for one call"


async def test_caller_behind_rings_at_those_who_stopped(lab: Lab) -> None:
    """One call rings at all, a second one waits: as the first is taken, it rings at the others in the same breath."""
    async with Site(lab, queues=[ring_all()], agents=THREE) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE}
        callers: list[Call] = [await site.calls("sales")]
        rings = await _all_ring(phones)
        callers.append(await site.calls("sales"))
        await site.fact(f.CallQueued, count=2)
        await rings["ana"].answer()
        await site.fact(f.CallConnected, agent="ana")
        again = {name: await phones[name].ring(within_s=5) for name in ("ben", "cleo")}
        await again["cleo"].answer()
        await again["ben"].cancelled(within_s=AT_ONCE_S)
        await site.fact(f.CallConnected, agent="cleo")
        for caller in callers:
            await caller.hang_up()
        await site.fact(f.CallEnded, count=2)


async def test_all_phones_stop_when_the_caller_hangs_up(lab: Lab) -> None:
    async with Site(lab, queues=[ring_all()], agents=THREE) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE}
        caller = await site.calls("sales")
        rings = await _all_ring(phones)
        await caller.hang_up()
        for ring in rings.values():
            await ring.cancelled(within_s=AT_ONCE_S)
        await site.fact(f.CallAbandoned)
        assert [fact.outcome for fact in site.all(f.OfferEnded)] == ["caller-gone"] * 3


async def test_two_agents_who_answer_in_the_same_instant_do_not_both_get_the_call(lab: Lab) -> None:
    """asterisk #176: a ring-all call is answered by two agents. The second 200 OK from 4 ms before to 4 ms after the
    first, in steps of half a millisecond: one is connected, the other let go, and both are free for the next call."""
    async with Site(lab, queues=[ring_all()], agents=THREE[:2]) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE[:2]}
        customer = await site.phone("2001")
        for count, step in enumerate(range(-8, 9), 1):
            caller = await customer.place("q-sales")
            rings = await _all_ring(phones)
            moment_ns = time.monotonic_ns() + 8 * MILLISECOND
            async with asyncio.TaskGroup() as both:
                both.create_task(_at(moment_ns, rings["ana"].answer))
                both.create_task(_at(moment_ns + step * MILLISECOND // 2, rings["ben"].answer))
            connected = await site.fact(f.CallConnected, count=count)
            loser = "ben" if connected.agent == "ana" else "ana"
            await rings[loser].ended(within_s=AT_ONCE_S)
            await converse(caller, rings[connected.agent])
            await caller.hang_up()
            await rings[connected.agent].ended(within_s=3)
            await site.fact(f.CallEnded, count=count)
        assert len(site.all(f.CallQueued)) == len(site.all(f.CallConnected)) == 17
        assert {fact.outcome for fact in site.all(f.OfferEnded)} == {"taken"}
        assert not site.core.state.offers


async def test_agent_who_hangs_up_before_the_bridge_does_not_lose_the_other_agents(lab: Lab) -> None:
    """asterisk #1557: the agent hangs up before the bridge and all other agents are dropped. The BYE from 0 to 12 ms
    after the ACK: the others stopped when the call was taken, and ring again for the same caller."""
    router = RouterSettings(refusal_rest_ms=500, misses_before_pause=None)  # else ana would rest, or be paused
    async with Site(lab, queues=[ring_all()], agents=THREE, router=router) as site:
        phones: dict[str, Phone] = {one.id: await site.log_in(one.id) for one in THREE}
        customer = await site.phone("2001")
        for step in range(13):
            caller = await customer.place("q-sales+5")
            rings = await _all_ring(phones)
            await rings["ana"].answer()
            await moment.at(time.monotonic_ns() + step * MILLISECOND)
            await rings["ana"].hang_up()
            again = {name: await phones[name].ring(within_s=5) for name in ("ben", "cleo")}
            await again["ben"].answer()
            await again["cleo"].cancelled(within_s=AT_ONCE_S)
            await site.fact(f.CallConnected, agent="ben", count=step + 1)
            await converse(caller, again["ben"])
            await caller.hang_up()
            await site.fact(f.CallEnded, agent="ben", count=step + 1)
            await again["ben"].ended(within_s=3)
            await _let_ana_rest(site, phones["ana"])
        assert not site.all(f.CallLost), "nobody was sent on"
        assert not site.all(f.CallAbandoned)
        assert {fact.outcome for fact in site.all(f.OfferEnded)} <= {"agent-left", "taken", "caller-gone"}


async def _let_ana_rest(site: Site, phone: Phone) -> None:
    """A bridge that stood for a moment was a conversation to the core, and no refusal: the same caller, in line again,
    rings at ana's too. She lets it stop by itself."""
    while phone.rings_waiting:
        await (await phone.ring()).cancelled(within_s=AT_ONCE_S)
    with pytest.raises(NothingHappened):
        await phone.ring(within_s=0.6)
    assert not site.core.state.offers


async def _at(moment_ns: int, act: Callable[[], Awaitable[object]]) -> None:
    await moment.at(moment_ns)
    await act()
