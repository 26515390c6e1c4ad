"""A caller of the demo at a real phone: calls a queue, waits for so long, says a tone, talks for so long."""

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from acd.lab.demo.cast import Visit
from acd.telephony.sip import CallRefused, NothingHappened, OutgoingCall, Phone

RETURNED_S: Final = 10.0
"""How long the operator's own fallback keeps a caller who was given back."""

Registrar = tuple[str, int]


class Caller:
    """One caller on the line. What a caller cannot hear, whether this is still music, the facts tell."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.call: OutgoingCall | None = None
        self._waits_no_more = asyncio.Event()
        self._reached_an_agent = False

    def reached_an_agent(self) -> None:
        self._reached_an_agent = True
        self._waits_no_more.set()

    def was_let_go(self) -> None:
        """The call is over, or went back to the dialplan."""
        self._waits_no_more.set()

    async def visit_queue(self, registrar: Registrar) -> None:
        """From the INVITE to the BYE. Whatever goes wrong on the way ends it."""
        number = self.visit.phone
        with suppress(NothingHappened, CallRefused):
            async with Phone(number, f"lab-{number}", registrar) as phone:
                self.call = await phone.place(_dialled(self.visit))
                self.call.send_tone(self.visit.tone_hz)
                await self.call.answered()
                if await self._is_served():
                    await self.call.ended(self.visit.talk_ms / 1_000 if self._reached_an_agent else RETURNED_S)

    async def _is_served(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.visit.patience_ms / 1_000):
                await self._waits_no_more.wait()
                return True
        return False


def _dialled(visit: Visit) -> str:
    """The queue, and what the caller asks for (sip-lab/asterisk/extensions.conf)."""
    return f"q-{visit.queue}" + (f"++{quote(visit.wishes, safe='&')}" if visit.wishes else "")
