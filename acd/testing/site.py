"""A contact centre for one test: an engine on the lab's Asterisk, agents and callers with real phones.

    async with Site(lab, queues=[queue("sales")], agents=[agent("ana", "1001", "sales")]) as site:
        ana = await site.log_in("ana")
        caller = await site.calls("sales")
        ring = await ana.ring()
        …
        await site.fact(f.CallConnected, agent="ana")

Leaving it stops the engine, hangs up the phones and checks that nothing is left: no channel in Asterisk, no task,
no file or socket in this process.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self, TypeVar

from acd.config import ServerSettings
from acd.core import Core, Fact, Input
from acd.engine.clock import RealClock
from acd.engine.loop import Engine, facts_of
from acd.journal.memory import MemoryJournal
from acd.journal.port import Entry
from acd.lab.dialling import number_of
from acd.lab.ears import no_channel_is_left
from acd.lab.servers import Lab, LabServer
from acd.model import AgentId, Phone, QueueId, RequestId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings
from acd.tasks import Tasks
from acd.telephony.ami.adapter import Asterisk
from acd.telephony.ami.server import ServerOptions
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.telephony.sip import Call, OutgoingCall
from acd.telephony.sip import Phone as Softphone
from acd.testing.open_files import open_files

PATIENCE_S: Final = 5.0
"""How long a test waits for what should happen within milliseconds: noise of a busy machine is no failure."""

ANNOUNCEMENT: Final = "/run/lab/announcement"
ANNOUNCEMENT_HZ: Final = 3_300.0
ANNOUNCEMENT_S: Final = 4.0
"""A sound that the lab makes (sip-lab/entrypoint): nothing else there has its tone."""
CALLER_HZ: Final = 1_700.0
AGENT_HZ: Final = 2_300.0
"""What callers and agents say, in tests."""

F = TypeVar("F", bound=Fact)


def queue(id_: str, **settings: object) -> QueueSettings:
    """A queue with short times; settings as in `QueueSettings`."""
    defaults: dict[str, object] = {"name": id_.title(), "wrap_up_ms": 0}
    return QueueSettings(QueueId(id_), **(defaults | settings))  # type: ignore[arg-type]


def agent(id_: str, phone: str | None, *queues: str, **settings: object) -> AgentSettings:
    """An agent with a phone of the lab; settings as in `AgentSettings`."""
    own = None if phone is None else Phone(phone)
    assigned = tuple(QueueId(name) for name in queues)
    return AgentSettings(AgentId(id_), id_.title(), own, assigned, **settings)  # type: ignore[arg-type]


class Site:
    """See the module."""

    def __init__(
        self,
        lab: Lab,
        *,
        queues: Sequence[QueueSettings],
        agents: Sequence[AgentSettings],
        router: RouterSettings | None = None,
        servers: Sequence[ServerSettings] | None = None,
        options: ServerOptions | None = None,
        answer_code: Callable[[FeatureCode], CodeAnswer] | None = None,
    ) -> None:
        self.lab = lab
        self.inputs: list[Input] = []
        self.facts: list[Fact] = []
        self._said = asyncio.Event()
        self._settings = (router or RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),)), queues, agents)
        self._servers = tuple(servers or [ami(lab.a)])
        self._options = options
        self._answer_code = answer_code
        self._tasks = Tasks("site")
        self._stack = AsyncExitStack()
        self._numbers = iter(range(2001, 2061))
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._open_files = open_files()
        try:
            await self.start_engine()
        except BaseException:
            await self._stop()
            raise
        return self

    async def start_engine(self) -> None:
        """A fresh engine, that knows nothing but its configuration."""
        self.facts.clear()
        self.core = Core()
        self.engine = Engine(MemoryJournal(), RealClock(), self.core)
        own = {agent.phone for agent in self._settings[2] if agent.phone is not None}
        self.telephony = Asterisk(
            self._servers,
            frozenset(own | {Phone("1901"), Phone("1902")}),
            self.engine.submit,
            self._answer,
            self._options,
        )
        self.engine.add_reader("site", self._read)
        self.engine.add_reader("telephony", lambda entries: self.telephony.act(facts_of(entries)))
        for change in self._configuration():
            self.engine.submit(change)
        self._running = self._tasks.start("engine", self.engine.run())
        await self.telephony.start()
        for server in self._servers:
            await self.fact(f.ServerSettled, server=server.id, within_s=2 * PATIENCE_S)

    async def stop_engine(self) -> None:
        """As the daemon stops: telephony first, then the loop."""
        if self._running is None:
            return
        await self.telephony.stop()
        self.engine.stop()
        async with asyncio.timeout(PATIENCE_S):
            await self._running
        self._running = None

    def _configuration(self) -> Iterable[Input]:
        router, queues, agents = self._settings
        yield i.ConfigureRouter(router)
        yield from (i.ConfigureQueue(settings) for settings in queues)
        yield from (i.ConfigureAgent(settings) for settings in agents)

    async def _answer(self, code: FeatureCode) -> CodeAnswer:
        return "unavailable" if self._answer_code is None else self._answer_code(code)

    # --- People -----------------------------------------------------------------------------------------------

    async def phone(self, number: str, server: LabServer | None = None, **options: bool) -> Softphone:
        """A registered phone, for as long as the site lives."""
        registrar = (server or self.lab.a).host, (server or self.lab.a).sip_port
        phone = Softphone(number, f"lab-{number}", registrar, **options)  # type: ignore[arg-type]
        await self._stack.enter_async_context(phone)
        await phone.register()
        return phone

    async def log_in(self, name: str, server: LabServer | None = None) -> Softphone:
        """The agent's registered phone; the agent is ready in all queues."""
        settings = next(agent for agent in self._settings[2] if agent.id == name)
        assert settings.phone is not None, f"{name} has no phone"
        phone = await self.phone(settings.phone, server)
        await self.ask(i.LogIn(request=self.request(), agent=settings.id, by=name))
        return phone

    async def ask(self, request: i.Request) -> None:
        """Have a request done; one that is refused fails the test."""
        answer = await self.engine.ask(request)
        assert not hasattr(answer, "reason"), f"{request} was refused: {answer}"

    def request(self) -> RequestId:
        """A request id that was not used before."""
        return RequestId(f"r{len(self.inputs)}")

    async def calls(
        self, queue_name: str, number: str | None = None, server: LabServer | None = None, wishes: str = ""
    ) -> OutgoingCall:
        """A new caller dials the queue, and asks for skills or an agent as the dialplan writes it."""
        phone = await self.phone(number or str(next(self._numbers)), server)
        return await phone.place(number_of(queue_name, wishes=wishes))

    async def queues_up(self, queue_name: str) -> OutgoingCall:
        """As `calls`, once the caller stands in the line: of two who dial at once either may come first."""
        before = len(self.all(f.CallQueued))
        caller = await self.calls(queue_name)
        await self.fact(f.CallQueued, count=before + 1)
        return caller

    async def claimed(self, count: int) -> None:
        """Return once so many calls are queued and their claims are confirmed by Asterisk."""
        await self.fact(f.CallQueued, count=count)
        async with asyncio.timeout(PATIENCE_S):
            await pings_answered(self.telephony)
        assert not self.telephony.unconfirmed_claims, "a claim is answered before the ping that was sent after it"

    # --- Facts ------------------------------------------------------------------------------------------------

    def _read(self, entries: Sequence[Entry]) -> None:
        self.inputs.extend(entry.input for entry in entries)
        self.facts.extend(facts_of(entries))
        self._said.set()

    def all(self, kind: type[F], **values: object) -> list[F]:
        """The facts of a kind so far, with these values."""
        return [fact for fact in self.facts if isinstance(fact, kind) and _has(fact, values)]

    async def fact(self, kind: type[F], count: int = 1, within_s: float = PATIENCE_S, **values: object) -> F:
        """The newest of (at least) so many facts of a kind with these values, once it is there."""
        await self._until(
            lambda: len(self.all(kind, **values)) >= count, f"{count} x {kind.__name__} {values}", within_s
        )
        return self.all(kind, **values)[-1]

    async def over(self, count: int) -> None:
        """Return once so many calls are abandoned or ended."""
        await self._until(
            lambda: len(self.all(f.CallAbandoned)) + len(self.all(f.CallEnded)) >= count,
            f"{count} calls that are over",
            PATIENCE_S,
        )

    async def either(self, *kinds: type[Fact]) -> None:
        """Return once there is a fact of one of these kinds."""
        names = " or ".join(kind.__name__ for kind in kinds)
        await self._until(lambda: any(isinstance(fact, kinds) for fact in self.facts), names, PATIENCE_S)

    async def _until(self, condition: Callable[[], bool], what: str, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._said.clear()
                    await self._said.wait()
        except TimeoutError:
            story = "\n".join(f"  {fact}" for fact in self.facts[-30:])
            raise AssertionError(f"no {what} within {within_s} s; the last facts:\n{story}") from None

    # --- The end ----------------------------------------------------------------------------------------------

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()
        if kind is None:
            await self._check_nothing_is_left()

    async def _stop(self) -> None:
        await self._stack.aclose()
        await self.stop_engine()
        await self._tasks.stop()

    async def _check_nothing_is_left(self) -> None:
        others = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not others, f"tasks are left: {others}"
        await no_channel_is_left(self.lab)
        left = open_files() - self._open_files
        assert not left, f"files or sockets are left: {left}"


async def pings_answered(adapter: Asterisk) -> None:
    """Return once each server that is connected has answered all that it was sent so far: it answers in order."""
    for server in adapter._servers.values():  # noqa: SLF001  its port has no use for it
        if server.link.connected:
            await server.link.send("Ping")


def ami(server: LabServer, dial: str = "PJSIP/{phone}", host: str = "", port: int = 0) -> ServerSettings:
    """A lab server as the configuration would name it; reached by another host and port where these are given."""
    return ServerSettings(
        id=ServerId(server.name),
        host=host or server.host,
        port=port or server.ami_port,
        username=server.ami_user,
        secret=server.ami_secret,
        dial=dial,
    )


async def converse(caller: Call, agent: Call) -> None:
    """Return once each has heard the other: to the dialplan a bridge that falls sooner was no conversation."""
    caller.send_tone(CALLER_HZ)
    agent.send_tone(AGENT_HZ)
    await agent.hears(CALLER_HZ, within_s=PATIENCE_S)
    await caller.hears(AGENT_HZ, within_s=PATIENCE_S)


def _has(fact: Fact, values: dict[str, object]) -> bool:
    return all(getattr(fact, name) == value for name, value in values.items())
