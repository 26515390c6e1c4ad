"""What people hear, and where a call has come to."""

import asyncio
from typing import Final

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.setting import VOICES
from acd.lab.scenario.stage import (
    PATIENCE_S,
    Failed,
    Stage,
)
from acd.telephony.sip import Call

CHAPTER: Final = Chapter("What is heard")


@CHAPTER.sentence("<person> and <person:other> hear each other[ within <time>]")
async def hear_each_other(_stage: Stage, said: Said) -> None:
    one, other = said.who("person"), said.who("other")
    await asyncio.gather(
        one.in_call.hears(other.person.voice_hz, said.within_s()),
        other.in_call.hears(one.person.voice_hz, said.within_s()),
    )


@CHAPTER.sentence("<person> hears music[ within <time>]")
async def hears_music(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hears_sound(said.within_s(), (*VOICES, FALLBACK_HZ))


@CHAPTER.sentence("<person> hears the fallback[ within <time>]")
async def hears_fallback(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hears(FALLBACK_HZ, said.within_s())


@CHAPTER.sentence("<person> hears nothing for <time>")
async def hears_nothing(_stage: Stage, said: Said) -> None:
    still_s = said.within_s()
    await said.who("person").in_call.hears_silence(still_s, still_s + PATIENCE_S)


@CHAPTER.sentence("<person>'s call ends[ within <time>]")
async def call_ends(_stage: Stage, said: Said) -> None:
    call: Call | None = said.who("person").call
    if call is None:
        raise Failed("a call that ends", "there was none")
    await call.ended(said.within_s())


@CHAPTER.sentence("<caller> is back in the dialplan: <text>[ within <time>]")
async def is_back(stage: Stage, said: Said) -> None:
    number, within_s = said.who("caller").person.phone, said.within_s()
    places = stage.place.ways_back

    async def is_there() -> bool:
        return any(stage.ears.all(place, CallerIDNum=number) for place in places)

    if not await stage.ears.until(is_there, within_s):
        raise Failed(f"the caller is back within {within_s:g} s", "the call is not")
    came = [event for place in places for event in stage.ears.all(place, CallerIDNum=number)][-1]
    told = f"{came.get('Result')}, {came.get('Reason')}".rstrip(", ")
    if said.text() != told:
        raise Failed(f"the caller is back: {said.word('text')}", f'"{told}"')
