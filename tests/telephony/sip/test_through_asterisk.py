"""The softphones on the lab's Asterisk. Each test has numbers of its own, so that they may run side by side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from acd.telephony.sip import CallRefused, EndedBy, IncomingCall, NothingHappened, NotRegistered, OutgoingCall, Phone
from acd.telephony.sip.second import SecondPhone
from tests.lab.server import Server, bring_up
from tests.telephony.sip.conftest import threads

# The first test may have to build the image.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SIP_PORT = 5060


@pytest.fixture(scope="module")
def asterisk() -> Server:
    return bring_up()[0]


@pytest.fixture
async def phones(asterisk: Server, nothing_is_left: None) -> AsyncIterator["Phones"]:
    async with AsyncExitStack() as stack:
        yield Phones(asterisk, stack)


class Phones:
    """Makes registered phones that are left when the test ends."""

    def __init__(self, asterisk: Server, stack: AsyncExitStack) -> None:
        self.registrar = (asterisk.address, SIP_PORT)
        self._stack = stack

    async def make(self, number: int, *, media: bool = True) -> Phone:
        phone = await self._stack.enter_async_context(Phone(str(number), f"lab-{number}", self.registrar, media=media))
        await phone.register()
        return phone

    async def make_second(self, number: int) -> SecondPhone:
        phone = await self._stack.enter_async_context(SecondPhone(str(number), f"lab-{number}", self.registrar))
        await phone.register()
        return phone


async def connected(caller: Phone, called: Phone) -> tuple[OutgoingCall, IncomingCall]:
    call = await caller.place(called.number)
    ring = await called.ring()
    assert await ring.answer()
    await call.answered()
    return call, ring


async def test_registers_with_credentials_and_unregisters(phones: Phones, asterisk: Server) -> None:
    phone = await phones.make(1051)
    assert phone.registered
    assert phone.uri in await asterisk.cli("pjsip show aor 1051")
    await phone.unregister()
    assert phone.uri not in await asterisk.cli("pjsip show aor 1051")


async def test_wrong_password_is_told(phones: Phones) -> None:
    async with Phone("1051", "wrong", phones.registrar) as phone:
        with pytest.raises(NotRegistered, match="401"):
            await phone.register()


async def test_hears_its_own_tone_from_the_echo(phones: Phones) -> None:
    phone = await phones.make(1052)
    call = await phone.place("echo")
    await call.answered()
    for hz in (440, 1000):
        call.send_tone(hz)
        await call.hears(hz)
    await call.hang_up()


async def test_hears_a_tone_that_asterisk_makes(phones: Phones) -> None:
    phone = await phones.make(1053)
    call = await phone.place("tone-440")
    await call.answered()
    await call.hears(440)
    await call.hang_up()


async def test_unknown_number_is_refused(phones: Phones) -> None:
    phone = await phones.make(1054)
    call = await phone.place("unknown")
    with pytest.raises(CallRefused, match="404"):
        await call.answered()


async def test_two_phones_hear_each_other_hold_and_press_keys(phones: Phones) -> None:
    caller, agent = await phones.make(2055), await phones.make(1055)
    call, ring = await connected(caller, agent)
    assert ring.caller_number == "2055"
    call.send_tone(500)
    ring.send_tone(700)
    await call.hears(700)
    await ring.hears(500)
    await ring.hold()
    await call.hears_sound(other_than=(500, 700))
    await ring.hears_silence(for_s=0.3)
    await ring.resume()
    await call.hears(700)
    await call.press("42#")
    await ring.hears_keys("42#")
    await ring.hang_up()
    await call.ended()
    assert call.ended_by is EndedBy.THEM


@pytest.mark.parametrize("says", ["busy", "decline"])
async def test_refusal_reaches_the_caller(phones: Phones, says: str) -> None:
    caller, agent = await phones.make(2056), await phones.make(1056)
    call = await caller.place(agent.number)
    ring = await agent.ring()
    await (ring.busy() if says == "busy" else ring.decline())
    with pytest.raises(CallRefused) as refusal:
        await call.answered()
    assert (refusal.value.status == 486) is (says == "busy")


async def test_caller_who_leaves_while_it_rings_withdraws_the_call(phones: Phones) -> None:
    caller, agent = await phones.make(2057), await phones.make(1057)
    call = await caller.place(agent.number)
    ring = await agent.ring()
    await call.hang_up()
    await ring.cancelled()
    assert not await ring.answer()


async def test_phone_that_has_vanished_does_not_ring(phones: Phones) -> None:
    caller, agent = await phones.make(2057), await phones.make(1057)
    await agent.vanish()
    call = await caller.place(agent.number)
    with pytest.raises(NothingHappened):
        await call.ringing(within_s=0.2)


async def test_many_calls_at_once_are_all_heard(phones: Phones) -> None:
    callers = [await phones.make(2031 + n) for n in range(20)]
    calls = [await phone.place("echo") for phone in callers]
    for hz, call in zip(range(400, 2400, 100), calls, strict=True):
        await call.answered()
        call.send_tone(hz)
    await asyncio.gather(*(call.hears(hz) for hz, call in zip(range(400, 2400, 100), calls, strict=True)))


async def test_phone_without_media_calls_another(phones: Phones) -> None:
    caller, agent = await phones.make(2054, media=False), await phones.make(1054, media=False)
    call, ring = await connected(caller, agent)
    await call.hang_up()
    await ring.ended()


async def test_independent_phone_answers_hears_and_is_heard(phones: Phones) -> None:
    caller, agent = await phones.make(2058), await phones.make_second(1058)
    call = await caller.place("1058")
    ring = await agent.ring()
    assert ring.caller_number == "2058"
    await ring.answer()
    await call.answered()
    call.send_tone(500)
    ring.send_tone(700)
    await call.hears(700)
    await ring.hears(500)
    await call.hold()
    await ring.hears_sound(other_than=(500,))
    await call.resume()
    await ring.hears(500)
    await ring.hang_up()
    await call.ended()


async def test_independent_phone_calls_and_hangs_up(phones: Phones) -> None:
    caller, agent = await phones.make_second(2059), await phones.make(1059)
    call = await caller.place("1059")
    ring = await agent.ring()
    assert await ring.answer()
    await call.answered()
    call.send_tone(500)
    await ring.hears(500)
    await call.hang_up()
    await ring.ended()
    refused = await caller.place("1059")
    await (await agent.ring()).busy()
    with pytest.raises(CallRefused, match="486"):
        await refused.answered()


async def test_independent_phone_takes_busy_cancel_and_the_callers_end(phones: Phones) -> None:
    caller, agent = await phones.make(2060), await phones.make_second(1060)
    call = await caller.place("1060")
    await (await agent.ring()).busy()
    assert (await call.refused()).status == 486
    call = await caller.place("1060")
    ring = await agent.ring()
    await call.hang_up()
    await ring.ended()
    call = await caller.place("1060")
    ring = await agent.ring()
    await ring.answer()
    await call.answered()
    await call.hang_up()
    await ring.ended()


async def test_independent_phone_left_in_a_call_ends_it_and_its_threads(phones: Phones, asterisk: Server) -> None:
    before = threads()
    caller = await phones.make(2053)
    async with SecondPhone("1053", "lab-1053", phones.registrar) as agent:
        await agent.register()
        call = await caller.place("1053")
        await (await agent.ring()).answer()
        await call.answered()
    await call.ended(within_s=1)
    assert threads() == before
    assert "sip:" not in await asterisk.cli("pjsip show aor 1053")


async def test_independent_phone_with_a_wrong_password_is_not_registered(phones: Phones) -> None:
    async with SecondPhone("1053", "wrong", phones.registrar) as agent:
        with pytest.raises(NothingHappened, match="not registered"):
            await agent.register()
