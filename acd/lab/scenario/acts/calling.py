"""What people do with calls."""

from typing import Final

from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.stage import (
    PATIENCE_S,
    Failed,
    Stage,
)

CHAPTER: Final = Chapter("Calling and talking")


@CHAPTER.sentence("<caller> calls <queue>[ with priority <number>][, asking for <wishes>]")
async def call_queue(stage: Stage, said: Said) -> None:
    dialled = stage.place.dialled(said.word("queue"), said.word("number"), said.word("wishes"))
    await said.who("caller").place(dialled)


@CHAPTER.sentence("<person> dials <keys>", "<person> dials <text>")
async def dial(_stage: Stage, said: Said) -> None:
    await said.who("person").place(said.word("keys") or said.text())


@CHAPTER.sentence("<person> calls <person:other> directly")
async def call_directly(_stage: Stage, said: Said) -> None:
    await said.who("person").place(said.who("other").person.phone)


@CHAPTER.sentence("<person> answers")
async def answer(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    call = await person.rings(PATIENCE_S)
    call.send_tone(person.person.voice_hz)
    if not await call.answer():
        raise Failed(f"{person.person.id} answers", "the call was gone before")


@CHAPTER.sentence("<person> declines")
async def decline(_stage: Stage, said: Said) -> None:
    await (await said.who("person").rings(PATIENCE_S)).decline()


@CHAPTER.sentence("<person> is busy")
async def is_busy(_stage: Stage, said: Said) -> None:
    await (await said.who("person").rings(PATIENCE_S)).busy()


@CHAPTER.sentence("<person> hangs up")
async def hang_up(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hang_up()


@CHAPTER.sentence("<person> presses <keys>")
async def press(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.press(said.word("keys"))


@CHAPTER.sentence("<person> puts the call on hold")
async def hold(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hold()


@CHAPTER.sentence("<person> takes the call off hold")
async def resume(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.resume()
