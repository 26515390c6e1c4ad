"""Several phones ring for one call (docs/routing.md R34): one is connected, the others stop at once, all are free."""

import pytest

from acd.router.inputs import CallerLeft, LegAnswered, LegBridged, LegEnded, SeenLeg
from acd.testing.worlds import World
from tests.contracts.telephony.desk import Desk


def _bridged(world: World) -> list[str]:
    return [report.offer for report in world.reports if isinstance(report, LegBridged)]


@pytest.mark.parametrize("quickest", [0, 1, 2])
async def test_first_to_answer_is_connected_and_the_others_stop_at_once(
    world: World, desk: Desk, quickest: int
) -> None:
    pairs = await desk.ringing_at(3)
    first = pairs.pop(quickest)
    await desk.answered(first)
    desk.accept(first.offer, *(pair.offer for pair in pairs))
    for pair in pairs:
        await pair.phone.is_idle(within_s=1)
    await desk.together(first)
    await first.phone.hang_up()
    ended = LegEnded(first.offer.offer, "hung-up")
    await world.reported(LegEnded, lambda report: report == ended)
    desk.call_ended(first.offer)
    assert (await first.caller.returned()).result == "served"
    left = await world.reported(CallerLeft)
    assert world.reports.index(ended) < world.reports.index(left), "who ended it is reported first"
    await world.settled()
    assert _bridged(world) == [first.offer.offer]
    assert [pair.phone.invites for pair in (first, *pairs)] == [1, 1, 1]


@pytest.mark.parametrize("accepted", [0, 1])
async def test_of_two_who_answer_in_the_same_moment_one_is_connected(world: World, desk: Desk, accepted: int) -> None:
    """asterisk #176: a ring-all call answered by two agents."""
    pairs = await desk.ringing_at(2)
    await desk.answered(*pairs)
    chosen = pairs.pop(accepted)
    desk.accept(chosen.offer, pairs[0].offer)
    await pairs[0].phone.is_idle()
    await desk.together(chosen)
    await world.settled()
    assert _bridged(world) == [chosen.offer.offer]
    await chosen.caller.hang_up()
    await world.reported(CallerLeft)
    desk.call_ended(chosen.offer)
    await chosen.phone.is_idle()
    await world.is_empty()


async def test_one_who_answers_as_the_call_is_taken_is_let_go(world: World, desk: Desk) -> None:
    first, late = await desk.ringing_at(2)
    await desk.answered(first)
    await late.phone.answer()
    desk.accept(first.offer, late.offer)
    await desk.together(first)
    await late.phone.is_idle()
    await first.caller.hears_voice()


async def test_one_who_declines_leaves_the_others_ringing(world: World, desk: Desk) -> None:
    first, second, third = await desk.ringing_at(3)
    await second.phone.decline()
    assert await world.reported(LegEnded) == LegEnded(second.offer.offer, "declined")
    desk.end(second.offer, outcome="declined")
    await world.settled()
    await first.phone.rings()
    await third.phone.rings()
    await first.caller.hears_music()
    await desk.answered(third)
    desk.accept(third.offer, first.offer)
    await desk.together(third)


async def test_agent_who_leaves_before_the_bridge_leaves_the_caller_to_others(world: World, desk: Desk) -> None:
    """asterisk #1557: the agent hangs up before the bridge, and all other agents are lost to the caller."""
    first, second = await desk.ringing_at(2)
    await desk.answered(first)
    await first.phone.hang_up()
    desk.accept(first.offer, second.offer)
    assert await world.reported(LegEnded) == LegEnded(first.offer.offer, "hung-up")
    desk.end(first.offer, outcome="agent-left")
    await second.phone.is_idle()
    await world.settled()
    await first.caller.hears_music()
    again = desk.offer(first.call, second.phone)
    await second.phone.rings()
    await desk.answered(second._replace(offer=again))
    desk.accept(again)
    await desk.together(second._replace(offer=again))
    overtaken = [first.offer.offer]  # the bridge may come before the hang-up that was said first
    assert _bridged(world) in ([again.offer], [*overtaken, again.offer])


async def test_all_phones_stop_when_the_caller_hangs_up(world: World, desk: Desk) -> None:
    pairs = await desk.ringing_at(3)
    await pairs[0].caller.hang_up()
    await world.reported(CallerLeft)
    desk.end(*(pair.offer for pair in pairs), outcome="caller-gone")
    for pair in pairs:
        await pair.phone.is_idle(within_s=1)
    await world.is_empty()


async def test_report_shows_every_leg_and_the_one_that_was_answered_can_be_accepted(world: World, desk: Desk) -> None:
    first, second, third = await desk.ringing_at(3)
    cut = len(world.reports)
    await world.cut_link()
    await second.phone.answer()
    await third.phone.decline()
    await world.restore_link()
    report = await desk.full_report(since=cut)
    assert set(report.legs) == {SeenLeg(first.offer.offer, "ringing"), SeenLeg(second.offer.offer, "answered")}
    desk.end(third.offer, outcome="lost")
    desk.accept(second.offer, first.offer)
    await first.phone.is_idle(within_s=1)
    await desk.together(second)
    assert [pair.phone.invites for pair in (first, second, third)] == [1, 1, 1]


async def test_phones_of_another_server_ring_and_stop_over_the_trunk(two_servers: World) -> None:
    desk = Desk(two_servers)
    first, second = await desk.ringing_at(2, server=two_servers.servers[1])
    await desk.answered(second)
    desk.accept(second.offer, first.offer)
    await first.phone.is_idle(within_s=1)
    await desk.together(second)
    await second.caller.hang_up()
    await two_servers.reported(CallerLeft)
    desk.call_ended(second.offer)
    await second.phone.is_idle()
    await two_servers.is_empty()


async def test_all_phones_stop_when_the_adapter_stops(world: World, desk: Desk) -> None:
    ringing, answered = await desk.ringing_at(2)
    await answered.phone.answer()
    await world.reported(LegAnswered)
    await world.stop()
    await ringing.phone.is_idle()
    await answered.phone.is_idle()
    await ringing.caller.hears_music()
