"""What a sentence says, and how it is told what to do: every chapter of the guide fills its own list."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from acd.lab.scenario.shapes import Shape, seconds
from acd.lab.scenario.stage import PATIENCE_S, AtPhone, Stage
from acd.model import AgentId, QueueId
from acd.router.state import Agent


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


class Chapter:
    """Sentences of one kind, in the order in which the guide lists them."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.acts: list[Act] = []

    def sentence(self, *shapes: str) -> Callable[[Do], Do]:
        """The function below it does what these say."""

        def add(do: Do) -> Do:
            self.acts.extend(Act(Shape(text), do, self.title) for text in shapes)
            return do

        return add
