"""One turn of the core: what a decision may see and how it speaks."""

from acd.router.apply import APPLY
from acd.router.facts import Fact
from acd.router.state import State

SLICE = 25
"""The most that one turn does of a large effect (many deadlines, a queue that closes, a lost server)."""


class Turn:
    """The state, the time, and the facts said so far. A fact is applied in the moment in which it is said. The core has
    one, and begins it anew with each input."""

    __slots__ = ("facts", "now_ms", "state", "weight")

    def __init__(self, state: State) -> None:
        self.state = state
        self.now_ms = 0
        self.facts: list[Fact] = []
        self.weight = 0
        """What has been done that the facts do not show by their number: agents put in order, many by one fact."""

    def say(self, fact: Fact) -> None:
        """Make it so: `apply`, written out, for the sake of one call less for each fact."""
        state = self.state
        state.fact_count += 1
        state.now_ms = fact.at_ms
        APPLY[type(fact)](state, fact)
        self.facts.append(fact)

    @property
    def is_full(self) -> bool:
        """Whether what else is due is left to the next turn."""
        return len(self.facts) + self.weight >= SLICE

    def new_id(self) -> str:
        """The id of what the next fact brings into being: the journal's tag and that fact's number."""
        return f"{self.state.tag}-{self.state.fact_count + 1}"
