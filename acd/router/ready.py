"""The ready agents of one queue, so kept that the right one for a call is found without a search.

Agents of one tier and with the same skills are a class, in the order in which the queue's strategy takes them.
How many classes a queue may have is bounded by the configuration.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    urns: dict[ClassKey, "Urn"] = field(default_factory=dict, compare=False)
    """Derived, where agents are drawn: of classes that have not changed since."""

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
        if self.urns:
            self.urns.pop(class_, None)

    def remove(self, class_: ClassKey, key: AgentKey) -> None:
        """Take an agent from the list."""
        agents = self.classes[class_]
        agents.remove(key)
        if not agents:
            del self.classes[class_]
        if self.urns:
            self.urns.pop(class_, None)

    def drawn(
        self, classes: Iterable[ClassKey], out: Mapping[ClassKey, Sequence[AgentKey]], seed: int, number: int
    ) -> AgentKey:
        """One of the agents of these classes by chance, in the measure of the weights that they are listed by; `out`
        takes no part. There must be somebody.

        Nobody is gone through: of each class it is known how many tickets it holds, and in the one that is drawn agents
        of one weight stand together. What is looked at are the classes and, in one of them, the different weights, both
        bounded by the configuration.
        """
        ordered = sorted(classes, key=lambda class_: class_.skills.names)  # those of one tier differ in their skills
        begins = list(accumulate((self._tickets(class_, out.get(class_, ())) for class_ in ordered), initial=0))
        drawn = ticket(seed, number, begins[-1])
        at = bisect_right(begins, drawn) - 1
        return self._holder(ordered[at], drawn - begins[at], out.get(ordered[at], ()))

    def _tickets(self, class_: ClassKey, out: Sequence[AgentKey]) -> int:
        tickets = self.urn(class_).tickets
        return tickets - sum(key.first for key in out) if out else tickets

    def _holder(self, class_: ClassKey, number: int, out: Sequence[AgentKey]) -> AgentKey:
        """Who of the class holds this ticket, counted from 0 over those who take part."""
        agents, runs = self.classes[class_], self.urn(class_).runs
        gone = Counter(key.first for key in out)
        begins = list(
            accumulate((weight * (end - begin - gone[weight]) for weight, begin, end in runs), initial=0),
        )
        at = bisect_right(begins, number) - 1
        weight, place, _ = runs[at]
        place += (number - begins[at]) // weight
        for absent in sorted(agents.index(key) for key in out if key.first == weight):
            place += absent <= place
        return agents[place]

    def urn(self, class_: ClassKey) -> "Urn":
        """The tickets of a class, remembered until the class changes."""
        urn = self.urns.get(class_)
        if urn is None:
            urn = self.urns[class_] = self._filled(class_)
        return urn

    def _filled(self, class_: ClassKey) -> "Urn":
        agents, begin, runs, tickets = self.classes[class_], 0, [], 0
        while begin < len(agents):
            weight = agents[begin].first
            end = agents.bisect_left(AgentKey(weight + 1, -1, -1, AgentId("")))
            runs.append((weight, begin, end))
            tickets += weight * (end - begin)
            begin = end
        return Urn(tickets, runs)


class Urn(NamedTuple):
    """The tickets of the agents of one class: each has as many as the weight says."""

    tickets: int
    runs: list[tuple[int, int, int]]
    """Each weight, and from where to where in the class those stand who have it."""


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
