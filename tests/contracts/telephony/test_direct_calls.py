"""Direct calls: an agent's phone that is on any other call is reported, from the first ring to the end."""

from acd.router.inputs import LegEnded, PhoneAnswered, PhoneInUse, PhoneReleased
from acd.testing.worlds import AgentPhone, World
from tests.contracts.telephony.desk import Desk


async def _in_use(world: World, phone: AgentPhone) -> PhoneInUse:
    return await world.reported(PhoneInUse, lambda report: report.phone == phone.number)


async def test_direct_call_to_an_agent_is_reported_answered_and_released(world: World) -> None:
    phone, outsider = await world.phone(), await world.outside_phone()
    await outsider.dial(phone.number)
    await phone.rings()
    use = await _in_use(world, phone)
    assert use.direction == "in"
    await phone.answer()
    await world.reported(PhoneAnswered, lambda report: report.line == use.line)
    await outsider.hang_up()
    await world.reported(PhoneReleased, lambda report: report.line == use.line)
    await phone.is_idle()
    await world.is_empty()


async def test_direct_call_of_an_agent_is_reported_answered_and_released(world: World) -> None:
    phone, outsider = await world.phone(), await world.outside_phone()
    await phone.dial(outsider.number)
    use = await _in_use(world, phone)
    assert use.direction == "out"
    await outsider.rings()
    await outsider.answer()
    await world.reported(PhoneAnswered, lambda report: report.line == use.line)
    await phone.hang_up()
    await world.reported(PhoneReleased, lambda report: report.line == use.line)
    await world.is_empty()


async def test_direct_call_that_is_never_answered_is_released_without_an_answer(world: World) -> None:
    phone, outsider = await world.phone(), await world.outside_phone()
    await outsider.dial(phone.number)
    use = await _in_use(world, phone)
    await phone.rings()
    await outsider.hang_up()
    await world.reported(PhoneReleased, lambda report: report.line == use.line)
    assert PhoneAnswered(use.line) not in world.reports


async def test_offers_leg_is_not_reported_as_a_direct_call(world: World, desk: Desk) -> None:
    pair = await desk.talking()
    await pair.caller.hang_up()
    await pair.phone.is_idle()
    await world.settled()
    assert not [report for report in world.reports if isinstance(report, PhoneInUse)]


async def test_offer_to_a_phone_that_dials_leaves_that_call_alone(world: World, desk: Desk) -> None:
    phone, outsider = await world.phone(), await world.outside_phone()
    await phone.dial(outsider.number)
    await outsider.rings()
    await outsider.answer()
    await phone.hears_voice()
    _, call = await desk.waiting()
    offer = desk.offer(call, phone)
    ended = await world.reported(LegEnded)
    assert ended == LegEnded(offer.offer, "busy")
    await phone.hears_voice()
