"""The one task that owns the core.

Inputs are put into the inbox from anywhere in the event loop. The task drains it, lets the core handle each input,
commits all that followed in one append, and hands the committed entries to the readers in their order. One timer
is set, for the core's next deadline.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from acd.core import Core, Fact, Input, NotTaken
from acd.engine.clock import Alarm, Clock
from acd.engine.garbage import Garbage
from acd.journal.port import CommitFailed, Entry, Journal
from acd.model import RequestId
from acd.router import inputs as i
from acd.router.facts import RequestAccepted, RequestRefused
from acd.router.settings import Configured

log = structlog.get_logger(__name__)

INBOX_LIMIT: Final = 100_000
"""Inputs that may wait. Telephony that meets a full inbox drops its link: the next report mends what was missed."""
BATCH_LIMIT: Final = 200
"""Inputs handled for one commit: the bound by which the core runs ahead of the journal."""
COMMIT_TRIES: Final = 3
COMMIT_RETRY_S: Final = 0.2

Reader = Callable[[Sequence[Entry]], None]
Answer = RequestAccepted | RequestRefused


class InboxFull(NotTaken):
    """The engine does not keep up: nothing was taken."""


class EngineStopped(NotTaken):
    """The engine is not running; the input or request was not taken, or its fate is not known."""


class Engine:
    """Owns a core. Everything else speaks to it through `submit` and `ask`, and learns through readers."""

    def __init__(
        self, journal: Journal, clock: Clock, core: Core | None = None, garbage: Garbage | None = None
    ) -> None:
        self.clock = clock
        self._core = core or Core()
        self._journal = journal
        self._garbage = garbage or Garbage()
        self._inbox: deque[Input] = deque()
        self._wake = asyncio.Event()
        self._readers: dict[str, Reader] = {}
        self._submitted = 0
        self._handled = 0
        self._asked: dict[RequestId, deque[asyncio.Future[Answer]]] = {}
        """Those who wait for an answer, in the order in which they asked: an id may be used again."""
        self._barriers: deque[tuple[int, asyncio.Future[None]]] = deque()
        """Those who wait until so many inputs are handled, committed and handed on."""
        self._alarm: Alarm | None = None
        self._stopping = False
        self._stopped = False

    @property
    def backlog(self) -> int:
        """Inputs that wait to be handled."""
        return len(self._inbox)

    @property
    def configured(self) -> Configured:
        """What the core goes by. It may not be committed yet: call `settled` before where that matters."""
        return self._core.configured

    def add_reader(self, name: str, reader: Reader) -> None:
        """From now on `reader` is called with every batch of committed entries. It must not block."""
        assert name not in self._readers, f"there is a reader called {name}"
        self._readers[name] = reader

    def submit(self, asked: Input) -> None:
        """Put an input into the inbox. Raises `InboxFull` and `EngineStopped`."""
        if self._stopping:
            raise EngineStopped
        if len(self._inbox) >= INBOX_LIMIT:
            raise InboxFull
        self._inbox.append(asked)
        self._submitted += 1
        self._wake.set()

    async def ask(self, request: i.Request) -> Answer:
        """Submit a request and wait for its answer, committed. Raises as `submit`."""
        self.submit(request)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(request.request, deque()).append(answer)
        return await answer

    async def settled(self) -> None:
        """Return once all that was submitted before is committed and handed on, and nothing is due: a sign of life,
        too. What is submitted meanwhile is not waited for. Raises `EngineStopped` where that will never be."""
        if self._stopped:
            raise EngineStopped
        barrier: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._barriers.append((self._submitted, barrier))
        self._wake.set()
        await barrier

    def stop(self) -> None:
        """Take nothing more; `run` returns once the inbox is empty."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Open a fresh journal, then serve until `stop`. Raises `CommitFailed` when a commit keeps failing."""
        if self._journal.last_number == 0:
            from acd import __version__

            self._inbox.appendleft(i.OpenJournal(self._journal.tag, self._journal.seed, __version__))
            self._submitted += 1
        try:
            while not (self._stopping and not self._inbox):
                await self._turn()
            self._release_barriers()
        finally:
            self._end()

    async def _turn(self) -> None:
        if not self._inbox and not self._is_due():
            self._set_alarm()
            self._release_barriers()
            self._garbage.tidy(0, idle=True)
            await self._wake.wait()
        self._wake.clear()
        entries = self._handle_batch()
        if entries:
            await self._commit(entries)
            self._hand_on(entries)
            if self._inbox and not self._is_due():  # under load nobody who settles waits for the end of it
                self._release_barriers()
            self._garbage.tidy(len(entries), idle=False)
            await asyncio.sleep(0)  # a backlog must not keep telephony from its turn

    def _handle_batch(self) -> list[Entry]:
        """Let the core handle what waits, up to the bound; time alone where nothing waits but something is due."""
        entries: list[Entry] = []
        while self._inbox and len(entries) < BATCH_LIMIT:
            entries.append(self._handle(self._inbox.popleft()))
            self._handled += 1
        if not entries and self._is_due():
            entries.append(self._handle(i.PassTime()))
        return entries

    def _handle(self, asked: Input) -> Entry:
        first = self._core.state.fact_count + 1
        now_ms = self._now_ms()
        facts = self._core.handle(asked, now_ms)
        return Entry(first, now_ms, asked, tuple(facts))

    def _now_ms(self) -> int:
        """The time for the core, which never goes back, whatever the clock does."""
        return max(self.clock.now_ms(), self._core.state.now_ms)

    def _is_due(self) -> bool:
        due_ms = self._core.next_deadline_ms
        return due_ms is not None and due_ms <= self._now_ms()

    async def _commit(self, entries: Sequence[Entry]) -> None:
        for attempt in range(1, COMMIT_TRIES + 1):
            try:
                await self._journal.append(entries)
                return
            except CommitFailed as error:
                log.error("commit failed", attempt=attempt, of=COMMIT_TRIES, error=str(error))
                if attempt == COMMIT_TRIES:
                    raise
                await asyncio.sleep(COMMIT_RETRY_S)

    def _hand_on(self, entries: Sequence[Entry]) -> None:
        for name, reader in self._readers.items():
            try:
                reader(entries)
            except Exception:
                log.exception("a reader of the facts failed", reader=name, first=entries[0].first)
        if self._asked:
            self._answer(entries)

    def _answer(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            for fact in entry.facts:
                if isinstance(fact, RequestAccepted | RequestRefused):
                    self._resolve(fact)

    def _resolve(self, fact: RequestAccepted | RequestRefused) -> None:
        waiting = self._asked.get(fact.request)
        if waiting is None:
            return
        answer = waiting.popleft()
        if not waiting:
            del self._asked[fact.request]
        if not answer.done():  # who asked may have gone
            answer.set_result(fact)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        due_ms = self._core.next_deadline_ms
        self._alarm = None if due_ms is None else self.clock.call_at(due_ms, self._wake.set)

    def _release_barriers(self) -> None:
        while self._barriers and self._barriers[0][0] <= self._handled:
            _, barrier = self._barriers.popleft()
            if not barrier.done():
                barrier.set_result(None)

    def _end(self) -> None:
        """Whoever still waits learns that it was in vain."""
        self._stopping = self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()
        left: list[asyncio.Future[Any]] = [barrier for _, barrier in self._barriers]
        left += [answer for waiting in self._asked.values() for answer in waiting]
        for future in left:
            if not future.done():
                future.set_exception(EngineStopped())
        self._asked.clear()
        self._barriers.clear()


def facts_of(entries: Sequence[Entry]) -> list[Fact]:
    """The facts alone, in order."""
    return [fact for entry in entries for fact in entry.facts]
