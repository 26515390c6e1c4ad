"""What the demo asks of a stage: phones, people and an engine, on Asterisk or simulated."""

from collections.abc import Callable
from typing import Protocol

from acd.core import Fact
from acd.lab.view.board import Observation

TellFact = Callable[[int, Fact], None]
"""Gets each committed fact with its number, in order."""
TellSeen = Callable[[Observation], None]
"""Gets what phones notice."""


class StageFailed(Exception):
    """A part of the stage failed: the demo ends, and the text says why."""


class StageTaken(Exception):
    """Somebody else plays there; the text says who, and what to do."""


class Stage(Protocol):
    """Whoever starts it stops it, also when the start has failed or was broken off."""

    title: str
    """What it is, in a few words."""

    async def start(self) -> None:
        """Return when everything is there; callers call from then on. Raises `StageFailed`, `StageTaken`,
        `LabUnavailable`."""

    async def ended(self) -> None:
        """Raise `StageFailed` when a part of it fails; until then wait."""

    async def stop(self) -> None:
        """Leave nothing behind, within bounded time. It must not be broken off."""
