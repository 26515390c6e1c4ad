"""Phones behave as they are told to."""

import asyncio

import pytest

from acd.model import Phone
from acd.router.inputs import (
    LegAnswered,
    LegEnd,
    LegEnded,
    PhoneAnswered,
    PhoneInUse,
    PhoneReleased,
    PhoneServes,
    ServerReported,
)
from acd.telephony.port import CodeAnswer, CodeRequest, FeatureCode
from acd.telephony.simulated import Answer, Behaviour, Busy, Decline, Fail, Ring, Steps, Unregistered
from acd.telephony.simulated.phones import INVITES_KEPT
from tests.telephony.simulated.bench import Bench

AT_ONCE = Steps(to_server_ms=0, to_engine_ms=0, ring_ms=0, bridge_ms=0)


async def test_phone_answers_after_its_time_and_hangs_up_after_its_time() -> None:
    bench = await Bench(steps=AT_ONCE).start()
    bench.phones.phone("1001").behave(Answer(after_ms=800, hang_up_after_ms=3_000))
    call = bench.waiting()
    rang_ms = bench.clock.now_ms() - bench.began_ms
    offer = bench.ring(call.line, "1001")
    bench.clock.advance(800)
    bench.accept(call.line, offer)
    bench.clock.advance(10_000)
    assert bench.when(LegAnswered) == [rang_ms + 800]
    assert bench.when(LegEnded) == [rang_ms + 3_800]
    assert call.result == "served"


@pytest.mark.parametrize(
    ("behaviour", "end", "invites"),
    [
        (Decline(after_ms=500), "declined", 1),
        (Busy(), "busy", 1),
        (Fail(), "failed", 1),
        (Unregistered(), "unreachable", 0),
        (Ring(), "no-answer", 1),
    ],
)
async def test_phone_that_does_not_answer_ends_the_leg_in_its_own_way(
    behaviour: Behaviour, end: LegEnd, invites: int
) -> None:
    bench = await Bench().start()
    phone = bench.phones.phone("1001")
    phone.behave(behaviour)
    offer = bench.ring(bench.waiting().line, "1001", ring_ms=5_000)
    bench.clock.advance(6_000)
    assert bench.told(LegEnded) == [LegEnded(offer, end)]
    assert phone.invites[offer] == bench.phones.invites[offer] == invites
    assert phone.state == "idle"


async def test_number_that_nobody_has_is_unreachable() -> None:
    bench = await Bench().start()
    offer = bench.ring(bench.waiting().line, "4711")
    bench.clock.advance(100)
    assert bench.told(LegEnded) == [LegEnded(offer, "unreachable")]


async def test_plan_is_asked_anew_at_each_call() -> None:
    bench = await Bench().start()
    behaviours: list[Behaviour] = [Busy(), Decline()]
    bench.phones.phone("1001").plan = lambda: behaviours.pop(0)
    line = bench.waiting().line
    for _ in range(2):
        bench.ring(line, "1001")
        bench.clock.advance(100)
    assert [ended.end for ended in bench.told(LegEnded)] == ["busy", "declined"]


async def test_phone_on_a_call_is_busy_for_others() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001")
    line = bench.waiting().line
    first = bench.ring(line, "1001")
    bench.clock.advance(100)
    second = bench.ring(line, "1001")
    bench.clock.advance(100)
    assert bench.told(LegEnded) == [LegEnded(second, "busy")]
    assert bench.exchange.phone("1001").state == "ringing"
    bench.end(line, first)
    bench.clock.advance(100)
    assert bench.exchange.phone("1001").state == "idle"


async def test_order_to_ring_under_an_id_that_lives_is_refused_and_after_its_end_it_is_not() -> None:
    """As Asterisk does it: the adapter must see to it that no offer is ever ordered twice."""
    bench = await Bench().start()
    phone = bench.phones.phone("1001")
    line = bench.waiting().line
    offer = bench.ring(line, "1001")
    bench.ring(line, "1001", offer=offer)
    bench.clock.advance(100)
    assert (phone.invites[offer], bench.exchange.refused) == (1, [offer])
    phone.decline()
    bench.ring(line, "1001", offer=offer)
    bench.clock.advance(100)
    assert phone.invites[offer] == 2


async def test_invitations_are_forgotten_but_for_the_last_and_any_that_came_twice() -> None:
    bench = await Bench().start()
    phone = bench.phones.phone("1001")
    phone.behave(Busy())
    line = bench.waiting().line
    offers = [bench.ring(line, "1001") for _ in range(2 * INVITES_KEPT)]
    bench.clock.advance(100)
    bench.ring(line, "1001", offer=offers[0])
    bench.clock.advance(100)
    last = bench.ring(line, "1001")
    bench.clock.advance(100)
    assert phone.invites == {offers[0]: 2, **dict.fromkeys([*offers[1 - INVITES_KEPT :], last], 1)}


async def test_agent_who_is_not_connected_is_let_go_after_five_seconds() -> None:
    bench = await Bench(steps=AT_ONCE).start()
    bench.phones.phone("1001").behave(Answer())
    offer = bench.ring(bench.waiting().line, "1001")
    bench.clock.advance(4_999)
    assert not bench.told(LegEnded)
    bench.clock.advance(1)
    assert bench.told(LegEnded) == [LegEnded(offer, "hung-up")]


async def test_leg_to_a_phone_at_home_elsewhere_is_reported_from_there_as_well() -> None:
    bench = await Bench("north", "south").start()
    bench.phones.phone("1001", home="south").behave(Answer(hang_up_after_ms=1_000))
    call = bench.waiting()
    assert call.line.server == "north"
    bench.ring(call.line, "1001")
    bench.clock.advance(2_000)
    uses = bench.told(PhoneInUse)
    assert [(use.phone, use.line.server, use.direction) for use in uses] == [("1001", "south", "in")]
    assert bench.told(PhoneAnswered) == [PhoneAnswered(uses[0].line)]
    assert bench.told(PhoneReleased) == [PhoneReleased(uses[0].line)]
    assert bench.exchange.channels == [call.line.channel]


async def test_direct_call_to_a_busy_phone_is_over_at_once() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001")
    bench.phones.phone("1002").behave(Busy())
    bench.exchange.dial(Phone("1001"), Phone("1002"))
    bench.clock.advance(100)
    assert [use.phone for use in bench.told(PhoneInUse)] == ["1001", "1002"]
    assert len(bench.told(PhoneReleased)) == 2
    assert bench.told(PhoneAnswered) == []
    assert bench.exchange.channels == []


async def test_direct_call_that_nobody_answers_is_given_up_after_a_minute() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001")
    bench.phones.phone("1002")
    bench.exchange.dial(Phone("1001"), Phone("1002"))
    bench.clock.advance(59_900)
    assert bench.exchange.phone("1002").state == "ringing"
    bench.clock.advance(200)
    assert bench.exchange.phone("1002").state == bench.exchange.phone("1001").state == "idle"


async def test_direct_call_between_two_agents_is_reported_for_both() -> None:
    bench = await Bench().start()
    bench.phones.phone("1001")
    bench.phones.phone("1002").behave(Answer(after_ms=50, hang_up_after_ms=1_000))
    bench.exchange.dial(Phone("1001"), Phone("1002"))
    bench.clock.advance(2_000)
    assert [(use.phone, use.direction) for use in bench.told(PhoneInUse)] == [("1001", "out"), ("1002", "in")]
    assert len(bench.told(PhoneAnswered)) == len(bench.told(PhoneReleased)) == 2


# --- Feature codes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason", "disposition", "answer"),
    [("pause", 2, None, "paused"), ("disposition", None, 12, "disposition-set")],
)
async def test_feature_code_is_answered_and_the_call_to_it_is_not_counted(
    asked: CodeRequest, reason: int | None, disposition: int | None, answer: CodeAnswer
) -> None:
    codes: list[FeatureCode] = []
    spoken = asyncio.Event()

    async def answering(code: FeatureCode) -> CodeAnswer:
        codes.append(code)
        spoken.set()
        return answer

    bench = await Bench(answer_code=answering).start()
    phone = bench.phones.phone("1001")
    bench.exchange.key_in(Phone("1001"), asked, "17", "4711", reason or disposition)
    await spoken.wait()
    await asyncio.sleep(0)
    bench.clock.advance(100)
    line = bench.told(PhoneInUse)[0].line
    assert codes == [FeatureCode(line, asked, "17", "4711", reason, Phone("1001"), disposition, "1001")]
    assert phone.spoken == [answer]
    assert bench.told(PhoneServes) == [PhoneServes(line)]
    assert bench.told(PhoneReleased) == [PhoneReleased(line)]
    assert phone.state == "idle"


async def test_feature_code_without_an_engine_is_unavailable() -> None:
    bench = Bench()
    phone = bench.phones.phone("1001")
    bench.exchange.key_in(Phone("1001"), "login", "17", "4711")
    assert phone.spoken == ["unavailable"]


async def test_feature_code_that_is_being_answered_when_the_adapter_stops_leaves_nothing() -> None:
    never = asyncio.Event()

    async def answer(code: FeatureCode) -> CodeAnswer:
        await never.wait()
        return "ready"

    bench = await Bench(answer_code=answer).start()
    phone = bench.phones.phone("1001")
    bench.exchange.key_in(Phone("1001"), "ready", "17", "4711")
    await asyncio.sleep(0)
    assert bench.phones.tasks
    await bench.phones.stop()
    assert list(bench.phones.tasks) == []
    assert phone.spoken == ["unavailable"]
    assert bench.exchange.channels == []


async def test_phone_put_up_by_the_configuration_can_be_reached() -> None:
    bench = await Bench().start()
    await bench.phones.reconfigure([], frozenset({Phone("1001")}))
    assert Phone("1001") in bench.exchange.phones
    assert bench.told(ServerReported) == []
