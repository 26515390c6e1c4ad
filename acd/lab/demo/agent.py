"""An agent of the demo at a real phone: answers, declines or lets it ring, says a tone, wraps up, takes breaks."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from acd.lab.demo.cast import PIN, Agent, Break, Reaction, breaks, reactions
from acd.lab.dialling import key_in
from acd.model import CallId
from acd.telephony.sip import Call, CallRefused, IncomingCall, NothingHappened, Phone, State

LONGEST_S: Final = 3_600.0
"""Nobody talks longer."""

Registrar = tuple[str, int]


class AgentAtPhone:
    """One agent. `on_ring` is called with each call that comes, before it is looked at."""

    def __init__(
        self, agent: Agent, registrar: Registrar, seed: int, on_ring: Callable[["AgentAtPhone"], None]
    ) -> None:
        self.agent = agent
        self.call: IncomingCall | None = None
        """The call that came last."""
        self.offered: CallId | None = None
        """What the engine calls it."""
        self.registered = asyncio.Event()
        self._registrar = registrar
        self._on_ring = on_ring
        self._reactions: Iterator[Reaction] = reactions(seed, agent.id)
        self._breaks: Iterator[Break] = breaks(seed, agent.id)

    async def work(self) -> None:
        """The whole shift; only the end of the demo ends it."""
        async with Phone(self.agent.phone, f"lab-{self.agent.phone}", self._registrar) as phone:
            await phone.register()
            self.registered.set()
            for wish in self._breaks:
                await self._take_calls(phone, wish.after_ms / 1_000)
                with suppress(NothingHappened, CallRefused):
                    await self._take_break(phone, wish)

    async def _take_calls(self, phone: Phone, for_s: float) -> None:
        now = asyncio.get_running_loop().time
        until = now() + for_s
        while (left := until - now()) > 0:
            with suppress(NothingHappened):
                self.call = await phone.ring(within_s=left)
                self._on_ring(self)
                await self._take(self.call, next(self._reactions))

    async def _take(self, call: IncomingCall, reaction: Reaction) -> None:
        if reaction.kind == "misses":
            await call.ended(LONGEST_S)
        elif await _is_over(call, reaction.after_ms / 1_000):
            return  # the caller, or the engine, thought better of it
        elif reaction.kind == "declines":
            await call.decline()
        else:
            await self._talk(call, reaction)

    async def _talk(self, call: IncomingCall, reaction: Reaction) -> None:
        call.send_tone(self.agent.tone_hz)
        if await call.answer():
            await _is_over(call, LONGEST_S if reaction.talk_ms is None else reaction.talk_ms / 1_000)
            await call.hang_up()

    # --- Breaks -----------------------------------------------------------------------------------------------

    async def _take_break(self, phone: Phone, wish: Break) -> None:
        if phone.rings_waiting:
            return  # work goes first
        if wish.kind == "direct call":
            await self._call_past_the_queues(phone, wish.lasts_ms / 1_000)
            return
        await key_in(phone, f"*43{wish.reason}", self.agent.number, PIN)
        await asyncio.sleep(wish.lasts_ms / 1_000)
        await key_in(phone, "*42", self.agent.number, PIN)

    async def _call_past_the_queues(self, phone: Phone, for_s: float) -> None:
        call = await phone.place("echo")
        call.send_tone(self.agent.tone_hz)
        await call.answered()
        await _is_over(call, for_s)
        await call.hang_up()


async def _is_over(call: Call, within_s: float) -> bool:
    """Whether the call ends by then."""
    with suppress(NothingHappened):
        await call.ended(within_s)
    return call.state is State.ENDED
