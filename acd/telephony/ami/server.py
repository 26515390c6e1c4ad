"""One Asterisk server: its link, its books, its heartbeat, and its report after every connection.

Only a caller whose claim is confirmed is ever moved, so a claim that came too late never pulls anyone out of the
operator's fallback.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import structlog

from acd.config import ServerSettings
from acd.core import Fact, Input, NotTaken
from acd.model import ChannelId, Line, Phone, ServerId
from acd.router import inputs as i
from acd.tasks import Tasks
from acd.telephony.ami import dialplan, report
from acd.telephony.ami.acting import Acting
from acd.telephony.ami.books import Books, Caller
from acd.telephony.ami.codes import FeatureCodes
from acd.telephony.ami.hearing import Hearing
from acd.telephony.ami.lead import Lead
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import (
    ActionTimeout,
    AmiAction,
    AmiError,
    AmiEvent,
    AmiResponse,
    BadAction,
    LinkBusy,
    NotConnected,
)
from acd.telephony.ami.phones import PhoneWatch
from acd.telephony.ami.protocol import LinkLimits
from acd.telephony.port import AnswerCode, Submit
from acd.telephony.wishes import wishes_of

log = structlog.get_logger(__name__)

GHOST_AFTER_S: Final = 0.1
"""A channel that should be gone and is not by then is hung up by us: Asterisk can lose a hang-up."""
HANG_UPS_WITHIN_S: Final = 2.0
"""So long a server that stops waits for the answers to its last hang-ups, whatever `action_timeout_s` says."""
TASKS_END_WITHIN_S: Final = 2.0
GONE: Final = ("No such channel", "Channel does not exist", "Redirect failed, channel not up")
"""How Asterisk refuses an action on a channel that has ended meanwhile: nothing to log."""

OnFailure = Callable[[str, BaseException], None]
"""Told of a task that failed, with its name: a bug, after which only a new start is safe."""


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every server."""

    heartbeat_s: float = 3.0
    lost_after_s: int = 60
    """A claimed caller returns to the dialplan when the engine has been silent for so long."""
    settle_s: float = 0.2
    """How long an engine that begins looks whether another one begins in the same moment."""
    link: LinkLimits = LinkLimits()


class AsteriskServer:
    """Speaks with one server from `start` to `stop`. `books`: of a server object before it, for the same server."""

    def __init__(
        self,
        settings: ServerSettings,
        phones: frozenset[Phone],
        submit: Submit,
        answer_code: AnswerCode,
        options: ServerOptions,
        on_failure: OnFailure | None = None,
        books: Books | None = None,
    ) -> None:
        self.id = ServerId(settings.id)
        self.settings = settings
        self.books = books or Books()
        self._submit_to = submit
        self._options = options
        self._tasks = Tasks(f"asterisk-{settings.id}", on_failure)
        self._connection_tasks = Tasks(f"asterisk-{settings.id}-link", on_failure)
        self._resting = False
        self._hang_ups: list[asyncio.Future[AmiResponse]] = []
        self._acting = Acting(self.id, settings.address_of, self.books, self._send, self._expect_end)
        codes = FeatureCodes(self.id, lambda: self.link, self._connection_tasks.start, answer_code)
        self._hearing = Hearing(
            self.id, self.books, self._submit, self._expect_end, self._acting.claimed, codes.serve, self._hang_up
        )
        self._lead = Lead(self.id, self._do_all, options.lost_after_s, options.heartbeat_s, options.settle_s)
        self.link = AmiLink(_address(settings), self._hear, self._on_up, self._on_down, options.link)
        self._watched: frozenset[Phone] = frozenset()
        self._look_again = False
        self.watch(phones)

    @property
    def serves(self) -> bool:
        """Whether the link is up, and no other engine serves the server."""
        return self.link.connected and self._lead.is_ours

    @property
    def unconfirmed_claims(self) -> int:
        """Callers whom the server handed over and has not confirmed to be ours."""
        return sum(not caller.claimed for caller in self.books.callers.values())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that run now."""
        return self._tasks.names + self._connection_tasks.names

    def watch(self, phones: frozenset[Phone]) -> None:
        """From now on these are the agents' phones. One that is new may be in a call already: it is looked at."""
        fresh = phones - self._watched
        self._watched = phones
        self._hearing.watch = PhoneWatch(self.settings.dial, phones)
        if not fresh or not self.serves:
            return
        if self.books.gone is None:
            self._connection_tasks.start("look", self._look())
        else:  # a look or a report is under way, that may have begun too early
            self._look_again = True

    def act(self, facts: Sequence[Fact]) -> None:
        """Act on facts that concern this server. A fault of ours costs the link: what it left undone is mended by the
        report of a new connection."""
        if not self._resting and not self._acting.act(facts):
            self.link.restart("a fault in the engine: what was not done is found out anew")

    def start(self) -> None:
        """Connect, and stay connected."""
        self._tasks.start("link", self.link.run())

    def rest(self) -> None:
        """Act on nothing any more and ring nobody; callers and conversations stay as they are. Does not wait."""
        if self._resting:
            return
        self._resting = True
        ringing = [offer for offer, leg in self.books.legs.items() if not leg.bridged]
        for offer in ringing:  # how they end is our doing, and no word of the agents'
            self.books.forget_leg(offer)
        if ringing and self.serves:
            self._hang_ups = self.link.send_many(*(dialplan.hang_up(offer) for offer in ringing))

    async def stop(self) -> None:
        """Rest, and close the link."""
        self.rest()
        if await self._some_hang_up_is_refused():  # a channel that was only just being made
            await asyncio.sleep(GHOST_AFTER_S)  # it is hung up as soon as it is heard of
        if self.serves:
            self.link.send_many(self._lead.release())
        await self._tasks.stop(TASKS_END_WITHIN_S)
        await self._connection_tasks.stop(TASKS_END_WITHIN_S)
        self.books.link_is_down()

    async def _some_hang_up_is_refused(self) -> bool:
        """By a server that answers in time; one that is half-open keeps nobody waiting."""
        if not self._hang_ups:
            return False
        answered, _ = await asyncio.wait(self._hang_ups, timeout=HANG_UPS_WITHIN_S)
        return any(not sent.cancelled() and sent.exception() is None and not sent.result().success for sent in answered)

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
        if self.link.connected and not self._still_leads():
            for action in actions:
                self._not_done(action)
            return
        try:
            answers = self.link.send_many(*actions)
        except BadAction as error:
            self._send_apart(actions, error)
            return
        for action, answer in zip(actions, answers, strict=True):
            answer.add_done_callback(partial(self._answered, action))

    def _send_apart(self, actions: Sequence[AmiAction], error: BadAction) -> None:
        """One that must not reach the wire does not keep its neighbours from it."""
        if len(actions) > 1:
            for action in actions:
                self._send([action])
            return
        log.error("an action was not sent", server=self.id, error=str(error))
        self._not_done(actions[0])

    def _answered(self, sent: AmiAction, done: asyncio.Future[AmiResponse]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, AmiError):
            self._unanswered(sent, error)
        elif not done.cancelled() and not done.result().success:
            self._refused(sent, done.result())
        elif not done.cancelled() and sent.name == "Getvar" and done.result().get("Value") in {"", "(null)"}:
            # Not leaving, and our claim came before this answer: the call is ours. Otherwise it was just leaving,
            # and AcdStay or AcdLeft says which.
            self._acting.claimed(ChannelId(sent.headers[0][1]))

    def _unanswered(self, sent: AmiAction, error: AmiError) -> None:
        """With a link that is up nobody would ever mend what was not done: it is given up for one that reports."""
        if not error.fate_unknown:
            self._not_done(sent)
        if isinstance(error, ActionTimeout | LinkBusy):
            self.link.restart(str(error))

    def _refused(self, sent: AmiAction, answer: AmiResponse) -> None:
        if answer.shuts_down:  # said first, or the next agent would be offered the same call there
            self._submit(i.LinkLost(self.id))
        elif not answer.message.startswith(GONE):
            log.warning("Asterisk refused an action", server=self.id, action=sent.name, message=answer.message)
        self._not_done(sent)

    def _not_done(self, sent: AmiAction) -> None:
        """Asterisk did not even try: the agent is told free again."""
        offer = dialplan.offer_of(sent.action_id)
        if sent.name == "Originate" and self.books.forget_leg(offer) is not None:
            self._submit(i.LegEnded(offer, "failed"))

    def _hang_up(self, channel: ChannelId) -> None:
        self._send([dialplan.hang_up(channel)])

    def _expect_end(self, channel: ChannelId) -> None:
        if channel not in self.books.ending and self.serves:  # otherwise the report says what is left
            loop = asyncio.get_running_loop()
            self.books.ending[channel] = loop.call_later(GHOST_AFTER_S, self._end_ghost, channel)

    def _end_ghost(self, channel: ChannelId) -> None:
        if self.books.ending.pop(channel, None) is not None:
            self._hang_up(channel)

    # --- The link ---------------------------------------------------------------------------------------------

    def _hear(self, event: AmiEvent) -> None:
        """What comes before we lead, the report says."""
        if self._still_leads():
            self._hearing.hear(event)

    def _still_leads(self) -> bool:
        """Whoever stood still for too long begins anew, by a look whether another engine leads, and a report."""
        if self._lead.is_ours:
            return True
        if self._lead.has_lapsed:
            self.link.restart("this engine stood still for too long")
        return False

    def _on_up(self) -> None:
        """After a short outage we lead still, and listen at once."""
        if self._lead.is_ours:
            self.books.begin_report()
        else:
            self._lead.drop()
        self._connection_tasks.start("connection", self._serve_connection())

    def _on_down(self, _reason: str) -> None:  # the link has told why
        self.books.link_is_down()
        self._connection_tasks.cancel()
        self._submit(i.LinkLost(self.id))

    async def _serve_connection(self) -> None:
        """The heartbeat comes first: a caller who is about to give us up looks at it once more, and we look after."""
        try:
            if self._lead.is_ours:
                await self._beat()
            else:
                await self._lead.take()
                self.books.begin_report()
            await self._report()
        except AmiError as error:
            self.link.restart(f"no report came: {error}")
            return
        while True:
            await asyncio.sleep(self._options.heartbeat_s)
            try:
                await self._beat()
            except AmiError as error:
                log.warning("heartbeat failed", server=self.id, error=str(error))

    async def _beat(self) -> None:
        other = await self._lead.beat()
        if other:
            self.link.restart(f"another engine, {other}, has taken the server over")

    async def _do(self, action: AmiAction) -> AmiResponse:
        """What a connection cannot do without."""
        return (await self._do_all(action))[0]

    async def _do_all(self, *actions: AmiAction) -> list[AmiResponse]:
        """The same, of several actions in one write."""
        asked = self.link.send_many(*actions)
        answers = [await answer for answer in asked]
        for action, answer in zip(actions, answers, strict=True):
            if answer.shuts_down:
                raise NotConnected(answer.message)
            if not answer.success:
                mend = "give the account the rights of acd-manager.conf"
                raise AmiError(f"Asterisk refused {action.name}: {answer.message}; {mend}")
        return answers

    # --- The report -------------------------------------------------------------------------------------------

    async def _report(self) -> None:
        """Say what exists on the server, and hand over those who wait there and are not known. The report is
        complete only after them: who waits is in line before the first one is offered."""
        clock, answer = await self._do_all(dialplan.get_global("EPOCH"), report.ask())
        now_s = dialplan.time_of(clock)
        gone = self.books.end_report()
        seen = report.read(answer.events, self._hearing.watch, set(self.books.legs), gone)
        self._settle_books(seen)
        *parts, last = seen.parts(self.id)
        arrivals = self._take_up(seen.waiting, now_s)
        serving = [i.PhoneServes(Line(self.id, channel)) for channel in seen.serving]
        for asked in (*parts, *arrivals, last, *serving):
            if not self.link.connected:  # the engine took no more: a new connection reports anew
                return
            self._submit(asked)
        log.info("server reported", server=self.id, callers=len(seen.callers), legs=len(seen.legs))
        if self._look_again:
            await self._look()

    async def _look(self) -> None:
        """Say which watched phones are in a call that no event told of."""
        self._look_again = True
        while self._look_again:
            self._look_again = False
            self.books.gone = set()
            try:
                answer = await self._do(report.ask())
            except AmiError as error:  # with the next connection comes a report
                log.warning("phones could not be looked at", server=self.id, error=str(error))
                self.books.end_report()
                return
            seen = report.read(answer.events, self._hearing.watch, set(self.books.legs), self.books.end_report())
            for phone in seen.phones:
                if phone.channel not in self.books.direct:
                    self._found_in_use(phone, serves=phone.channel in seen.serving)

    def _found_in_use(self, seen: i.SeenPhone, *, serves: bool) -> None:
        """`serves`: it is the feature code itself, by which the agent has just logged in."""
        self.books.direct[seen.channel] = None
        line = Line(self.id, seen.channel)
        self._submit(i.PhoneInUse(seen.phone, line, seen.direction))
        if serves:
            self._submit(i.PhoneServes(line))
        if seen.answered:
            self._submit(i.PhoneAnswered(line))

    def _settle_books(self, seen: report.Report) -> None:
        """The books follow the report before the core does: its facts will act on them."""
        self.books.keep_only(
            callers={caller.channel for caller in seen.callers if caller.place != "elsewhere"},
            legs={leg.offer for leg in seen.legs},
            direct={phone.channel for phone in seen.phones},
        )
        for caller in seen.callers:
            if caller.place == "talking" and caller.channel in self.books.callers:
                self.books.callers[caller.channel].claimed = True
        for leg in seen.legs:
            known = self.books.legs.get(leg.offer)
            if known is not None:
                known.seen = True
                known.answered = leg.state != "ringing"
                known.bridged = leg.state == "talking"

    def _take_up(self, waiting: Sequence[report.Waiting], now_s: int) -> list[Input]:
        """Claim again whom the engine holds; what hands over the others, first come first."""
        arrivals: list[Input] = []
        claims: list[AmiAction] = []
        for seen in sorted(waiting, key=lambda caller: (caller.since_s or now_s, _created(caller.channel))):
            known = self.books.callers.get(seen.channel)
            if known is None or seen.queue not in {known.queue, known.now_in}:
                arrivals.extend(self._first_seen(seen, again=known is not None))
                known = self.books.callers[seen.channel]
            if known.call is None:
                arrivals.append(self._arrived(seen, known, now_s))
            else:
                claims.extend(dialplan.claim(seen.channel))
            if (seen.queue, seen.passed_on) != (known.now_in, known.passed_on):  # the order was lost with the link
                claims.extend(dialplan.now_in(seen.channel, known.now_in, known.passed_on))
        if claims:
            self._send(claims)
        return arrivals

    def _first_seen(self, seen: report.Waiting, *, again: bool) -> list[Input]:
        """Somebody of whom no event told, or who was handed over to another queue meanwhile."""
        caller = Caller(seen.queue, announced=not seen.in_grace, passed_on=seen.passed_on)
        self.books.hand_over(seen.channel, caller)
        return [i.CallerLeft(Line(self.id, seen.channel), hung_up=False)] if again else []

    def _arrived(self, seen: report.Waiting, known: Caller, now_s: int) -> i.CallArrived:
        waited_ms = 0 if seen.since_s is None else dialplan.waited((now_s - seen.since_s) * 1_000)
        if not seen.in_grace:  # who waits beyond it has a place, even one of less than a second
            waited_ms = max(1, waited_ms)
        line, wishes = Line(self.id, seen.channel), wishes_of(seen.skills)
        return i.CallArrived(
            line,
            known.now_in,
            seen.caller,
            seen.priority,
            wishes.required,
            wishes.wanted,
            waited_ms,
            named=wishes.named,
            passed_on=known.passed_on,
            unreadable=not wishes.readable,
        )


def _created(channel: ChannelId) -> int:
    """The running number in a Uniqueid: who came first within one second."""
    number = channel.rpartition(".")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


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
