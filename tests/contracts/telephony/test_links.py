"""Links: what was missed while one was down is told by the report that follows, and nothing is done twice."""

from acd.model import Line
from acd.router.inputs import CallArrived, CallerLeft, LegEnded, LinkLost, SeenCaller, SeenLeg, SeenPhone
from acd.testing.worlds import World
from tests.contracts.telephony.desk import QUEUE, Desk


async def _cut(world: World) -> int:
    """Cut the link; what is reported from the number on belongs to the time after it."""
    before = len(world.reports)
    await world.cut_link()
    await world.reported(LinkLost, lambda report: report.server == world.servers[0], since=before)
    return len(world.reports)


async def test_connection_begins_with_a_complete_report(world: World, desk: Desk) -> None:
    report = await desk.full_report(since=0)
    assert report.server == world.servers[0]
    assert (report.callers, report.legs, report.phones) == ((), (), ())
    assert not [lost for lost in world.reports if isinstance(lost, LinkLost)]


async def test_report_names_those_who_wait_ring_and_talk(world: World, desk: Desk) -> None:
    _, waiting = await desk.waiting()
    ringing, talking = await desk.ringing(), await desk.talking()
    cut = await _cut(world)
    await world.restore_link()
    report = await desk.full_report(since=cut)
    places = {(seen.channel, seen.place) for seen in report.callers}
    assert places >= {
        (waiting.line.channel, "waiting"),
        (ringing.call.line.channel, "waiting"),
        (talking.call.line.channel, "talking"),
    }
    assert SeenLeg(ringing.offer.offer, "ringing") in report.legs
    assert SeenLeg(talking.offer.offer, "talking") in report.legs


async def test_nobody_notices_a_cut_link_and_nobody_is_rung_twice(world: World, desk: Desk) -> None:
    waiting, _ = await desk.waiting()
    ringing, talking = await desk.ringing(), await desk.talking()
    cut = await _cut(world)
    await waiting.hears_music()
    await ringing.phone.rings()
    await talking.caller.hears_voice()
    await world.restore_link()
    await desk.full_report(since=cut)
    await world.settled()
    await waiting.hears_music()
    await ringing.caller.hears_music()
    await talking.phone.hears_voice()
    assert (ringing.phone.invites, talking.phone.invites) == (1, 1)


async def test_offer_made_while_the_link_is_down_never_rings(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    phone = await world.phone()
    cut = await _cut(world)
    offer = desk.offer(call, phone)
    await world.restore_link()
    report = await desk.full_report(since=cut)
    await world.settled()
    assert phone.invites == 0
    assert offer.offer not in {seen.offer for seen in report.legs}


async def test_what_ended_while_the_link_was_down_is_missing_from_the_report(world: World, desk: Desk) -> None:
    waiting, call = await desk.waiting()
    ringing, talking = await desk.ringing(), await desk.talking()
    cut = await _cut(world)
    await waiting.hang_up()
    await ringing.phone.decline()
    await talking.caller.hang_up()
    await talking.phone.is_idle()
    await world.restore_link()
    report = await desk.full_report(since=cut)
    assert report.legs == ()
    assert SeenCaller(call.line.channel, "waiting") not in report.callers
    assert SeenCaller(ringing.call.line.channel, "waiting") in report.callers
    assert not [late for late in world.reports[cut:] if isinstance(late, CallerLeft | LegEnded)]


async def test_answer_while_the_link_was_down_is_in_the_report_and_can_be_accepted(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    cut = await _cut(world)
    await pair.phone.answer()
    await world.restore_link()
    report = await desk.full_report(since=cut)
    assert SeenLeg(pair.offer.offer, "answered") in report.legs
    desk.accept(pair.offer)
    await pair.caller.hears_voice()
    await pair.phone.hears_voice()


async def test_caller_who_came_while_the_link_was_down_is_handed_over_after_it(world: World, desk: Desk) -> None:
    cut = await _cut(world)
    caller = await world.caller(QUEUE)
    await caller.hears_music()
    await world.restore_link()
    arrived = await desk.arrival(caller, since=cut)
    desk.queue(arrived)
    stranger = await world.caller(QUEUE)
    assert (await stranger.returned()).result == "unclaimed"
    await caller.hears_music()


async def test_claim_that_was_lost_with_the_link_is_made_up_for_after_it(world: World, desk: Desk) -> None:
    caller = await world.caller(QUEUE)
    arrived = await desk.arrival(caller)
    cut = await _cut(world)
    desk.queue(arrived)
    await world.restore_link()
    await desk.full_report(since=cut)
    stranger = await world.caller(QUEUE)
    assert (await stranger.returned()).result == "unclaimed"
    await caller.hears_music()


async def test_caller_whose_return_was_lost_with_the_link_is_handed_over_again(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    cut = await _cut(world)
    desk.time_out(call)
    await world.restore_link()
    arrived = await desk.arrival(caller, since=cut)
    assert arrived.line == call.line
    desk.time_out(desk.queue(arrived))
    assert (await caller.returned()).result == "timeout"


async def test_caller_whom_the_engine_let_go_with_the_server_is_handed_over_again(world: World, desk: Desk) -> None:
    """A new call of the same caller: the old one is history, and what is said of it moves nobody."""
    caller, call = await desk.waiting()
    cut = await _cut(world)
    desk.lose(call)
    await world.restore_link()
    arrived = await desk.arrival(caller, since=cut)
    assert (arrived.line, arrived.queue) == (call.line, call.queue)
    again = desk.queue(arrived)
    desk.time_out(call)
    await world.settled()
    await caller.hears_music()
    await desk.serve(caller, again)
    assert not [left for left in world.reports[cut:] if isinstance(left, CallerLeft)]


async def test_caller_who_was_handed_over_again_is_not_handed_over_a_third_time(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    cut = await _cut(world)
    desk.lose(call)
    await world.restore_link()
    desk.queue(await desk.arrival(caller, since=cut))
    await world.settled()
    cut = await _cut(world)
    await world.restore_link()
    await desk.full_report(since=cut)
    await world.settled()
    assert not [late for late in world.reports[cut:] if isinstance(late, CallArrived)]
    await caller.hears_music()


async def test_leg_whose_end_was_lost_with_the_link_is_a_stray_in_the_report(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    cut = await _cut(world)
    desk.end(pair.offer, outcome="withdrawn")
    await world.restore_link()
    report = await desk.full_report(since=cut)
    assert SeenLeg(pair.offer.offer, "ringing") in report.legs


async def test_direct_call_is_in_the_report(world: World, desk: Desk) -> None:
    phone, outsider = await world.phone(), await world.outside_phone()
    await outsider.dial(phone.number)
    await phone.rings()
    cut = await _cut(world)
    await phone.answer()
    await world.restore_link()
    report = await desk.full_report(since=cut)
    seen = [seen for seen in report.phones if seen.phone == phone.number]
    assert [(one.direction, one.answered) for one in seen] == [("in", True)]
    assert isinstance(seen[0], SeenPhone)


async def test_link_that_is_lost_again_reports_again(world: World, desk: Desk) -> None:
    _, call = await desk.waiting()
    for _ in range(2):
        cut = await _cut(world)
        await world.restore_link()
        report = await desk.full_report(since=cut)
        assert SeenCaller(call.line.channel, "waiting") in report.callers


async def test_caller_is_handed_over_once_though_the_link_was_lost(world: World, desk: Desk) -> None:
    await desk.waiting()
    cut = await _cut(world)
    await world.restore_link()
    await desk.full_report(since=cut)
    await world.settled()
    assert len([report for report in world.reports if isinstance(report, CallArrived)]) == 1


async def test_cut_link_of_one_server_leaves_the_other_alone(two_servers: World) -> None:
    desk = Desk(two_servers)
    first, second = two_servers.servers
    await two_servers.cut_link(first)
    await two_servers.reported(LinkLost)
    caller = await two_servers.caller(QUEUE, server=second)
    call = desk.queue(await desk.arrival(caller))
    phone = await two_servers.phone()
    desk.offer(call, phone)
    await phone.rings()
    assert call.line == Line(second, call.line.channel)
    assert [lost.server for lost in two_servers.reports if isinstance(lost, LinkLost)] == [first]
