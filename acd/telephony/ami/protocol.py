"""One AMI connection, from its first byte to its last: cutting the stream, matching answers, bounds.

Built on panoramisk's protocol, action and message; docs/decisions/0002-panoramisk-wrapped.md says what is
taken from it and what is replaced. Connecting, signing in and coming back are the link's (link.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from acd.telephony.ami.messages import (
    END_OF_LINE,
    SHUTTING_DOWN,
    ActionTimeout,
    AmiAction,
    AmiError,
    AmiEvent,
    AmiResponse,
    BadAction,
    Framer,
    Headers,
    LinkBusy,
    LinkLost,
    NotConnected,
    StreamBroken,
    first,
    parse_headers,
    tls_records,
)

log = structlog.get_logger(__name__)


SHUT_DOWN_FLAG: Final = "4"
"""Cause of a SoftHangupRequest that is part of a shutdown (AST_SOFTHANGUP_SHUTDOWN)."""


class LinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Every bound of one link. Seconds end in _s, sizes in _bytes."""

    connect_s: float = 5.0
    banner_s: float = 5.0
    action_s: float = 5.0
    booted_s: float = 2.0
    """How long FullyBooted is awaited after signing in, before a ping must do instead."""
    ping_every_s: float = 3.0
    ping_answer_s: float = 2.0
    ping_answer_while_busy_s: float = 10.0
    """The same while other bytes keep coming: the answer then waits its turn behind a flood of events."""
    close_s: float = 0.5
    retry_first_s: float = 0.1
    retry_most_s: float = 5.0
    retry_refused_s: float = 10.0
    """The pause after what only a person can mend: a wrong password, a wrong port, a bad certificate."""
    steady_s: float = 10.0
    """A link that lasted this long starts its pauses from `retry_first_s` again."""
    banner_bytes: int = 256
    message_bytes: int = 65_536
    endless_bytes: int = 1_048_576
    """A stream without the end of a message for this long is no AMI: the link is dropped."""
    malformed_in_a_row: int = 1_000
    messages_a_turn: int = 100
    """So many messages are handled before other tasks have their turn; meanwhile the socket is not read."""
    pending_actions: int = 10_000
    unsent_bytes: int = 1_048_576
    list_events: int = 100_000


class LinkCounters(msgspec.Struct):
    """What one link has seen since it was made; never reset, so they suit a metric."""

    events: int = 0
    dropped: int = 0
    """Events before the link was up; the report that follows `on_up` covers what they said."""
    malformed: int = 0
    replaced: int = 0
    """Messages in which bytes that are no UTF-8 were replaced."""
    handler_errors: int = 0
    unmatched: int = 0
    """Responses that came too late, or to nothing that was asked."""
    timeouts: int = 0
    reconnects: int = 0


class PendingAction(Action):  # type: ignore[misc]
    """panoramisk's action, whose answer is an `AmiResponse` and whose secret is not printed.

    Only "EventList: start" begins a list. panoramisk also waits for OriginateResponse, which would hold
    back the answer to an Originate until the phone has rung out.
    """

    future: asyncio.Future[AmiResponse]

    def __repr__(self) -> str:
        return f"<PendingAction {self['Action']} {self.id}>"

    @property
    def multi(self) -> bool:
        return bool(self.responses) and str(self.responses[0].eventlist).lower() == "start"

    def add_message(self, message: Message) -> bool:
        """Take the response; True when nothing more is to come."""
        self.responses.append(message)
        return not self.multi and self._finish()

    def add_item(self, event: AmiEvent) -> bool:
        """Take one event of the list that the response announced; True when it was the last."""
        if not self.future.done():
            self.responses.append(event)
        return event.get("eventlist").lower() in ("complete", "cancelled") and self._finish()

    def _finish(self) -> bool:
        if not self.future.done():
            response, *items = self.responses
            answer = AmiResponse(headers=response.headers, success=response.success, events=tuple(items))
            self.future.set_result(answer)
        return True


class AmiConnection(AMIProtocol):  # type: ignore[misc]
    """One connection's life. `lost` gets the reason when it has ended; nothing is delivered afterwards."""

    transport: asyncio.Transport
    responses: dict[str, PendingAction]

    def __init__(
        self, server: str, on_event: Callable[[AmiEvent], None], limits: LinkLimits, counters: LinkCounters
    ) -> None:
        loop = asyncio.get_running_loop()
        self.loop = loop
        self.banner: asyncio.Future[str] = loop.create_future()
        self.booted: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self.shut: asyncio.Future[None] = loop.create_future()
        self.up = False
        self.behind = False
        self.heard_at = loop.time()
        self._server = server
        self._on_event = on_event
        self._limits = limits
        self._counters = counters
        self._framer = Framer(limits.banner_bytes, limits.message_bytes, limits.endless_bytes)
        self._messages: deque[bytes] = deque()
        self._malformed_in_a_row = 0

    # -- asking

    def ask(self, actions: Sequence[AmiAction]) -> list[asyncio.Future[AmiResponse]]:
        """Send checked actions in one write, in their order, each at most once."""
        for action in actions:
            if action.action_id in self.responses:
                raise BadAction(f"{action.name}: ActionID {action.action_id} still waits for its answer")
        refusal = self._refusal(len(actions))
        if refusal is not None:
            return [failed(self.loop, refusal) for _ in actions]
        pending = [self._pend(action) for action in actions]
        self._write("".join(map(str, pending)).encode())
        return [action.future for action in pending]

    def _write(self, data: bytes) -> None:
        if self.transport.get_extra_info("ssl_object") is None:
            self.transport.write(data)
            return
        for record in tls_records(data):
            self.transport.write(record)

    def _refusal(self, count: int) -> AmiError | None:
        if self.lost.done():
            return NotConnected(f"{self._server}: {self.lost.result()}")
        if self.transport.is_closing():  # broken just now: what is written goes nowhere
            return NotConnected(f"{self._server}: the connection is closing")
        if len(self.responses) + count > self._limits.pending_actions:
            return LinkBusy(f"{self._server}: {len(self.responses)} actions are unanswered already")
        unsent = self.transport.get_write_buffer_size()
        if unsent > self._limits.unsent_bytes:
            return LinkBusy(f"{self._server}: Asterisk does not read; {unsent} bytes are unsent")
        return None

    def _pend(self, asked: AmiAction) -> PendingAction:
        headers: dict[str, str | list[str]] = {"Action": asked.name}
        if asked.action_id:
            headers["ActionID"] = asked.action_id
        action = PendingAction(headers | _grouped(asked.headers))
        self.responses[action.id] = action
        limit_s = self._limits.action_s if asked.timeout_s is None else asked.timeout_s
        timer = self.loop.call_later(limit_s, self._timed_out, action, limit_s)
        action.future.add_done_callback(lambda _: timer.cancel())
        return action

    def _timed_out(self, action: PendingAction, limit_s: float) -> None:
        """The action stays known until its answer comes: a late list must not look like events."""
        if not action.future.done():
            self._counters.timeouts += 1
            fail(action.future, ActionTimeout(f"{self._server}: no answer to {action['Action']} in {limit_s} s"))

    # -- hearing

    def data_received(self, data: bytes) -> None:
        if self.lost.done():
            return
        self.heard_at = self.loop.time()
        oversize = self._framer.oversize
        try:
            self._messages.extend(self._framer.feed(data))
        except StreamBroken as broken:
            self.drop(str(broken))
            return
        self._note_banner()
        for _ in range(self._framer.oversize - oversize):
            self._malformed("longer than a message may be", b"")
        if not self.behind:
            self._handle_messages()

    def _note_banner(self) -> None:
        if self._framer.banner is not None and not self.banner.done():
            self.banner.set_result(self._framer.banner)

    def _handle_messages(self) -> None:
        """Handle a bounded number of messages, then let other tasks run; the socket waits meanwhile."""
        for _ in range(min(len(self._messages), self._limits.messages_a_turn)):
            if self.lost.done():
                return
            self._handle(self._messages.popleft())
        if self.lost.done():
            return
        if self._messages:
            self._pause()
            self.heard_at = self.loop.time()  # what waits here was said: the peer is not silent, we are slow
            self.loop.call_soon(self._handle_messages)
        elif self.behind:
            self.behind = False
            self.transport.resume_reading()

    def _pause(self) -> None:
        if not self.behind:
            self.behind = True
            self.transport.pause_reading()

    def _handle(self, raw: bytes) -> None:
        raw = raw.strip(END_OF_LINE)
        if not raw:
            return
        headers, strange = parse_headers(self._text(raw))
        name = headers.get("event")
        if isinstance(name, str):
            self._malformed_in_a_row = 0
            self._handle_event(AmiEvent(name=name, headers=headers))
        elif isinstance(headers.get("response"), str):
            self._malformed_in_a_row = 0
            self._handle_response(headers)
        else:
            strange += 1
        if strange:
            self._malformed("neither an event nor a response, or with a line without a colon", raw)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._counters.replaced += 1
            return raw.decode(errors="replace")

    def _handle_response(self, headers: Headers) -> None:
        message = Message(headers)
        message.headers = headers  # panoramisk's own adds a header "content"
        action = self.responses.get(first(headers.get("actionid", "")))
        if action is None or action.future.done() or action.responses:
            self._counters.unmatched += 1
        if action is not None and not action.responses and action.add_message(message):
            del self.responses[action.id]
        if self.up and first(headers.get("message", "")) == SHUTTING_DOWN:
            self.drop(SHUTTING_DOWN)

    def _handle_event(self, event: AmiEvent) -> None:
        action = self.responses.get(event.get("actionid"))
        if action is not None and action.multi:
            self._collect(action, event)
        elif _goes_down(event):
            self.drop(SHUTTING_DOWN)
        elif event.name == "FullyBooted" and not self.booted.done():
            self.booted.set_result(None)
        elif self.up:
            self._deliver(event)
        else:
            self._counters.dropped += 1

    def _collect(self, action: PendingAction, event: AmiEvent) -> None:
        if len(action.responses) > self._limits.list_events:
            fail(action.future, LinkBusy(f"{self._server}: the list for {action['Action']} is too long"))
        if action.add_item(event):
            del self.responses[action.id]

    def _deliver(self, event: AmiEvent) -> None:
        self._counters.events += 1
        try:
            self._on_event(event)
        except Exception:
            self._counters.handler_errors += 1
            if is_milestone(self._counters.handler_errors):
                log.exception(
                    "AMI event handler failed; the link goes on",
                    server=self._server,
                    ami_event=event.name,
                    so_far=self._counters.handler_errors,
                )

    def _malformed(self, why: str, raw: bytes) -> None:
        self._counters.malformed += 1
        self._malformed_in_a_row += 1
        if is_milestone(self._counters.malformed):
            log.warning(
                "malformed AMI message",
                server=self._server,
                why=why,
                start=repr(raw[:80]),
                so_far=self._counters.malformed,
            )
        if self._malformed_in_a_row > self._limits.malformed_in_a_row:
            self.drop(f"{self._malformed_in_a_row} malformed messages in a row")

    # -- ending

    def drop(self, reason: str) -> None:
        """End now: every unanswered action fails at once, and nothing that still comes is delivered."""
        if self.lost.done():
            return
        self.up = False
        self.lost.set_result(reason)
        self._messages.clear()
        for action in list(self.responses.values()):
            fail(action.future, LinkLost(f"{self._server}: {reason}; the fate of {action['Action']} is unknown"))
        self.responses.clear()
        self.transport.close()

    async def end(self, reason: str) -> None:
        """Drop and see the socket closed: by agreement within `close_s`, else by force."""
        self.drop(reason)
        await asyncio.wait({self.shut}, timeout=self._limits.close_s)
        self.transport.abort()
        await asyncio.wait({self.shut}, timeout=self._limits.close_s)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.shut.done():
            self.shut.set_result(None)
        self.drop("Asterisk closed the connection" if exc is None else f"the connection broke: {exc}")


def _goes_down(event: AmiEvent) -> bool:
    """Whether Asterisk ends. It first hangs up every channel, each with an order of its own, and says so last: what it
    tells of calls from the first order on is nobody's doing."""
    if event.name == "SoftHangupRequest":
        return event.get("Cause") == SHUT_DOWN_FLAG
    return event.name == "Shutdown"


def _grouped(headers: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Repeated headers as one list, as panoramisk wants them, also where their case differs."""
    spelling: dict[str, str] = {}
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    return grouped


def fail(future: asyncio.Future[Any], error: AmiError) -> None:
    """Fail a future that nobody may be waiting for: asyncio is not to complain about it."""
    if not future.done():
        future.set_exception(error)
        future.exception()


def failed(loop: asyncio.AbstractEventLoop, error: AmiError) -> asyncio.Future[AmiResponse]:
    future: asyncio.Future[AmiResponse] = loop.create_future()
    fail(future, error)
    return future


def is_milestone(count: int) -> bool:
    """1, 2, 4, 8 ...: what happens often is logged, what happens all the time does not fill the disk."""
    return count & (count - 1) == 0
