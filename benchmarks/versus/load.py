"""c. Calls at a steady rate: what one costs in processor time, of Asterisk and of whoever distributes.

SIPp calls, and SIPp answers at the lab's lines: about a second of talk, then the agent's side ends the call. A thousand
agents, all there, in every way. Five ways in turn: ours; ours with a file of all facts; a bare panoramisk client that
sends the same actions and hears the same events (benchmarks/versus/bare_client.py); app_queue; a bare Dial. For the
last two no engine runs: they need none. A value is one run: all that was used from the first call to the last channel's
end, for each call. A multiple is the median over the rounds of one way's value by another's of the same round.

Our journal is in memory. The file of facts is a reader beside the engine's own work, so it is counted apart.
"""

import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from benchmarks.cpu import ProcessClock, clock_of
from benchmarks.report import Check
from benchmarks.sipp import answering, call, need_sipp
from benchmarks.site import engine_of, line_agents
from benchmarks.versus.bare import bare_client
from benchmarks.versus.outcome import Figures, Outcome

AGENTS: Final = 1000
WITH_FACTS: Final = "acd, facts in a file"
WAYS: Final = {
    "acd": "bench-acd",
    WITH_FACTS: "bench-acd",
    "bare client": "bench-acd",
    "app_queue": f"lines-{AGENTS}",
    "bare Dial": "lines-dial",
}
TALK_MS: Final = (900, 1_100)
ENGINE_TIMES_BARE: Final = 1.6


@dataclass(frozen=True, slots=True)
class Plan:
    """`rates`: calls a second, and so many calls of each, in each way once in each round."""

    rates: Mapping[int, int]
    rounds: int

    @property
    def steps(self) -> int:
        return len(self.rates) * self.rounds * len(WAYS)


FULL = Plan(rates={20: 80, 50: 125}, rounds=6)
QUICK = Plan(rates={20: 60, 50: 100}, rounds=1)


@dataclass(slots=True)
class Used:
    """What calls at one rate have used, a value for each run: milliseconds a call, by way. `failed`: calls that nobody
    served."""

    asterisk: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    client: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    """The engine, or the bare client; nothing in the other ways."""
    failed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))

    def both(self, way: str) -> list[float]:
        """Added up, run by run."""
        return [sum(pair) for pair in zip(self.asterisk[way], self.client[way], strict=True)]


async def measure(lab: Lab, plan: Plan, step: Callable[[], None]) -> Outcome:
    """Rounds of all rates and ways, one after the other."""
    need_sipp()
    asterisk = await clock_of(lab.a)
    used = {rate: Used() for rate in plan.rates}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with answering(lab.a, folder, TALK_MS):
            for _ in range(plan.rounds):
                for rate, calls in plan.rates.items():
                    for way in WAYS:
                        async with _client(lab, way) as client:
                            await _one_run(lab, folder, way, rate, calls, [asterisk, *client], used[rate])
                        step()
    return outcome(used)


async def _one_run(
    lab: Lab, folder: Path, way: str, rate: int, calls: int, clocks: Sequence[ProcessClock], used: Used
) -> None:
    before = [clock.used_ms() for clock in clocks]
    used.failed[way] += await call(lab.a, folder, WAYS[way], calls, rate)
    async with Ears(lab.a, "call") as ears:
        await ears.no_channel_is_left()
    spent = [(clock.used_ms() - then) / calls for clock, then in zip(clocks, before, strict=True)]
    used.asterisk[way].append(spent[0])
    used.client[way].append(sum(spent[1:]))


@asynccontextmanager
async def _client(lab: Lab, way: str) -> AsyncIterator[Sequence[ProcessClock]]:
    """The clock of whoever distributes the calls, beside Asterisk itself. Nobody else has a link to Asterisk meanwhile:
    each event wakes the thread of every link, even of one that wants none."""
    async with AsyncExitStack() as stack:
        if way in {"acd", WITH_FACTS}:
            engine = engine_of(lab, line_agents(AGENTS), writes_facts=way == WITH_FACTS)
            yield (ProcessClock((await stack.enter_async_context(engine)).process.pid),)
        elif way == "bare client":
            yield (await stack.enter_async_context(bare_client(lab, AGENTS)),)
        else:
            yield ()


def outcome(used: Mapping[int, Used]) -> Outcome:
    """The figures, and the checks on them."""
    return Outcome(
        [_figures(rate, of) for rate, of in used.items()],
        [check for rate, of in used.items() for check in _checks(rate, of)],
    )


def _figures(rate: int, of: Used) -> Figures:
    rows: dict[str, Sequence[float]] = {"acd": of.both("acd"), "app_queue": of.asterisk["app_queue"]}
    rows |= {"acd: Asterisk": of.asterisk["acd"], "acd: engine": of.client["acd"]}
    rows |= {f"{WITH_FACTS}: engine": of.client[WITH_FACTS]}
    rows |= {"bare client: Asterisk": of.asterisk["bare client"], "bare client: client": of.client["bare client"]}
    rows |= {"bare Dial": of.asterisk["bare Dial"]}
    return Figures(f"c. {rate} calls a second: processor time of a call", rows)


def _checks(rate: int, of: Used) -> list[Check]:
    """Each round is compared by itself: a machine that is slower for a minute is so for every way."""
    ours = _multiple(of.both("acd"), of.asterisk["app_queue"])
    engine = _multiple(of.client["acd"], of.client["bare client"])
    where = f"c. {rate} calls a second:"
    return [
        Check(f"{where} Asterisk and engine as a multiple of app_queue", ours, 1.0),
        Check(f"{where} the engine as a multiple of a bare client", engine, ENGINE_TIMES_BARE),
        Check(f"{where} calls that failed, all ways", sum(of.failed.values()), 0),
    ]


def _multiple(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
