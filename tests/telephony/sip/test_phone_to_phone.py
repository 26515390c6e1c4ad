"""Two softphones on the loopback interface, without a registrar: every behaviour that needs no Asterisk."""

import pytest

from acd.telephony.sip import CallRefused, EndedBy, IncomingCall, NotHeard, OutgoingCall, Phone, State


async def talking(ana: Phone, bob: Phone) -> tuple[OutgoingCall, IncomingCall]:
    call = await ana.place(bob.uri, caller_name="Ana")
    ring = await bob.ring()
    assert await ring.answer()
    await call.answered()
    return call, ring


async def test_caller_hears_ringing_then_answer(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri, caller_name="Ana", headers={"X-Queue": "sales"})
    assert call.state.value == "calling"
    ring = await bob.ring(within_s=1)
    await call.ringing(within_s=1)
    assert call.state.value == "ringing"
    assert (ring.caller_number, ring.caller_name) == ("1001", "Ana")
    assert ring.headers["x-queue"] == "sales"
    assert ring.call_id == call.call_id
    assert await ring.answer()
    await call.answered(within_s=1)
    assert call.state is ring.state is State.TALKING


async def test_each_hears_the_others_tone(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    call.send_tone(440)
    ring.send_tone(1000)
    await call.hears(1000)
    await ring.hears(440)
    with pytest.raises(NotHeard, match=r"heard: \d+ ms at -15 dBFS, strongest: 1000 Hz"):
        await call.hears(440, within_s=0.3)


async def test_silence_is_heard_as_silence(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    await call.hears_silence(for_s=0.2)
    ring.send_tone(440)
    await call.hears_sound()
    with pytest.raises(NotHeard):
        await call.hears_silence(for_s=0.2, within_s=0.5)
    with pytest.raises(NotHeard):
        await call.hears_sound(within_s=0.4, other_than=(440,))


async def test_caller_hangs_up(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    await call.hang_up()
    await ring.ended(within_s=1)
    assert (call.ended_by, ring.ended_by) == (EndedBy.US, EndedBy.THEM)
    assert ana.calls == bob.calls == ()


async def test_called_side_hangs_up(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    await ring.hang_up()
    await call.ended(within_s=1)
    assert (call.ended_by, ring.ended_by) == (EndedBy.THEM, EndedBy.US)


async def test_declined_call_tells_the_status(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    ring = await bob.ring()
    await ring.decline()
    with pytest.raises(CallRefused, match="603 Decline"):
        await call.answered(within_s=1)
    assert ring.state is call.state is State.ENDED


async def test_busy_call_tells_the_status(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    await (await bob.ring()).busy()
    with pytest.raises(CallRefused) as refusal:
        await call.answered(within_s=1)
    assert (refusal.value.status, refusal.value.reason) == (486, "Busy Here")


async def test_caller_withdraws_while_ringing(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    ring = await bob.ring()
    await call.ringing()
    await call.hang_up()
    await ring.cancelled(within_s=1)
    assert not await ring.answer()
    assert (ring.ended_by, call.ended_by) == (EndedBy.THEM, EndedBy.US)
