"""Offers: one phone rings for one call, once, and what becomes of that is reported."""

import pytest

from acd.router.facts import StrayLegFound
from acd.router.inputs import CallerLeft, LegAnswered, LegBridged, LegEnd, LegEnded
from acd.testing.worlds import World
from tests.contracts.telephony.desk import QUEUE, Desk


async def _ended(world: World, since: int = 0) -> LegEnd:
    return (await world.reported(LegEnded, since=since)).end


async def test_phone_rings_once_and_shows_the_queue_and_the_caller(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    phone = await world.phone()
    desk.offer(call, phone)
    await phone.rings()
    await world.settled()
    assert phone.invites == 1
    assert "Sales" in phone.shown
    assert caller.number in phone.shown


async def test_caller_goes_on_hearing_music_while_the_phone_rings(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await world.settled()
    await pair.caller.hears_music()


async def test_answer_is_reported_and_the_bridge_waits_for_its_acceptance(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.answer()
    await world.reported(LegAnswered, lambda report: report.offer == pair.offer.offer)
    await world.settled()
    assert not [report for report in world.reports if isinstance(report, LegBridged)]
    await pair.caller.hears_music()


async def test_agent_whom_nobody_connects_is_let_go_and_the_caller_goes_on_waiting(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.answer()
    ended = await world.reported(LegEnded, within_s=8)
    assert ended == LegEnded(pair.offer.offer, "hung-up")
    await pair.phone.is_idle()
    await pair.caller.hears_music()


async def test_decline_is_reported_as_declined(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.decline()
    assert await world.reported(LegEnded) == LegEnded(pair.offer.offer, "declined")
    await pair.caller.hears_music()


async def test_busy_phone_is_reported_as_busy(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    phone = await world.phone()
    await phone.be_busy()
    desk.offer(call, phone)
    assert await _ended(world) == "busy"
    assert phone.invites == 1


async def test_unregistered_phone_is_reported_as_unreachable(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    phone = await world.phone()
    await phone.unregister()
    desk.offer(call, phone)
    assert await _ended(world) == "unreachable"
    assert phone.invites == 0


async def test_phone_stops_ringing_when_the_offer_is_withdrawn(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    desk.end(pair.offer, outcome="no-answer")
    await pair.phone.is_idle()
    await pair.caller.hears_music()


async def test_phone_that_rings_longer_than_the_offer_stops_by_itself(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    phone = await world.phone()
    desk.offer(call, phone, ring_ms=1_000)
    await phone.rings()
    assert await _ended(world) == "no-answer"
    await phone.is_idle()


async def test_offer_that_is_withdrawn_at_once_does_not_leave_the_phone_ringing(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    phone = await world.phone()
    offer = desk.offer(call, phone)
    desk.end(offer, outcome="withdrawn")
    await world.settled()
    await phone.is_idle()
    assert phone.invites <= 1


async def test_call_is_offered_again_after_a_refusal_under_a_new_id(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.decline()
    await world.reported(LegEnded)
    desk.end(pair.offer, outcome="declined")
    other = await world.phone()
    again = desk.offer(pair.call, other)
    await other.rings()
    assert again.offer != pair.offer.offer
    assert (pair.phone.invites, other.invites) == (1, 1)


async def test_same_offer_twice_rings_once(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    world.act(pair.offer)
    await world.settled()
    assert pair.phone.invites == 1
    await pair.phone.rings()


async def test_two_offers_ring_two_phones_and_connect_each_with_its_caller(world: World, desk: Desk) -> None:
    first, second = await desk.ringing(), await desk.ringing()
    await second.phone.answer()
    await world.reported(LegAnswered, lambda report: report.offer == second.offer.offer)
    desk.accept(second.offer)
    await world.reported(LegBridged, lambda report: report.offer == second.offer.offer)
    await second.caller.hears_voice()
    await first.phone.rings()
    await first.caller.hears_music()


async def test_stray_leg_is_hung_up(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    world.act(StrayLegFound(world.now_ms(), pair.offer.line.server, pair.offer.offer))
    await pair.phone.is_idle()


async def test_offer_rings_on_the_callers_own_server(two_servers: World) -> None:
    desk = Desk(two_servers)
    caller = await two_servers.caller(QUEUE, server=two_servers.servers[1])
    call = desk.queue(await desk.arrival(caller))
    phone = await two_servers.phone()
    offer = desk.offer(call, phone)
    await phone.rings()
    await phone.answer()
    await two_servers.reported(LegAnswered)
    desk.accept(offer)
    await two_servers.reported(LegBridged)
    await caller.hears_voice()


# --- The caller leaves ----------------------------------------------------------------------------------------


async def test_caller_who_leaves_while_the_phone_rings_is_reported_and_the_phone_can_be_stopped(
    world: World, desk: Desk
) -> None:
    pair = await desk.ringing()
    await pair.caller.hang_up()
    assert await world.reported(CallerLeft) == CallerLeft(pair.call.line, hung_up=True)
    desk.end(pair.offer, outcome="caller-gone")
    await pair.phone.is_idle()
    await world.is_empty()


@pytest.mark.parametrize("caller_is_first", [True, False], ids=["caller-first", "agent-first"])
async def test_caller_who_leaves_right_at_the_answer_leaves_no_ghost(
    world: World, desk: Desk, caller_is_first: bool
) -> None:
    pair = await desk.ringing()
    if caller_is_first:
        await pair.caller.hang_up()
        await pair.phone.answer()
    else:
        await pair.phone.answer()
        await pair.caller.hang_up()
    await world.reported(LegAnswered)
    desk.accept(pair.offer)
    await world.reported(CallerLeft, lambda report: report.line == pair.call.line and report.hung_up)
    desk.end(pair.offer, outcome="caller-gone")
    await pair.phone.is_idle()
    await world.is_empty()


async def test_caller_who_leaves_while_the_bridge_is_made_leaves_no_ghost(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.answer()
    await world.reported(LegAnswered)
    desk.accept(pair.offer)
    await pair.caller.hang_up()
    await world.reported(CallerLeft, lambda report: report.line == pair.call.line)
    desk.end(pair.offer, outcome="caller-gone")
    await pair.phone.is_idle()
    await world.is_empty()


async def test_agent_who_leaves_while_the_bridge_is_made_leaves_the_caller_waiting(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.answer()
    await world.reported(LegAnswered)
    await pair.phone.hang_up()
    desk.accept(pair.offer)
    assert await world.reported(LegEnded) == LegEnded(pair.offer.offer, "hung-up")
    desk.end(pair.offer, outcome="agent-left")
    await world.settled()
    await pair.caller.hears_music()
    other = await world.phone()
    desk.offer(pair.call, other)
    await other.rings()
