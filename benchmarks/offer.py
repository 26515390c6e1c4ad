"""How fast a call is offered: our engine beside app_queue and a bare Dial, on the same Asterisk, in the same run.

Arrival: the caller's INVITE to the agent's INVITE, one idle agent, 100 calls each way (20 with --quick), taking turns.
Release: 40 callers wait; the agent's BYE to the next INVITE at that agent. app_queue has retry=1, the shortest that it
can be given (the default is 5 s); a bare Dial has nobody waiting, so it has no such row.
Events: what one call brings to the engine's account, against an account that hears everything.

Times are read at the phones' sockets; the phones, their Python and the machine are the same for all. Takes about a
minute and a half, --quick about a minute.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from acd.lab.servers import Lab
from acd.router import facts as f
from acd.tasks import Tasks
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.sip import OutgoingCall, Phone
from acd.testing.process import EngineProcess
from benchmarks.report import Check, finish, times_table

WAYS = {"bare Dial": "bench-dial", "app_queue": "bench-queue-1", "acd": "bench-acd"}
RELEASES = {"acd": "bench-acd", "app_queue": "bench-queue-fast"}
NOT_IN_USE = "1"
WAITING = 40
AGENT = "1050"
CALLERS = range(2001, 2001 + WAITING)

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

    def __init__(self, lab: Lab, engine: EngineProcess, ami: AmiLink, stack: AsyncExitStack) -> None:
        self.lab, self.engine, self._ami, self._stack = lab, engine, ami, stack

    async def queue(self, queue: str, event: str, header: str) -> str:
        """What app_queue says of a queue of its own."""
        answer = await self._ami.send("QueueStatus", ("Queue", queue))
        return next((found.get(header) for found in answer.events if found.name == event), "")

    async def phone(self, number: str) -> Phone:
        phone = Phone(number, f"lab-{number}", (self.lab.a.host, self.lab.a.sip_port), media=False)
        await self._stack.enter_async_context(phone)
        await phone.register()
        return phone


@asynccontextmanager
async def bench(lab: Lab) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(host=lab.a.host)
        async with EngineProcess(Path(folder), config) as engine, AsyncExitStack() as stack, ears(lab, "lab") as ami:
            await ami.send("Events", ("EventMask", "off"))  # it only asks
            await engine.saw.sees(f.ServerSettled, within_s=15)
            yield Bench(lab, engine, ami, stack)


@asynccontextmanager
async def ears(lab: Lab, user: str, on_event: Callable[[AmiEvent], None] = lambda _: None) -> AsyncIterator[AmiLink]:
    """One more pair of ears on the lab's AMI."""
    tasks, up = Tasks(f"ami-{user}"), asyncio.Event()
    address = AmiAddress(server=user, host=lab.a.host, username=user, secret=f"lab-{user}")
    link = AmiLink(address, on_event, up.set, lambda _reason: None)
    tasks.start("link", link.run())
    try:
        await up.wait()
        yield link
    finally:
        await tasks.stop()


async def until_not_in_use(site: Bench) -> None:
    """app_queue passes over a member whose device state it has not seen change back: let it see that."""
    async with asyncio.timeout(10):
        while await site.queue(WAYS["app_queue"], "QueueMember", "Status") != NOT_IN_USE:
            pass


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


async def releases(site: Bench, way: str, agent: Phone, step: Callable[[], None]) -> list[float]:
    """Milliseconds from the agent's BYE to the next INVITE at the agent, with callers waiting."""
    calls = []
    for number in CALLERS:
        calls.append(await (await site.phone(str(number))).place(RELEASES[way]))
        await _in_line(site, way, len(calls))
    ring = await agent.ring(within_s=10)
    took: list[float] = []
    talk = random.Random(1)
    for call in calls[1:]:
        await ring.answer()
        await _connected(site, way, calls[len(took)], len(took) + 1)
        await asyncio.sleep(talk.random())  # conversations end at any moment of app_queue's one-second round
        ring.hang_up()
        following = await agent.ring(within_s=10)
        assert ring.hung_up_at is not None, f"it was hung up for {call}"
        took.append((following.received_at - ring.hung_up_at) / 1e6)
        ring = following
        step()
    for call in calls:
        await call.hang_up()
    return took


async def _in_line(site: Bench, way: str, count: int) -> None:
    """Callers join one after the other, so that the order is known."""
    if way == "acd":
        await site.engine.saw.sees(f.CallQueued, count=count)
    else:
        async with asyncio.timeout(10):
            while await site.queue(RELEASES[way], "QueueParams", "Calls") != str(count):
                pass


async def _connected(site: Bench, way: str, call: OutgoingCall, count: int) -> None:
    """The conversation has begun: app_queue answers the caller only then, ours said so."""
    if way == "acd":
        await site.engine.saw.sees(f.CallConnected, count=count)
    else:
        await call.answered(within_s=5)


async def events_of_one_call(site: Bench, agent: Phone) -> dict[str, Counter[str]]:
    """The events of one queue call at the engine's account and at one that hears everything."""
    caller = await site.phone(str(CALLERS[-1]))
    heard: dict[str, Counter[str]] = {"acd": Counter(), "acd-all": Counter()}
    async with AsyncExitStack() as stack:
        for user, counter in heard.items():
            await stack.enter_async_context(ears(site.lab, user, _count_in(counter)))
        call = await caller.place(WAYS["acd"])
        ring = await agent.ring(within_s=5)
        await ring.answer()
        await site.engine.saw.sees(f.CallConnected)
        await call.hang_up()
        await ring.ended(within_s=5)
        await site.engine.saw.sees(f.CallEnded)
        await _until_idle(site)
    return heard


def _count_in(counter: Counter[str]) -> Callable[[AmiEvent], None]:
    def count(event: AmiEvent) -> None:
        name = event.get("UserEvent") if event.name == "UserEvent" else event.name
        counter[name] += 1

    return count


async def _until_idle(site: Bench) -> None:
    async with asyncio.timeout(10):
        while await site.lab.channels("a"):
            pass


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


async def run(quick: bool) -> None:
    runs = 20 if quick else 100
    lab = Lab()
    await lab.up("a")
    with Progress(transient=True) as progress:
        task = progress.add_task("offer", total=runs + 2 * (WAITING - 1) + 1)
        step = lambda: progress.advance(task)  # noqa: E731
        async with bench(lab) as site:
            arrival = await arrivals(site, runs, step)
        released: dict[str, list[float]] = {}
        for way in RELEASES:
            async with bench(lab) as site:
                agent = await site.phone(AGENT)
                await until_not_in_use(site)
                released[way] = await releases(site, way, agent, step)
        async with bench(lab) as site:
            heard = await events_of_one_call(site, await site.phone(AGENT))
    median = {way: statistics.median(times) for way, times in arrival.items()}
    ours, theirs = statistics.median(released["acd"]), statistics.median(released["app_queue"])
    finish(
        "offer",
        [
            Check("arrival: median beyond app_queue's, ms", median["acd"] - median["app_queue"], 2.5),
            Check("release: median, ms", ours, 10),
            Check("release: app_queue's median as a multiple of ours", theirs / ours, 50, "higher"),
            Check("events of one call that reach the engine", heard["acd"].total(), 20),
        ],
        [
            times_table("Arrival: caller's INVITE to agent's INVITE, agent idle", arrival),
            times_table(f"Release: agent's BYE to the next INVITE, {WAITING} callers waiting", released),
            events_table(heard),
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    asyncio.run(run(parser.parse_args().quick))


if __name__ == "__main__":
    main()
