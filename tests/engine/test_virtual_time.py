"""The driver: engine and clock take turns until nothing is left to do."""

from collections.abc import Sequence

import pytest

from acd.engine.clock import VirtualClock
from acd.engine.loop import EngineStopped, facts_of
from acd.journal.port import Entry
from acd.router import facts as f
from acd.router import inputs as i
from acd.testing.virtual_time import run_until, run_until_idle
from tests.engine.running import arrival, make_engine, running, set_up


async def test_every_deadline_up_to_the_moment_is_kept_at_its_time() -> None:
    clock = VirtualClock()
    engine, reading = make_engine(clock=clock)
    began_ms = clock.now_ms()
    async with running(engine):
        for asked in [*set_up(ring_timeout_ms=10_000), arrival(1)]:
            engine.submit(asked)
        await run_until(engine, clock, began_ms + 26_000)
    assert clock.now_ms() == began_ms + 26_000
    made = [fact.at_ms - began_ms for fact in facts_of(reading.entries) if isinstance(fact, f.OfferMade)]
    ended = [fact.at_ms - began_ms for fact in facts_of(reading.entries) if isinstance(fact, f.OfferEnded)]
    assert (made, ended) == ([0, 15_000], [10_000, 25_000])


async def test_clock_stands_where_the_last_alarm_rang() -> None:
    clock = VirtualClock()
    engine, reading = make_engine(clock=clock)
    began_ms = clock.now_ms()
    async with running(engine):
        clock.call_at(began_ms + 500, lambda: engine.submit(arrival(1)))
        rang = await run_until_idle(engine, clock, began_ms + 60_000)
    assert (rang, clock.now_ms()) == (1, began_ms + 500)
    assert reading.entries[-1].at_ms == began_ms + 500


async def test_what_readers_submit_is_done_before_time_moves_on() -> None:
    clock = VirtualClock()
    engine, reading = make_engine(clock=clock)
    began_ms = clock.now_ms()

    def follow(entries: Sequence[Entry]) -> None:
        if arrival(1) in [entry.input for entry in entries]:
            engine.submit(arrival(2))

    engine.add_reader("follow", follow)
    async with running(engine):
        clock.call_at(began_ms + 100, lambda: engine.submit(arrival(1)))
        clock.call_at(began_ms + 200, lambda: engine.submit(arrival(3)))
        await run_until_idle(engine, clock, began_ms + 60_000)
    arrivals = [entry for entry in reading.entries if isinstance(entry.input, i.CallArrived)]
    assert [entry.at_ms - began_ms for entry in arrivals] == [100, 100, 200]


async def test_engine_that_does_not_run_any_more_is_not_driven() -> None:
    clock = VirtualClock()
    engine, _ = make_engine(clock=clock)
    async with running(engine) as task:
        engine.stop()
        await task
        with pytest.raises(EngineStopped):
            await run_until_idle(engine, clock, clock.now_ms() + 1)
