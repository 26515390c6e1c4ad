"""d. Two hundred callers wait and no agent is free: what a second of that costs in processor time.

Three ways in turn: music alone (MusicOnHold of the dialplan, nobody's queue), ours, and app_queue, all of them answered
and hearing the same music, all with the one agent in a conversation. Our engine runs in each, so that what it does
anyway (its heartbeat, its look at phones in use) is in each. No announcements, the journal in memory.

The clocks of both processes are read each few seconds: a value is what one such slice has used, for each second of it.
Asterisk's share is music above all, and varies from slice to slice: it is shown, with its spread, and not checked.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.sip import OutgoingCall
from benchmarks.cpu import ProcessClock, clock_of
from benchmarks.report import Check
from benchmarks.site import CALLERS, Bench, bench, line_agents
from benchmarks.versus.outcome import Figures, Outcome

WAYS: Final = {"music alone": "lines-music", "acd": "bench-acd", "app_queue": "lines-answered"}
WHO_TALKS: Final = {"music alone": "lines-dial", "acd": "bench-acd", "app_queue": "lines-answered"}
"""How the one caller comes to talk with the agent."""
ENGINE_MOST_MS: Final = 1.0
"""In each second, above the same callers in music alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`callers` wait for `slices` of `slice_s` seconds, in each way once in each round."""

    callers: int
    rounds: int
    slices: int
    slice_s: float

    @property
    def steps(self) -> int:
        return len(WAYS) * self.rounds * self.slices


FULL = Plan(callers=200, rounds=1, slices=12, slice_s=5)
QUICK = Plan(callers=200, rounds=1, slices=3, slice_s=2)

Used = Mapping[str, Sequence[float]]
"""Milliseconds of processor time in each second, slice by slice, by way."""


async def measure(lab: Lab, plan: Plan, step: Callable[[], None]) -> Outcome:
    """Rounds of all ways, one after the other."""
    asterisk = await clock_of(lab.a)
    of_engine: dict[str, list[float]] = {way: [] for way in WAYS}
    of_asterisk: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(plan.rounds):
        for way in WAYS:
            async with bench(lab, line_agents(1)) as site:
                async with Ears(lab.a, "user") as ears:
                    calls = await _gather(site, ears, way, plan.callers)
                clocks = (ProcessClock(site.engine.process.pid), asterisk)
                for _ in range(plan.slices):
                    for used, rows in zip(await _slice(clocks, plan.slice_s), (of_engine, of_asterisk), strict=True):
                        rows[way].append(used)
                    step()
                for call in calls:
                    await call.hang_up()
                await site.is_idle()
    return outcome(of_engine, of_asterisk, plan.callers)


async def _gather(site: Bench, ears: Ears, way: str, callers: int) -> list[OutgoingCall]:
    """The agent talks with one, and so many wait: ours have said, two seconds after they came, that they stay."""
    agent = await site.phone("lines")
    phones = [await site.phone(str(number)) for number in CALLERS]
    calls = [await phones[0].place(WHO_TALKS[way])]
    ring = await agent.ring(within_s=10)
    await ring.answer()
    await calls[0].answered(within_s=10)
    for number in range(1, callers + 1):
        calls.append(await phones[number % len(phones)].place(WAYS[way]))
        await calls[-1].answered(within_s=10)
    if way == "acd":
        await site.engine.saw.sees(f.CallQueued, count=callers + 1)
        await site.engine.saw.sees(f.CallConnected)
        assert await ears.until(lambda: _stay(ears, callers), within_s=10), "callers do not say that they stay"
    elif way == "app_queue":
        await site.queue("lines-1", "QueueParams", "Calls", str(callers))
    return calls


async def _stay(ears: Ears, callers: int) -> bool:
    return len(ears.all("AcdStay")) >= callers


async def _slice(clocks: Sequence[ProcessClock], seconds: float) -> list[float]:
    """What each has used in each second."""
    before, began = [clock.used_ms() for clock in clocks], time.monotonic()
    await asyncio.sleep(seconds)
    after, passed = [clock.used_ms() for clock in clocks], time.monotonic() - began
    return [(now - then) / passed for then, now in zip(before, after, strict=True)]


def outcome(of_engine: Used, of_asterisk: Used, callers: int) -> Outcome:
    """The figures, and the check on the engine's share."""
    extra = statistics.mean(of_engine["acd"]) - statistics.mean(of_engine["music alone"])
    return Outcome(
        [
            Figures(f"d. {callers} wait, no agent free: the engine's processor time", of_engine, "ms a second"),
            Figures(f"d. {callers} wait, no agent free: Asterisk's processor time", of_asterisk, "ms a second"),
        ],
        [Check(f"d. {callers} waiting: the engine beyond music alone, ms a second", extra, ENGINE_MOST_MS)],
        [f"d. Asterisk beyond music alone, ms a second: {_beyond(of_asterisk)}"],
    )


def _beyond(used: Used) -> str:
    """The means of both systems beyond music alone, and how far the slices of each way lie apart."""
    music = statistics.mean(used["music alone"])
    extra = [f"{way} {statistics.mean(used[way]) - music:+.1f}" for way in ("acd", "app_queue")]
    apart = [f"{way} {max(values) - min(values):.1f}" for way, values in used.items()]
    return f"{', '.join(extra)} (least to greatest slice: {', '.join(apart)})"
