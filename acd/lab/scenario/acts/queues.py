"""How queues stand, and which facts were made."""

from typing import Any, Final

import msgspec

from acd.core import Fact
from acd.lab.scenario.acts.said import Chapter, Said
from acd.lab.scenario.script import FACTS, settings_of
from acd.lab.scenario.stage import (
    Failed,
    Stage,
)
from acd.model import QueueId

FACTS_SHOWN: Final = 12
CHAPTER: Final = Chapter("Queues and facts")


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


@CHAPTER.sentence("<queue> has <number> waiting[ within <time>]")
async def has_waiting(stage: Stage, said: Said) -> None:
    await _has(stage, said, int(said.word("number")))


@CHAPTER.sentence("<queue> is empty[ within <time>]")
async def is_empty(stage: Stage, said: Said) -> None:
    await _has(stage, said, 0)


def _is(fact: Fact, kind: str, values: dict[str, Any]) -> bool:
    return isinstance(fact, FACTS[kind]) and all(
        _plain(getattr(fact, name, None)) == wanted for name, wanted in values.items()
    )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)


@CHAPTER.sentence("fact <fact>[ within <time>][ with <settings>]")
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


@CHAPTER.sentence("no fact <fact>[ with <settings>]")
async def no_fact(stage: Stage, said: Said) -> None:
    """None of them from the beginning to now."""
    kind, values = said.word("fact"), settings_of(said.word("settings")) if said.word("settings") else {}
    stage.engine.drain()
    known = next((fact for fact in stage.facts if _is(fact, kind, values)), None)
    if known is not None:
        raise Failed(f"no fact {kind} {said.word('settings')}".strip(), str(known))
