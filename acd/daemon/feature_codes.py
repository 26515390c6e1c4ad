"""Feature codes: what an agent without a panel asks for from a phone, with agent number and PIN.

The code is checked before any input is made of it, so neither number nor PIN ever reaches the journal.
"""

import asyncio
import secrets
from typing import Final

import structlog

from acd.config import Config
from acd.engine.loop import Engine, EngineStopped, InboxFull
from acd.model import AgentId, RequestId
from acd.router import inputs as i
from acd.router.facts import RequestRefused
from acd.sign_in import SignedIn, SignIn
from acd.telephony.port import CodeAnswer, FeatureCode

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S: Final = 4.0
"""Somebody listens into silence meanwhile, and the dialplan gives up after five seconds."""

_DONE: Final[dict[type[i.Request], CodeAnswer]] = {
    i.LogIn: "logged-in",
    i.LogOut: "logged-out",
    i.Pause: "paused",
    i.GetReady: "ready",
    i.EndWrapUp: "wrap-up-ended",
    i.ExtendWrapUp: "wrap-up-extended",
    i.SetDisposition: "disposition-set",
}
_LATER: Final[dict[type[i.Request], CodeAnswer]] = {i.LogOut: "logged-out-later", i.Pause: "paused-later"}
"""Where it is still to come in one of the queues at least."""


class FeatureCodes:
    """Answers feature codes: `answer` is what telephony is given as its `AnswerCode`."""

    def __init__(self, engine: Engine, sign_in: SignIn, config: Config, within_s: float = ANSWER_WITHIN_S) -> None:
        self._engine = engine
        self._sign_in = sign_in
        self._within_s = within_s
        self.configure(config)

    def configure(self, config: Config) -> None:
        """From now on these pause reasons and dispositions have these numbers."""
        self._reasons = {reason.number: reason.id for reason in config.router.pause_reasons}
        self._dispositions = {each.number: each.id for each in config.router.dispositions}

    async def answer(self, code: FeatureCode) -> CodeAnswer:
        """Check the code, have it done, and say what to speak. Never later than `within_s`, never an exception.

        `unavailable` leaves open whether it was done: it says that the agent should ask again.
        """
        try:
            async with asyncio.timeout(self._within_s):
                return await self._answer(code)
        except (TimeoutError, EngineStopped, InboxFull) as error:
            log.warning("a feature code could not be answered", request=code.request, error=type(error).__name__)
            return "unavailable"

    async def _answer(self, code: FeatureCode) -> CodeAnswer:
        result = await self._sign_in.check(code.agent_number, code.pin, code.phone, code.caller_number)
        match result:
            case SignedIn(agent):
                return await self._ask(code, agent)
            case "busy":
                return "unavailable"
            case "wrong" | "locked":
                return result

    async def _ask(self, code: FeatureCode, agent: AgentId) -> CodeAnswer:
        request = self._request(code, agent)
        if request is None:
            keyed_in = code.disposition_number if code.request == "disposition" else code.reason_number
            log.info("an unknown reason or disposition was refused", agent=agent, request=code.request, code=keyed_in)
            return "refused"
        answer = await self._engine.ask(request)
        if isinstance(answer, RequestRefused):
            return "refused"
        return (_LATER if answer.pending else _DONE)[type(request)]

    def _request(self, code: FeatureCode, agent: AgentId) -> i.Request | None:
        """The request that this code stands for; None for a pause or a disposition whose number is not known."""
        request = RequestId(f"code-{secrets.token_hex(8)}")
        match code.request:
            case "login":
                return i.LogIn(request=request, agent=agent, by=agent, phone=code.phone)
            case "logout":
                return i.LogOut(request=request, agent=agent, by=agent)
            case "ready":
                return i.GetReady(request=request, agent=agent, by=agent)
            case "end-wrap-up":
                return i.EndWrapUp(request=request, agent=agent, by=agent)
            case "extend-wrap-up":
                return i.ExtendWrapUp(request=request, agent=agent, by=agent)
            case "pause":
                reason = self._reasons.get(code.reason_number) if code.reason_number is not None else None
                return None if reason is None else i.Pause(request=request, agent=agent, by=agent, reason=reason)
            case "disposition":
                number = code.disposition_number
                said = None if number is None else self._dispositions.get(number)
                if said is None:
                    return None
                return i.SetDisposition(request=request, agent=agent, by=agent, disposition=said)
