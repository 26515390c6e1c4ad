"""The dialplan's rules of the hand-over, to the millisecond: they are those of config/asterisk/acd.conf."""

import pytest

from acd.router.inputs import CallArrived, CallerLeft
from acd.telephony.simulated import Answer, Rules
from tests.telephony.simulated.bench import Bench


async def test_caller_does_not_wait_for_an_engine_that_never_was() -> None:
    bench = Bench()
    call = bench.phones.place_call("sales")
    assert (call.result, call.reason, call.hears) == ("no-engine", "stale-heartbeat", "fallback")


async def test_caller_does_not_wait_for_an_engine_that_has_been_silent_for_ten_seconds() -> None:
    bench = await Bench().start()
    bench.phones.cut_link()
    bench.clock.advance(10_000)
    hopeful = bench.phones.place_call("sales")
    bench.clock.advance(1)
    late = bench.phones.place_call("sales")
    assert (hopeful.hears, late.result) == ("music", "no-engine")


async def test_unclaimed_caller_returns_after_two_seconds() -> None:
    bench = await Bench().start()
    call = bench.phones.place_call("sales")
    bench.clock.advance(1_999)
    assert call.hears == "music"
    bench.clock.advance(1)
    assert (call.result, call.reason) == ("unclaimed", "nobody-claimed")


@pytest.mark.parametrize("claimed_at_ms", range(1_990, 2_010))
async def test_claim_around_the_two_seconds_either_holds_or_is_told_to_be_too_late(claimed_at_ms: int) -> None:
    bench = await Bench().start()
    call = bench.phones.place_call("sales")
    bench.clock.advance(claimed_at_ms)
    bench.take(call.line)
    bench.clock.advance(100)
    told = bool(bench.told(CallerLeft))
    assert (call.place, told) == (("waiting", False) if claimed_at_ms < 2_000 - 1 else ("elsewhere", True))


async def test_claimed_caller_returns_after_sixty_seconds_of_silence() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    bench.phones.cut_link()
    bench.clock.advance(59_999)
    assert call.hears == "music"
    bench.clock.advance(1)
    assert (call.result, call.reason) == ("lost", "engine-silent")


async def test_claimed_caller_returns_after_a_graceful_stop_without_restart_too() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    await bench.phones.stop()
    bench.clock.advance(60_000)
    assert call.result == "lost"


async def test_engine_that_comes_back_in_time_keeps_its_callers() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    for _ in range(3):
        bench.phones.cut_link(for_ms=50_000)
        bench.clock.advance(55_000)
    assert call.hears == "music"


async def test_conversation_goes_on_without_an_engine_and_ends_as_served() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001").behave(Answer(hang_up_after_ms=100_000))
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(20)
    bench.accept(call.line, offer)
    bench.clock.advance(20)
    await bench.phones.stop()
    bench.clock.advance(90_000)
    assert call.hears == "voice"
    bench.clock.advance(10_000)
    assert call.result == "served"


async def test_returned_caller_is_gone_when_the_fallback_is_over() -> None:
    bench = await Bench(rules=Rules(fallback_ms=3_000)).start()
    call = bench.phones.place_call("sales")
    bench.clock.advance(2_000)
    assert bench.exchange.channels == [call.line.channel]
    bench.clock.advance(3_000)
    assert bench.exchange.channels == []
    assert call.result == "unclaimed"


async def test_caller_hangs_up_when_patience_is_over_and_not_while_talking() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001").behave(Answer())
    impatient, served = bench.waiting(patience_ms=5_000), bench.waiting(patience_ms=5_000)
    offer = bench.ring(served.line, "1001")
    bench.clock.advance(20)
    bench.accept(served.line, offer)
    bench.clock.advance(5_000)
    assert (impatient.place, served.place) == ("gone", "talking")
    assert [left.hung_up for left in bench.told(CallerLeft)] == [True]


async def test_caller_hangs_up_when_all_is_said() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001").behave(Answer())
    call = bench.waiting(talk_ms=30_000)
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(20)
    bench.accept(call.line, offer)
    bench.clock.advance(29_000)
    assert call.hears == "voice"
    bench.clock.advance(2_000)
    assert call.place == "gone"
    assert call.spoke


async def test_caller_taken_up_after_a_connection_has_waited_since_the_hand_over() -> None:
    bench = await Bench().start()
    bench.phones.cut_link(for_ms=1_000)
    bench.phones.place_call("sales")
    bench.clock.advance(1_100)
    arrived = bench.told(CallArrived)
    assert len(arrived) == 1
    assert 1_000 <= arrived[0].waited_ms < 1_100
