"""Conversations: caller and agent hear each other until either ends it, and both are let go."""

from acd.router.inputs import CallArrived, CallerLeft, LegAnswered, LegBridged, LegEnded, PassedOn
from acd.testing.worlds import World
from tests.contracts.telephony.desk import OTHER, Desk


async def test_caller_and_agent_hear_each_other(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    await world.settled()
    await pair.caller.hears_voice()
    await pair.phone.hears_voice()
    assert len([report for report in world.reports if isinstance(report, LegBridged)]) == 1


async def test_agent_is_let_go_when_the_caller_hangs_up(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    before = len(world.reports)
    await pair.caller.hang_up()
    left = await world.reported(CallerLeft, since=before)
    assert left == CallerLeft(pair.call.line, hung_up=True)
    desk.call_ended(pair.offer)
    await pair.phone.is_idle()
    await world.is_empty()
    ends = [report for report in world.reports[before:] if isinstance(report, CallerLeft | LegEnded)]
    assert ends[0] == left, "who ended it is reported first"


async def test_caller_goes_on_in_the_dialplan_as_served_when_the_agent_hangs_up(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    before = len(world.reports)
    await pair.phone.hang_up()
    ended = await world.reported(LegEnded, since=before)
    assert ended == LegEnded(pair.offer.offer, "hung-up")
    desk.call_ended(pair.offer)
    assert (await pair.caller.returned()).result == "served"
    await pair.phone.is_idle()
    ends = [report for report in world.reports[before:] if isinstance(report, CallerLeft | LegEnded)]
    assert ends[0] == ended, "who ended it is reported first"


async def test_caller_whose_agent_hangs_up_at_once_is_in_line_again(world: World, desk: Desk) -> None:
    """Nobody has spoken: not served, but handed over again on the same line, as one who has waited, and in the queue to
    which the call was passed on (R5, R52)."""
    pair = await desk.ringing()
    desk.move(pair.call, OTHER)
    await pair.phone.answer()
    await world.reported(LegAnswered)
    desk.accept(pair.offer)
    await world.reported(LegBridged)
    before = len(world.reports)
    await pair.phone.hang_up()
    assert await world.reported(LegEnded, since=before) == LegEnded(pair.offer.offer, "hung-up")
    desk.call_ended(pair.offer)
    arrived = await desk.arrival(pair.caller, since=before)
    assert (arrived.line, arrived.queue, arrived.priority) == (pair.call.line, OTHER, pair.call.priority)
    assert arrived.passed_on == PassedOn(waited_ms=1_000, age_ms=300, hops=1)
    assert arrived.waited_ms > 0
    await pair.caller.hears_music()
    await desk.serve(pair.caller, desk.queue(arrived))
    assert not [left for left in world.reports if isinstance(left, CallerLeft)]
    assert pair.phone.invites == 1


async def test_caller_transferred_into_a_queue_by_the_agents_phone_is_a_new_call(world: World, desk: Desk) -> None:
    """A blind transfer past the engine: the conversation ends by the agent, and the caller is handed over anew."""
    pair = await desk.ringing()
    desk.move(pair.call, OTHER)
    pair = await desk.connect(pair)
    before = len(world.reports)
    await pair.phone.transfer("billing")
    arrived = await desk.arrival(pair.caller, since=before)
    assert (arrived.line, arrived.queue, arrived.waited_ms) == (pair.call.line, "billing", 0)
    assert arrived.passed_on is None
    told = [report for report in world.reports[before:] if isinstance(report, LegEnded | CallerLeft | CallArrived)]
    assert told == [LegEnded(pair.offer.offer, "hung-up"), CallerLeft(pair.call.line, hung_up=False), arrived]
    desk.call_ended(pair.offer)
    again = desk.queue(arrived)
    await pair.phone.is_idle()
    await pair.caller.hears_music()
    second = await desk.serve(pair.caller, again)
    await second.phone.hang_up()
    assert (await pair.caller.returned()).result == "served"


async def test_acceptance_said_again_disturbs_nobody(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    desk.accept(pair.offer)
    await world.settled()
    await pair.caller.hears_voice()
    await pair.phone.hears_voice()
    await pair.caller.hang_up()
    await pair.phone.is_idle()
    await world.is_empty()


async def test_phone_is_free_for_the_next_call_after_a_conversation(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    await pair.caller.hang_up()
    await world.reported(CallerLeft)
    desk.call_ended(pair.offer)
    await pair.phone.is_idle()
    _, call = await desk.waiting()
    desk.offer(call, pair.phone)
    await pair.phone.rings()
    assert pair.phone.invites == 2


async def test_two_conversations_end_apart(world: World, desk: Desk) -> None:
    first, second = await desk.talking(), await desk.talking()
    await first.caller.hang_up()
    await first.phone.is_idle()
    await world.settled()
    await second.caller.hears_voice()
    await second.phone.hears_voice()
