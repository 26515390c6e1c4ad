"""The demo on the simulated phone system: engine, phones and callers in this process, by any clock.

Its phones tell nothing of themselves: there is no sound that they could hear, and the time until one rings is made up.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from acd.config import Config, changes
from acd.core import Input
from acd.engine.clock import Alarm, Clock
from acd.engine.loop import Engine, EngineStopped
from acd.journal.memory import MemoryJournal
from acd.journal.port import Entry
from acd.lab.demo.cast import Agent, Break, Reaction, Visit, breaks, reactions, visits
from acd.lab.demo.stage import StageFailed, TellFact
from acd.model import AgentId, Phone, RequestId
from acd.router import inputs as i
from acd.tasks import Tasks
from acd.telephony.simulated import Answer, Behaviour, Decline, Exchange, Ring, SimulatedCall, SimulatedPhones, Steps
from acd.telephony.wishes import words_of

STOP_WITHIN_S: Final = 5.0
OUTSIDE: Final = Phone("outside")


class SimulatedStage:
    """A `Stage`. See the module."""

    def __init__(
        self,
        config: Config,
        agents: Sequence[Agent],
        seed: int,
        per_minute: float,
        clock: Clock,
        tell: TellFact,
        journal: MemoryJournal | None = None,
    ) -> None:
        self.title = "simulated phones"
        self.engine = Engine(journal or MemoryJournal(), clock)
        self._config = config
        self._agents = {agent.id: agent for agent in agents}
        self._clock = clock
        self._tell = tell
        self._tasks = Tasks("simulated-demo")
        self._running: asyncio.Task[None] | None = None
        self._blind: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when facts could not be told: a board must not stand still as if nothing happened."""
        names = [server.id for server in config.servers]
        exchange = Exchange(clock, names, seed=seed, steps=Steps(jitter_ms=2))
        self._phones = SimulatedPhones(self.engine.submit, clock, names, exchange=exchange)
        self._visits = visits(seed, per_minute)
        self._reactions = {agent.id: reactions(seed, agent.id) for agent in agents}
        self._breaks = {agent.id: breaks(seed, agent.id) for agent in agents}
        self._callers: dict[str, SimulatedCall] = {}
        self._alarms: dict[int, Alarm] = {}
        self._asked = 0

    async def start(self) -> None:
        self.engine.add_reader("demo", self._read)
        self.engine.add_reader("telephony", self._act)
        for agent in self._agents.values():
            self._phones.phone(agent.phone).plan = partial(self._behave, agent)
        self._phones.phone(OUTSIDE, watched=False).behave(Answer(after_ms=900))
        self._running = self._tasks.start("engine", self.engine.run())
        for asked in [
            *changes(self.engine.configured, self._config),
            *map(self._log_in, self._config.logged_in_at_start),
        ]:
            self.engine.submit(asked)
        await self.engine.settled()
        await self._phones.start()
        self._next_visit()
        for id_ in self._agents:
            self._next_break(id_)

    async def stop(self) -> None:
        for alarm in self._alarms.values():
            alarm.cancel()
        for call in list(self._callers.values()):
            call.hang_up()
        await self._phones.stop()
        self.engine.stop()
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=STOP_WITHIN_S)
        await self._tasks.stop()

    async def ended(self) -> None:
        assert self._running is not None, "it was started"
        await asyncio.wait({self._running, self._blind}, return_when=asyncio.FIRST_COMPLETED)
        raise StageFailed("the engine or the board failed: why is in the log")

    # --- Facts ------------------------------------------------------------------------------------------------

    def _read(self, entries: Sequence[Entry]) -> None:
        try:
            for entry in entries:
                for number, fact in enumerate(entry.facts, entry.first):
                    self._tell(number, fact)
        except Exception:
            if not self._blind.done():
                self._blind.set_result(None)
            raise  # the engine logs it, and goes on without us

    def _act(self, entries: Sequence[Entry]) -> None:
        self._phones.act([fact for entry in entries for fact in entry.facts])

    # --- People -----------------------------------------------------------------------------------------------

    def _after(self, delay_ms: int, callback: Callable[[], None]) -> None:
        """Call back later, unless everything is over by then."""
        self._asked += 1
        number = self._asked

        def ring() -> None:
            del self._alarms[number]
            callback()

        self._alarms[number] = self._clock.call_at(self._clock.now_ms() + delay_ms, ring)

    def _next_visit(self) -> None:
        visit = next(self._visits)
        self._after(visit.after_ms, partial(self._arrive, visit))

    def _arrive(self, visit: Visit) -> None:
        self._callers = {number: call for number, call in self._callers.items() if call.place != "gone"}
        if visit.phone not in self._callers:
            self._callers[visit.phone] = self._phones.place_call(
                visit.queue,
                visit.phone,
                skills=words_of(visit.wishes),
                patience_ms=visit.patience_ms,
                talk_ms=visit.talk_ms,
            )
        self._next_visit()

    def _behave(self, agent: Agent) -> Behaviour:
        return _behaviour(next(self._reactions[agent.id]))

    def _next_break(self, agent: AgentId) -> None:
        wish = next(self._breaks[agent])
        self._after(wish.after_ms, partial(self._begin_break, agent, wish))

    def _begin_break(self, agent: AgentId, wish: Break) -> None:
        phone = self._phones.phone(self._agents[agent].phone)
        if phone.state != "idle":
            self._after(1_000, partial(self._begin_break, agent, wish))
            return
        if wish.kind == "pause":
            reason = self._config.router.pause_reasons[wish.reason - 1].id
            self._ask(i.Pause(request=self._request(), agent=agent, by=agent, reason=reason))
            back: Callable[[], None] = partial(self._come_back, agent)
        else:
            back = partial(self._phones.exchange.dial(phone.number, OUTSIDE).put_down, "hung-up")
        self._after(wish.lasts_ms, back)
        self._after(wish.lasts_ms, partial(self._next_break, agent))

    def _come_back(self, agent: AgentId) -> None:
        self._ask(i.GetReady(request=self._request(), agent=agent, by=agent))

    def _ask(self, asked: Input) -> None:
        """Who asks too late is not heard."""
        try:
            self.engine.submit(asked)
        except EngineStopped:
            return

    def _log_in(self, agent: AgentId) -> Input:
        return i.LogIn(request=self._request(), agent=agent, by="configuration")

    def _request(self) -> RequestId:
        self._asked += 1
        return RequestId(f"demo-{self._asked}")


def _behaviour(reaction: Reaction) -> Behaviour:
    match reaction.kind:
        case "answers":
            return Answer(reaction.after_ms, reaction.talk_ms)
        case "declines":
            return Decline(reaction.after_ms)
        case "misses":
            return Ring()
