"""A board, told what happens in the sentences of the playbook."""

import asyncio
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

from acd.config import Config, read_config
from acd.engine.clock import VirtualClock
from acd.lab.demo.cast import PIN, address_book, agents
from acd.lab.demo.config import config_text
from acd.lab.demo.simulated import SimulatedStage
from acd.lab.servers import Lab
from acd.lab.view import fold as board_fold
from acd.lab.view.board import Board, Heard, Observation, Rang
from acd.lab.view.sentences import observed, sentence
from acd.model import Phone
from acd.sign_in import hash_pin
from acd.testing.playbook import Playbook
from acd.testing.virtual_time import run_until


class Told:
    """A core, and the board that learns its facts. `said` holds the sentences."""

    def __init__(self) -> None:
        self.book = Playbook()
        self.board = Board({"555": "Bob", "556": "Eve"})
        self.said: list[str] = []
        self._learn()

    def say(self, *sentences: str) -> None:
        """These things happen."""
        for each in sentences:
            self.book.say(each)
            self._learn()

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.book.wait(seconds=seconds)
        self._learn()

    def rang(self, phone: str, after_ms: float) -> None:
        self._note(Rang(self.now_ms, Phone(phone), after_ms))

    def heard(self, phone: str, *, good: bool = True) -> None:
        self._note(Heard(self.now_ms, Phone(phone), good, -15.2, 500.0))

    @property
    def now_ms(self) -> int:
        return self.book.now_ms

    def _note(self, seen: Observation) -> None:
        board_fold.note(self.board, seen)
        self.said.append(observed(self.board, seen))

    def _learn(self) -> None:
        for number, fact in enumerate(self.book.facts[self.board.facts :], self.board.facts + 1):
            board_fold.apply(self.board, number, fact)
            text = sentence(self.board, fact)
            if text is not None:
                self.said.append(text)


def two_agents() -> Told:
    """Sales with Ana and Ben, both ready."""
    told = Told()
    told.say(
        "the router is configured: reasons lunch",
        "queue sales is configured: ring 15 s, wrap-up 10 s",
        "agent ana is configured: phone 1001, queues sales",
        "agent ben is configured: phone 1002, queues sales",
        "server a reports: nothing",
        "ana logs in",
        "ben logs in",
    )
    told.said.clear()
    return told


def config(count: int = 7) -> Config:
    """The demo's configuration, as the engine reads it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acd.toml"
        path.touch(mode=0o600)
        path.write_text(config_text(Lab({}).a, agents(count), hash_pin(PIN)))
        return read_config(path)


async def played(seconds: float, seed: int = 1, count: int = 7) -> tuple[Board, int]:
    """The board after so many seconds of the simulated demo, in no time; and the time then."""
    clock, board = VirtualClock(), Board(address_book())
    stage = SimulatedStage(
        config(count),
        agents(count),
        seed,
        16,
        clock,
        lambda number, fact: board_fold.apply(board, number, fact),
    )
    try:
        async with asyncio.timeout(30):
            await stage.start()
            await run_until(stage.engine, clock, clock.now_ms() + round(seconds * 1_000))
        return deepcopy(board), clock.now_ms()  # without what stopping the stage does
    finally:
        await stage.stop()
