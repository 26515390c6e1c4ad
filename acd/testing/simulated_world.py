"""The simulated phone system as a world for the contract suite, in virtual time or by the machine's clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Final, TypeVar

from acd.core import Fact, Input
from acd.engine.clock import Clock, RealClock, VirtualClock
from acd.journal.memory import new_tag
from acd.model import Phone, ServerId
from acd.router.inputs import ServerReported
from acd.telephony.simulated import (
    Busy,
    Exchange,
    Ring,
    Rules,
    SimulatedCall,
    SimulatedPhone,
    SimulatedPhones,
    Unregistered,
)
from acd.testing.worlds import DEADLINE_S, Returned, World, tell_of

R = TypeVar("R")

Condition = Callable[[], bool]

QUICK = Rules(grace_ms=1_000, hold_ms=1_000, spoken_ms=100, fallback_ms=60_000)
"""By the machine's clock nobody wants to wait for seconds."""
AS_IT_IS = Rules(fallback_ms=60_000)
VOICE_MS: Final = 20
"""For so much longer than a conversation must last a voice is heard."""


class SimulatedWorld:
    """A `World`. How time passes while something is awaited is the subclass's."""

    def __init__(self, clock: Clock, servers: Sequence[str], rules: Rules) -> None:
        self.clock = clock
        self.servers = tuple(ServerId(name) for name in servers)
        self.tag = new_tag()
        self.reports: list[Input] = []
        self.exchange = Exchange(clock, servers, rules=rules)
        self._make_adapter()
        self._callers: list[SimulatedCaller] = []
        self._numbers = count(5_551_000)
        self._phones = count(1_001)

    def _make_adapter(self) -> None:
        self.adapter = SimulatedPhones(self._take, self.clock, self.servers, exchange=self.exchange)

    async def until(self, condition: Condition, within_s: float, what: str) -> None:
        """Let time pass until the condition holds."""
        raise NotImplementedError

    def _take(self, report: Input) -> None:
        self.reports.append(report)
        self._changed()

    def _changed(self) -> None:
        """Something happened: whoever waits may look again."""

    @property
    def tasks(self) -> Sequence[str]:
        return self.adapter.tasks

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def act(self, *facts: Fact) -> None:
        self.adapter.act(facts)

    async def caller(
        self,
        queue: str,
        *,
        name: str = "",
        priority: int = 0,
        skills: Sequence[str] = (),
        server: ServerId | None = None,
    ) -> "SimulatedCaller":
        number = str(next(self._numbers))
        caller = SimulatedCaller(self, self.adapter.place_call(queue, number, name, priority, skills, server))
        self._callers.append(caller)
        return caller

    async def phone(self) -> "SimulatedAgentPhone":
        return SimulatedAgentPhone(self, self.exchange.phone(str(next(self._phones))))

    async def outside_phone(self) -> "SimulatedAgentPhone":
        return SimulatedAgentPhone(self, self.exchange.phone(f"9{next(self._phones)}", watched=False))

    async def reported(
        self,
        kind: type[R],
        where: Callable[[R], bool] | None = None,
        *,
        since: int = 0,
        within_s: float = DEADLINE_S,
    ) -> R:
        def found() -> R | None:
            for report in self.reports[since:]:
                if isinstance(report, kind) and (where is None or where(report)):
                    return report
            return None

        await self.until(lambda: found() is not None, within_s, f"report {kind.__name__}")
        report = found()
        assert report is not None, "it was there a moment ago"
        return report

    async def pass_until(self, when_ms: int) -> None:
        """Let time pass."""
        come = Echo(self._changed)
        if when_ms > self.now_ms():
            self.clock.call_at(when_ms, come.come)
            await self.until(come.is_back, DEADLINE_S, f"time {when_ms}")

    async def settled(self, within_s: float = DEADLINE_S) -> None:
        for server in self.servers:
            heard = Echo(self._changed)
            self.adapter.link(server).echo(heard.come)
            await self.until(heard.is_back, within_s, f"round trip to {server}")

    async def cut_link(self, server: ServerId | None = None) -> None:
        self.adapter.cut_link(server)

    async def restore_link(self, server: ServerId | None = None) -> None:
        self.adapter.restore_link(server)

    async def stop(self) -> None:
        await self.adapter.stop()

    async def start_anew(self) -> None:
        self._make_adapter()
        await self.open()

    async def channels(self) -> Sequence[str]:
        return self.exchange.channels

    async def is_empty(self, within_s: float = DEADLINE_S) -> None:
        await self.until(lambda: not self.exchange.channels, within_s, "empty servers")

    async def open(self) -> None:
        """Connect, and wait for the first reports."""
        since = len(self.reports)
        await self.adapter.start()
        for server in self.servers:
            await self.reported(ServerReported, partial(_is_last_of, server), since=since)

    async def close(self) -> None:
        """Let everyone hang up."""
        for caller in self._callers:
            await caller.hang_up()
        for phone in self.exchange.phones.values():
            phone.hang_up()
        await self.adapter.stop()


class Echo:
    """Of a round trip."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._is_back = False

    def come(self) -> None:
        self._is_back = True
        self._changed()

    def is_back(self) -> bool:
        return self._is_back


class VirtualTimeWorld(SimulatedWorld):
    """Time passes only while something is awaited, and then in no time."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._virtual = VirtualClock()
        super().__init__(self._virtual, servers, AS_IT_IS)

    async def until(self, condition: Condition, within_s: float, what: str) -> None:
        deadline_ms = self._virtual.now_ms() + int(within_s * 1_000)
        while not condition():
            next_ms = self._virtual.next_ms
            assert next_ms is not None and next_ms <= deadline_ms, (  # noqa: PT018
                f"no {what} within {within_s} s; reported:\n{tell_of(self.reports)}"
            )
            self._virtual.step()


class RealTimeWorld(SimulatedWorld):
    """Time is the machine's; whatever changes wakes the one who waits."""

    def __init__(self, servers: Sequence[str]) -> None:
        super().__init__(RealClock(), servers, QUICK)
        self._news = asyncio.Event()
        self.exchange.watch(self._changed)

    def _changed(self) -> None:
        self._news.set()

    async def until(self, condition: Condition, within_s: float, what: str) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {what} within {within_s} s; reported:\n{tell_of(self.reports)}") from None


class SimulatedCaller:
    """A `CallingParty`."""

    def __init__(self, world: SimulatedWorld, call: SimulatedCall) -> None:
        self._world = world
        self.call = call

    @property
    def number(self) -> str:
        return self.call.asked.caller.number

    async def hears_music(self, within_s: float = DEADLINE_S) -> None:
        await self._world.until(lambda: self.call.hears == "music", within_s, f"music at {self.number}")

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        await self._world.until(lambda: self.call.hears == "voice", within_s, f"voice at {self.number}")
        await self._world.pass_until(self.call.met_ms + self._world.exchange.rules.spoken_ms + VOICE_MS)
        assert self.call.hears == "voice", f"{self.number} heard a voice for a moment only"

    async def returned(self, within_s: float = DEADLINE_S) -> Returned:
        await self._world.until(lambda: self.call.result is not None, within_s, f"return of {self.number}")
        assert self.call.result is not None, "it was there a moment ago"
        return Returned(self.call.result, self.call.reason)

    async def sent_to(self, within_s: float = DEADLINE_S) -> str:
        await self._world.until(lambda: self.call.destination is not None, within_s, f"{self.number} in the mailbox")
        assert self.call.destination is not None, "it was there a moment ago"
        return self.call.destination.extension

    async def hang_up(self) -> None:
        self.call.hang_up()


class SimulatedAgentPhone:
    """An `AgentPhone`."""

    def __init__(self, world: SimulatedWorld, phone: SimulatedPhone) -> None:
        self._world = world
        self.phone = phone
        phone.behave(Ring())

    @property
    def number(self) -> Phone:
        return self.phone.number

    @property
    def invites(self) -> int:
        return self.phone.invites.total()

    @property
    def shown(self) -> str:
        return self.phone.shown

    async def rings(self, within_s: float = DEADLINE_S) -> None:
        await self._is("ringing", within_s)

    async def is_idle(self, within_s: float = DEADLINE_S) -> None:
        await self._is("idle", within_s)

    async def _is(self, state: str, within_s: float) -> None:
        await self._world.until(lambda: self.phone.state == state, within_s, f"{state} phone {self.number}")

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        await self._world.until(lambda: self.phone.hears_voice, within_s, f"voice at phone {self.number}")

    async def answer(self) -> None:
        self.phone.answer()

    async def transfer(self, queue: str) -> None:
        self._world.exchange.transfer(self.number, queue)

    async def decline(self) -> None:
        self.phone.decline()

    async def hang_up(self) -> None:
        self.phone.hang_up()

    async def be_busy(self) -> None:
        self.phone.behave(Busy())

    async def unregister(self) -> None:
        self.phone.behave(Unregistered())

    async def dial(self, number: Phone) -> None:
        self._world.exchange.dial(self.number, number)


def _is_last_of(server: ServerId, report: ServerReported) -> bool:
    return report.server == server and report.last


def _names(servers: int) -> list[str]:
    return [f"sim{number}" for number in range(1, servers + 1)]


@asynccontextmanager
async def virtual_time(servers: int) -> AsyncIterator[World]:
    """The simulated phone system; minutes pass in no time."""
    world = VirtualTimeWorld(_names(servers))
    await world.open()
    yield world
    await world.close()


@asynccontextmanager
async def real_time(servers: int) -> AsyncIterator[World]:
    """The simulated phone system as the demo runs it."""
    world = RealTimeWorld(_names(servers))
    await world.open()
    yield world
    await world.close()
