"""One engine at a time serves a server: each writes its name beside its heartbeat, and waits while another's is fresh.

The name says place, process and server: so a quick restart in the same place sees that the process before it is no
more and need not wait, and two settings for one Asterisk find each other, whatever addresses they have.
"""

import asyncio
import hashlib
import os
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from acd.model import ServerId
from acd.telephony.ami import dialplan
from acd.telephony.ami.messages import AmiAction, AmiResponse

log = structlog.get_logger(__name__)

STALE_AFTER_S: Final = 10
"""How long a heartbeat is fresh: acd.conf goes by the same."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+/[0-9]{1,10}/[0-9a-f]+/[A-Za-z0-9_.-]+", re.ASCII)
_START: Final = secrets.token_hex(4)
"""Tells this process from another one with its number."""
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS: Final = Path("/proc/self/ns/pid")


def _here() -> str:
    """Where a process number means what it means to this process: on this machine, since it was started, in this
    container. Another machine may have the same host name. Where that cannot be known, nobody else is here."""
    try:
        known = f"{_BOOT.read_text()}{_NUMBERS.readlink()}"
    except OSError:
        known = _START
    host = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname())
    return f"{host}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"


_HERE: Final = _here()

Do = Callable[..., Awaitable[Sequence[AmiResponse]]]
"""Carries out actions in one write. Raises `AmiError`."""


class Lead:
    """Which engine serves a server, as this one sees it. `settle_s`: how long two that begin at once look for each
    other."""

    def __init__(self, server: ServerId, do: Do, lost_after_s: int, every_s: float, settle_s: float) -> None:
        self.name = f"{_HERE}/{os.getpid()}/{_START}/{server}"
        self._server = server
        self._do = do
        self._lost_after_s = lost_after_s
        self._every_s = every_s
        self._settle_s = settle_s
        self._lease_s = max(STALE_AFTER_S, 2 * every_s)
        self._beat_at: float | None = None
        self._gave_way_to = ""

    @property
    def is_ours(self) -> bool:
        """Whether we lead. An engine that stood still for longer than its heartbeat is fresh leads no more: another
        one may have begun meanwhile."""
        return self._beat_at is not None and asyncio.get_running_loop().time() - self._beat_at < self._lease_s

    @property
    def has_lapsed(self) -> bool:
        """Whether we led, and stood still for too long."""
        return self._beat_at is not None and not self.is_ours

    def drop(self) -> None:
        """We lead no more, until `take`."""
        self._beat_at = None

    async def take(self) -> None:
        """Return once we lead. The heartbeat is written before: who is about to give us up looks at it once more."""
        told = ""
        while True:
            began = asyncio.get_running_loop().time()
            other, now_s, known = await self._look()
            if other:
                told = self._tell(other, told)
                await asyncio.sleep(self._every_s)
                continue
            await self._write(now_s)
            if not known:
                await asyncio.sleep(self._settle_s)
            if known or await self._named() in {"", self.name}:
                break
        if told:
            log.warning("the other engine is silent or has ended: this one takes over", server=self._server)
        self._gave_way_to = ""
        self._beat_at = began

    async def beat(self) -> str:
        """Renew the heartbeat; or give way to the engine whose name is returned."""
        began = asyncio.get_running_loop().time()
        epoch, engine = await self._do(dialplan.get_global("EPOCH"), dialplan.get_global("ACD_ENGINE"))
        named = _name(engine)
        if named and named != self.name:
            self._gave_way_to = named
            self.drop()
            return named
        if named:
            await self._do(dialplan.set_global("ACD_ALIVE", str(dialplan.time_of(epoch))))
        else:  # a new start, or a reload of the dialplan, has cleared what is global
            await self._write(dialplan.time_of(epoch))
        self._beat_at = began
        return ""

    def release(self) -> AmiAction:
        """What lets another engine begin at once."""
        return dialplan.set_global("ACD_ENGINE", "")

    async def _look(self) -> tuple[str, int, bool]:
        """The other engine that lives, if one does; the server's time; whether the server knows us already."""
        epoch, alive, engine = await self._do(
            dialplan.get_global("EPOCH"), dialplan.get_global("ACD_ALIVE"), dialplan.get_global("ACD_ENGINE")
        )
        now_s, named = dialplan.time_of(epoch), _name(engine)
        beat_s = dialplan.number_of(alive.get("Value")) or 0
        if named in {"", self.name} or now_s - beat_s > STALE_AFTER_S:
            return "", now_s, named == self.name
        if named != self._gave_way_to and _has_ended(named):
            return "", now_s, False
        if beat_s > now_s:  # the clock was set back: acd.conf does the same, and from now on this heartbeat ages
            await self._do(dialplan.set_global("ACD_ALIVE", str(now_s)))
        return named, now_s, False

    async def _write(self, now_s: int) -> None:
        await self._do(
            dialplan.set_global("ACD_LOST_AFTER", str(self._lost_after_s)),
            dialplan.set_global("ACD_ENGINE", self.name),
            dialplan.set_global("ACD_ALIVE", str(now_s)),
        )

    async def _named(self) -> str:
        (engine,) = await self._do(dialplan.get_global("ACD_ENGINE"))
        return _name(engine)

    def _tell(self, other: str, told: str) -> str:
        if other != told:
            log.error(
                "another engine serves this server: this one waits until that one is silent",
                server=self._server,
                engine=other,
                mend="end one of the two; and let no server stand in the configuration twice",
            )
        return other


def _name(answer: AmiResponse) -> str:
    """An engine's name; empty where the variable holds none."""
    value = answer.get("Value")
    return value if _NAME.fullmatch(value) else ""


def _has_ended(name: str) -> bool:
    """Whether the engine of this name was a process here that is no more."""
    place, number, start, _ = name.split("/")
    if place != _HERE or start == _START:
        return False
    return int(number) == os.getpid() or not _runs(int(number))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
