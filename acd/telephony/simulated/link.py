"""The connection to one server: actions one way, reports the other, and all that can go wrong on the way."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from acd.core import Input, NotTaken
from acd.model import CallId, ChannelId, QueueId
from acd.router import inputs as i
from acd.router.settings import Destination
from acd.telephony.port import FeatureCode, Submit
from acd.telephony.simulated.server import Server
from acd.telephony.simulated.site import Reply
from acd.telephony.simulated.timing import Alarm, Clock, Faults

log = structlog.get_logger(__name__)

PART: Final = 25
"""Channels in one part of a report."""

OnCode = Callable[[FeatureCode, Reply], None]


class Pipe:
    """What is sent arrives in the order in which it was sent, each after its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: deque[tuple[int, Callable[[], object]]] = deque()
        self._alarm: Alarm | None = None

    def send(self, message: Callable[[], object], after_ms: int) -> None:
        """Let it arrive after so long, or as soon as what is before it has arrived."""
        due_ms = self._clock.now_ms() + after_ms
        if self._due:
            due_ms = max(due_ms, self._due[-1][0])
        self._due.append((due_ms, message))
        if self._alarm is None:
            self._set_alarm()

    def clear(self) -> None:
        """Lose what is on its way."""
        self._due.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self) -> None:
        self._alarm = self._clock.call_at(self._due[0][0], self._arrive) if self._due else None

    def _arrive(self) -> None:
        """The first is due; those that are due with it need no alarm of their own."""
        until_ms = max(self._clock.now_ms(), self._due[0][0])
        while self._due and self._due[0][0] <= until_ms:
            self._due.popleft()[1]()
        if self._alarm is not None:
            self._alarm.cancel()
        self._set_alarm()


class Link:
    """One server's link. After each connection it reports, and takes up those who wait."""

    def __init__(self, server: Server, submit: Submit, faults: Callable[[], Faults], on_code: OnCode) -> None:
        self.server = server
        self.up = False
        self._site = server.site
        self._submit_to = submit
        self._faults = faults
        self._on_code = on_code
        self._wanted = False
        self._whole = True
        """Whether the cable is."""
        self._owes_loss = False
        """Whether the engine has yet to be told that the link was lost."""
        self._number = 0
        """Of the connection: what belongs to an older one is not delivered."""
        self._actions = Pipe(self._site.clock)
        self._reports = Pipe(self._site.clock)
        self._late: dict[str, int] = {}
        self._ours: dict[ChannelId, CallId] = {}
        """Callers whom the engine has queued, and by which name it knows each."""
        self._moved: dict[ChannelId, tuple[QueueId, i.PassedOn]] = {}
        """Where those of them wait who were passed on."""

    # --- Connecting -------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, and stay connected."""
        self._wanted = True
        self._connect_in(self._site.steps.connect_ms)

    def close(self) -> None:
        """Ring nobody any more, and disconnect."""
        self._wanted = False
        if self.up:
            self.server.hang_up_unbridged()
        self._disconnect()

    def break_off(self) -> None:
        """The engine's process is gone: nobody is told, and whatever is on its way is lost."""
        self._wanted = False
        self._disconnect()

    def cut(self) -> None:
        """The cable is cut. Whatever is on its way is lost."""
        self._whole = False
        self._lose("the link was cut")

    def mend(self) -> None:
        """The cable is whole again."""
        self._whole = True
        self._connect_in(self._site.steps.connect_ms)

    def go_deaf(self) -> None:
        """Nothing passes any more, either way, but the engine notices only after a while."""
        if self.up:
            self._site.detach()
            self._actions.clear()
            self._reports.clear()
            self._lose_in(self._site.steps.notice_ms)

    def _lose_in(self, delay_ms: int) -> None:
        self._site.after(delay_ms, partial(self._lose_if, self._number))

    def _lose_if(self, number: int) -> None:
        if number == self._number:
            self._lose("no answer came")

    def _lose(self, why: str) -> None:
        if not self.up:
            return
        log.info("link lost", server=self._site.name, reason=why)
        self._disconnect()
        self._owes_loss = True
        self._tell_of_loss()
        self._connect_in(self._site.steps.retry_ms)

    def _disconnect(self) -> None:
        self.up = False
        self._number += 1
        self._site.detach()
        self._actions.clear()
        self._reports.clear()
        self._late.clear()

    def _connect_in(self, delay_ms: int) -> None:
        self._site.after(self._site.lag(delay_ms), self._connect)

    def _connect(self) -> None:
        if self.up or not self._wanted or not self._whole:
            return
        if not self._tell_of_loss():
            self._connect_in(self._site.steps.retry_ms)
            return
        self.up = True
        self._site.attach(self)
        self._report()

    def _tell_of_loss(self) -> bool:
        """The engine must know of the loss before it hears the next report. Returns whether it does."""
        try:
            if self._owes_loss:
                self._submit_to(i.LinkLost(self._site.name))
        except NotTaken as error:
            log.error("the engine took no report", server=self._site.name, error=repr(error))
            return False
        self._owes_loss = False
        return True

    # --- The report -------------------------------------------------------------------------------------------

    def _report(self) -> None:
        names = list(self._site.channels)
        for channel in [channel for channel in self._ours if channel not in self._site.channels]:
            self._forget(channel)
        parts = [names[at : at + PART] for at in range(0, len(names), PART)] or [[]]
        for index, part in enumerate(parts):
            say = partial(self._say_part, self._number, part, first=index == 0)
            delay_ms = index * self._site.steps.part_ms
            self._site.after(delay_ms, partial(say, names if index == len(parts) - 1 else None))

    def _say_part(self, number: int, part: list[str], all_names: list[str] | None, *, first: bool) -> None:
        """`all_names` comes with the last part: those of them who wait are taken up just before it."""
        if number != self._number:
            return
        if all_names is not None:
            self._take_up(all_names)
        report = self.server.part_of_report(part, first=first, last=all_names is not None)
        self._reports.send(partial(self._submit, report), self._site.lag(self._site.steps.to_engine_ms))

    def _take_up(self, names: list[str]) -> None:
        """Claim again whom the engine holds, and hand over whom it does not know or has let go."""
        for arrived in self.server.waiting():
            channel = arrived.line.channel
            if channel in self._ours:
                self.send(partial(self.server.claim, channel))
                if channel in self._moved:  # the order may have been lost with the link
                    self.send(partial(self.server.move, channel, *self._moved[channel]))
            elif channel in names:
                self._reports.send(partial(self._submit, arrived), self._site.lag(self._site.steps.to_engine_ms))

    # --- Reports ----------------------------------------------------------------------------------------------

    def hear(self, report: Input, behind: str = "") -> None:
        """Something happened on the server."""
        faults, chance = self._faults(), self._site.chance
        if chance.hits(faults.report_lost, "report lost"):
            return
        for _ in range(2 if chance.hits(faults.report_doubled, "report doubled") else 1):
            self._bring(report, behind, faults)

    def _bring(self, report: Input, behind: str, faults: Faults) -> None:
        chance, now_ms = self._site.chance, self._site.clock.now_ms()
        delay_ms = self._site.lag(self._site.steps.to_engine_ms)
        subject = _subject(report)
        late_ms = max(self._late.get(subject, 0), self._late.get(behind, 0))
        if late_ms >= now_ms or chance.hits(faults.report_overtaken, "report overtaken"):
            due_ms = max(now_ms + delay_ms + chance.up_to(faults.delay_ms), late_ms + 1)
            self._late[subject] = due_ms
            self._site.after(due_ms - now_ms, partial(self._submit_late, self._number, subject, report))
            return
        if chance.hits(faults.report_delayed, "report delayed"):
            delay_ms += chance.up_to(faults.delay_ms)
        self._reports.send(partial(self._submit, report), delay_ms)

    def _submit_late(self, number: int, subject: str, report: Input) -> None:
        if number != self._number:
            return
        if self._late.get(subject, 0) <= self._site.clock.now_ms():
            self._late.pop(subject, None)
        self._submit(report)

    def _submit(self, report: Input) -> None:
        """What the engine could not take is mended by the report of a new connection."""
        if isinstance(report, i.CallerLeft):
            self._forget(report.line.channel)
        try:
            self._submit_to(report)
        except NotTaken as error:
            log.error("the engine took no report", server=self._site.name, error=repr(error))
            self._lose("the engine does not keep up")

    def hear_code(self, code: FeatureCode, reply: Reply) -> None:
        """Somebody keyed in a feature code."""
        self._on_code(code, reply)

    # --- Actions ----------------------------------------------------------------------------------------------

    def claim(self, channel: ChannelId, call: CallId) -> None:
        """Take the call, now and after every connection."""
        self._ours[channel] = call
        self.send(partial(self.server.claim, channel))

    def refuse(self, channel: ChannelId, reason: str, destination: Destination | None) -> None:
        """The engine does not take the caller."""
        self.send(partial(self.server.give_back, channel, "refused", reason, destination))

    def announce(self, channel: ChannelId, call: CallId) -> None:
        """The caller is told something."""
        if self._ours.get(channel) == call:
            self.send(partial(self.server.announce, channel))

    def move(self, channel: ChannelId, call: CallId, queue: QueueId, passed_on: i.PassedOn) -> None:
        """The caller waits in another queue than the dialplan has said."""
        if self._ours.get(channel) == call:
            self._moved[channel] = queue, passed_on
            self.send(partial(self.server.move, channel, queue, passed_on))

    def give_back(
        self, channel: ChannelId, call: CallId, result: str, reason: str, destination: Destination | None
    ) -> None:
        """The caller is not ours any more; one who was handed over again meanwhile is another call."""
        if self._ours.get(channel) == call:
            self._forget(channel)
            self.send(partial(self.server.give_back, channel, result, reason, destination))

    def let_go(self, channel: ChannelId, call: CallId) -> None:
        """The engine holds the call no more: a caller who is still in our place is handed over by the next report."""
        if self._ours.get(channel) == call:
            self._forget(channel)

    def _forget(self, channel: ChannelId) -> None:
        self._ours.pop(channel, None)
        self._moved.pop(channel, None)

    def send(self, action: Callable[[], None]) -> None:
        """Send an action, if there is a connection. Its loss is noticed by the answer that does not come."""
        if not self.up:
            return
        if self._site.chance.hits(self._faults().action_lost, "action lost"):
            self._lose_in(self._site.steps.notice_ms)
            return
        self._actions.send(action, self._site.lag(self._site.steps.to_server_ms))

    def echo(self, callback: Callable[[], None]) -> None:
        """Call back once all that was sent before has been done, and what followed of it has been told; at once
        without a connection."""
        if not self.up:
            callback()
            return
        steps = self._site.steps
        done_ms = steps.ring_ms + steps.bridge_ms + 2 * steps.jitter_ms
        tell = partial(self._reports.send, callback, steps.to_engine_ms)
        self._actions.send(partial(self._site.after, done_ms, tell), steps.to_server_ms)


def _subject(report: Input) -> str:
    """The channel that a report is about: its reports keep their order whatever happens."""
    match report:
        case i.LegAnswered() | i.LegBridged() | i.LegEnded():
            return report.offer
        case i.CallArrived() | i.CallerLeft():
            return report.line.channel
        case i.PhoneInUse() | i.PhoneAnswered() | i.PhoneServes() | i.PhoneReleased():
            return report.line.channel
        case _:
            return ""
