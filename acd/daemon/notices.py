"""A reader that tells operators what they must know or mend. The rest of what happens is in the facts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import structlog

from acd.core import Fact
from acd.journal.port import Entry
from acd.model import ServerId
from acd.router import facts as f

log = structlog.get_logger(__name__)


class Notices:
    """What it reads is the facts; `closing` says which of them are the daemon's own doing."""

    def __init__(self) -> None:
        self._closing: set[ServerId] = set()
        self._up: set[ServerId] = set()
        """Servers that have reported in full, and were heard of ever since."""
        self._refused = RefusedCalls()

    def closing(self, servers: Iterable[ServerId]) -> None:
        """The daemon is about to close these links itself: that a server is not heard of then is no alarm."""
        self._closing.update(servers)

    def read(self, entries: Sequence[Entry]) -> None:
        """Log the facts that are worth a line."""
        for entry in entries:
            for fact in entry.facts:
                self._read(fact)

    def _read(self, fact: Fact) -> None:
        if isinstance(fact, f.ServerWentQuiet):
            self._quiet(fact)
            return
        if isinstance(fact, f.ServerSettled):
            self._settled(fact)
        if isinstance(fact, f.CallRefused):
            self._refused.note(fact)
            return
        notice = _NOTICES.get(type(fact))
        if notice is not None:
            notice(fact)

    def _quiet(self, fact: f.ServerWentQuiet) -> None:
        """An alarm, unless the daemon has closed the link itself, or it has only just come up: what a first report
        finds is told before its end."""
        was_up = fact.server in self._up
        self._up.discard(fact.server)
        if fact.server in self._closing:
            self._closing.discard(fact.server)  # the next time it is an alarm
            log.info("link is closed", server=fact.server)
        elif was_up:
            within_s = (fact.lost_at_ms - fact.at_ms) / 1_000
            log.warning("server is not heard of", server=fact.server, given_up_in_s=within_s)

    def _settled(self, fact: f.ServerSettled) -> None:
        self._closing.discard(fact.server)
        if fact.up:
            self._up.add(fact.server)
            log.info("server is up, its calls are offered", server=fact.server)


class RefusedCalls:
    """Every caller can make one: twenty of each minute have a line, then the 32nd, the 64th and so on."""

    SHOWN: Final = 20

    def __init__(self) -> None:
        self._minute = 0
        self._count = 0

    def note(self, fact: f.CallRefused) -> None:
        """Log it, or count it."""
        minute = fact.at_ms // 60_000
        if minute != self._minute:
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count > self.SHOWN and self._count & (self._count - 1):
            return
        more = {"so_far_this_minute": self._count} if self._count > self.SHOWN else {}
        mend = _MEND.get(fact.reason)
        log.warning("call refused", queue=fact.queue, reason=fact.reason, server=fact.line.server, mend=mend, **more)


_MEND: dict[f.RefusalReason, str] = {
    "unknown-queue": "the dialplan hands calls to a queue that the configuration does not have",
    "queue-closed": "the configuration has this queue no more, the dialplan still hands calls to it",
    "wrong-channel": "this queue is for chats, and the dialplan hands calls to it",
    "bad-skills": "wishes read german:3&~french&@ana in the dialplan: at most 32 words of at most 64 characters",
    "queue-full": "max_length of this queue is reached",
}


def _server_given_up(fact: f.ServerGivenUp) -> None:
    log.error("server is given up, with the calls on it", server=fact.server)


def _stray_leg(fact: f.StrayLegFound) -> None:
    log.warning("a leg of no offer is hung up", server=fact.server, offer=fact.offer)


def _unreachable(fact: f.OfferEnded) -> None:
    if fact.outcome in {"unreachable", "failed"}:
        log.warning("phone could not be rung", agent=fact.agent, outcome=fact.outcome, server=fact.server)


def _request_refused(fact: f.RequestRefused) -> None:
    log.info("request refused", agent=fact.agent, reason=fact.reason, request=fact.request)


_NOTICES: dict[type[Fact], Callable[[Any], None]] = {
    f.ServerGivenUp: _server_given_up,
    f.StrayLegFound: _stray_leg,
    f.OfferEnded: _unreachable,
    f.RequestRefused: _request_refused,
}
