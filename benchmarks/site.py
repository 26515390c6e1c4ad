"""What benchmarks beside app_queue have in common: an engine on the lab, its phones, and callers who wait in a line.

Times are read at the phones' sockets: `time.monotonic_ns` when a message was read or written.
"""

import asyncio
import random
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.sip import IncomingCall, OutgoingCall, Phone
from acd.testing.process import WatchedEngine

RELEASES: Final = {"acd": "bench-acd", "app_queue": "bench-queue-fast"}
"""What a caller dials to wait in each system for the agent at 1050."""
AGENT: Final = "1050"
CALLERS: Final = range(2001, 2061)
SERVES: Final = "server is up, its calls are offered"
"""What the engine's log says once it knows its server."""
NOT_IN_USE: Final = "1"
SHORTEST_TALK_S: Final = 0.35
"""A conversation that the agent ends within 250 ms is none: the caller is in line again (config/asterisk/acd.conf). The
100 ms beyond it are for the hang-up's way to the dialplan's clock on a busy machine."""

ASTERISK: Final = """
[asterisk.a]
host = "{host}"
username = "acd"
secret = "lab-acd"

[queue.bench]
name = "Bench"
wrap_up_s = 0
"""
ANA: Final = """
[agent.ana]
name = "Ana"
phone = "1050"
queues = ["bench"]
logged_in_at_start = true
"""


LINES_FROM: Final = 30_001
"""The first of the lab's two thousand lines: endpoints of Asterisk, each with a state of its own, behind which is one
softphone, `lines`."""
LINE_AGENT: Final = """
[agent.line-{line}]
name = "Line {line}"
phone = "{line}"
queues = ["bench"]
logged_in_at_start = true
"""


def line_agents(count: int) -> str:
    """So many agents who are logged in, each at a line of the lab's."""
    return "".join(LINE_AGENT.format(line=LINES_FROM + number) for number in range(count))


def phone_of(lab: Lab, number: str) -> Phone:
    """A phone for times: nothing is said or heard."""
    return Phone(number, f"lab-{number}", (lab.a.host, lab.a.sip_port), media=False)


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
        phone = await self._stack.enter_async_context(phone_of(self.lab, number))
        await phone.register()
        return phone


@asynccontextmanager
async def engine_of(lab: Lab, agents: str, *, writes_facts: bool = True) -> AsyncIterator[WatchedEngine]:
    """An engine with these agents, as acd.toml has them, once it knows its server. One that writes no facts is seen by
    nobody but its Asterisk."""
    with tempfile.TemporaryDirectory() as folder:
        config = ASTERISK.format(host=lab.a.host) + agents
        async with WatchedEngine(Path(folder), config, writes_facts=writes_facts) as engine:
            await engine.says(SERVES, within_s=15)
            yield engine


@asynccontextmanager
async def bench(lab: Lab, agents: str = ANA) -> AsyncIterator[Bench]:
    """Such an engine, and all that is needed to call it."""
    async with engine_of(lab, agents) as engine, AsyncExitStack() as stack, Ears(lab.a, "off") as ears:
        yield Bench(lab, engine, ears, stack)


async def until_not_in_use(site: Bench) -> None:
    """app_queue passes over a member whose device state it has not seen change back: let it see that."""
    await site.queue("bench-queue-1", "QueueMember", "Status", NOT_IN_USE)


async def arrivals(
    site: Bench,
    ways: Mapping[str, str],
    runs: int,
    step: Callable[[], None],
    *,
    agent_at: str = AGENT,
    idle: Callable[[Bench], Awaitable[None]],
) -> dict[str, list[float]]:
    """Milliseconds from the caller's INVITE to the agent's, for each way in turn. `ways`: what is dialled for each;
    `idle`: returns once an agent is free in all of them."""
    agent, caller = await site.phone(agent_at), await site.phone(str(CALLERS[0]))
    took: dict[str, list[float]] = {way: [] for way in ways}
    direct = 0
    for run in range(runs):
        for way, extension in ways.items():
            await idle(site)
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
    """So many callers who wait in one system, and the one who talks."""

    def __init__(self, site: Bench, way: str, waiting: int) -> None:
        self._site, self._way, self._length = site, way, waiting
        self._waiting: deque[tuple[Phone, OutgoingCall]] = deque()
        self._talking: tuple[Phone, OutgoingCall]
        self._joined = self._served = 0

    async def fill(self, agent: Phone) -> IncomingCall:
        """The first caller is served at once; then the others join. Returns the agent's side of the conversation."""
        phones = [await self._site.phone(str(number)) for number in CALLERS[: self._length + 1]]
        await self._join(phones[0])
        ring = await agent.ring(within_s=10)
        await self._next_is_served(ring)
        for index in range(1, self._length + 1):
            await self._join(phones[index % len(phones)])
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


async def releases(
    site: Bench, way: str, waiting: int, runs: int, chance: random.Random, step: Callable[[], None]
) -> list[float]:
    """Milliseconds from the agent's BYE to the next INVITE at the agent, with callers waiting."""
    agent = await site.phone(AGENT)
    await until_not_in_use(site)
    line = Line(site, way, waiting)
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


def pooled(rounds: list[list[float]]) -> list[float]:
    return [took for times in rounds for took in times]
