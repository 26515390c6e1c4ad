"""One Asterisk server: its link, its books, its heartbeat, and its report after every connection.

Only a caller whose claim is confirmed is ever moved, so a claim that came too late never pulls anyone out of the
operator's fallback.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import structlog

from acd.config import ServerSettings
from acd.core import Fact, Input, NotTaken
from acd.model import ChannelId, Line, OfferId, Phone, ServerId
from acd.router import inputs as i
from acd.tasks import Tasks
from acd.telephony.ami import dialplan, report
from acd.telephony.ami.acting import Acting
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.hearing import ORIGINATE, Hearing
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import AmiAction, AmiError, AmiResponse, BadAction
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.port import AnswerCode, FeatureCode, Submit

log = structlog.get_logger(__name__)

GHOST_AFTER_S: Final = 0.1
"""A channel that should be gone and is not by then is hung up by us: Asterisk can lose a hang-up."""
CODES_AT_ONCE: Final = 20
"""Feature codes that are answered at the same time on one server; the caller of one more hears «unavailable»."""


OnFailure = Callable[[str, BaseException], None]
"""Told of a task that failed, with its name: a bug, after which only a new start is safe."""


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every server."""

    heartbeat_s: float = 3.0
    lost_after_s: int = 60
    """A claimed caller returns to the dialplan when the engine has been silent for so long."""
    link: LinkLimits = LinkLimits()


class AsteriskServer:
    """Speaks with one server while `run` runs."""

    def __init__(
        self,
        settings: ServerSettings,
        phones: frozenset[Phone],
        submit: Submit,
        answer_code: AnswerCode,
        options: ServerOptions,
        on_failure: OnFailure | None = None,
    ) -> None:
        self.id = ServerId(settings.id)
        self.settings = settings
        self._submit_to = submit
        self._answer_code = answer_code
        self._options = options
        self._tasks = Tasks(f"asterisk-{settings.id}", on_failure)
        self._connection_tasks = Tasks(f"asterisk-{settings.id}-link", on_failure)
        self._books = Books()
        self._acting = Acting(self.id, settings.address_of, self._books, self._send, self._expect_end)
        self._hearing = Hearing(
            self.id, self._books, self._submit, self._expect_end, self._acting.claimed, self._code, self._hang_up
        )
        self.watch(phones)
        self.link = AmiLink(_address(settings), self._hearing.hear, self._on_up, self._on_down, options.link)

    @property
    def unconfirmed_claims(self) -> int:
        """Callers whom the server handed over and has not confirmed to be ours."""
        return sum(not caller.claimed for caller in self._books.callers.values())

    def watch(self, phones: frozenset[Phone]) -> None:
        """From now on these are the agents' phones."""
        self._hearing.watch = PhoneWatch(self.settings.dial, phones)

    def act(self, facts: Sequence[Fact]) -> None:
        """Act on facts that concern this server."""
        self._acting.act(facts)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._tasks.start("link", self.link.run())

    async def stop(self) -> None:
        """Ring nobody any more; callers and conversations stay as they are."""
        ringing = [offer for offer, leg in self._books.legs.items() if not leg.bridged]
        if ringing and self.link.connected:
            await _done(self.link.send_many(*(dialplan.hang_up(offer) for offer in ringing)))
        await self._tasks.stop()
        await self._connection_tasks.stop()
        self._books.link_is_down()

    def _submit(self, asked: Input) -> None:
        """Report. What the engine could not take is mended by the report of a new connection."""
        try:
            self._submit_to(asked)
        except NotTaken as error:
            log.error("the engine took no report", server=self.id, error=repr(error))
            self.link.restart("the engine does not keep up")

    # --- Sending ----------------------------------------------------------------------------------------------

    def _send(self, actions: Sequence[AmiAction]) -> None:
        """Send in one write. What becomes of an action that failed is said by events, or by the next report."""
        try:
            answers = self.link.send_many(*actions)
        except BadAction as error:
            log.error("an action was not sent", server=self.id, error=str(error))
            self._not_sent(actions)
            return
        for action, answer in zip(actions, answers, strict=True):
            if action.name in {"Originate", "Getvar"}:
                answer.add_done_callback(partial(self._answered, action))

    def _not_sent(self, actions: Sequence[AmiAction]) -> None:
        """One action that must not reach the wire keeps its neighbours from it: the phones are told free again."""
        for action in actions:
            if action.name == "Originate":
                self._ring_failed(OfferId(action.action_id.removeprefix(ORIGINATE)))

    def _answered(self, sent: AmiAction, done: asyncio.Future[AmiResponse]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if sent.name == "Getvar":
            if error is None:
                self._claim_answered(ChannelId(sent.headers[0][1]), done.result())
        elif isinstance(error, AmiError):
            if not error.fate_unknown:
                self._ring_failed(OfferId(sent.action_id.removeprefix(ORIGINATE)))
        elif not done.result().success:
            self._ring_failed(OfferId(sent.action_id.removeprefix(ORIGINATE)))

    def _ring_failed(self, offer: OfferId) -> None:
        """Asterisk did not even try."""
        if self._books.forget_leg(offer) is not None:
            self._submit(i.LegEnded(offer, "failed"))

    def _claim_answered(self, channel: ChannelId, answer: AmiResponse) -> None:
        """Empty: ours. Otherwise the call was just leaving: AcdStay or AcdLeft says which."""
        if answer.success and answer.headers.get("value", "") in {"", "(null)"}:
            self._acting.claimed(channel)

    def _hang_up(self, channel: ChannelId) -> None:
        self._send([dialplan.hang_up(channel)])

    def _expect_end(self, channel: ChannelId) -> None:
        if channel not in self._books.ending:
            loop = asyncio.get_running_loop()
            self._books.ending[channel] = loop.call_later(GHOST_AFTER_S, self._end_ghost, channel)

    def _end_ghost(self, channel: ChannelId) -> None:
        if self._books.ending.pop(channel, None) is not None:
            self._hang_up(channel)

    # --- The link ---------------------------------------------------------------------------------------------

    def _on_up(self) -> None:
        self._books.begin_report()
        self._connection_tasks.start("connection", self._serve_connection())

    def _on_down(self, reason: str) -> None:
        log.warning("link lost", server=self.id, reason=reason)
        self._books.link_is_down()
        self._connection_tasks.cancel()
        self._submit(i.LinkLost(self.id))

    async def _serve_connection(self) -> None:
        """The heartbeat comes first: a caller who is about to give us up looks at it once more, and we look after."""
        try:
            await self.link.send_many(dialplan.set_global("ACD_LOST_AFTER", str(self._options.lost_after_s)))[0]
            await self._beat_once()
            await self._report()
        except AmiError as error:
            self.link.restart(f"no report came: {error}")
            return
        while True:
            await asyncio.sleep(self._options.heartbeat_s)
            try:
                await self._beat_once()
            except AmiError as error:
                log.warning("heartbeat failed", server=self.id, error=str(error))

    async def _beat_once(self) -> None:
        epoch = await self._server_time_s()
        await self.link.send_many(dialplan.set_global("ACD_ALIVE", str(epoch)))[0]

    async def _server_time_s(self) -> int:
        answer = await self.link.send("Getvar", ("Variable", "EPOCH"))
        value = str(answer.headers.get("value", ""))
        return int(value) if value.isdigit() else int(time.time())

    async def _report(self) -> None:
        """Say what exists on the server, then take up again those who wait there and are not known."""
        now_s = await self._server_time_s()
        answer = await self.link.send_many(report.ask())[0]
        gone = self._books.end_report()
        seen = report.read(answer.events, self._hearing.watch, set(self._books.legs), gone)
        self._settle_books(seen)
        for part in seen.parts(self.id):
            self._submit(part)
        for waiting in sorted(seen.waiting, key=lambda caller: (caller.since_s or now_s, _created(caller.channel))):
            self._take_up(waiting, now_s)
        log.info("server reported", server=self.id, callers=len(seen.callers), legs=len(seen.legs))

    def _settle_books(self, seen: report.Report) -> None:
        """The books follow the report before the core does: its facts will act on them."""
        self._books.keep_only(
            callers={caller.channel for caller in seen.callers if caller.place != "elsewhere"},
            legs={leg.offer for leg in seen.legs},
            direct={phone.channel for phone in seen.phones},
        )
        for caller in seen.callers:
            if caller.place == "talking" and caller.channel in self._books.callers:
                self._books.callers[caller.channel].claimed = True
        for leg in seen.legs:
            known = self._books.legs.get(leg.offer)
            if known is not None:
                known.seen = True
                known.answered = leg.state != "ringing"
                known.bridged = leg.state == "talking"

    def _take_up(self, waiting: report.Waiting, now_s: int) -> None:
        if waiting.channel in self._books.callers:
            self._send(dialplan.claim(waiting.channel))
            return
        self._books.callers[waiting.channel] = Caller()
        waited_ms = 0 if waiting.since_s is None else max(0, now_s - waiting.since_s) * 1_000
        line = Line(self.id, waiting.channel)
        self._submit(i.CallArrived(line, waiting.queue, waiting.caller, waiting.priority, waiting.skills, waited_ms))

    # --- Feature codes ----------------------------------------------------------------------------------------

    def _code(self, code: FeatureCode) -> None:
        if len(self._connection_tasks.names) > CODES_AT_ONCE:
            log.warning("too many feature codes at once", server=self.id)
            return
        self._connection_tasks.start(f"code-{code.line.channel}", self._serve(code))

    async def _serve(self, code: FeatureCode) -> None:
        """Fetch the PIN, which no event carries, forget it on the server, and speak the answer."""
        channel = code.line.channel
        try:
            fetched, *_ = await _done(
                self.link.send_many(
                    dialplan.get_variable(channel, "ACD_PIN"), dialplan.set_variable(channel, "ACD_PIN", "")
                )
            )
            pin = str(fetched.headers.get("value", ""))
            answer = await self._answer_code(msgspec.structs.replace(code, pin=pin))
            said = dialplan.set_variable(channel, "ACD_SAY", dialplan.SPOKEN[answer])
            await _done(self.link.send_many(said, dialplan.redirect(channel, "acd-code", "said")))
        except AmiError as error:
            log.warning("feature code not answered", server=self.id, error=str(error))


def _created(channel: ChannelId) -> int:
    """The running number in a Uniqueid: who came first within one second."""
    number = channel.rpartition(".")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


async def _done(answers: Sequence[asyncio.Future[AmiResponse]]) -> list[AmiResponse]:
    return [await answer for answer in answers]


def _address(settings: ServerSettings) -> AmiAddress:
    return AmiAddress(
        server=settings.id,
        username=settings.username,
        secret=settings.secret,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        ca_file=settings.ca_file,
        tls_name=settings.tls_name,
    )
