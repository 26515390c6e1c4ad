"""What each sentence of a script does: the list of all of them, in the order of the guide (`acd lab words`).

Who acts does it at a phone; what is expected is waited for, five seconds where nothing else is said.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec

from acd.core import Fact
from acd.lab.dialling import FALLBACK_HZ
from acd.lab.scenario.script import FACTS, Step, settings_of
from acd.lab.scenario.setting import VOICES
from acd.lab.scenario.shapes import Shape, seconds
from acd.lab.scenario.stage import (
    DISK_HAS_ROOM,
    DISK_IS_FULL,
    LINE_IS_SLOW,
    LINE_IS_WHOLE,
    LINE_LOSES,
    PATIENCE_S,
    AtPhone,
    Failed,
    Stage,
)
from acd.model import AgentId, QueueId
from acd.router.state import Agent
from acd.router.states import Membership, Work
from acd.telephony.sip import Call, IncomingCall, NothingHappened

FACTS_SHOWN: Final = 12
STOP_WITHIN_S: Final = 10.0
FEWEST_PACKETS: Final = 2
"""Of which one is lost: of a line that loses every packet nothing would come."""


class Said:
    """The words of a step, and who they are about."""

    def __init__(self, stage: Stage, words: dict[str, str]) -> None:
        self._stage = stage
        self._words = words

    def word(self, place: str) -> str:
        """Empty where it was left out."""
        return self._words.get(place, "")

    def text(self, place: str = "text") -> str:
        return self.word(place).strip('"')

    def who(self, place: str) -> AtPhone:
        return self._stage.people[self._words[place]]

    def within_s(self, place: str = "time", otherwise: float = PATIENCE_S) -> float:
        return seconds(self._words[place]) if place in self._words else otherwise

    @property
    def agent(self) -> AgentId:
        return AgentId(self._words["agent"])

    @property
    def agent_now(self) -> Agent | None:
        """As the engine has the agent; None where it knows of none (yet)."""
        return self._stage.state.agents.get(self.agent)

    @property
    def queue(self) -> QueueId:
        return QueueId(self._words["queue"])


Do = Callable[[Stage, Said], Awaitable[None]]


class Act(NamedTuple):
    """A sentence and what it does."""

    shape: Shape
    do: Do
    chapter: str


ACTS: Final[list[Act]] = []
_chapter = ""


def _act(*shapes: str) -> Callable[[Do], Do]:
    def add(do: Do) -> Do:
        ACTS.extend(Act(Shape(text), do, _chapter) for text in shapes)
        return do

    return add


async def play(stage: Stage, step: Step) -> None:
    """Do what the step says. Raises `Failed`."""
    if step.after_s:
        await asyncio.sleep(step.after_s)  # a person takes that time
    try:
        await DO[step.shape](stage, Said(stage, step.words))
    except NothingHappened as error:
        raise Failed(step.text, str(error)) from None


# --- Callers ------------------------------------------------------------------------------------------------------

_chapter = "Calling and talking"


@_act("<caller> calls <queue>[ with priority <number>][, asking for <wishes>]")
async def call_queue(stage: Stage, said: Said) -> None:
    dialled = stage.place.dialled(said.word("queue"), said.word("number"), said.word("wishes"))
    await said.who("caller").place(dialled)


@_act("<person> dials <keys>", "<person> dials <text>")
async def dial(_stage: Stage, said: Said) -> None:
    await said.who("person").place(said.word("keys") or said.text())


@_act("<person> calls <person:other> directly")
async def call_directly(_stage: Stage, said: Said) -> None:
    await said.who("person").place(said.who("other").person.phone)


@_act("<person> answers")
async def answer(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    call = await person.rings(PATIENCE_S)
    call.send_tone(person.person.voice_hz)
    if not await call.answer():
        raise Failed(f"{person.person.id} answers", "the call was gone before")


@_act("<person> declines")
async def decline(_stage: Stage, said: Said) -> None:
    await (await said.who("person").rings(PATIENCE_S)).decline()


@_act("<person> is busy")
async def is_busy(_stage: Stage, said: Said) -> None:
    await (await said.who("person").rings(PATIENCE_S)).busy()


@_act("<person> hangs up")
async def hang_up(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hang_up()


@_act("<person> presses <keys>")
async def press(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.press(said.word("keys"))


@_act("<person> puts the call on hold")
async def hold(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hold()


@_act("<person> takes the call off hold")
async def resume(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.resume()


# --- Phones -------------------------------------------------------------------------------------------------------

_chapter = "Phones"


@_act("<agent>'s phone rings[ within <time>]", "<caller>'s phone rings[ within <time>]")
async def rings(_stage: Stage, said: Said) -> None:
    await said.who("agent" if said.word("agent") else "caller").rings(said.within_s())


@_act("<person>'s phone shows <text>")
async def shows(_stage: Stage, said: Said) -> None:
    call = await said.who("person").rings(PATIENCE_S)
    shown = f"{call.caller_name} <{call.caller_number}>"
    if said.text() not in shown:
        raise Failed(f"the phone shows {said.word('text')}", f"it shows {shown}")


@_act("<person>'s phone stops ringing[ within <time>]")
async def stops_ringing(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    call = person.call
    if not isinstance(call, IncomingCall) or call.answered_at is not None:
        raise Failed(f"{person.person.id}'s phone stops ringing", "it does not ring")
    await call.ended(said.within_s())


@_act("<person>'s phone stays silent for <time>")
async def stays_silent(_stage: Stage, said: Said) -> None:
    person = said.who("person")
    await asyncio.sleep(said.within_s())
    if person.rings_by_now:
        raise Failed(f"{person.person.id}'s phone stays silent", "it rings")


@_act("<person>'s phone is unplugged")
async def unplug(_stage: Stage, said: Said) -> None:
    await said.who("person").unplug()


@_act("<person>'s phone is plugged in")
async def plug_in(_stage: Stage, said: Said) -> None:
    await said.who("person").plug_in()


# --- What is heard ------------------------------------------------------------------------------------------------

_chapter = "What is heard"


@_act("<person> and <person:other> hear each other[ within <time>]")
async def hear_each_other(_stage: Stage, said: Said) -> None:
    one, other = said.who("person"), said.who("other")
    await asyncio.gather(
        one.in_call.hears(other.person.voice_hz, said.within_s()),
        other.in_call.hears(one.person.voice_hz, said.within_s()),
    )


@_act("<person> hears music[ within <time>]")
async def hears_music(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hears_sound(said.within_s(), (*VOICES, FALLBACK_HZ))


@_act("<person> hears the fallback[ within <time>]")
async def hears_fallback(_stage: Stage, said: Said) -> None:
    await said.who("person").in_call.hears(FALLBACK_HZ, said.within_s())


@_act("<person> hears nothing for <time>")
async def hears_nothing(_stage: Stage, said: Said) -> None:
    still_s = said.within_s()
    await said.who("person").in_call.hears_silence(still_s, still_s + PATIENCE_S)


@_act("<person>'s call ends[ within <time>]")
async def call_ends(_stage: Stage, said: Said) -> None:
    call: Call | None = said.who("person").call
    if call is None:
        raise Failed("a call that ends", "there was none")
    await call.ended(said.within_s())


@_act("<caller> is back in the dialplan: <text>[ within <time>]")
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


# --- Agents -------------------------------------------------------------------------------------------------------

_chapter = "Agents"


@_act("<agent> logs in")
async def log_in(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*40")


@_act("<agent> logs out")
async def log_out(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*41")


@_act("<agent> gets ready")
async def get_ready(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*42")


@_act("<agent> pauses for <reason>")
async def pause(stage: Stage, said: Said) -> None:
    number = next(known.number for known in stage.state.settings.pause_reasons if known.id == said.word("reason"))
    await said.who("agent").key_in(f"*43{number}")


@_act("<agent> ends the wrap-up")
async def end_wrap_up(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*44")


@_act("<agent> extends the wrap-up")
async def extend_wrap_up(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*45")


@_act("<agent> notes disposition <number>")
async def note_disposition(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in(f"*46{said.word('number')}")


def _membership(agent: Agent | None, queue: QueueId) -> Membership:
    entry = None if agent is None else agent.queues.get(queue)
    return Membership.LOGGED_OUT if entry is None else entry.state


async def _is_in_queue(stage: Stage, said: Said, state: Membership) -> None:
    await stage.until(
        lambda: _membership(said.agent_now, said.queue) is state,
        said.within_s(),
        f"{said.agent} is {state.value} in {said.queue}",
        lambda: _membership(said.agent_now, said.queue).value,
    )


@_act("<agent> is ready in <queue>[ within <time>]")
async def is_ready(stage: Stage, said: Said) -> None:
    await _is_in_queue(stage, said, Membership.READY)


@_act("<agent> is paused in <queue>[ within <time>]")
async def is_paused(stage: Stage, said: Said) -> None:
    await _is_in_queue(stage, said, Membership.PAUSED)


@_act("<agent> is logged out of <queue>[ within <time>]")
async def is_logged_out(stage: Stage, said: Said) -> None:
    await _is_in_queue(stage, said, Membership.LOGGED_OUT)


def _work(agent: Agent | None) -> Work | None:
    return None if agent is None else agent.work


async def _does(stage: Stage, said: Said, work: Work) -> None:
    await stage.until(
        lambda: _work(said.agent_now) is work,
        said.within_s(),
        f"{said.agent}: {work.value}",
        lambda: "the engine does not know the agent" if (now := _work(said.agent_now)) is None else now.value,
    )


@_act("<agent> is idle[ within <time>]")
async def is_idle(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.IDLE)


@_act("<agent> is ringing[ within <time>]")
async def is_ringing(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.RINGING)


@_act("<agent> is talking[ within <time>]")
async def is_talking(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.TALKING)


@_act("<agent> is in wrap-up[ within <time>]")
async def is_in_wrap_up(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.WRAP_UP)


# --- Queues and facts ---------------------------------------------------------------------------------------------

_chapter = "Queues and facts"


def _length(stage: Stage, queue: QueueId) -> int:
    known = stage.state.queues.get(queue)
    return 0 if known is None else known.length


async def _has(stage: Stage, said: Said, wanted: int) -> None:
    await stage.until(
        lambda: _length(stage, said.queue) == wanted,
        said.within_s(),
        f"{wanted} waiting in {said.queue}",
        lambda: f"{_length(stage, said.queue)}",
    )


@_act("<queue> has <number> waiting[ within <time>]")
async def has_waiting(stage: Stage, said: Said) -> None:
    await _has(stage, said, int(said.word("number")))


@_act("<queue> is empty[ within <time>]")
async def is_empty(stage: Stage, said: Said) -> None:
    await _has(stage, said, 0)


def _is(fact: Fact, kind: str, values: dict[str, Any]) -> bool:
    return isinstance(fact, FACTS[kind]) and all(
        _plain(getattr(fact, name, None)) == wanted for name, wanted in values.items()
    )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)


@_act("fact <fact>[ within <time>][ with <settings>]")
async def fact(stage: Stage, said: Said) -> None:
    """The next one of this kind, behind the one that was asked for last."""
    kind, values = said.word("fact"), settings_of(said.word("settings")) if said.word("settings") else {}

    def found() -> int | None:
        numbers = range(stage.looked_at, len(stage.facts))
        return next((number for number in numbers if _is(stage.facts[number], kind, values)), None)

    await stage.until(
        lambda: found() is not None,
        said.within_s(),
        f"fact {kind} {said.word('settings')}".strip(),
        lambda: "\n  ".join(["none among these:", *map(str, stage.facts[stage.looked_at :][-FACTS_SHOWN:])]),
    )
    number = found()
    assert number is not None, "it was found"
    stage.looked_at = number + 1


@_act("no fact <fact>[ with <settings>]")
async def no_fact(stage: Stage, said: Said) -> None:
    """None of them from the beginning to now."""
    kind, values = said.word("fact"), settings_of(said.word("settings")) if said.word("settings") else {}
    stage.engine.drain()
    known = next((fact for fact in stage.facts if _is(fact, kind, values)), None)
    if known is not None:
        raise Failed(f"no fact {kind} {said.word('settings')}".strip(), str(known))


# --- Faults -------------------------------------------------------------------------------------------------------

_chapter = "Faults"


@_act("the link to Asterisk is cut")
async def cut_link(stage: Stage, _said: Said) -> None:
    stage.wire.cut()


@_act("the link to Asterisk is half-open")
async def stall_link(stage: Stage, _said: Said) -> None:
    stage.wire.stall()


@_act("the link to Asterisk is slow by <time>")
async def slow_link(stage: Stage, said: Said) -> None:
    stage.wire.slow_down(said.within_s())


@_act("the link to Asterisk is whole")
async def mend_link(stage: Stage, _said: Said) -> None:
    stage.wire.mend()


@_act(LINE_IS_SLOW)
async def slow_line(_stage: Stage, said: Said) -> None:
    said.who("person").line.slow_down(said.within_s())


@_act(LINE_LOSES)
async def lossy_line(_stage: Stage, said: Said) -> None:
    count = int(said.word("number"))
    if count < FEWEST_PACKETS:
        raise Failed(f"one packet in {FEWEST_PACKETS} or more is lost", f"one in {count}")
    await said.who("person").line.lose_one_in(count)


@_act(LINE_IS_WHOLE)
async def mend_line(_stage: Stage, said: Said) -> None:
    await said.who("person").line.mend()


@_act(DISK_IS_FULL)
async def fill_disk(stage: Stage, _said: Said) -> None:
    stage.disk.fill()


@_act(DISK_HAS_ROOM)
async def free_disk(stage: Stage, _said: Said) -> None:
    stage.disk.free()


@_act("the engine is stopped")
async def stop_engine(stage: Stage, _said: Said) -> None:
    """As an operator stops it: it says good-bye."""
    stage.watch_engine_no_more()
    stage.engine.signal(signal.SIGTERM)
    code = await stage.engine.ended(STOP_WITHIN_S)
    if code != 0:
        raise Failed("the engine stops", f"it ended with {code}. The end of its log:\n{stage.engine.log_tail()}")


@_act("the engine is killed")
async def kill_engine(stage: Stage, _said: Said) -> None:
    stage.watch_engine_no_more()
    stage.engine.signal(signal.SIGKILL)
    await stage.engine.ended(PATIENCE_S)


@_act("the engine starts")
async def start_engine(stage: Stage, _said: Said) -> None:
    before = stage.lives
    await stage.engine.start()
    await stage.is_up(before + 1)
    stage.watch_engine()


@_act("the engine is paused")
async def pause_engine(stage: Stage, _said: Said) -> None:
    stage.engine.signal(signal.SIGSTOP)


@_act("the engine goes on")
async def continue_engine(stage: Stage, _said: Said) -> None:
    stage.engine.signal(signal.SIGCONT)


@_act("Asterisk restarts")
async def restart_asterisk(stage: Stage, _said: Said) -> None:
    await stage.restart_asterisk()


@_act("Asterisk is paused")
async def pause_asterisk(stage: Stage, _said: Said) -> None:
    await stage.pause_asterisk()


@_act("Asterisk goes on")
async def continue_asterisk(stage: Stage, _said: Said) -> None:
    await stage.continue_asterisk()


SHAPES: Final = [act.shape for act in ACTS]
IN_THE_LAB_ALONE: Final = (hears_fallback, restart_asterisk, pause_asterisk, continue_asterisk)


def only_in_the_lab(step: Step) -> bool:
    """Whether an operator's own Asterisk must be spared this, or cannot do it."""
    return DO[step.shape] in IN_THE_LAB_ALONE or bool(step.words.keys() & {"wishes"}) or _asks_for_priority(step)


def _asks_for_priority(step: Step) -> bool:
    return DO[step.shape] is call_queue and "number" in step.words


DO: Final = {act.shape: act.do for act in ACTS}
