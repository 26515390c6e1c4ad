"""The end of the adapter: nobody rings any more, who waits or talks notices nothing, and nothing is left running."""

from acd.testing.worlds import World
from tests.contracts.telephony.desk import Desk


async def test_ringing_phones_stop_and_callers_and_pairs_go_on(world: World, desk: Desk) -> None:
    waiting, _ = await desk.waiting()
    ringing, talking = await desk.ringing(), await desk.talking()
    await world.stop()
    await ringing.phone.is_idle()
    await waiting.hears_music()
    await ringing.caller.hears_music()
    await talking.caller.hears_voice()
    await talking.phone.hears_voice()


async def test_agent_who_picked_up_and_was_not_connected_is_let_go(world: World, desk: Desk) -> None:
    pair = await desk.ringing()
    await pair.phone.answer()
    await world.stop()
    await pair.phone.is_idle()
    await pair.caller.hears_music()


async def test_nothing_is_reported_and_nothing_done_after_the_end(world: World, desk: Desk) -> None:
    caller, call = await desk.waiting()
    phone = await world.phone()
    await world.stop()
    before = len(world.reports)
    desk.offer(call, phone)
    await caller.hang_up()
    await world.is_empty()
    assert len(world.reports) == before
    assert phone.invites == 0


async def test_no_task_is_left(world: World, desk: Desk) -> None:
    await desk.talking()
    await world.stop()
    assert list(world.tasks) == []


async def test_stopping_twice_is_harmless(world: World) -> None:
    await world.stop()
    await world.stop()
