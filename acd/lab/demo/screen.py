"""Where the demo is watched: a live screen on a terminal, lines where there is none."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from acd.core import Fact
from acd.engine.clock import Clock
from acd.lab.view.board import Board, Observation
from acd.lab.view.screen import Frame, screen
from acd.lab.view.sentences import observed, sentence

DRAWN_WITHIN_S: Final = 0.1
"""A change is seen after so long at the latest; more changes meanwhile cost nothing."""


Unseen = Callable[[OSError], None]
"""Called when what is shown cannot be written any more; the error says why."""


class Watching(Protocol):
    """Shows what happens on a board that others change."""

    def say(self, text: str) -> None:
        """A line about the demo itself, before it begins and after its end."""

    def begin(self, title: str, *, is_told: bool) -> None:
        """The stage is set. `is_told`: it was said already on what the demo runs."""

    def told(self, fact: Fact) -> None:
        """The board has taken in a fact."""

    def saw(self, seen: Observation) -> None:
        """The board has taken in an observation."""

    def end(self) -> None:
        """Nothing more is shown but words. Harmless when it never began."""


@contextmanager
def _writing(unseen: Unseen) -> Iterator[None]:
    """What cannot be written is told once; what comes after it goes nowhere."""
    try:
        yield
    except OSError as why:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        unseen(why)


class Lines:
    """One line for each thing that happens, for a pipe, a file, a log of CI."""

    def __init__(self, board: Board, unseen: Unseen) -> None:
        self._board = board
        self._unseen = unseen
        self._over = False

    def say(self, text: str) -> None:
        with _writing(self._unseen):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def begin(self, title: str, *, is_told: bool) -> None:
        if not is_told:
            self.say(f"The demo runs on {title}.")

    def told(self, fact: Fact) -> None:
        text = sentence(self._board, fact)
        if text is not None:
            self._at(fact.at_ms, text)

    def saw(self, seen: Observation) -> None:
        self._at(seen.at_ms, observed(self._board, seen))

    def end(self) -> None:
        self._over = True

    def _at(self, at_ms: int, text: str) -> None:
        if not self._over:
            self.say(f"{max(0, at_ms - self._board.began_ms) / 1_000:9.3f}  {text}")


class Screen:
    """The whole terminal. Drawn when something has happened, and each second for the times."""

    def __init__(self, board: Board, clock: Clock, console: Console, unseen: Unseen) -> None:
        self._board = board
        self._clock = clock
        self._console = console
        self._unseen = unseen
        self._title = ""
        self._live: Live | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._soon: asyncio.TimerHandle | None = None

    def say(self, text: str) -> None:
        with _writing(self._unseen):
            self._console.print(text, markup=False, highlight=False)

    def begin(self, title: str, *, is_told: bool) -> None:  # noqa: ARG002  (it stands over the picture)
        self._title = title
        self._live = Live(console=self._console, screen=True, auto_refresh=False, get_renderable=self._drawing)
        with _writing(self._unseen):
            self._live.start()
        self._draw_each_second()

    def told(self, fact: Fact) -> None:  # noqa: ARG002  (the board holds it)
        self._draw_soon()

    def saw(self, seen: Observation) -> None:  # noqa: ARG002
        self._draw_soon()

    def end(self) -> None:
        for alarm in (self._tick, self._soon):
            if alarm is not None:
                alarm.cancel()
        live, self._live = self._live, None
        if live is not None:
            with _writing(self._unseen):
                live.stop()

    def _draw_soon(self) -> None:
        if self._soon is None and self._live is not None:
            self._soon = asyncio.get_running_loop().call_later(DRAWN_WITHIN_S, self._draw)

    def _draw(self) -> None:
        self._soon = None
        if self._live is not None:
            with _writing(self._unseen):
                self._live.refresh()

    def _draw_each_second(self) -> None:
        self._draw()
        left_s = 1.0 - self._clock.now_ms() % 1_000 / 1_000
        self._tick = asyncio.get_running_loop().call_later(left_s, self._draw_each_second)

    def _drawing(self) -> RenderableType:
        width, height = self._console.size
        return drawing(self._board, self._clock, self._title, width, height)


def drawing(board: Board, clock: Clock, title: str, width: int, height: int) -> RenderableType:
    """The screen as it is now."""
    now_ms = max(clock.now_ms(), board.last_ms)
    return screen(board, now_ms, Frame(width, height, title, f"{datetime.now().astimezone():%H:%M:%S}"))
