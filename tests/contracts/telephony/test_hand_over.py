"""The hand-over: the dialplan gives a call, the engine takes it or not, and nobody is kept who is not served."""

import pytest

from acd.model import QueueId, Skill
from acd.router import facts as f
from acd.router.inputs import CallArrived, CallerLeft, LinkLost, PassedOn
from acd.router.settings import Destination
from acd.testing.worlds import World
from tests.contracts.telephony.desk import OTHER, QUEUE, Desk


async def test_arrival_is_reported_with_all_that_the_dialplan_gave(world: World, desk: Desk) -> None:
    caller = await world.caller("sales", name="Ada Lovelace", priority=5, skills=("german:3", "~billing", "@ana"))
    arrived = await desk.arrival(caller)
    assert arrived.line.server == world.servers[0]
    assert (arrived.queue, arrived.priority) == (QUEUE, 5)
    assert (arrived.required, arrived.wanted, arrived.named) == ((Skill("german", 3),), (Skill("billing"),), "ana")
    assert arrived.caller.name == "Ada Lovelace"
    assert arrived.waited_ms == 0


@pytest.mark.parametrize(
    "skills", [tuple("abcdefghijklmnopqrstuvwxyz0123456"), ("x" * 65,)], ids=["33 words", "65 letters"]
)
async def test_caller_whose_requirements_cannot_be_read_is_reported_as_that(
    world: World, desk: Desk, skills: tuple[str, ...]
) -> None:
    """Not as one who asks for less: anybody would get the call."""
    caller = await world.caller(QUEUE, skills=skills)
    arrived = await desk.arrival(caller)
    assert arrived.unreadable
    desk.refuse(arrived, "bad-skills")
    assert (await caller.returned()) == ("refused", "bad-skills")


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
    """R52: whom the engine does not know any more is handed over for the queue in which the call waited last, with what
    was noted when it came there."""
    caller, call = await desk.waiting()
    desk.move(call, QueueId("billing"))
    desk.move(call, OTHER, age_ms=300, hops=2)
    await world.settled()
    await caller.hears_music()
    since = len(world.reports)
    desk.lose(call)
    await world.cut_link()
    await world.restore_link()
    again = await desk.arrival(caller, since)
    assert (again.queue, again.line) == (OTHER, call.line)
    assert again.passed_on == PassedOn(waited_ms=1_000, age_ms=300, hops=2)


async def test_caller_who_was_passed_on_at_the_door_is_found_in_that_queue(world: World, desk: Desk) -> None:
    """R52."""
    caller = await world.caller(QUEUE)
    arrived = await desk.arrival(caller)
    assert arrived.passed_on is None
    call = desk.queue(arrived, f.Hop(QUEUE, "queue-full"), f.Hop(QueueId("billing"), "queue-closed"))
    await world.settled()
    since = len(world.reports)
    desk.lose(call)
    await world.cut_link()
    await world.restore_link()
    again = await desk.arrival(caller, since)
    assert (again.queue, again.passed_on) == (OTHER, PassedOn(0, 0, 2))


async def test_engine_that_begins_anew_finds_a_caller_where_the_call_was_passed_on_to(world: World, desk: Desk) -> None:
    """R23, R52."""
    caller, call = await desk.waiting()
    desk.move(call, OTHER)
    await world.settled()
    await world.stop()
    since = len(world.reports)
    await world.start_anew()
    again = await desk.arrival(caller, since)
    assert (again.queue, again.line) == (OTHER, call.line)
    assert again.passed_on == PassedOn(waited_ms=1_000, age_ms=300, hops=1)


async def test_move_that_was_lost_with_the_link_is_made_up_for_after_it(world: World, desk: Desk) -> None:
    """R52: of an engine that still holds the call; the next one finds the caller where it waits."""
    caller, call = await desk.waiting()
    since = len(world.reports)
    await world.cut_link()
    await world.reported(LinkLost, since=since)
    desk.move(call, OTHER)
    await world.restore_link()
    await desk.full_report(since)
    await world.settled()
    await world.stop()
    since = len(world.reports)
    await world.start_anew()
    again = await desk.arrival(caller, since)
    assert (again.queue, again.passed_on) == (OTHER, PassedOn(waited_ms=1_000, age_ms=300, hops=1))


@pytest.mark.parametrize(
    ("position", "wait_ms", "sound"),
    [(1, None, ""), (12, 90_000, "queue-periodic-announce"), (None, None, "no-such-sound"), (None, None, "")],
    ids=["next", "everything", "missing sound", "nothing"],
)
async def test_announcement_is_cut_by_an_agents_answer(
    world: World, desk: Desk, position: int | None, wait_ms: int | None, sound: str
) -> None:
    """R56."""
    caller, call = await desk.waiting()
    desk.announce(call, position, wait_ms, sound)
    pair = await desk.serve(caller, call)
    await pair.caller.hang_up()
    await world.is_empty()


async def test_caller_hears_music_again_after_an_announcement(world: World, desk: Desk) -> None:
    """R56: and is not gone, though the sound is missing."""
    caller, call = await desk.waiting()
    desk.announce(call, None, None, "no-such-sound")
    await world.settled()
    await caller.hears_music()
    assert not [report for report in world.reports if isinstance(report, CallerLeft)]


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
