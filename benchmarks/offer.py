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
import random
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rich.progress import Progress
from rich.table import Table

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.sip import Phone
from benchmarks.report import Check, finish, run_benchmark, times_table
from benchmarks.site import AGENT, CALLERS, RELEASES, Bench, arrivals, bench, pooled, releases, until_not_in_use

WAYS = {"bare Dial": "bench-dial", "app_queue": "bench-queue-1", "acd": "bench-acd"}
WAITING = 40
CHANNELS_OF_ONE_CALL = 2


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


async def measure(plan: Plan) -> tuple[dict[str, list[float]], dict[str, list[list[float]]], dict[str, Counter[str]]]:
    """Arrivals by way, rounds of releases by system, and the events of one call."""
    lab, chance = Lab(), random.Random(1)
    await lab.up("a")
    with Progress(transient=True) as progress:
        task = progress.add_task("offer", total=plan.steps)
        step = lambda: progress.advance(task)  # noqa: E731
        async with bench(lab) as site:
            arrival = await arrivals(site, WAYS, plan.arrivals, step, idle=until_not_in_use)
        released: dict[str, list[list[float]]] = {way: [] for way in RELEASES}
        for _ in range(plan.rounds):
            for way, rounds in released.items():
                async with bench(lab) as site:
                    rounds.append(await releases(site, way, WAITING, plan.releases, chance, step))
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
