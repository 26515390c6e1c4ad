"""The lab's Asterisk as a world for the contract suite: the real adapter, real phones, real sound.

The adapter reaches each server through a relay, so that its link can be cut. A second AMI link of the world's own
watches each server, to tell what the operator's dialplan reads and which channels are alive. Everybody on the line
speaks a tone of their own; whoever hears something else hears the waiting music.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final, TypeVar

from acd.core import Fact, Input
from acd.journal.memory import new_tag
from acd.lab.dialling import FALLBACK_HZ, number_of
from acd.lab.ears import Ears
from acd.lab.relay import Relay
from acd.lab.servers import Lab, LabServer
from acd.model import Phone, ServerId
from acd.router.inputs import ServerReported
from acd.telephony.ami.adapter import Asterisk
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.ami.server import ServerOptions
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.telephony.sip import Call, IncomingCall, OutgoingCall, State
from acd.telephony.sip import Phone as Softphone
from acd.telephony.sip.transactions import ServerTransaction
from acd.testing.site import AGENT_HZ, CALLER_HZ, ami, pings_answered
from acd.testing.worlds import DEADLINE_S, Returned, World, tell_of

R = TypeVar("R")

AGENTS: Final = range(1_001, 1_031)
CALLERS: Final = range(2_001, 2_040)
OUTSIDERS: Final = range(2_041, 2_059)
PROBE: Final = 2_060
"""Numbers of the lab's phones, and who has them."""
NAMED: Final = "sipp"
"""The one phone of the lab whose caller may say another name than the phone's own."""
OPTIONS: Final = ServerOptions(link=LinkLimits(retry_most_s=0.3))


class AsteriskWorld:
    """A `World`."""

    def __init__(self, lab: Lab, servers: int) -> None:
        self.lab = lab
        self.tag = new_tag()
        self.reports: list[Input] = []
        self.returns: dict[str, Returned] = {}
        self.mailbox: dict[str, str] = {}
        """Who was sent there, and to which extension."""
        """What the operator's dialplan read last, by the caller's number."""
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()
        self._lab_servers = (lab.a, lab.b)[:servers]
        self.servers = tuple(ServerId(server.name) for server in self._lab_servers)
        self._relays: dict[ServerId, Relay] = {}
        self._ears: list[Ears] = []
        self._listening = AsyncExitStack()
        self._agents = iter(AGENTS)
        self._callers = iter(CALLERS)
        self._outsiders = iter(OUTSIDERS)
        self.adapter: Asterisk

    # --- Its life ---------------------------------------------------------------------------------------------

    async def __aenter__(self) -> "AsteriskWorld":
        try:
            for server in self._lab_servers:
                self._relays[ServerId(server.name)] = await self._stack.enter_async_context(
                    Relay(server.host, server.ami_port)
                )
                self._ears.append(await self._listening.enter_async_context(Ears(server, on_event=self._saw)))
            self._probe = await self._softphone(str(PROBE), self._lab_servers[0])
            await self.start_anew()
        except BaseException:
            await self._close()
            raise
        return self

    def _make_adapter(self) -> None:
        settings = [
            ami(server, self._dial(server), host="127.0.0.1", port=self._relays[ServerId(server.name)].port)
            for server in self._lab_servers
        ]
        phones = frozenset(Phone(str(number)) for number in AGENTS)
        self.adapter = Asterisk(settings, phones, self._take, _answer_nobody, OPTIONS)

    def _dial(self, server: LabServer) -> str:
        """Agents' phones are on the first server; from the second they are reached over the trunk between both."""
        return "PJSIP/{phone}" if server is self._lab_servers[0] else f"PJSIP/{{phone}}@lab-{self.lab.a.name}"

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        """Let everyone hang up."""
        if hasattr(self, "adapter"):
            await self.adapter.stop()
        await self._stack.aclose()
        try:
            if all(ears.connected for ears in self._ears):
                await self.is_empty(within_s=10)
        finally:
            await self._listening.aclose()

    # --- Waiting ----------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait until the condition holds; it is looked at whenever something is heard of."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {what} within {within_s} s; reported:\n{tell_of(self.reports)}") from None

    def _changed(self) -> None:
        self._news.set()

    def _take(self, report: Input) -> None:
        self.reports.append(report)
        self._changed()

    def _saw(self, event: AmiEvent) -> None:
        if event.get("UserEvent") == "AcdLeft":
            self.returns[event.get("CallerIDNum")] = Returned(event.get("Result"), event.get("Reason"))
            self._changed()
        if event.get("UserEvent") == "LabMailbox":
            self.mailbox[event.get("CallerIDNum")] = event.get("Place")
            self._changed()

    async def reported(
        self,
        kind: type[R],
        where: Callable[[R], bool] | None = None,
        *,
        since: int = 0,
        within_s: float = DEADLINE_S,
    ) -> R:
        def found() -> list[R]:
            return [
                report
                for report in self.reports[since:]
                if isinstance(report, kind) and (where is None or where(report))
            ]

        await self.until(lambda: bool(found()), within_s, f"report {kind.__name__}")
        return found()[0]

    async def settled(self, within_s: float = DEADLINE_S) -> None:
        """A whole call is placed and ended meanwhile: what was ordered before it is done, and then it is told."""
        async with asyncio.timeout(within_s):
            await pings_answered(self.adapter)
            call = await self._probe.place("echo")
            await call.answered()
            await call.hang_up()
            await pings_answered(self.adapter)

    # --- The engine's side ------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Sequence[str]:
        return self.adapter.tasks

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def act(self, *facts: Fact) -> None:
        self.adapter.act(facts)

    async def stop(self) -> None:
        await self.adapter.stop()

    async def start_anew(self) -> None:
        since = len(self.reports)
        self._make_adapter()
        await self.adapter.start()
        for id_ in self.servers:
            await self.reported(ServerReported, partial(_is_last_of, id_), since=since)

    async def cut_link(self, server: ServerId | None = None) -> None:
        self._relays[server or self.servers[0]].cut()

    async def restore_link(self, server: ServerId | None = None) -> None:
        self._relays[server or self.servers[0]].mend()

    # --- People -----------------------------------------------------------------------------------------------

    async def caller(
        self,
        queue: str,
        *,
        name: str = "",
        priority: int = 0,
        skills: Sequence[str] = (),
        server: ServerId | None = None,
    ) -> "AsteriskCaller":
        where = next(one for one in self._lab_servers if one.name == (server or self.servers[0]))
        number = NAMED if name else str(next(self._callers))
        phone = await self._softphone(number, where, register=not name)
        urgency = str(priority) if priority or skills else ""
        call = await phone.place(number_of(queue, urgency, "&".join(skills)), caller_name=name)
        call.send_tone(CALLER_HZ)
        return AsteriskCaller(self, number, call)

    async def phone(self) -> "AsteriskPhone":
        return await self._person(str(next(self._agents)))

    async def outside_phone(self) -> "AsteriskPhone":
        return await self._person(str(next(self._outsiders)))

    async def _person(self, number: str) -> "AsteriskPhone":
        softphone = CountingPhone(number, f"lab-{number}", self._registrar(self._lab_servers[0]))
        await self._stack.enter_async_context(softphone)
        await softphone.register()
        return AsteriskPhone(self, softphone)

    async def _softphone(self, number: str, server: LabServer, *, register: bool = True) -> Softphone:
        password = f"lab-{number}" if register else ""
        phone = await self._stack.enter_async_context(Softphone(number, password, self._registrar(server)))
        if register:
            await phone.register()
        return phone

    def _registrar(self, server: LabServer) -> tuple[str, int]:
        return server.host, server.sip_port

    # --- Asterisk itself --------------------------------------------------------------------------------------

    async def channels(self) -> Sequence[str]:
        return [channel for ears in self._ears for channel in await ears.channels()]

    async def transfer(self, number: str, to: str) -> None:
        """What a server does when the phone of that number asks it to, by REFER."""
        for ears in self._ears:
            for channel in await ears.channels():
                if channel.startswith(f"PJSIP/{number}-"):
                    where = (("Channel", channel), ("Context", "phones"), ("Exten", to))
                    moved = await ears.ask("BlindTransfer", *where)
                    assert moved.success, moved.message
                    return
        raise AssertionError(f"phone {number} is on no call")

    async def is_empty(self, within_s: float = DEADLINE_S) -> None:
        for ears in self._ears:
            await ears.no_channel_is_left(within_s)


class AsteriskCaller:
    """A `CallingParty`."""

    def __init__(self, world: AsteriskWorld, number: str, call: OutgoingCall) -> None:
        self._world = world
        self._call = call
        self.number = number

    async def hears_music(self, within_s: float = DEADLINE_S) -> None:
        await self._call.answered(within_s)
        await self._call.hears_sound(within_s, other_than=(AGENT_HZ, FALLBACK_HZ))

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        await self._call.hears(AGENT_HZ, within_s)

    async def returned(self, within_s: float = DEADLINE_S) -> Returned:
        await self._world.until(lambda: self.number in self._world.returns, within_s, f"return of {self.number}")
        return self._world.returns[self.number]

    async def sent_to(self, within_s: float = DEADLINE_S) -> str:
        await self._world.until(lambda: self.number in self._world.mailbox, within_s, f"{self.number} in the mailbox")
        return self._world.mailbox[self.number]

    async def hang_up(self) -> None:
        await self._call.hang_up()


class CountingPhone(Softphone):
    """A softphone that takes one call at a time, and counts every call that comes."""

    def __init__(self, number: str, password: str, registrar: tuple[str, int]) -> None:
        super().__init__(number, password, registrar)
        self.invites = 0
        self.is_busy = False

    def _invited(self, invite: ServerTransaction) -> None:
        self.invites += 1
        self.refuses_with = 486 if self.is_busy or self.calls else None
        super()._invited(invite)


class AsteriskPhone:
    """An `AgentPhone`."""

    def __init__(self, world: AsteriskWorld, phone: CountingPhone) -> None:
        self._world = world
        self._phone = phone
        self._call: Call | None = None

    @property
    def number(self) -> Phone:
        return Phone(self._phone.number)

    @property
    def invites(self) -> int:
        return self._phone.invites

    @property
    def shown(self) -> str:
        assert isinstance(self._call, IncomingCall), f"phone {self.number} was not called yet"
        return f"{self._call.caller_name} {self._call.caller_number}"

    async def rings(self, within_s: float = DEADLINE_S) -> None:
        while self._call is None or self._call.state is not State.RINGING:
            self._call = await self._phone.ring(within_s)

    async def is_idle(self, within_s: float = DEADLINE_S) -> None:
        for call in self._phone.calls:
            await call.ended(within_s)

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        """An offer's other side is a caller; a direct call's is a phone like this one."""
        in_queue = isinstance(self._call, IncomingCall) and int(self._call.caller_number) in CALLERS
        await self._now().hears(CALLER_HZ if in_queue else AGENT_HZ, within_s)

    async def answer(self) -> None:
        call = self._now()
        assert isinstance(call, IncomingCall), f"phone {self.number} does not ring"
        call.send_tone(AGENT_HZ)
        await call.answer()

    async def transfer(self, queue: str) -> None:
        await self._world.transfer(self.number, f"q-{queue}")

    async def decline(self) -> None:
        call = self._now()
        assert isinstance(call, IncomingCall), f"phone {self.number} does not ring"
        await call.decline()

    async def hang_up(self) -> None:
        await self._now().hang_up()

    def _now(self) -> Call:
        assert self._call is not None, f"phone {self.number} is not on a call"
        return self._call

    async def be_busy(self) -> None:
        self._phone.is_busy = True

    async def unregister(self) -> None:
        await self._phone.unregister()

    async def dial(self, number: Phone) -> None:
        self._call = await self._phone.place(number)
        self._call.send_tone(AGENT_HZ)


async def _answer_nobody(_: FeatureCode) -> CodeAnswer:
    return "unavailable"


def _is_last_of(server: ServerId, report: ServerReported) -> bool:
    return report.server == server and report.last


_UP: Final[set[str]] = set()
"""Labs that this process has found up: to ask takes half a second each time."""


@asynccontextmanager
async def on_asterisk(servers: int) -> AsyncIterator[World]:
    """The lab. Raises `LabUnavailable` where none can be had."""
    lab = Lab()
    if lab.a.host not in _UP:
        await lab.up()
        _UP.add(lab.a.host)
    async with AsteriskWorld(lab, servers) as world:
        yield world
