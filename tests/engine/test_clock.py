"""The clocks: the virtual one, which moves when told to, and the real one, which never goes back."""

import asyncio
import time

import pytest

from acd.engine.clock import Alarm, RealClock, VirtualClock


def test_alarms_ring_in_the_order_of_their_times_and_those_of_one_time_in_the_order_they_were_set() -> None:
    clock = VirtualClock(now_ms=0)
    rang: list[str] = []
    clock.call_at(20, lambda: rang.append("late"))
    clock.call_at(10, lambda: rang.append("first"))
    clock.call_at(10, lambda: rang.append("second"))
    clock.advance(20)
    assert rang == ["first", "second", "late"]


def test_alarm_sees_the_time_at_which_it_rings() -> None:
    clock = VirtualClock(now_ms=0)
    seen: list[int] = []
    clock.call_at(10, lambda: seen.append(clock.now_ms()))
    clock.call_at(25, lambda: seen.append(clock.now_ms()))
    clock.advance(100)
    assert seen == [10, 25]
    assert clock.now_ms() == 100


def test_alarm_that_sets_another_within_the_way_lets_it_ring_too() -> None:
    clock = VirtualClock(now_ms=0)
    seen: list[int] = []

    def set_another() -> None:
        clock.call_at(15, lambda: seen.append(clock.now_ms()))

    clock.call_at(10, set_another)
    clock.advance(15)
    assert seen == [15]


def test_alarm_beyond_the_way_does_not_ring_yet() -> None:
    clock = VirtualClock(now_ms=0)
    rang: list[bool] = []
    clock.call_at(11, lambda: rang.append(True))
    clock.advance(10)
    assert rang == []
    assert clock.next_ms == 11


def test_cancelled_alarm_does_not_ring_and_is_not_the_next_one() -> None:
    clock = VirtualClock(now_ms=0)
    rang: list[str] = []
    alarm = clock.call_at(5, lambda: rang.append("cancelled"))
    clock.call_at(7, lambda: rang.append("kept"))
    alarm.cancel()
    assert (clock.next_ms, clock.alarms) == (7, 1)
    clock.advance(10)
    assert rang == ["kept"]
    alarm.cancel()


def test_alarm_for_the_past_rings_now_and_time_does_not_go_back() -> None:
    clock = VirtualClock(now_ms=1_000)
    seen: list[int] = []
    clock.call_at(10, lambda: seen.append(clock.now_ms()))
    assert clock.step()
    assert seen == [1_000]


def test_alarm_may_cancel_another_of_the_same_moment() -> None:
    clock = VirtualClock(now_ms=0)
    rang: list[str] = []
    alarms: list[Alarm] = []

    def cancel_the_second() -> None:
        alarms[0].cancel()

    clock.call_at(10, cancel_the_second)
    alarms.append(clock.call_at(10, lambda: rang.append("second")))
    clock.advance(10)
    assert rang == []


def test_step_without_an_alarm_moves_nothing() -> None:
    clock = VirtualClock(now_ms=5)
    assert not clock.step()
    assert clock.now_ms() == 5
    assert clock.next_ms is None


def test_cancelled_alarms_do_not_pile_up() -> None:
    clock = VirtualClock(now_ms=0)
    for _ in range(10_000):
        clock.call_at(1_000_000, lambda: None).cancel()
    assert clock.alarms == 0
    assert len(clock._heap) < 1_000


def test_real_clock_tells_the_machines_time() -> None:
    assert abs(RealClock().now_ms() - time.time_ns() // 1_000_000) < 1_000


def test_real_clock_begins_not_before_the_last_time_that_is_known() -> None:
    tomorrow_ms = time.time_ns() // 1_000_000 + 86_400_000
    clock = RealClock(not_before_ms=tomorrow_ms)
    assert tomorrow_ms <= clock.now_ms() < tomorrow_ms + 10_000


def test_real_clock_does_not_follow_the_wall_clock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = RealClock()
    before_ms = clock.now_ms()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now_ms() >= before_ms


def test_real_clock_never_goes_back() -> None:
    clock = RealClock()
    times = [clock.now_ms() for _ in range(1_000)]
    assert times == sorted(times)


async def test_real_clock_calls_back_once_the_time_has_come_and_not_before() -> None:
    clock = RealClock(not_before_ms=time.time_ns() // 1_000_000 + 86_400_000)
    rang: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    when_ms = clock.now_ms() + 20
    clock.call_at(when_ms, lambda: rang.set_result(clock.now_ms()))
    assert await rang >= when_ms - 1


async def test_real_clock_calls_back_at_once_for_the_past_and_never_when_cancelled() -> None:
    clock = RealClock()
    rang: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    clock.call_at(clock.now_ms() - 1_000, lambda: pytest.fail("cancelled")).cancel()
    clock.call_at(clock.now_ms() - 1_000, lambda: rang.set_result(None))
    await rang
