"""The ready agents of one queue, so kept that the right one for a call is found without a search.

Agents of one tier and with the same skills are a class, in the order in which the queue's strategy takes them.
How many classes a queue may have is bounded by the configuration.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from sortedcontainers import SortedList

from acd.model import AgentId
from acd.router.skills import SkillSet


class IdlePlace(NamedTuple):
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


def draw(seed: int, number: int, agent: AgentId, weight: int) -> int:
    """A place by chance: among agents who each drew one, the lowest is any agent's in the measure of the weight.

    Each draws an exponential time at the rate of the weight; who is first is a weighted choice, without asking the
    others (Efraimidis and Spirakis, 2006). In millionths.
    """
    mixed = _mix(_mix(seed & MASK) ^ _mix(number) ^ int.from_bytes(agent.encode()) % MASK)
    return round(-math.log((mixed + 1) / (MASK + 2)) / weight * 1_000_000)


MASK = 2**64 - 1


def _mix(value: int) -> int:
    """Spread the bits of a 64-bit number (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)
