"""All people of the demo at their phones: they come, they are told whom they speak with, they listen, they go."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Final

from acd.core import Fact
from acd.engine.clock import Clock
from acd.lab.demo.agent import AgentAtPhone, Registrar
from acd.lab.demo.caller import Caller
from acd.lab.demo.cast import Agent, Visit, visits
from acd.lab.view.board import Heard, Observation, Rang
from acd.model import CallId, Phone
from acd.router import facts as f
from acd.tasks import Tasks
from acd.telephony.sip import Call, NotHeard, State

HEARS_WITHIN_S: Final = 3.0
STOP_WITHIN_S: Final = 5.0

OnFailure = Callable[[str, BaseException], None]


class People:
    """Agents and callers. `note` gets what their phones notice."""

    def __init__(
        self,
        registrar: Registrar,
        agents: tuple[Agent, ...],
        seed: int,
        clock: Clock,
        note: Callable[[Observation], None],
        on_failure: OnFailure,
    ) -> None:
        self.before_ring: Callable[[], None] = lambda: None
        """Called before a ring is looked at: by then the fact of the offer must have been told."""
        self._registrar = registrar
        self._seed = seed
        self._clock = clock
        self._note = note
        self._agents = {agent.id: AgentAtPhone(agent, registrar, seed, self._rang) for agent in agents}
        self._callers: dict[str, Caller] = {}
        self._phone_of: dict[CallId, str] = {}
        """Where each call came from, while it goes on."""
        self._at_work = Tasks("agents", on_failure)
        self._calling = Tasks("callers", on_failure)
        self._ears = count(1)

    async def come_to_work(self) -> None:
        """Return when every agent's phone is registered."""
        for at in self._agents.values():
            self._at_work.start(at.agent.id, at.work())
        for at in self._agents.values():
            await at.registered.wait()

    def open_lines(self, per_minute: float) -> None:
        """From now on callers call."""
        self._calling.start("arrivals", self._arrivals(per_minute))

    async def go_home(self) -> None:
        """Everybody hangs up, callers first; all phones are given back."""
        await self._calling.stop(STOP_WITHIN_S)
        await self._at_work.stop(STOP_WITHIN_S)

    async def _arrivals(self, per_minute: float) -> None:
        for visit in visits(self._seed, per_minute):
            await asyncio.sleep(visit.after_ms / 1_000)
            if visit.phone not in self._callers:
                self._calling.start(visit.phone, self._visit(visit))

    async def _visit(self, visit: Visit) -> None:
        caller = self._callers[visit.phone] = Caller(visit)
        try:
            await caller.visit_queue(self._registrar)
        finally:
            del self._callers[visit.phone]

    # --- What they are told -----------------------------------------------------------------------------------

    def tell(self, fact: Fact) -> None:
        """Take in a fact."""
        match fact:
            case f.CallQueued():
                self._phone_of[fact.call] = fact.caller.number
            case f.OfferMade() if fact.agent in self._agents:
                self._agents[fact.agent].offered = fact.call
            case f.CallConnected() if fact.agent in self._agents:
                self._connect(self._agents[fact.agent], self._caller(fact.call))
            case f.CallAbandoned() | f.CallTimedOut() | f.CallReturned() | f.CallLost() | f.CallEnded():
                caller = self._caller(fact.call)
                self._phone_of.pop(fact.call, None)
                if caller is not None:
                    caller.was_let_go()

    def _caller(self, call: CallId | None) -> Caller | None:
        return None if call is None else self._callers.get(self._phone_of.get(call, ""))

    def _connect(self, at: AgentAtPhone, caller: Caller | None) -> None:
        if caller is None or caller.call is None or at.call is None:
            return
        caller.reached_an_agent()
        self._listen(at.call, at.agent.phone, caller.visit.tone_hz)
        self._listen(caller.call, Phone(caller.visit.phone), at.agent.tone_hz)

    # --- What they notice -------------------------------------------------------------------------------------

    def _rang(self, at: AgentAtPhone) -> None:
        self.before_ring()
        caller = self._caller(at.offered)
        if caller is None or caller.call is None or caller.call.invite_at is None or at.call is None:
            return
        after_ms = (at.call.received_at - caller.call.invite_at) / 1_000_000
        self._note(Rang(self._clock.now_ms(), at.agent.phone, after_ms))

    def _listen(self, call: Call, phone: Phone, hz: float) -> None:
        self._calling.start(f"ear-{next(self._ears)}", self._hear(call, phone, hz))

    async def _hear(self, call: Call, phone: Phone, hz: float) -> None:
        """When the conversation begins: it must be the other side that is heard, and nobody else."""
        good = True
        try:
            await call.hears(hz, HEARS_WITHIN_S)
        except NotHeard:
            if call.state is State.ENDED:
                return
            good = False
        heard = call.heard
        strongest = heard.partials[0].hz if heard.partials else None
        self._note(Heard(self._clock.now_ms(), phone, good, heard.level_dbfs, strongest))
