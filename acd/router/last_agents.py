"""Who spoke with a caller last (docs/routing.md R39). A caller is known by the number, and by that alone."""

from collections import OrderedDict
from itertools import islice
from typing import Final

from acd.model import AgentId, Caller

DIGITS_LEAST: Final = 6
"""A shorter number is an extension, which many may use."""


def number_of(caller: Caller) -> str | None:
    """The digits by which the caller is known again; None where the number is withheld (empty, a word, one digit over
    and over) or too short."""
    if any(character.isalpha() for character in caller.number):
        return None
    digits = "".join(character for character in caller.number if character in "0123456789")
    return digits if len(digits) >= DIGITS_LEAST and len(set(digits)) > 1 else None


class LastAgents:
    """By the callers' numbers, the longest ago first. Numbers and texts in plain tables: nothing to walk over for
    Python's garbage collector."""

    __slots__ = ("_agents", "_until_ms")

    def __init__(self) -> None:
        self._agents: OrderedDict[str, AgentId] = OrderedDict()
        self._until_ms: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._agents)

    def __contains__(self, number: str) -> bool:
        return number in self._agents

    def __repr__(self) -> str:
        return f"LastAgents({[(number, agent, self._until_ms[number]) for number, agent in self._agents.items()]})"

    def find(self, number: str, now_ms: int) -> AgentId | None:
        """Who spoke with the caller last, as far as that is remembered."""
        return self._agents[number] if now_ms < self._until_ms.get(number, now_ms) else None

    @property
    def first_until_ms(self) -> int | None:
        """How long the first one is remembered; None where nobody is."""
        return self._until_ms[next(iter(self._agents))] if self._agents else None

    def over(self, now_ms: int, most: int) -> int:
        """Of how many of the first, up to so many, the time is over: till one comes of whom it is not."""
        for count, number in enumerate(islice(self._agents, most)):
            if self._until_ms[number] > now_ms:
                return count
        return min(most, len(self._agents))

    def remember(self, number: str, agent: AgentId, until_ms: int) -> None:
        """The caller has just spoken with this agent."""
        self._agents[number] = agent
        self._agents.move_to_end(number)
        self._until_ms[number] = until_ms

    def forget(self, count: int) -> None:
        """So many of the first."""
        for _ in range(count):
            number, _agent = self._agents.popitem(last=False)
            del self._until_ms[number]
