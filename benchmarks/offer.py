"""How fast a call is offered: our engine beside app_queue and a bare Dial, on the same Asterisk, in the same run.

Arrival: the caller's INVITE to the agent's INVITE, one idle agent, 100 calls each way, taking turns.
Release: 40 callers wait; the agent's BYE to the next INVITE at that agent. Two rounds, in each first ours, then
app_queue, with 20 releases each; who was served calls again, so 40 wait at every release. app_queue has retry=1, the
shortest that it can be given (the default is 5 s); a bare Dial has nobody waiting, so it has no such row.
Events: what one call brings to the engine's account, against an account that hears everything.

Times are read at the phones' sockets; the phones, their Python and the machine are the same for all. Takes about a
minute and a half. --quick makes 20 calls each way and two rounds of 5 releases, in half a minute: its counts
and the multiple of our best hold on a noisy machine too (noise adds to ours, and is lost in app_queue's half second).
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.sip import IncomingCall, OutgoingCall, Phone
from acd.testing.process import WatchedEngine
from benchmarks.report import Check, finish, run_benchmark, times_table

WAYS = {"bare Dial": "bench-dial", "app_queue": "bench-queue-1", "acd": "bench-acd"}
RELEASES = {"acd": "bench-acd", "app_queue": "bench-queue-fast"}
NOT_IN_USE = "1"
WAITING = 40
AGENT = "1050"
CALLERS = range(2001, 2001 + WAITING + 1)  # one talks while the others wait
CHANNELS_OF_ONE_CALL = 2
SHORTEST_TALK_S = 0.35
"""A conversation that the agent ends within 250 ms is none: the caller is in line again (config/asterisk/acd.conf). The
100 ms beyond it are for the hang-up's way to the dialplan's clock on a busy machine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many runs of each kind."""

    arrivals: int
    rounds: int
    releases: int
    """In each round, of each system."""

    @property
    def steps(self) -> int:
        return self.arrivals + self.rounds * self.releases * len(RELEASES)


FULL = Plan(arrivals=100, rounds=2, releases=20)
QUICK = Plan(arrivals=20, rounds=2, releases=5)

CONFIG = """
[asterisk.a]
host = "{host}"
username = "acd"
secret = "lab-acd"

[queue.bench]
name = "Bench"
wrap_up_s = 0

[agent.ana]
name = "Ana"
phone = "1050"
queues = ["bench"]
logged_in_at_start = true
"""


class Bench:
    """An engine on the lab, one agent's phone, and callers."""

    def __init__(self, lab: Lab, engine: WatchedEngine, ears: Ears, stack: AsyncExitStack) -> None:
        self.lab, self.engine, self._ears, self._stack = lab, engine, ears, stack

    async def queue(self, queue: str, event: str, header: str, value: str) -> None:
        """Return once app_queue says this of a queue of its own. It is heard only meanwhile: while times are taken,
        nobody is in the phones' way."""
        await self._ears.listen("agent,call")

        async def says() -> bool:
            answer = await self._ears.ask("QueueStatus", ("Queue", queue))
            return any(found.get(header) == value for found in answer.events if found.name == event)

        said = await self._ears.until(says, within_s=10)
        assert said, f"app_queue does not say of {queue}: {header} is {value}"
        await self._ears.listen("off")

    async def is_idle(self) -> None:
        """Return once no call is left."""
        await self._ears.listen("call")
        await self._ears.no_channel_is_left()
        await self._ears.listen("off")

    async def phone(self, number: str) -> Phone:
        phone = Phone(number, f"lab-{number}", (self.lab.a.host, self.lab.a.sip_port), media=False)
        await self._stack.enter_async_context(phone)
        await phone.register()
        return phone


@asynccontextmanager
async def bench(lab: Lab) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(host=lab.a.host)
        async with WatchedEngine(Path(folder), config) as engine, AsyncExitStack() as stack, Ears(lab.a, "off") as ears:
            await engine.saw.sees(f.ServerSettled, within_s=15)
            yield Bench(lab, engine, ears, stack)


async def until_not_in_use(site: Bench) -> None:
    """app_queue passes over a member whose device state it has not seen change back: let it see that."""
    await site.queue(WAYS["app_queue"], "QueueMember", "Status", NOT_IN_USE)


async def arrivals(site: Bench, runs: int, step: Callable[[], None]) -> dict[str, list[float]]:
    """Milliseconds from the caller's INVITE to the agent's, for each way in turn."""
    agent, caller = await site.phone(AGENT), await site.phone(str(CALLERS[0]))
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    direct = 0
    for run in range(runs):
        for way, extension in WAYS.items():
            await until_not_in_use(site)
            call = await caller.place(extension)
            ring = await agent.ring(within_s=5)
            await ring.answer()
            await call.answered(within_s=5)
            assert call.invite_at is not None, "it was answered"
            took[way].append((ring.received_at - call.invite_at) / 1e6)
            if way == "acd":  # it answers at once, for the music; the conversation begins later
                await site.engine.saw.sees(f.CallConnected, count=run + 1)
            await call.hang_up()
            await ring.ended(within_s=5)
            if way == "acd":
                await site.engine.saw.sees(f.CallEnded, count=run + 1)
            else:  # to the engine it was a direct call: until it is over the agent's phone is in use
                direct += 1
                await site.engine.saw.sees(f.DirectCallEnded, count=direct)
        step()
    return took


class Line:
    """Forty callers who wait in one system, and the one who talks."""

    def __init__(self, site: Bench, way: str) -> None:
        self._site, self._way = site, way
        self._waiting: deque[tuple[Phone, OutgoingCall]] = deque()
        self._talking: tuple[Phone, OutgoingCall]
        self._joined = self._served = 0

    async def fill(self, agent: Phone) -> IncomingCall:
        """The first caller is served at once; then forty join. Returns the agent's side of the conversation."""
        phones = [await self._site.phone(str(number)) for number in CALLERS]
        await self._join(phones[0])
        ring = await agent.ring(within_s=10)
        await self._next_is_served(ring)
        for phone in phones[1:]:
            await self._join(phone)
        return ring

    async def answer(self, ring: IncomingCall) -> None:
        """The first in line is served; who was served before calls again."""
        phone, call = self._talking
        await self._next_is_served(ring)
        await call.ended(within_s=5)
        await self._join(phone)

    async def talk(self, share: float) -> None:
        """Talk until this share of a second has passed since the next in line last looked for a free agent.

        app_queue's callers look once a second, each since joining. For ours it is a moment like any other.
        """
        _, following = self._waiting[0]
        assert following.invite_at is not None, "it was placed"
        left = (share - (time.monotonic_ns() - following.invite_at) / 1e9) % 1
        await asyncio.sleep(left if left > SHORTEST_TALK_S else left + 1)

    async def hang_up(self) -> None:
        """Everybody leaves."""
        for _, call in [self._talking, *self._waiting]:
            await call.hang_up()

    async def _join(self, phone: Phone) -> None:
        """One after the other, so that the order is known."""
        self._waiting.append((phone, await phone.place(RELEASES[self._way])))
        self._joined += 1
        if self._way == "acd":
            await self._site.engine.saw.sees(f.CallQueued, count=self._joined)
        else:
            await self._site.queue(RELEASES[self._way], "QueueParams", "Calls", str(len(self._waiting)))

    async def _next_is_served(self, ring: IncomingCall) -> None:
        """app_queue answers the caller only when the conversation begins; of ours a fact says so."""
        await ring.answer()
        self._talking = self._waiting.popleft()
        self._served += 1
        if self._way == "acd":
            await self._site.engine.saw.sees(f.CallConnected, count=self._served)
        else:
            await self._talking[1].answered(within_s=5)


async def releases(site: Bench, way: str, runs: int, chance: random.Random, step: Callable[[], None]) -> list[float]:
    """Milliseconds from the agent's BYE to the next INVITE at the agent, with callers waiting."""
    agent = await site.phone(AGENT)
    await until_not_in_use(site)
    line = Line(site, way)
    ring = await line.fill(agent)
    took: list[float] = []
    for share in spread(runs, chance):
        await line.talk(share)
        ring.hang_up()
        following = await agent.ring(within_s=10)
        assert ring.hung_up_at is not None, "it was hung up"
        took.append((following.received_at - ring.hung_up_at) / 1e6)
        await line.answer(following)
        ring = following
        step()
    await line.hang_up()
    await site.is_idle()
    return took


def spread(runs: int, chance: random.Random) -> list[float]:
    """Moments spread evenly over a second, in any order: with few runs chance alone would move the median."""
    shares = [(run + 0.5) / runs for run in range(runs)]
    chance.shuffle(shares)
    return shares


async def events_of_one_call(site: Bench, agent: Phone) -> dict[str, Counter[str]]:
    """The events of one queue call at the engine's account and at one that hears everything."""
    caller = await site.phone(str(CALLERS[-1]))
    heard: dict[str, Counter[str]] = {"acd": Counter(), "acd-all": Counter()}
    async with AsyncExitStack() as stack:
        accounts = [Ears(site.lab.a, user=user, on_event=_count_in(counter)) for user, counter in heard.items()]
        for account in accounts:
            await stack.enter_async_context(account)
        call = await caller.place(WAYS["acd"])
        ring = await agent.ring(within_s=5)
        await ring.answer()
        await site.engine.saw.sees(f.CallConnected)
        await call.hang_up()
        await ring.ended(within_s=5)
        await site.engine.saw.sees(f.CallEnded)
        await site.is_idle()
        for account, counter in zip(accounts, heard.values(), strict=True):
            await _has_heard_all(account, counter)
    return heard


async def _has_heard_all(account: Ears, counter: Counter[str]) -> None:
    """Return once the account has heard of the end of both channels, and of what Asterisk raised until then."""

    async def both_have_ended() -> bool:
        return counter["Hangup"] >= CHANNELS_OF_ONE_CALL

    assert await account.until(both_have_ended), "an account has not heard of both channels' end"
    await account.ask("Ping")


def _count_in(counter: Counter[str]) -> Callable[[AmiEvent], None]:
    def count(event: AmiEvent) -> None:
        name = event.get("UserEvent") if event.name == "UserEvent" else event.name
        counter[name] += 1

    return count


def events_table(heard: dict[str, Counter[str]]) -> Table:
    """By event name, most frequent first."""
    table = Table(title="AMI events of one queue call", title_justify="left")
    table.add_column("event")
    table.add_column("before filtering", justify="right")
    table.add_column("at the engine", justify="right")
    for name, count in heard["acd-all"].most_common():
        table.add_row(name, str(count), str(heard["acd"][name] or ""))
    table.add_row("all", str(heard["acd-all"].total()), str(heard["acd"].total()), style="bold")
    return table


def release_rows(released: dict[str, list[list[float]]]) -> dict[str, list[float]]:
    """Each system's rounds together, then one by one."""
    rows = {}
    for way, rounds in released.items():
        rows[way] = pooled(rounds)
        rows |= {f"  {way}, round {number}": times for number, times in enumerate(rounds, 1)}
    return rows


def pooled(rounds: list[list[float]]) -> list[float]:
    return [took for times in rounds for took in times]


async def measure(plan: Plan) -> tuple[dict[str, list[float]], dict[str, list[list[float]]], dict[str, Counter[str]]]:
    """Arrivals by way, rounds of releases by system, and the events of one call."""
    lab, chance = Lab(), random.Random(1)
    await lab.up("a")
    with Progress(transient=True) as progress:
        task = progress.add_task("offer", total=plan.steps)
        step = lambda: progress.advance(task)  # noqa: E731
        async with bench(lab) as site:
            arrival = await arrivals(site, plan.arrivals, step)
        released: dict[str, list[list[float]]] = {way: [] for way in RELEASES}
        for _ in range(plan.rounds):
            for way, rounds in released.items():
                async with bench(lab) as site:
                    rounds.append(await releases(site, way, plan.releases, chance, step))
        async with bench(lab) as site:
            heard = await events_of_one_call(site, await site.phone(AGENT))
    return arrival, released, heard


async def run(plan: Plan) -> None:
    arrival, released, heard = await measure(plan)
    median = {way: statistics.median(times) for way, times in arrival.items()}
    ours, theirs = (statistics.median(pooled(released[way])) for way in ("acd", "app_queue"))
    best = min(pooled(released["acd"]))
    finish(
        "offer",
        [
            Check("arrival: median beyond app_queue's, ms", median["acd"] - median["app_queue"], 2.5),
            Check("release: median, ms", ours, 10),
            Check("release: app_queue's median as a multiple of ours", theirs / ours, 50, "higher"),
            Check("release: app_queue's median as a multiple of our best", theirs / best, 50, "higher"),
            Check("events of one call that reach the engine", heard["acd"].total(), 20),
            Check("runs: arrivals each way", min(map(len, arrival.values())), plan.arrivals, "higher"),
            Check("runs: rounds of releases", min(map(len, released.values())), plan.rounds, "higher"),
            Check(
                "runs: releases of each system",
                min(len(pooled(rounds)) for rounds in released.values()),
                plan.rounds * plan.releases,
                "higher",
            ),
        ],
        [
            times_table("Arrival: caller's INVITE to agent's INVITE, agent idle", arrival),
            times_table(f"Release: agent's BYE to the next INVITE, {WAITING} callers waiting", release_rows(released)),
            events_table(heard),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    run_benchmark(run(QUICK if parser.parse_args().quick else FULL))


if __name__ == "__main__":
    main()
