"""The demo on Asterisk: the lab's server, the engine as a process of its own, people at real phones."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

from acd.core import Fact
from acd.engine.clock import Clock
from acd.lab.demo.cast import PIN, Agent
from acd.lab.demo.config import config_text
from acd.lab.demo.host import LabHost, Say
from acd.lab.demo.people import People
from acd.lab.demo.stage import StageFailed, StageTaken, TellFact, TellSeen
from acd.lab.engine import EngineFailed, EngineProcess
from acd.lab.servers import Lab
from acd.router.facts import ServerSettled, ServerWentQuiet
from acd.sign_in import hash_pin
from acd.tasks import Tasks

UP_WITHIN_S: Final = 20.0
SERVER_AWAY_S: Final = 8.0
"""A server that is not heard of for so long does not come back by itself."""
OTHER_ENGINE: Final = "another engine serves this server"
"""So the engine says it in its log."""


class AsteriskStage:
    """A `Stage`. Starting it takes the time that Docker needs."""

    def __init__(
        self,
        agents: tuple[Agent, ...],
        seed: int,
        per_minute: float,
        clock: Clock,
        tell: TellFact,
        note: TellSeen,
        say: Say,
    ) -> None:
        self.title = "Asterisk"
        self._lab = Lab()
        self._agents = agents
        self._per_minute = per_minute
        self._tell_board = tell
        self._say = say
        self._stack = AsyncExitStack()
        self._tasks = Tasks("demo", self._fail)
        self._up = asyncio.Event()
        self._away: asyncio.Task[None] | None = None
        """Waits for a server that is not heard of."""
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        registrar = self._lab.a.host, self._lab.a.sip_port
        self._people = People(registrar, agents, seed, clock, note, self._fail)

    async def start(self) -> None:
        host = LabHost(self._say, self._lab.a.host)
        self._stack.push_async_callback(host.restore)
        await host.start()
        self.title = f"{await host.version()} at {self._lab.a.host}"
        self._stack.push_async_callback(self._tasks.stop)
        self._stack.push_async_callback(self._people.go_home)
        self._say(f"{len(self._agents)} agents take their phones")
        await self._unless_failed("registration", self._people.come_to_work())
        self._say("the engine starts")
        engine = await self._stack.enter_async_context(
            EngineProcess(await self._config(), self._tell, own_session=True)
        )
        self._stack.push_async_callback(self._tasks.stop)  # before the engine stops: that is no failure then
        self._stack.push_async_callback(self._people.go_home)
        self._people.before_ring = engine.drain
        self._tasks.start("engine", self._engine_stays(engine))
        await self._until_up(engine)
        self._people.open_lines(self._per_minute)

    async def _config(self) -> str:
        return config_text(self._lab.a, self._agents, await asyncio.to_thread(hash_pin, PIN))

    async def _until_up(self, engine: EngineProcess) -> None:
        try:
            async with asyncio.timeout(UP_WITHIN_S):
                await self._unless_failed("up", self._up_or_kept_out(engine))
        except TimeoutError:
            raise StageFailed(f"the engine did not reach Asterisk. The end of its log:\n{engine.log_tail()}") from None
        if not self._up.is_set():
            raise StageTaken(f"another engine serves Asterisk at {self._lab.a.host}")

    async def _up_or_kept_out(self, engine: EngineProcess) -> None:
        up = self._tasks.start("up seen", self._up_seen())
        kept_out = self._tasks.start("other engine", _kept_out(engine))
        try:
            await asyncio.wait({up, kept_out}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            kept_out.cancel()

    async def _engine_stays(self, engine: EngineProcess) -> None:
        try:
            await engine.failed()
        except EngineFailed as error:
            self._fail("engine", error)

    async def _server_comes_back(self) -> None:
        await asyncio.sleep(SERVER_AWAY_S)
        self._fail("Asterisk", StageFailed(f"the server at {self._lab.a.host} has gone: was the lab stopped?"))

    async def _up_seen(self) -> None:
        await self._up.wait()

    async def _unless_failed(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Wait for it; but not while something else has failed."""
        either: set[asyncio.Future[Any]] = {self._tasks.start(name, work), self._failure}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            raise StageFailed(self._failure.result())

    async def stop(self) -> None:
        await self._stack.aclose()

    async def ended(self) -> None:
        raise StageFailed(await self._failure)

    def _tell(self, number: int, fact: Fact) -> None:
        self._tell_board(number, fact)
        self._people.tell(fact)
        if isinstance(fact, ServerSettled) and fact.up:
            self._up.set()
            self._end_wait_for_server()
        elif isinstance(fact, ServerWentQuiet) and self._up.is_set() and self._away is None:
            self._away = self._tasks.start("server", self._server_comes_back())

    def _end_wait_for_server(self) -> None:
        if self._away is not None:
            self._away.cancel()
            self._away = None

    def _fail(self, task: str, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_result(f"{task}: {error}")


async def _kept_out(engine: EngineProcess) -> None:
    await engine.says(OTHER_ENGINE, 2 * UP_WITHIN_S)
