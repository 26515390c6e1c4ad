"""`acd demo`: Asterisk, the engine, agents and callers at work, to watch. Ctrl-C ends it and leaves nothing behind."""

import asyncio
import errno
import io
import os
import signal
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click
import msgspec
from rich.console import Console

from acd import log
from acd.config import Config, read_config
from acd.core import Fact
from acd.engine.clock import RealClock
from acd.lab.demo.cast import AGENTS_MOST, PIN, address_book, agents
from acd.lab.demo.config import config_text
from acd.lab.demo.picture import HEIGHT, WIDTH, save
from acd.lab.demo.screen import Lines, Screen, Watching, drawing
from acd.lab.demo.simulated import SimulatedStage
from acd.lab.demo.stage import Stage, StageFailed, StageTaken
from acd.lab.servers import Lab, LabMisnamed, LabUnavailable
from acd.lab.view import fold as board_fold
from acd.lab.view.board import Board, Observation
from acd.lab.view.sentences import summary
from acd.options import Number
from acd.sign_in import hash_pin
from acd.tasks import Tasks

MISTAKE: Final = 2
READER_GONE: Final = {errno.EPIPE, errno.EIO}
"""A pipe that nobody reads, a terminal that was closed."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    seconds: float | None
    seed: int
    agents: int
    rate: float
    simulated: bool
    plain: bool
    picture: Path | None


@click.command("demo")
@click.option("--seconds", type=Number(min=1), help="End by itself after so long.")
@click.option("--seed", type=int, default=1, show_default=True, help="Other people, other calls.")
@click.option("--agents", type=click.IntRange(1, AGENTS_MOST), default=7, show_default=True)
@click.option("--rate", type=Number(0.1, 300), default=16, show_default=True, help="Calls per minute.")
@click.option("--simulated", is_flag=True, help="On the simulated phone system: no Docker, no sound.")
@click.option("--plain", is_flag=True, help="A line for each thing that happens, as where there is no terminal.")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
def command(**asked: Any) -> None:
    """Watch the engine at work: Asterisk in Docker, agents and callers with real phones. Ctrl-C ends it.

    Where no Docker engine can be had it runs on the simulated phone system.
    """
    sys.exit(run(Options(**asked)))


def run(options: Options) -> int:
    """The exit code: 0, 1 where a part has failed, 2 where another demo plays or nothing can be shown. Standard error
    says why."""
    if not options.simulated:
        _check_lab()
    journal = io.StringIO()
    log.configure("error", "console", journal)
    code = asyncio.run(Demo(options).run())
    if code == 1:
        click.echo(journal.getvalue(), err=True, nl=False)
    return code


def _check_lab() -> None:
    try:
        Lab()
    except LabMisnamed as wrong:
        raise click.UsageError(str(wrong)) from None


class Demo:
    """One demo, from start to end."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._clock = RealClock()
        self._board = Board(address_book())
        self._tasks = Tasks("demo")
        self._show: asyncio.Task[None] | None = None
        self._code = 0
        self._summary = ""
        self._tidying = False
        """Whether the end has begun."""
        self._watching = self._watcher()

    def _watcher(self) -> Watching:
        if self._options.plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            return Lines(self._board, self._unseen)
        console = Console(force_terminal=True)  # one that was closed is none, and rich would write nothing in silence
        return Screen(self._board, self._clock, console, self._unseen)

    async def run(self) -> int:
        """Until the time is over, until somebody ends it, until a part fails. The exit code."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._broke)
        with _signals(lambda: loop.call_soon_threadsafe(self._end)), _nothing_thrown_away():
            self._show = show = self._tasks.start("show", self._perform_anywhere())
            await asyncio.wait({show})
            if not show.cancelled() and show.exception() is not None:  # it is in the log
                self._code = 1
            if self._summary:
                self._watching.say(self._summary)
        return self._code

    def _end(self) -> None:
        """Ctrl-C ends what is shown. Another one, or one that comes at the end, must not disturb those who tidy up."""
        if self._show is not None and not self._tidying:
            self._tidying = True
            self._show.cancel()

    def _unseen(self, why: OSError) -> None:
        """Nobody would see the rest. A reader who goes is no mistake, a full disk is."""
        if why.errno not in READER_GONE:
            click.echo(f"acd: standard output cannot be written: {why.strerror}", err=True)
            self._code = MISTAKE
        self._end()

    def _broke(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of ours has failed."""
        loop.default_exception_handler(context)
        self._code = 1
        self._end()

    # --- The stages -------------------------------------------------------------------------------------------

    async def _perform_anywhere(self) -> None:
        is_told = False
        try:
            if not self._options.simulated:
                try:
                    await self._perform(self._asterisk())
                except LabUnavailable as why:
                    self._watching.say(f"The demo runs on simulated phones. {_sentence(why)}")
                    is_told = True
                else:
                    return
            await self._perform(self._simulated(await asyncio.to_thread(self._config)), is_told=is_told)
        except StageFailed as why:
            self._watching.say(f"The demo has failed: {why}")
            self._code = 1
        except StageTaken as who:
            click.echo(f"acd: {who}: end that one, or take a lab of your own: ACD_LAB={_another()} make demo", err=True)
            self._code = MISTAKE

    async def _perform(self, stage: Stage, *, is_told: bool = False) -> None:
        try:
            await stage.start()
            self._watching.begin(stage.title, is_told=is_told)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.seconds):
                    await stage.ended()
        finally:
            over, self._tidying = self._tidying, True
            self._close(stage.title)
            await stage.stop()
            self._tidying = over

    def _close(self, title: str) -> None:
        """What follows, everybody hanging up, is no part of the show any more."""
        if not self._board.total.arrived:
            self._watching.end()
            return
        if self._options.picture is not None:
            save(drawing(self._board, self._clock, title, WIDTH, HEIGHT), self._options.picture)
        self._watching.end()
        self._watching.say("Everybody hangs up.")
        self._summary = summary(self._board, title)

    def _asterisk(self) -> Stage:
        try:
            from acd.lab.demo.asterisk import AsteriskStage
        except ModuleNotFoundError as missing:
            raise LabUnavailable(f"The phones need {missing.name}, which comes with acd[lab].") from None
        people, options = agents(self._options.agents), self._options
        return AsteriskStage(
            people, options.seed, options.rate, self._clock, self._tell, self._note, self._watching.say
        )

    def _simulated(self, config: Config) -> Stage:
        people, options = agents(self._options.agents), self._options
        return SimulatedStage(config, people, options.seed, options.rate, self._clock, self._tell)

    def _config(self) -> Config:
        """As the engine reads it on Asterisk; the server is not asked for its address."""
        with tempfile.TemporaryDirectory(prefix="acd-demo-") as folder:
            path = Path(folder) / "acd.toml"
            path.touch(mode=0o600)
            path.write_text(config_text(Lab({}).a, agents(self._options.agents), hash_pin(PIN)), encoding="utf-8")
            return read_config(path)

    # --- What happens -----------------------------------------------------------------------------------------

    def _tell(self, number: int, fact: Fact) -> None:
        board_fold.apply(self._board, number, fact)
        self._watching.told(fact)

    def _note(self, seen: Observation) -> None:
        board_fold.note(self._board, seen)
        self._watching.saw(seen)


def _sentence(why: LabUnavailable) -> str:
    text = str(why).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _another() -> int:
    """The number of another lab."""
    return int(os.environ.get("ACD_LAB") or "1") % 99 + 1


@contextmanager
def _signals(handle: Callable[[], object]) -> Iterator[None]:
    """What the signals do meanwhile; afterwards nothing any more, since only the end of the process is left."""

    def take(_number: int, _frame: FrameType | None) -> None:
        handle()

    for number in SIGNALS:
        signal.signal(number, take)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _nothing_thrown_away() -> Iterator[None]:
    """At Ctrl-C a terminal throws away what was written and not yet shown (termios, NOFLSH): on a slow one that is the
    sequence that leaves the screen, and the last words. Not this one, not meanwhile."""
    if not sys.stdout.isatty():
        yield
        return
    terminal = os.dup(sys.stdout.fileno())  # who cannot write any more sends the rest elsewhere
    flags = termios.tcgetattr(terminal)
    _set_flags(terminal, [*flags[:3], flags[3] | termios.NOFLSH, *flags[4:]])
    try:
        yield
    finally:
        _set_flags(terminal, flags)
        os.close(terminal)


def _set_flags(terminal: int, flags: list[Any]) -> None:
    """In the background Ctrl-C is for others, and who sets flags there is stopped."""
    with suppress(OSError, termios.error):  # closed, or nobody's
        if os.tcgetpgrp(terminal) == os.getpgrp():
            termios.tcsetattr(terminal, termios.TCSANOW, flags)
