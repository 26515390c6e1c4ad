"""What phones do, and what they show."""

import asyncio
from typing import Final

from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.stage import (
    PATIENCE_S,
    Failed,
    Stage,
)
from acd.telephony.sip import IncomingCall

CHAPTER: Final = Chapter("Phones")


@CHAPTER.sentence("<agent>'s phone rings[ within <time>]", "<caller>'s phone rings[ within <time>]")
async def rings(_stage: Stage, said: Said) -> None:
    await said.who("agent" if said.word("agent") else "caller").rings(said.within_s())


@CHAPTER.sentence("<person>'s phone shows <text>")
async def shows(_stage: Stage, said: Said) -> None:
    call = await said.who("person").rings(PATIENCE_S)
    shown = f"{call.caller_name} <{call.caller_number}>"
    if said.text() not in shown:
        raise Failed(f"the phone shows {said.word('text')}", f"it shows {shown}")


@CHAPTER.sentence("<person>'s phone stops ringing[ within <time>]")
async def stops_ringing(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    call = person.call
    if not isinstance(call, IncomingCall) or call.answered_at is not None:
        raise Failed(f"{person.person.id}'s phone stops ringing", "it does not ring")
    await call.ended(said.within_s())


@CHAPTER.sentence("<person>'s phone stays silent for <time>")
async def stays_silent(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    await asyncio.sleep(said.within_s())
    if person.rings_by_now:
        raise Failed(f"{person.person.id}'s phone stays silent", "it rings")


@CHAPTER.sentence("<person>'s phone is unplugged")
async def unplug(_stage: Stage, said: Said) -> None:
    await said.who("person").unplug()


@CHAPTER.sentence("<person>'s phone is plugged in")
async def plug_in(_stage: Stage, said: Said) -> None:
    await said.who("person").plug_in()
