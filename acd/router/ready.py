"""The ready agents of one queue, so kept that the right one for a call is found without a search.

Agents of one tier and with the same skills are a class, in the order in which the queue's strategy takes them.
How many classes a queue may have is bounded by the configuration.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

import msgspec
from sortedcontainers import SortedList

from acd.model import AgentId
from acd.router.skills import SkillSet


class IdlePlace(msgspec.Struct, frozen=True, order=True, gc=False):
    """Since when the agent has been without work: the longest idle first."""

    free_since_ms: int
    number: int


NO_PLACE = IdlePlace(0, 0)
"""Of an agent who has not logged in yet."""


class AgentKey(NamedTuple):
    """An agent's place among the ready ones of a queue. Between equals the longest idle comes first."""

    first: int
    """What the strategy goes by."""
    free_since_ms: int
    number: int
    agent: AgentId


class ClassKey(NamedTuple):
    tier: int
    skills: SkillSet


@dataclass(slots=True, repr=False)
class ReadyAgents:
    """All agents whom the queue may offer its work."""

    classes: dict[ClassKey, "SortedList[AgentKey]"] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.classes)

    def __repr__(self) -> str:
        """Which class was there first means nothing."""
        return f"ReadyAgents({sorted(map(repr, self.classes.items()))})"

    def add(self, class_: ClassKey, key: AgentKey) -> None:
        """List an agent."""
        agents = self.classes.get(class_)
        if agents is None:
            agents = self.classes[class_] = SortedList()
        agents.add(key)

    def remove(self, class_: ClassKey, key: AgentKey) -> None:
        """Take an agent from the list."""
        agents = self.classes[class_]
        agents.remove(key)
        if not agents:
            del self.classes[class_]

    def drawn(
        self, classes: Iterable[ClassKey], out: dict[ClassKey, list[AgentKey]], seed: int, number: int
    ) -> AgentKey:
        """One of the agents of these classes by chance, in the measure of the weights that they are listed by; `out`
        takes no part. There must be somebody.

        Nobody is gone through: agents of one weight stand together in their class, and are counted by where they begin
        and end. What is looked at are the classes and the different weights, both bounded by the configuration.
        """
        runs = sorted(run for class_ in classes for run in self._runs(class_, out.get(class_, [])))
        ends = list(accumulate(run.weight * run.size for run in runs))
        drawn = ticket(seed, number, ends[-1])
        at = bisect_right(ends, drawn)
        run = runs[at]
        return self._nth(run, run.size + (drawn - ends[at]) // run.weight)

    def _runs(self, class_: ClassKey, out: list[AgentKey]) -> Iterator["_Run"]:
        agents, at = self.classes[class_], 0
        while at < len(agents):
            weight = agents[at].first
            end = agents.bisect_left(AgentKey(weight + 1, -1, -1, AgentId("")))
            gone = sorted(agents.index(key) for key in out if key.first == weight)
            yield _Run(weight, class_.skills.names, class_, at, end - at - len(gone), gone)
            at = end

    def _nth(self, run: "_Run", index: int) -> AgentKey:
        at = run.at + index
        for gone in run.gone:
            at += gone <= at
        return self.classes[run.class_][at]


class _Run(NamedTuple):
    """Agents of one class and one weight. Classes of one tier differ in their skills."""

    weight: int
    skills: tuple[tuple[str, int], ...]
    class_: ClassKey
    at: int
    """Where they begin in their class."""
    size: int
    """How many take part."""
    gone: list[int]
    """Where those stand who take no part."""


def ticket(seed: int, number: int, tickets: int) -> int:
    """One of so many tickets, by chance: the same for the same seed and fact."""
    return _mix(_mix(seed & MASK) ^ _mix(number)) % tickets


MASK = 2**64 - 1


def _mix(value: int) -> int:
    """Spread the bits of a 64-bit number (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)
