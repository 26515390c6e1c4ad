"""The hand-over: the dialplan gives a call, the engine takes it or not, and nobody is kept who is not served."""

import pytest

from acd.model import QueueId, Skill
from acd.router import facts as f
from acd.router.inputs import CallArrived, CallerLeft
from acd.router.settings import Destination
from acd.testing.worlds import World
from tests.contracts.telephony.desk import QUEUE, Desk


async def test_arrival_is_reported_with_all_that_the_dialplan_gave(world: World, desk: Desk) -> None:
    caller = await world.caller("sales", name="Ada Lovelace", priority=5, skills=("german:3", "~billing", "@ana"))
    arrived = await desk.arrival(caller)
    assert arrived.line.server == world.servers[0]
    assert (arrived.queue, arrived.priority) == (QUEUE, 5)
    assert (arrived.required, arrived.wanted, arrived.named) == ((Skill("german", 3),), (Skill("billing"),), "ana")
    assert arrived.caller.name == "Ada Lovelace"
    assert arrived.waited_ms == 0


async def test_every_caller_has_a_line_of_its_own(world: World, desk: Desk) -> None:
    lines = [(await desk.arrival(await world.caller(QUEUE))).line for _ in range(3)]
    assert len(set(lines)) == 3


async def test_taken_caller_waits_with_music_beyond_the_time_of_grace(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    stranger = await world.caller(QUEUE)  # whom nobody takes: back when the time of grace is over
    assert (await stranger.returned()).result == "unclaimed"
    await world.settled()
    await caller.hears_music()
    assert not [report for report in world.reports if isinstance(report, CallerLeft) and report.line == call.line]


async def test_caller_whom_nobody_takes_returns_to_the_dialplan_and_that_is_reported(world: World, desk: Desk) -> None:
    caller = await world.caller(QUEUE)
    arrived = await desk.arrival(caller)
    assert (await caller.returned()).result == "unclaimed"
    left = await world.reported(CallerLeft)
    assert left == CallerLeft(arrived.line, hung_up=False)


async def test_claim_that_comes_too_late_leaves_the_caller_in_the_fallback_and_rings_nobody(
    world: World, desk: Desk
) -> None:
    caller = await world.caller(QUEUE)
    arrived = await desk.arrival(caller)
    await caller.returned()
    await world.reported(CallerLeft, lambda report: report.line == arrived.line)
    phone = await world.phone()
    call = desk.queue(arrived)
    offer = desk.offer(call, phone)
    await world.settled()
    assert phone.invites == 0
    assert (await caller.returned()).result == "unclaimed"
    desk.end(offer, outcome="caller-gone")
    await world.settled()
    assert phone.invites == 0


@pytest.mark.parametrize("reason", ["unknown-queue", "queue-closed", "queue-full"])
async def test_refused_caller_returns_with_the_reason(world: World, desk: Desk, reason: f.RefusalReason) -> None:
    caller = await world.caller("nowhere")
    desk.refuse(await desk.arrival(caller), reason)
    assert await caller.returned() == ("refused", reason)


async def test_caller_whose_time_is_over_returns(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    desk.time_out(call)
    assert (await caller.returned()).result == "timeout"


async def test_caller_whose_queue_closed_returns_with_the_reason(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    desk.give_back(call, "queue-closed")
    assert await caller.returned() == ("refused", "queue-closed")


MAILBOX = Destination("lab-mailbox", "601")


async def test_caller_whose_time_is_over_is_sent_to_the_operators_voicemail(world: World, desk: Desk) -> None:
    """R50."""
    caller, call = await desk.waiting()
    desk.time_out(call, MAILBOX)
    assert await caller.sent_to() == "601"
    left = await world.reported(CallerLeft)
    assert left == CallerLeft(call.line, hung_up=False)


async def test_refused_caller_is_sent_to_the_operators_voicemail(world: World, desk: Desk) -> None:
    """R50."""
    caller = await world.caller(QUEUE)
    desk.refuse(await desk.arrival(caller), "no-agents", MAILBOX)
    assert await caller.sent_to() == "601"
    assert await caller.returned() == ("refused", "no-agents")


async def test_caller_who_waits_in_another_queue_is_found_there_after_an_outage(world: World, desk: Desk) -> None:
    """R52: whom the engine does not know any more is handed over for the queue in which the call waited last."""
    caller, call = await desk.waiting()
    desk.move(call, QueueId("everybody"))
    await world.settled()
    await caller.hears_music()
    since = len(world.reports)
    desk.lose(call)
    await world.cut_link()
    await world.restore_link()
    again = await desk.arrival(caller, since)
    assert (again.queue, again.line) == ("everybody", call.line)


async def test_caller_who_hangs_up_while_waiting_is_reported(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    await caller.hang_up()
    assert await world.reported(CallerLeft) == CallerLeft(call.line, hung_up=True)
    await world.is_empty()


async def test_caller_who_hangs_up_before_being_taken_is_reported(world: World, desk: Desk) -> None:
    caller = await world.caller(QUEUE)
    arrived = await desk.arrival(caller)
    await caller.hang_up()
    desk.queue(arrived)
    assert await world.reported(CallerLeft) == CallerLeft(arrived.line, hung_up=True)
    await world.is_empty()


async def test_each_arrival_is_reported_once(world: World, desk: Desk) -> None:
    for _ in range(3):
        await desk.waiting()
    await world.settled()
    assert len([report for report in world.reports if isinstance(report, CallArrived)]) == 3


async def test_caller_on_the_second_server_is_reported_from_there(two_servers: World) -> None:
    desk = Desk(two_servers)
    second = two_servers.servers[1]
    caller = await two_servers.caller(QUEUE, server=second)
    assert (await desk.arrival(caller)).line.server == second
