"""Links and servers go wrong in every way that is asked for, and the same way for the same seed."""

from collections import Counter

import pytest

from acd.config import ServerSettings
from acd.model import OfferId, Phone, ServerId
from acd.router.inputs import (
    CallArrived,
    CallerLeft,
    LegAnswered,
    LegEnded,
    LinkLost,
    PhoneInUse,
    PhoneReleased,
    SeenLeg,
    ServerReported,
)
from acd.telephony.simulated import Answer, Faults, Steps
from acd.telephony.simulated.link import PART
from tests.telephony.simulated.bench import Bench

JITTERY = Steps(jitter_ms=30)
ROUGH = Faults(
    report_lost=100, report_doubled=100, report_delayed=100, report_overtaken=100, action_lost=5, delay_ms=400
)


def _server(name: str) -> ServerSettings:
    return ServerSettings(id=ServerId(name), username="acd", secret="")


async def _day(seed: int, faults: Faults = ROUGH) -> Bench:
    bench = await Bench(seed=seed, steps=JITTERY, faults=faults).start()
    bench.phones.phone("1001").behave(Answer(after_ms=100, hang_up_after_ms=400))
    for number in range(100):
        call = bench.phones.place_call("sales", str(number), patience_ms=3_000)
        bench.take(call.line)
        bench.ring(call.line, "1001")
        bench.clock.advance(700)
    return bench


# --- Reports --------------------------------------------------------------------------------------------------


async def test_same_seed_gives_the_same_reports_at_the_same_times() -> None:
    assert (await _day(seed=1)).reports == (await _day(seed=1)).reports


async def test_another_seed_gives_others() -> None:
    assert (await _day(seed=1)).reports != (await _day(seed=2)).reports


async def test_without_faults_every_report_comes_once_and_in_order() -> None:
    bench = await _day(seed=1, faults=Faults())
    assert Counter(Counter(arrived.line for arrived in bench.told(CallArrived)).values()) == {1: 100}
    assert bench.when(CallArrived) == sorted(bench.when(CallArrived))


async def test_lost_reports_are_lost() -> None:
    assert (await _day(seed=1, faults=Faults(report_lost=1_000))).reports == []


async def test_doubled_reports_come_twice() -> None:
    bench = await _day(seed=1, faults=Faults(report_doubled=1_000))
    assert set(Counter(arrived.line for arrived in bench.told(CallArrived)).values()) == {2}


async def test_delayed_report_holds_up_those_behind_it() -> None:
    bench = await Bench(faults=Faults(report_delayed=1_000, delay_ms=500)).start()
    for number in range(50):
        bench.phones.place_call("sales", str(number))
    bench.clock.advance(600)
    assert [arrived.caller.number for arrived in bench.told(CallArrived)] == [str(number) for number in range(50)]
    assert max(bench.when(CallArrived)) > 100


async def test_overtaken_reports_of_one_channel_keep_their_order() -> None:
    bench = await Bench(faults=Faults(report_overtaken=500, delay_ms=500)).start()
    calls = [bench.phones.place_call("sales", str(number), patience_ms=20) for number in range(200)]
    bench.clock.advance(2_000)
    numbers = [int(arrived.caller.number) for arrived in bench.told(CallArrived)]
    assert numbers != sorted(numbers)
    for call in calls:
        about = [report for _, report in bench.reports if isinstance(report, CallArrived | CallerLeft)]
        kinds = [type(report) for report in about if report.line == call.line]
        assert kinds == [CallArrived, CallerLeft]


async def test_bridge_that_cannot_be_made_is_told_though_the_end_of_the_leg_was_not() -> None:
    bench = await Bench().start()
    phone = bench.phones.phone("1001")
    phone.behave(Answer(after_ms=100))
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(200)
    bench.exchange.faults = Faults(report_lost=1_000)
    phone.hang_up()
    bench.exchange.faults = Faults()
    bench.accept(call.line, offer)
    bench.clock.advance(100)
    assert bench.told(LegEnded) == [LegEnded(offer, "hung-up")]
    assert call.hears == "music"


async def test_action_on_a_caller_whose_end_was_never_told_is_answered_with_it() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    bench.exchange.faults = Faults(report_lost=1_000)
    call.hang_up()
    bench.exchange.faults = Faults()
    bench.accept(call.line, OfferId("acdbench-none"))
    bench.clock.advance(100)
    assert bench.told(CallerLeft) == [CallerLeft(call.line, hung_up=True)]


# --- Links ----------------------------------------------------------------------------------------------------


async def test_what_is_on_its_way_when_the_link_is_cut_is_lost() -> None:
    bench = await Bench(steps=Steps(to_engine_ms=10, to_server_ms=10)).start()
    phone = bench.phones.phone("1001")
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.phones.place_call("sales")
    bench.phones.cut_link(for_ms=1_000)
    bench.clear()
    bench.clock.advance(900)
    assert bench.told(CallArrived) == []
    bench.clock.advance(1_000)
    assert phone.invites[offer] == 0


async def test_report_comes_in_parts_of_bounded_size() -> None:
    bench = await Bench().start()
    calls = [bench.phones.place_call("sales", str(number)) for number in range(2 * PART + 5)]
    for call in calls:
        bench.take(call.line)
    bench.phones.cut_link(for_ms=500)
    bench.clear()
    bench.clock.advance(1_000)
    parts = bench.told(ServerReported)
    assert [(len(part.callers), part.first, part.last) for part in parts] == [
        (PART, True, False),
        (PART, False, False),
        (5, False, True),
    ]
    assert bench.told(CallArrived) == []


async def test_part_of_a_report_tells_how_things_are_when_it_is_made() -> None:
    bench = await Bench(steps=Steps(part_ms=100)).start()
    phone = bench.phones.phone("1001")
    for number in range(PART):
        bench.take(bench.phones.place_call("sales", str(number)).line)
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(50)
    bench.phones.cut_link(for_ms=10)
    bench.clear()
    bench.clock.advance(50)  # the first part is made, the second is not
    phone.answer()
    bench.clock.advance(500)
    assert [type(report) for _, report in bench.reports] == [ServerReported, LegAnswered, ServerReported]
    assert bench.told(ServerReported)[1].legs == (SeenLeg(offer, "answered"),)


async def test_lost_action_costs_the_link_when_its_answer_does_not_come() -> None:
    bench = await Bench(faults=Faults(action_lost=1_000)).start()
    call = bench.phones.place_call("sales")
    bench.take(call.line)
    bench.exchange.faults = Faults()
    bench.clock.advance(9_000)
    assert bench.told(LinkLost) == []
    bench.clock.advance(3_000)
    assert len(bench.told(LinkLost)) == 1
    assert len(bench.told(ServerReported)) == 1
    assert call.result == "unclaimed"


async def test_link_that_went_silent_is_lost_when_that_is_noticed() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    bench.phones.lose_link_unnoticed()
    bench.clock.advance(9_000)
    unheard = bench.phones.place_call("sales", "5551000")
    assert bench.told(LinkLost) == []
    bench.clock.advance(3_000)
    assert [lost.server for lost in bench.told(LinkLost)] == ["sim"]
    assert call.hears == "music"
    assert unheard.result == "unclaimed"


async def test_engine_that_takes_no_report_costs_the_link_and_hears_of_the_loss_before_the_next_report() -> None:
    bench = await Bench().start()
    bench.waiting()
    bench.clear()
    bench.deaf = True
    stranger = bench.phones.place_call("sales")
    bench.clock.advance(1_500)
    assert not bench.phones.link().up
    bench.deaf = False
    bench.clock.advance(3_000)
    assert [type(report) for _, report in bench.reports] == [LinkLost, ServerReported]
    assert bench.phones.link().up
    assert stranger.result == "unclaimed"


async def test_server_that_restarts_has_no_channel_and_its_phones_are_free() -> None:
    bench = await Bench("north", "south").start()
    phone = bench.phones.phone("1001", home="north")
    call = bench.waiting()
    bench.ring(call.line, "1001")
    bench.phones.phone("1002", home="south")
    bench.exchange.dial(Phone("1002"), Phone("1001"))
    bench.clock.advance(50)
    bench.clear()
    bench.phones.restart_server("north", for_ms=2_000)
    bench.clock.advance(1_000)
    assert (call.place, phone.state, bench.exchange.channels) == ("gone", "idle", [])
    assert bench.told(CallerLeft) == []
    assert bench.told(LegEnded) == []
    assert [lost.server for lost in bench.told(LinkLost)] == ["north"]
    assert bench.phones.place_call("sales", server="north").result == "no-engine"
    bench.clock.advance(15_000)
    assert call.line.channel not in {seen.channel for seen in bench.told(ServerReported)[-1].callers}
    assert bench.told(ServerReported)[-1].legs == ()


async def test_restart_of_the_home_ends_the_leg_on_the_other_server() -> None:
    bench = await Bench("north", "south").start()
    bench.phones.phone("1001", home="south")
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(50)
    bench.phones.restart_server("south")
    bench.clock.advance(50)
    assert bench.told(LegEnded) == [LegEnded(offer, "failed")]
    assert call.hears == "music"


async def test_second_adapter_takes_up_what_the_first_one_left() -> None:
    bench = await Bench().start()
    call = bench.waiting()
    await bench.phones.stop()
    again = Bench(before=bench)
    await again.phones.start()
    bench.clock.advance(100)
    assert [arrived.line for arrived in again.told(CallArrived)] == [call.line]


# --- Configuration --------------------------------------------------------------------------------------------


async def test_server_that_is_new_is_connected_and_one_that_goes_is_left() -> None:
    bench = await Bench("north", "south").start()
    phone = bench.phones.phone("1001")
    call = bench.waiting()
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(50)
    await bench.phones.reconfigure([_server("south"), _server("west")], frozenset())
    bench.clock.advance(100)
    assert phone.state == "idle"
    assert call.hears == "music"
    assert [report.server for report in bench.told(ServerReported)] == ["west"]
    bench.accept(call.line, offer)
    assert bench.phones.place_call("sales", server="west").hears == "music"


@pytest.mark.parametrize("server", ["north", "south"])
async def test_direct_calls_are_told_by_their_own_server(server: str) -> None:
    bench = await Bench("north", "south").start()
    bench.phones.phone("1001", home=server)
    bench.phones.phone("9001", watched=False).behave(Answer(hang_up_after_ms=500))
    bench.exchange.dial(Phone("1001"), Phone("9001"))
    bench.clock.advance(1_000)
    assert [use.line.server for use in bench.told(PhoneInUse)] == [server]
    assert len(bench.told(PhoneReleased)) == 1


# --- The engine is killed -------------------------------------------------------------------------------------


async def test_killed_engine_hangs_nobody_up_and_is_told_nothing_more() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001").behave(Answer(after_ms=100))
    bench.phones.phone("1002")
    talking, waiting = bench.waiting(), bench.waiting()
    offer = bench.ring(talking.line, "1001")
    bench.clock.advance(200)
    bench.accept(talking.line, offer)
    bench.clock.advance(100)
    ringing = bench.ring(waiting.line, "1002")
    bench.clock.advance(100)
    bench.clear()
    bench.phones.break_off()
    bench.clock.advance(3_000)
    assert (talking.hears, waiting.hears) == ("voice", "music")
    assert bench.phones.phone("1002").state == "ringing"
    assert bench.reports == []
    after = Bench(before=bench)
    await after.phones.start()
    after.clock.advance(100)
    assert [arrived.line for arrived in after.told(CallArrived)] == [waiting.line]
    seen = {leg.offer: leg.state for report in after.told(ServerReported) for leg in report.legs}
    assert seen == {offer: "talking", ringing: "ringing"}
    assert bench.reports == []


async def test_link_that_was_cut_stays_away_from_an_engine_that_was_killed() -> None:
    bench = await Bench().start()
    bench.phones.cut_link(for_ms=1_000)
    bench.clear()
    bench.phones.break_off()
    bench.clock.advance(5_000)
    assert bench.reports == []
    assert not bench.phones.link().up
