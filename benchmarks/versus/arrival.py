"""b. A call arrives while agents are idle: the caller's INVITE to the INVITE at an agent's phone.

Every agent of a queue is there and free, in both systems, at the same phones: `agents` of the lab's lines, endpoints of
Asterisk with a state each and one softphone behind all of them. So no two thousand phones register, but whom a call
could go to, and what each system knows and asks of them, is what it would be. app_queue's members are these lines, its
strategy is leastrecent; ours are agents who are logged in at them. A bare Dial to one line is beside them: what is
Asterisk's own. So is a bare client that decides nothing and sends the same actions, in place of our engine where there
is one agent: what ringing from outside costs on Asterisk itself, whoever decides.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from benchmarks.report import Check
from benchmarks.site import CALLERS, NOT_IN_USE, RELEASES, Bench, arrivals, bench, line_agents, phone_of
from benchmarks.versus.bare import bare_client
from benchmarks.versus.outcome import Figures, Outcome

SMALL = 100
"""Agents up to which we may be a little slower than app_queue; beyond, we may not."""
SLOWER_AT_MOST = 1.3
GROWTH_AT_MOST = 1.1
BARE = "bare client"
LINES = "lines"
CALLER = str(CALLERS[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """`agents`: how many a queue has, one case each. In each round every case has so many calls each way."""

    agents: Sequence[int]
    rounds: int
    calls: int

    @property
    def steps(self) -> int:
        return (len(self.agents) + 1) * self.rounds * self.calls


FULL = Plan(agents=(1, 100, 1000, 2000), rounds=2, calls=30)
QUICK = Plan(agents=(1, 100, 1000, 2000), rounds=1, calls=10)

Took = Mapping[int, Mapping[str, Sequence[float]]]
"""Milliseconds, by the number of agents and by system."""


async def measure(lab: Lab, plan: Plan, step: Callable[[], None]) -> Outcome:
    """The ways take turns, call by call; the cases, round by round."""
    took: dict[int, dict[str, list[float]]] = {agents: {} for agents in plan.agents}
    for _ in range(plan.rounds):
        for agents, rows in took.items():
            ways = {"bare Dial": "lines-dial", "app_queue": f"lines-{agents}", "acd": "bench-acd"}
            async with bench(lab, line_agents(agents)) as site:
                idle = _only_line_is_idle if agents == 1 else _nobody_talks
                times = await arrivals(site, ways, plan.calls, step, agent_at=LINES, idle=idle)
            for way, more in times.items():
                rows.setdefault(way, []).extend(more)
        took[min(took)].setdefault(BARE, []).extend(await _by_a_bare_client(lab, plan.calls, step))
    return outcome(took)


async def _by_a_bare_client(lab: Lab, calls: int, step: Callable[[], None]) -> list[float]:
    """The same calls to the same line, without an engine."""
    took = []
    async with AsyncExitStack() as stack:
        ears = await stack.enter_async_context(Ears(lab.a, "off"))
        await stack.enter_async_context(bare_client(lab, agents=1))
        agent, caller = [await stack.enter_async_context(phone_of(lab, number)) for number in (LINES, CALLER)]
        for phone in (agent, caller):
            await phone.register()
        for _ in range(calls):
            await ears.listen("call")
            await ears.no_channel_is_left()
            await ears.listen("off")
            call = await caller.place(RELEASES["acd"])
            ring = await agent.ring(within_s=5)
            assert call.invite_at is not None, "it was placed"
            took.append((ring.received_at - call.invite_at) / 1e6)
            await ring.answer()
            await ring.hang_up()
            await call.hang_up()
            step()
    return took


async def _only_line_is_idle(site: Bench) -> None:
    """app_queue passes over a member whose device state it has not seen change back: let it see that."""
    await site.queue("lines-1", "QueueMember", "Status", NOT_IN_USE)


async def _nobody_talks(site: Bench) -> None:
    """Of many members others are free."""
    await site.is_idle()


def outcome(took: Took) -> Outcome:
    """The figures, and the checks on them."""
    checks = [_compared(agents, rows) for agents, rows in took.items()]
    fewest, most = min(took), max(took)
    grown = statistics.median(took[most]["acd"]) / statistics.median(took[fewest]["acd"])
    checks.append(
        Check(f"b. arrival: our median with {_agents(most)} as a multiple of {fewest}", grown, GROWTH_AT_MOST)
    )
    return Outcome(
        [
            Figures(f"b. Arrival: caller's INVITE to agent's INVITE, {_agents(agents)} idle", rows)
            for agents, rows in took.items()
        ],
        checks,
        [_beyond_dial(took), *_of_the_bare_client(took[fewest])],
    )


def _compared(agents: int, rows: Mapping[str, Sequence[float]]) -> Check:
    ratio = statistics.median(rows["acd"]) / statistics.median(rows["app_queue"])
    limit = SLOWER_AT_MOST if agents <= SMALL else 1.0
    return Check(f"b. arrival, {_agents(agents)}: our median as a multiple of app_queue's", ratio, limit)


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count:,} agents"


def _beyond_dial(took: Took) -> str:
    """What each system adds to the call itself."""
    added = (
        f"{_agents(agents)}: acd {_median_beyond(rows, 'acd'):.2f}, app_queue {_median_beyond(rows, 'app_queue'):.2f}"
        for agents, rows in took.items()
    )
    return f"b. median beyond a bare Dial's in ms: {'; '.join(added)}"


def _of_the_bare_client(rows: Mapping[str, Sequence[float]]) -> list[str]:
    if BARE not in rows:
        return []
    bare, theirs = statistics.median(rows[BARE]), statistics.median(rows["app_queue"])
    return [f"b. a client that decides nothing, by the same actions: {bare / theirs:.2f} times app_queue's median"]


def _median_beyond(rows: Mapping[str, Sequence[float]], way: str) -> float:
    return statistics.median(rows[way]) - statistics.median(rows["bare Dial"])
