"""What can go wrong: links, lines, Asterisk, the engine, its disk."""

import signal
from typing import Final

from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.stage import (
    DISK_HAS_ROOM,
    DISK_IS_FULL,
    LINE_IS_SLOW,
    LINE_IS_WHOLE,
    LINE_LOSES,
    PATIENCE_S,
    Failed,
    Stage,
)

STOP_WITHIN_S: Final = 10.0
FEWEST_PACKETS: Final = 2
"""Of which one is lost: of a line that loses every packet nothing would come."""
CHAPTER: Final = Chapter("Faults")


@CHAPTER.sentence("the link to Asterisk is cut")
async def cut_link(stage: Stage, _said: Said) -> None:
    stage.wire.cut()


@CHAPTER.sentence("the link to Asterisk is half-open")
async def stall_link(stage: Stage, _said: Said) -> None:
    stage.wire.stall()


@CHAPTER.sentence("the link to Asterisk is slow by <time>")
async def slow_link(stage: Stage, said: Said) -> None:
    stage.wire.slow_down(said.within_s())


@CHAPTER.sentence("the link to Asterisk is whole")
async def mend_link(stage: Stage, _said: Said) -> None:
    stage.wire.mend()


@CHAPTER.sentence(LINE_IS_SLOW)
async def slow_line(_stage: Stage, said: Said) -> None:
    said.who("person").line.slow_down(said.within_s())


@CHAPTER.sentence(LINE_LOSES)
async def lossy_line(_stage: Stage, said: Said) -> None:
    count = int(said.word("number"))
    if count < FEWEST_PACKETS:
        raise Failed(f"one packet in {FEWEST_PACKETS} or more is lost", f"one in {count}")
    await said.who("person").line.lose_one_in(count)


@CHAPTER.sentence(LINE_IS_WHOLE)
async def mend_line(_stage: Stage, said: Said) -> None:
    await said.who("person").line.mend()


@CHAPTER.sentence(DISK_IS_FULL)
async def fill_disk(stage: Stage, _said: Said) -> None:
    stage.disk.fill()


@CHAPTER.sentence(DISK_HAS_ROOM)
async def free_disk(stage: Stage, _said: Said) -> None:
    stage.disk.free()


@CHAPTER.sentence("the engine is stopped")
async def stop_engine(stage: Stage, _said: Said) -> None:
    """As an operator stops it: it says good-bye."""
    stage.watch_engine_no_more()
    stage.engine.signal(signal.SIGTERM)
    code = await stage.engine.ended(STOP_WITHIN_S)
    if code != 0:
        raise Failed("the engine stops", f"it ended with {code}. The end of its log:\n{stage.engine.log_tail()}")


@CHAPTER.sentence("the engine is killed")
async def kill_engine(stage: Stage, _said: Said) -> None:
    stage.watch_engine_no_more()
    stage.engine.signal(signal.SIGKILL)
    await stage.engine.ended(PATIENCE_S)


@CHAPTER.sentence("the engine starts")
async def start_engine(stage: Stage, _said: Said) -> None:
    before = stage.lives
    await stage.engine.start()
    await stage.is_up(before + 1)
    stage.watch_engine()


@CHAPTER.sentence("the engine is paused")
async def pause_engine(stage: Stage, _said: Said) -> None:
    stage.engine.signal(signal.SIGSTOP)


@CHAPTER.sentence("the engine goes on")
async def continue_engine(stage: Stage, _said: Said) -> None:
    stage.engine.signal(signal.SIGCONT)


@CHAPTER.sentence("Asterisk restarts")
async def restart_asterisk(stage: Stage, _said: Said) -> None:
    await stage.restart_asterisk()


@CHAPTER.sentence("Asterisk is paused")
async def pause_asterisk(stage: Stage, _said: Said) -> None:
    await stage.pause_asterisk()


@CHAPTER.sentence("Asterisk goes on")
async def continue_asterisk(stage: Stage, _said: Said) -> None:
    await stage.continue_asterisk()
