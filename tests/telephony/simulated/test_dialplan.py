"""The dialplan's rules of the hand-over, to the millisecond: they are those of config/asterisk/acd.conf."""

import pytest

from acd.model import OfferId, Phone
from acd.router.inputs import CallArrived, CallerLeft, LegAnswered, LegBridged, LegEnded
from acd.telephony.simulated import Answer, Faults, Rules, SimulatedCall
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


# --- A bridge that was none -----------------------------------------------------------------------------------


def _connected(bench: Bench, call: SimulatedCall, talk_ms: int) -> OfferId:
    """An agent answers, is with the caller for so long, and hangs up."""
    phone = bench.phones.phone("1001")
    phone.behave(Answer())
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(20)
    bench.accept(call.line, offer)
    while call.hears != "voice":
        bench.clock.advance(1)
    bench.clock.advance(talk_ms)
    phone.hang_up()
    return offer


@pytest.mark.parametrize("talk_ms", [0, 1, 249, 250, 251, 252, 1_000])
async def test_who_was_together_for_no_more_than_250_ms_has_not_spoken(talk_ms: int) -> None:
    bench = await Bench().start()
    call = bench.waiting()
    bench.clear()
    offer = _connected(bench, call, talk_ms)
    bench.clock.advance(20)
    told = [report for _, report in bench.reports if not isinstance(report, LegAnswered | LegBridged)]
    if talk_ms > 250:
        assert (call.result, call.spoke) == ("served", True)
        assert told == [LegEnded(offer, "hung-up"), CallerLeft(call.line, hung_up=False)]
    else:
        assert (call.hears, call.result, call.spoke) == ("music", None, False)
        assert told[0] == LegEnded(offer, "hung-up")
        (back,) = bench.told(CallArrived)
        assert (back.line, back.queue) == (call.line, "sales")
        assert back.waited_ms == bench.when(CallArrived)[0] - 1, "since the hand-over; one more for the way"


async def test_caller_dropped_again_is_back_two_seconds_later() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    _connected(bench, call, 0)
    bench.clock.advance(20)
    bench.take(call.line)
    bench.clear()
    _connected(bench, call, 0)
    bench.clock.advance(1_990)
    assert (call.hears, bench.told(CallArrived)) == ("music", [])
    bench.clock.advance(20)
    assert len(bench.told(CallArrived)) == 1


async def test_caller_dropped_again_is_not_told_of_once_the_next_agent_talks() -> None:
    """The core may have kept the call, where it heard of the agent's end first."""
    bench = await Bench().start()
    call = bench.waiting()
    _connected(bench, call, 0)
    _connected(bench, call, 0)
    bench.clear()
    _connected(bench, call, 3_000)
    bench.clock.advance(20)
    assert (bench.told(CallArrived), call.result) == ([], "served")


async def test_dropped_caller_has_the_patience_that_is_left() -> None:
    bench = await Bench().start()
    call = bench.waiting(patience_ms=5_000)
    bench.clock.advance(1_000)
    _connected(bench, call, 0)
    bench.clock.advance(3_900)
    assert call.hears == "music"
    bench.clock.advance(100)
    assert call.place == "gone"


async def test_caller_dropped_after_the_engine_was_lost_is_given_back() -> None:
    bench = await Bench(rules=Rules(lost_after_ms=30)).start()
    phone = bench.phones.phone("1001")
    phone.behave(Answer())
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(20)
    bench.accept(call.line, offer)
    bench.clock.advance(10)
    await bench.phones.stop()
    bench.clock.advance(40)
    assert call.hears == "voice"
    phone.hang_up()
    assert (call.result, call.reason) == ("lost", "engine-silent")


async def test_word_of_a_dropped_caller_comes_after_that_of_the_agents_end_whatever_overtakes() -> None:
    for seed in range(50):
        bench = await Bench(seed=seed).start()
        call = bench.waiting()
        bench.clear()
        bench.exchange.faults = Faults(report_overtaken=500, delay_ms=500)
        _connected(bench, call, 0)
        bench.clock.advance(3_000)
        kinds = [type(report) for _, report in bench.reports]
        assert kinds.index(LegEnded) < kinds.index(CallArrived)


async def test_caller_transferred_while_no_engine_lives_takes_the_fallback() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001").behave(Answer())
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(20)
    bench.accept(call.line, offer)
    bench.clock.advance(20)
    await bench.phones.stop()
    bench.clock.advance(11_000)
    bench.exchange.transfer(Phone("1001"), "billing")
    assert (call.result, call.reason) == ("no-engine", "stale-heartbeat")
