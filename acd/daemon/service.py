"""The life of the daemon: start in order, reload as a difference, stop in the reverse order, each step bounded."""

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from acd.config import Config, ConfigError, ServerSettings, changes, check_reload, check_servers, read_config
from acd.core import Input
from acd.daemon.calendar import Calendar
from acd.daemon.feature_codes import FeatureCodes
from acd.daemon.notices import Notices
from acd.daemon.phone_systems import PhoneSystemFactory
from acd.daemon.sd_notify import Notifier
from acd.engine.clock import Clock, RealClock
from acd.engine.facts_file import FactsFile
from acd.engine.garbage import Garbage
from acd.engine.loop import Engine, EngineStopped, InboxFull, facts_of
from acd.journal.port import Journal
from acd.log import protect
from acd.model import AgentId, Phone, RequestId
from acd.router.inputs import LogIn
from acd.sign_in import SignIn
from acd.tasks import Tasks

log = structlog.get_logger(__name__)

SLICE: Final = 500
"""Inputs of a configuration that are submitted at once: calls have their turn in between."""
RECONFIGURE_WITHIN_S: Final = 10.0
NOT_FOLLOWED: Final = "ready; telephony did not follow the last reload to its end: see the log, and reload again"
STOP_TELEPHONY_WITHIN_S: Final = 10.0
STOP_ENGINE_WITHIN_S: Final = 10.0
CLOSE_WITHIN_S: Final = 5.0
"""Together less than TimeoutStopSec in config/systemd/acd.service."""


class CannotStart(Exception):
    """The operator has to mend something first; the text says what."""


class Daemon:
    """One engine with its phone system, from start to stop.

    `async with` starts and stops it; `run` does the same for a process, with its signals. A daemon lives once.
    """

    def __init__(
        self,
        config: Config,
        config_path: Path,
        journal: Journal,
        telephony_factory: PhoneSystemFactory,
        facts_path: Path | None = None,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self.config = config
        self._garbage = Garbage()
        self.engine = Engine(journal, clock or RealClock(), garbage=self._garbage)
        self.failed = False
        self._followed = _links(config)
        """What telephony has followed the configuration in."""
        self._config_path = config_path
        self._facts_path = facts_path
        self._journal = journal
        self._fresh = journal.last_number == 0
        self._notifier = notifier or Notifier({})
        self._sign_in = SignIn(config.credentials, config.sign_in, self.engine.clock.now_ms, config.phones)
        self._feature_codes = FeatureCodes(self.engine, self._sign_in, config)
        self.telephony = telephony_factory(config, self.engine.submit, self._feature_codes.answer, self._fail)
        self._notices = Notices()
        self._engine_task = Tasks("engine", self._fail)
        self._tasks = Tasks("daemon", self._fail)
        self._calendar = Calendar(config, self.engine.clock, self._submit)
        self._over = asyncio.Event()
        self._reload_wanted = asyncio.Event()
        self._undo = AsyncExitStack()

    # --- For the process --------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Serve until asked to stop, or until a part fails. The exit code: 0, or 1 where a part has failed."""
        with _signals(
            {signal.SIGTERM: self.request_stop, signal.SIGINT: self.request_stop, signal.SIGHUP: self.request_reload}
        ):
            try:
                async with self:
                    with self._garbage:
                        await self._over.wait()
            except EngineStopped:
                self.failed = True  # while starting; why is in the log
        return 1 if self.failed else 0

    def request_stop(self) -> None:
        """Let `run` end."""
        self._over.set()

    def request_reload(self) -> None:
        """Let the configuration be read again, soon."""
        self._reload_wanted.set()

    def _fail(self, task: str, error: BaseException) -> None:
        log.critical("a part failed: the daemon stops, to be started anew", task=task, error=repr(error))
        self.failed = True
        self._over.set()

    # --- Start and stop ---------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._undo.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.info("stopping")
        self._notifier.stopping()
        await self._undo.aclose()
        log.info("stopped")

    async def _start(self) -> None:
        self._say_what_is_odd(self.config)
        self._undo.callback(self._notifier.close)
        self._undo.push_async_callback(_bounded, "journal", self._journal.close, CLOSE_WITHIN_S)
        self._add_readers()
        loop = self._engine_task.start("loop", self.engine.run())
        self._undo.push_async_callback(_bounded, "engine", lambda: self._stop_engine(loop), STOP_ENGINE_WITHIN_S)
        await self._submit(changes(self.engine.configured, self.config))
        await self._calendar.tell()
        self._undo.push_async_callback(_bounded, "telephony", self._stop_telephony, STOP_TELEPHONY_WITHIN_S)
        await self.telephony.start()
        await self._log_in_at_start()
        if loop.done():
            raise EngineStopped
        self._undo.push_async_callback(self._tasks.stop)
        self._tasks.start("reloads", self._reloads())
        self._tasks.start("calendar", self._calendar.run())
        if self._notifier.watchdog_s is not None:
            self._tasks.start("watchdog", self._watchdog(self._notifier.watchdog_s / 2))
        log.info("ready", **_size(self.config))
        self._notifier.ready("ready")

    def _add_readers(self) -> None:
        """Telephony comes first: somebody waits for it."""
        self.engine.add_reader("telephony", lambda entries: self.telephony.act(facts_of(entries)))
        self.engine.add_reader("notices", self._notices.read)
        if self._facts_path is not None:
            facts = _open_facts(self._facts_path, self.config)
            self._undo.callback(facts.close)
            self.engine.add_reader("facts file", facts.read)

    async def _stop_telephony(self) -> None:
        self._notices.closing(server.id for server in self.config.servers)
        await self.telephony.stop()

    async def _stop_engine(self, loop: asyncio.Task[None]) -> None:
        """Let the engine finish what it has taken; what still runs when the time is over is cancelled."""
        self.engine.stop()
        try:
            await asyncio.wait({loop})
        finally:
            await self._engine_task.stop()

    async def _submit(self, told: Sequence[Input]) -> None:
        for start in range(0, len(told), SLICE):
            for asked in told[start : start + SLICE]:
                await self._put(asked)
            await self.engine.settled()

    async def _put(self, asked: Input) -> None:
        """A change of the configuration, or an opening hour, is not lost in a rush: it waits for its turn."""
        while True:
            try:
                self.engine.submit(asked)
            except InboxFull:
                log.warning("a change waits until the engine keeps up", waiting=self.engine.backlog)
                await self.engine.settled()
            else:
                return

    async def _log_in_at_start(self) -> None:
        """Only into a fresh journal: an engine that comes back knows who had logged out meanwhile."""
        if self._fresh:
            await self._submit([_log_in(agent) for agent in self.config.logged_in_at_start])

    async def _watchdog(self, every_s: float) -> None:
        """A sign of life is given only when the engine has given one."""
        while True:
            await self.engine.settled()
            self._notifier.alive()
            await asyncio.sleep(every_s)

    # --- Reload -----------------------------------------------------------------------------------------------

    async def _reloads(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            await self.reload()

    async def reload(self) -> bool:
        """Read the file again and become what it says. A wrong file changes nothing; the log says why."""
        self._notifier.reloading()
        try:
            new = await asyncio.to_thread(read_config, self._config_path)
            check_reload(self.engine.configured, new, self._config_path)
            check_servers(self.config.servers, new, self._config_path)
        except ConfigError as error:
            return self._refuse_reload(str(error))
        except Exception as error:
            log.exception("reading the configuration failed")
            return self._refuse_reload(f"a fault in the engine, {error!r}")
        if self._facts_path is not None and (same := _same_file(self._facts_path, new.files)) is not None:
            return self._refuse_reload(f"{same} is the facts file, to which the engine writes; allowed: another file")
        await self._become(new)
        self._notifier.ready("ready" if self._followed == _links(new) else NOT_FOLLOWED)
        return True

    def _refuse_reload(self, why: str) -> bool:
        log.error("configuration is wrong, nothing was changed", error=why)
        self._notifier.ready(f"ready; the last reload was refused: {why}")
        return False

    async def _become(self, new: Config) -> None:
        old = self.config
        protect(new.secrets)
        self._say_what_is_odd(new)
        told = changes(self.engine.configured, new)
        await self._submit(told)
        await self._calendar.configure(new)
        self._sign_in.configure(new.credentials, new.sign_in, new.phones)
        self._feature_codes.configure(new)
        self.config = new
        if self._followed != _links(new):  # also where the last reload was not followed to its end
            self._notices.closing(server.id for server in old.servers if server not in new.servers)
            if await _bounded("telephony", self._reconfigure, RECONFIGURE_WITHIN_S):
                self._followed = _links(new)
        if old.telephony != new.telephony:
            log.warning("[telephony] has changed: that takes effect at the next start")
        log.info("configuration reloaded", changes=len(told), **_size(new))

    async def _reconfigure(self) -> None:
        await self.telephony.reconfigure(self.config.servers, self.config.phones)

    def _say_what_is_odd(self, config: Config) -> None:
        for warning in config.warnings:
            log.warning("configuration is odd", warning=warning)


def _open_facts(path: Path, config: Config) -> FactsFile:
    """Before anything is written, or the mode changed: a file of the configuration would be spoilt for ever."""
    same = _same_file(path, config.files)
    if same is not None:
        raise CannotStart(f"the facts file {path} is a file of the configuration, {same}: give another one")
    try:
        return FactsFile(path)
    except OSError as error:
        raise CannotStart(f"the facts file {path} cannot be written: {error.strerror}") from None


def _same_file(path: Path, others: Sequence[str]) -> str | None:
    """The first of the others that is this very file, under whatever name."""
    for other in others:
        with suppress(OSError):  # one that is not there is none of them
            if path.samefile(other):
                return other
    return None


def _links(config: Config) -> tuple[tuple[ServerSettings, ...], frozenset[Phone]]:
    """What telephony has to follow."""
    return config.servers, config.phones


def _log_in(agent: AgentId) -> LogIn:
    return LogIn(request=RequestId(f"start-{secrets.token_hex(8)}"), agent=agent, by="configuration")


def _size(config: Config) -> dict[str, int]:
    return {"servers": len(config.servers), "queues": len(config.queues), "agents": len(config.agents)}


async def _bounded(part: str, work: Callable[[], Awaitable[None]], within_s: float) -> bool:
    """Do it within the time, and say whether it was done. A part that fails or hangs is logged and must not keep the
    others from their turn."""
    try:
        async with asyncio.timeout(within_s):
            await work()
    except TimeoutError:
        log.error("a part took too long", part=part, within_s=within_s)
    except Exception:
        log.exception("a part failed", part=part)
    else:
        return True
    return False


@contextmanager
def _signals(handlers: dict[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Handle these signals meanwhile. Who has blocked them before has them blocked again: one that comes when all is
    over must not hide the exit code."""
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in handlers:
            loop.remove_signal_handler(number)
