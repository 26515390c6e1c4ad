"""What the demo asks of a stage: phones, people and an engine, on Asterisk or simulated."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from acd.core import Fact
from acd.lab.board import Observation

TellFact = Callable[[int, Fact], None]
"""Gets each committed fact with its number, in order."""
TellSeen = Callable[[Observation], None]
"""Gets what phones notice."""


class StageFailed(Exception):
    """A part of the stage failed: the demo ends, and the text says why."""


class Stage(AbstractAsyncContextManager[Any], Protocol):
    """`async with` starts everything, and leaves nothing behind. Callers call from then on."""

    title: str
    """What it is, in a few words."""

    async def ended(self) -> None:
        """Raise `StageFailed` when a part of it fails; until then wait."""
