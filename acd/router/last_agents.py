"""Who spoke with a caller last (docs/routing.md R39). A caller is known by the number, and by that alone."""

from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedList

from acd.model import AgentId, Caller
from acd.router.tables import Numbered, ShardedDict

DIGITS_LEAST: Final = 6
"""A shorter number is an extension, which many may use."""


def digits_of(caller: Caller) -> str:
    """The digits of the number; none of a word, which stands where it is withheld."""
    if any(character.isalpha() for character in caller.number):
        return ""
    return "".join(character for character in caller.number if character in "0123456789")


def number_of(caller: Caller) -> str | None:
    """The digits by which the caller is known again; None where the number is withheld (empty, a word, one digit over
    and over) or too short."""
    digits = digits_of(caller)
    return digits if len(digits) >= DIGITS_LEAST and not is_withheld(caller) else None


def is_withheld(caller: Caller) -> bool:
    """Whether the number says nothing: it is empty, a word, one digit, or too long an extension of one digit over and
    over."""
    digits = digits_of(caller)
    return len(set(digits)) < 2 and not 1 < len(digits) < DIGITS_LEAST


class LastAgents:
    """By the callers' numbers, the longest ago first; and by the time until which each is remembered, for a reload may
    make that shorter. Numbers and texts in plain tables: little to walk over for Python's garbage collector."""

    __slots__ = ("_agents", "_ends", "_in_order", "_last", "_until_ms")

    def __init__(self) -> None:
        self._agents: ShardedDict[str, AgentId] = ShardedDict()
        self._until_ms: ShardedDict[str, int] = ShardedDict()
        self._in_order: Numbered[str] = Numbered()
        self._last = 0
        """The number of the last conversation."""
        self._ends: SortedList[tuple[int, str]] = SortedList()

    def __len__(self) -> int:
        return len(self._ends)

    def __contains__(self, number: str) -> bool:
        return number in self._agents

    def __repr__(self) -> str:
        return f"LastAgents({[(number, self._agents[number], self._until_ms[number]) for number in self._in_order]})"

    def find(self, number: str, now_ms: int) -> AgentId | None:
        """Who spoke with the caller last, as far as that is remembered."""
        return self._agents[number] if now_ms < self._until_ms.get(number, now_ms) else None

    @property
    def first_until_ms(self) -> int | None:
        """When the first one is to be forgotten; None where nobody is remembered."""
        return self._ends[0][0] if self._ends else None

    def times_ms(self) -> Iterator[int]:
        """Until when each is remembered."""
        return iter(self._until_ms.values())

    def over(self, now_ms: int, most: int) -> int:
        """Of how many the time is over, up to so many."""
        return min(most, self._ends.bisect_left((now_ms + 1, "")))

    def remember(self, number: str, agent: AgentId, until_ms: int) -> None:
        """The caller has just spoken with this agent."""
        if number in self._agents:
            self._ends.remove((self._until_ms[number], number))
        self._agents[number] = agent
        self._until_ms[number] = until_ms
        self._last += 1
        self._in_order.put(number, self._last)
        self._ends.add((until_ms, number))

    def forget(self, count: int) -> None:
        """So many of those whose conversation is the longest ago."""
        for _ in range(count):
            number = self._in_order.first()
            self._ends.remove((self._until_ms[number], number))
            self._drop(number)

    def forget_first(self, count: int) -> None:
        """So many of those whose time is over first."""
        for _ in range(count):
            _until_ms, number = self._ends.pop(0)
            self._drop(number)

    def _drop(self, number: str) -> None:
        self._in_order.drop(number)
        del self._agents[number], self._until_ms[number]
