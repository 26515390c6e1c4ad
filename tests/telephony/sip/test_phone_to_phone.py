"""Two softphones on the loopback interface, without a registrar: every behaviour that needs no Asterisk."""

import asyncio
import time
from collections.abc import Callable

import pytest

from acd.telephony.sip import (
    CallRefused,
    EndedBy,
    IncomingCall,
    NotHeard,
    NothingHappened,
    OutgoingCall,
    Phone,
    State,
    at,
    phone,
    transactions,
)


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


@pytest.mark.long
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


@pytest.mark.long
async def test_called_side_holds_and_resumes(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    call.send_tone(440)
    ring.send_tone(1000)
    await call.hears(1000)
    await ring.hold()
    held = [call.on_hold_by_far_end]
    await call.hears_silence(for_s=0.2)
    await ring.hears_silence(for_s=0.2)
    await ring.resume()
    assert [*held, call.on_hold_by_far_end] == [True, False]
    await call.hears(1000)
    await ring.hears(440)


async def test_both_hold_each_other(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    call.send_tone(440)
    await call.hold()
    await ring.hold()
    await ring.resume()
    await ring.hears_silence(for_s=0.2)
    await call.resume()
    await ring.hears(440)


async def test_hold_of_a_call_that_is_not_talking_is_a_mistake(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    with pytest.raises(RuntimeError, match="need a call that is talking"):
        call.hold()


async def test_keys_are_heard_once_each_and_in_order(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    call.send_tone(440)
    await call.press("11*0#d")
    await ring.hears_keys("11*0#D")
    assert ring.keys_heard == "11*0#D"
    await ring.hears(440)
    with pytest.raises(ValueError, match="'x' is not a key"):
        await call.press("1x")


async def test_cancel_that_crosses_the_answer_leaves_no_ghost(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    ring = await bob.ring()
    await call.ringing()
    ring.answer()
    await call.hang_up()
    await ring.ended(within_s=1)
    assert call.answered_at is not None
    assert ring.cancelled_at is None
    assert ana.calls == bob.calls == ()


async def test_both_hang_up_at_once(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    endings = (call.hang_up(), ring.hang_up())
    for ending in endings:
        await ending
    assert call.ended_by is ring.ended_by is EndedBy.US
    assert ana.calls == bob.calls == ()


async def test_answer_and_bye_swept_over_each_other_leave_no_ghost(ana: Phone, bob: Phone) -> None:
    for offset_us in range(-3000, 5001, 500):
        call = await ana.place(bob.uri)
        ring = await bob.ring()
        await call.ringing()
        moment = time.monotonic_ns() + 5_000_000
        await asyncio.gather(_then(moment, ring.answer), _then(moment + offset_us * 1000, call.hang_up))
        await ring.ended(within_s=1)
        await call.hang_up()
        assert ana.calls == bob.calls == ()


async def _then(moment_ns: int, act: Callable[[], object]) -> None:
    await at(moment_ns)
    act()


async def test_what_is_said_at_a_moment_leaves_at_that_moment(ana: Phone, bob: Phone) -> None:
    late_ns = []
    for _ in range(21):
        call, ring = await talking(ana, bob)
        moment = time.monotonic_ns() + 4_000_000
        await _then(moment, call.hang_up)
        assert call.hung_up_at is not None
        late_ns.append(call.hung_up_at - moment)
        await ring.ended(within_s=1)
    # The loop's own timers are late by half a millisecond on average. What is later here is the machine's other work.
    assert sorted(late_ns)[2] < 200_000


async def test_times_follow_each_other(ana: Phone, bob: Phone) -> None:
    call, ring = await talking(ana, bob)
    await call.hang_up()
    await ring.ended()
    for sent, received in (
        (call.invite_at, ring.received_at),
        (ring.ringing_at, call.ringing_at),
        (ring.answered_at, call.answered_at),
        (call.hung_up_at, ring.ended_at),
    ):
        assert sent is not None
        assert received is not None
        assert sent < received


async def test_call_withdrawn_in_the_same_instant_is_cancelled(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    await call.hang_up()
    await (await bob.ring()).cancelled(within_s=1)


async def test_leaving_hangs_up_talking_and_ringing_calls(ana: Phone) -> None:
    async with Phone("1002") as bob:
        call, _ = await talking(ana, bob)
        ringing = await ana.place(bob.uri)
        await ringing.ringing()
        to_ana = await bob.place(ana.uri)
        await to_ana.ringing()
    await call.ended(within_s=1)
    assert (await ringing.refused()).status == 603
    await (await ana.ring()).cancelled(within_s=1)


async def test_phone_that_vanishes_says_nothing(monkeypatch: pytest.MonkeyPatch, ana: Phone) -> None:
    monkeypatch.setattr(phone, "FAREWELL_S", 0.02)
    async with Phone("1002") as bob:
        call, _ = await talking(ana, bob)
        await bob.vanish()
        with pytest.raises(NothingHappened, match="did not end"):
            await call.ended(within_s=0.1)


async def test_call_to_nobody_fails_after_the_repetitions(ana: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "T1_S", 0.002)
    monkeypatch.setattr(transactions, "LIFETIME_S", 0.1)
    async with Phone("1002") as bob:
        nobody = bob.uri
    call = await ana.place(nobody)
    assert (await call.refused(within_s=2)).status == 408


async def test_phone_can_refuse_everything(ana: Phone) -> None:
    async with Phone("1002", refuses_with=480) as bob:
        call = await ana.place(bob.uri)
        assert (await call.refused()).status == 480
        assert bob.rings_waiting == 0


async def test_phone_can_stay_without_ringing(ana: Phone) -> None:
    async with Phone("1002", rings=False) as bob:
        call = await ana.place(bob.uri)
        ring = await bob.ring()
        with pytest.raises(NothingHappened):
            await call.ringing(within_s=0.05)
        ring.ringing()
        await call.ringing()


async def test_phone_without_media_talks_but_says_and_hears_nothing(ana: Phone) -> None:
    async with Phone("1002", media=False) as bob:
        call, ring = await talking(ana, bob)
        call.send_tone(440)
        with pytest.raises(NotHeard):
            await ring.hears(440, within_s=0.3)
        with pytest.raises(RuntimeError, match="media=False"):
            await ring.press("1")
        assert call.ear.frames_heard == 0


@pytest.mark.parametrize("name", ["Ana Muñoz", 'the "boss"', "a <sip:evil@x>;tag=1", "back\\slash", '"', ""])
async def test_any_name_is_only_a_name(ana: Phone, bob: Phone, name: str) -> None:
    call = await ana.place(bob.uri, caller_name=name)
    ring = await bob.ring()
    assert (ring.caller_name, ring.caller_number) == (name, "1001")
    await ring.answer()
    await ring.hang_up()
    await call.ended()


async def test_name_with_a_line_break_is_refused(ana: Phone, bob: Phone) -> None:
    with pytest.raises(ValueError, match="line breaks"):
        await ana.place(bob.uri, caller_name="Ana\r\nX-Evil: 1")


async def test_two_callers_ring_one_phone(ana: Phone, bob: Phone) -> None:
    async with Phone("1003") as eve:
        calls = [await ana.place(bob.uri), await eve.place(bob.uri)]
        rings = [await bob.ring(), await bob.ring()]
        assert [ring.caller_number for ring in rings] == ["1001", "1003"]
        await rings[1].answer()
        await calls[1].answered()
        assert len(bob.calls) == 2


async def test_attended_phone_answers_and_hangs_up_by_itself(ana: Phone, bob: Phone) -> None:
    bob.attend(after_ms=20, talk_ms=400, tone_hz=700)
    call = await ana.place(bob.uri)
    await call.answered()
    assert call.ringing_at is not None
    await call.hears(700)
    await call.ended(within_s=1)
    assert call.ended_by is EndedBy.THEM


async def test_attended_phone_takes_a_caller_who_leaves(ana: Phone, bob: Phone) -> None:
    bob.attend(after_ms=0)
    call = await ana.place(bob.uri)
    await call.answered()
    await call.hang_up()
    assert bob.calls == ()


async def test_phone_that_calls_itself_is_told_so(ana: Phone) -> None:
    call = await ana.place(ana.uri)
    assert (await call.refused()).status == 482


async def test_number_needs_a_registrar(ana: Phone) -> None:
    with pytest.raises(ValueError, match="without a registrar"):
        await ana.place("1002")
    with pytest.raises(RuntimeError, match="no registrar"):
        await ana.register()


async def test_failed_wait_shows_the_conversation(ana: Phone, bob: Phone) -> None:
    call = await ana.place(bob.uri)
    await bob.ring()
    with pytest.raises(NothingHappened, match=r"did not answer within 0.05 s: (.|\n)*-> INVITE(.|\n)*<- 180 Ringing"):
        await call.answered(within_s=0.05)
