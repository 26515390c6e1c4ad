"""Feature codes on one server: the PIN is fetched, forgotten there, checked elsewhere, and the answer is spoken."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from msgspec.structs import replace

from acd.model import ChannelId, ServerId
from acd.telephony.ami import dialplan
from acd.telephony.ami.link import AmiLink
from acd.telephony.ami.messages import AmiError, BadAction
from acd.telephony.ami.protocol import is_milestone
from acd.telephony.port import AnswerCode, CodeAnswer, FeatureCode

log = structlog.get_logger(__name__)

CODES_AT_ONCE: Final = 20
"""Feature codes that are answered at the same time on one server; of one more the dialplan itself says, after five
seconds without an answer, that nobody can be reached."""

Start = Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that ends with the connection."""


class FeatureCodes:
    """Serves those who keyed in a feature code."""

    def __init__(self, server: ServerId, link: Callable[[], AmiLink], start: Start, answer_code: AnswerCode) -> None:
        self._server = server
        self._link = link
        self._start = start
        self._answer_code = answer_code
        self._served: set[asyncio.Task[None]] = set()
        self._too_many = 0

    def serve(self, code: FeatureCode) -> None:
        """Answer, in a task of its own."""
        if len(self._served) >= CODES_AT_ONCE:
            self._too_many += 1
            if is_milestone(self._too_many):
                log.warning("too many feature codes at once", server=self._server, so_far=self._too_many)
            return
        task = self._start(f"code-{code.line.channel}", self._serve(code))
        self._served.add(task)
        task.add_done_callback(self._served.discard)

    async def _serve(self, code: FeatureCode) -> None:
        try:
            await self._answer(code)
        except (AmiError, BadAction) as error:
            log.warning("feature code not answered", server=self._server, error=str(error))

    async def _answer(self, code: FeatureCode) -> None:
        channel = code.line.channel
        pin = await self._take_pin(channel)
        if pin is None:  # who keyed it in has hung up: nothing was tried
            return
        answer = await self._check(code, pin)
        said = dialplan.set_variable(channel, "ACD_SAY", dialplan.SPOKEN[answer])
        for done in self._link().send_many(said, dialplan.redirect(channel, dialplan.CODE, "said")):
            await done

    async def _take_pin(self, channel: ChannelId) -> str | None:
        """The PIN, which no event carries; from now on the server does not know it."""
        fetched, cleared = self._link().send_many(
            dialplan.get_variable(channel, "ACD_PIN"), dialplan.set_variable(channel, "ACD_PIN", "")
        )
        answer = await fetched
        await cleared
        return answer.get("Value") if answer.success else None

    async def _check(self, code: FeatureCode, pin: str) -> CodeAnswer:
        if code.request == "login" and not code.phone:  # there is no phone that would be the agent's
            return "refused"
        return await self._answer_code(replace(code, pin=pin))
