"""The collector's plan (acd/engine/garbage.py)."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.engine.clock import VirtualClock
from acd.engine.garbage import AUTOMATIC, BUSY_INPUTS, FREEZE_INPUTS, IDLE_INPUTS, NEW_OBJECTS, Garbage
from acd.engine.loop import Engine
from acd.journal.memory import MemoryJournal
from tests.engine.running import arrival, running

ROOT = Path(__file__).parents[2]


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def knot() -> "weakref.ref[Knot]":
    """A cycle that nobody holds."""
    return weakref.ref(Knot())


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    with Garbage() as planned:
        yield planned


def test_what_lives_at_the_start_is_frozen_until_the_end() -> None:
    before = gc.get_freeze_count()
    with Garbage():
        assert gc.get_freeze_count() > before + 1_000
    assert gc.get_freeze_count() == 0


def test_thresholds_are_as_before_at_the_end() -> None:
    before = gc.get_threshold()
    with Garbage():
        assert gc.get_threshold()[0] == AUTOMATIC
    assert gc.get_threshold() == before


def test_python_looks_nowhere_by_itself_while_calls_are_made_and_forgotten(garbage: Garbage) -> None:
    looks: list[str] = []
    look = lambda phase, _info: looks.append(phase)  # noqa: E731
    gc.callbacks.append(look)
    try:
        kept = [[number] for number in range(AUTOMATIC // 2)]
        kept.clear()
    finally:
        gc.callbacks.remove(look)
    assert looks == []


@pytest.mark.parametrize(("inputs", "idle"), [(IDLE_INPUTS, True), (BUSY_INPUTS, False)])
def test_new_garbage_is_found_after_so_many_inputs(garbage: Garbage, inputs: int, idle: bool) -> None:
    dead = knot()
    garbage.tidy(inputs - 1, idle=idle)
    assert dead() is not None
    garbage.tidy(1, idle=idle)
    assert dead() is None


def test_busy_loop_looks_less_often_than_an_idle_one(garbage: Garbage) -> None:
    dead = knot()
    garbage.tidy(IDLE_INPUTS, idle=False)
    assert dead() is not None
    garbage.tidy(0, idle=True)
    assert dead() is None


def test_many_new_objects_are_looked_at_without_inputs(garbage: Garbage) -> None:
    dead = knot()
    kept = [[number] for number in range(NEW_OBJECTS + 1)]
    garbage.tidy(0, idle=False)
    assert dead() is None
    assert kept


def test_survivors_are_frozen_in_the_end(garbage: Garbage) -> None:
    before = gc.get_freeze_count()
    kept = [[number] for number in range(1_000)]
    garbage.tidy(BUSY_INPUTS, idle=True)
    assert gc.get_freeze_count() <= before
    garbage.tidy(FREEZE_INPUTS, idle=True)
    assert gc.get_freeze_count() >= before + len(kept)


def test_nothing_is_looked_at_before_and_after() -> None:
    garbage = Garbage()
    with garbage:
        pass
    gc.disable()
    try:
        dead = knot()
        garbage.tidy(FREEZE_INPUTS, idle=True)
        assert dead() is not None
    finally:
        gc.enable()
    gc.collect()


async def test_loop_has_it_look_when_idle_and_when_busy(garbage: Garbage) -> None:
    engine = Engine(MemoryJournal(), VirtualClock(), garbage=garbage)
    async with running(engine):
        for inputs, gap in [(IDLE_INPUTS, True), (BUSY_INPUTS + IDLE_INPUTS, False)]:
            dead = knot()
            for number in range(inputs):
                engine.submit(arrival(number))
                if gap:
                    await engine.settled()
            await engine.settled()
            await asyncio.sleep(0)  # the loop looks once nobody waits for it any more
            assert dead() is None


NO_CYCLES = """
import gc
from benchmarks.centre import Case, Centre

centre = Centre(Case("tiny", agents=20, queues=10, waiting=40))
centre.open()
centre.log_in()
centre.get_busy()
centre.fill()
gc.collect()
gc.disable()
centre.prepare(200)
centre.lifecycles(200)
centre.commit()
print(gc.collect())
"""


def test_core_makes_no_cycles() -> None:
    """In a process of its own: here other threads may leave some behind meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", NO_CYCLES], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "0\n"
