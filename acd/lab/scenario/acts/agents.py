"""What agents key in, and how the engine has them then."""

from typing import Final

from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.stage import (
    Stage,
)
from acd.model import QueueId
from acd.router.state import Agent
from acd.router.states import Membership, Work

CHAPTER: Final = Chapter("Agents")


@CHAPTER.sentence("<agent> logs in")
async def log_in(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*40")


@CHAPTER.sentence("<agent> logs out")
async def log_out(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*41")


@CHAPTER.sentence("<agent> gets ready")
async def get_ready(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*42")


@CHAPTER.sentence("<agent> pauses for <reason>")
async def pause(stage: Stage, said: Said) -> None:
    number = next(known.number for known in stage.state.settings.pause_reasons if known.id == said.word("reason"))
    await said.who("agent").key_in(f"*43{number}")


@CHAPTER.sentence("<agent> ends the wrap-up")
async def end_wrap_up(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*44")


@CHAPTER.sentence("<agent> extends the wrap-up")
async def extend_wrap_up(_stage: Stage, said: Said) -> None:
    await said.who("agent").key_in("*45")


@CHAPTER.sentence("<agent> notes disposition <number>")
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


@CHAPTER.sentence("<agent> is ready in <queue>[ within <time>]")
async def is_ready(stage: Stage, said: Said) -> None:
    await _is_in_queue(stage, said, Membership.READY)


@CHAPTER.sentence("<agent> is paused in <queue>[ within <time>]")
async def is_paused(stage: Stage, said: Said) -> None:
    await _is_in_queue(stage, said, Membership.PAUSED)


@CHAPTER.sentence("<agent> is logged out of <queue>[ within <time>]")
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


@CHAPTER.sentence("<agent> is idle[ within <time>]")
async def is_idle(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.IDLE)


@CHAPTER.sentence("<agent> is ringing[ within <time>]")
async def is_ringing(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.RINGING)


@CHAPTER.sentence("<agent> is talking[ within <time>]")
async def is_talking(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.TALKING)


@CHAPTER.sentence("<agent> is in wrap-up[ within <time>]")
async def is_in_wrap_up(stage: Stage, said: Said) -> None:
    await _does(stage, said, Work.WRAP_UP)
