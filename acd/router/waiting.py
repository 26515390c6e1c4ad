"""The waiting calls of one queue, so kept that the next one for an agent is found without a search.

Calls that ask for the same, on one server, with the same priority, are a group, oldest first. Requirements relax with
waiting and never grow: so whoever may not take the first call of a group may take none behind it. The groups of one
priority are a row, sorted by their first calls. A call that names an agent stands aside, in a group of that agent's,
until its time for that is over (docs/routing.md R33).
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from struct import Struct
from typing import NamedTuple

from sortedcontainers import SortedList

from acd.model import AgentId, CallId, ServerId
from acd.router.skills import Profile


class Place(NamedTuple):
    """A call's place in line: kept from the first moment to the last, whatever offers come to nothing."""

    since_ms: int
    number: int
    """Of the fact that queued the call: the last word between equals."""
    call: CallId


GroupKey = tuple[ServerId, int, Profile, AgentId | None]
"""Server, priority, profile, and the agent who is named."""


class Group:
    """Calls that whoever may take one of them may take in their order."""

    __slots__ = ("first", "named", "others", "priority", "profile", "server")

    def __init__(self, server: ServerId, priority: int, profile: Profile, named: AgentId | None) -> None:
        self.server = server
        self.priority = priority
        self.profile = profile
        self.named = named
        self.first: Place
        """While it has calls; a group without any is dropped."""
        self.others: SortedList[Place] | None = None
        """All but the first: most groups have one call, and a sorted list costs as much as all the rest."""

    def __repr__(self) -> str:
        return f"Group{self.key}"

    def __len__(self) -> int:
        return 1 if self.others is None else 1 + len(self.others)

    def __iter__(self) -> Iterator[Place]:
        """Its places, in their order."""
        yield self.first
        if self.others is not None:
            yield from self.others

    def __getitem__(self, index: int) -> Place:
        if index == 0:
            return self.first
        assert self.others is not None, f"{self} has one place, not {index + 1}"
        return self.others[index - 1]

    @property
    def key(self) -> GroupKey:
        """What its calls have in common."""
        return (self.server, self.priority, self.profile, self.named)


Head = tuple[int, int, Group]
"""A group by its first call: since when it waits, and its number. No two calls have one number, so groups are never
compared."""


FIRST = Struct("qqqq")


@dataclass(slots=True, repr=False)
class WaitingCalls:
    """All that wait in one queue for one more agent."""

    groups: dict[GroupKey, Group] = field(default_factory=dict)
    rows: dict[int, list[Head]] = field(default_factory=dict)
    """By priority: the groups that anyone may serve, by their first calls."""
    named_rows: dict[int, list[Head]] = field(default_factory=dict)
    """The same of those whose calls name an agent."""
    named: dict[AgentId, dict[GroupKey, Group]] = field(default_factory=dict)
    """Whose calls name an agent."""
    packed: bytes | None = None
    """Derived: the first calls of the rows (`pack`); None when it is to be made anew."""
    profiles: dict[Profile, int] = field(default_factory=dict)
    """What the queue's calls ask for that are not connected, and how many of them ask for it."""

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __iter__(self) -> Iterator[Place]:
        """All places, group by group."""
        for group in self.groups.values():
            yield from group

    def __repr__(self) -> str:
        lines = {key: list(group) for key, group in self.groups.items()}
        return f"WaitingCalls({lines}, {sorted(self.rows.items())}, {self.named}, {self.profiles})"

    def pack(self, weight: int) -> bytes:
        """Of each row that anyone may serve: its points as they are without growth (negative, as an order has them),
        since when its first call waits, that call's number, and the row's priority. `weight` is the queue's.

        An agent who is free asks several queues at which nobody may have looked for long. In a large centre that is a
        matter of memory: a row's dictionary, list, tuple and numbers lie in six places, none of them in a cache.
        """
        self.packed = b"".join(
            [FIRST.pack(-priority - weight, row[0][0], row[0][1], priority) for priority, row in self.rows.items()]
        )
        return self.packed

    def oldest(self, most: int, heard: Callable[[ServerId], bool]) -> list[tuple[int, Place]]:
        """The oldest of each priority on servers that can be heard, up to so many of each, with the priority. They
        stand in the groups whose first calls are as old: no more are looked at."""
        found: list[tuple[int, Place]] = []
        for rows in (self.rows, self.named_rows):
            for priority, row in rows.items():
                groups = islice((group for _, _, group in row if heard(group.server)), most)
                found += [(priority, place) for place in islice(merge(*groups), most)]
        return found

    def add(self, place: Place, key: GroupKey) -> Group:
        """Put a call at its place. Returns the group in which it stands."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(*key)
            if group.named is not None:
                self.named.setdefault(group.named, {})[key] = group
            group.first = place
            self._show_head(group)
            return group
        if group.others is None:
            group.others = SortedList()
        if place < group.first:
            self._drop_head(group)
            group.others.add(group.first)
            group.first = place
            self._show_head(group)
        else:
            group.others.add(place)
        return group

    def remove(self, place: Place, group: Group) -> None:
        """Take a call from its place."""
        others = group.others
        if group.first != place:
            assert others is not None, f"{place} does not stand in {group}"
            others.remove(place)
            return
        self._drop_head(group)
        if others:
            group.first = others.pop(0)
            self._show_head(group)
        else:
            self._drop(group)

    def _show_head(self, group: Group) -> None:
        rows = self.rows if group.named is None else self.named_rows
        since_ms, number, _ = group.first
        row = rows.get(group.priority)
        if row is None:
            row = rows[group.priority] = [(since_ms, number, group)]
        else:
            insort(row, (since_ms, number, group))
        if row[0][2] is group:
            self.packed = None

    def _drop_head(self, group: Group) -> None:
        rows = self.rows if group.named is None else self.named_rows
        row = rows[group.priority]
        if row[0][2] is group:
            self.packed = None
            del row[0]
        else:
            at = bisect_left(row, group.first[:2])  # a shorter tuple comes first
            assert row[at][2] is group, f"{group} is not where its first call says"
            del row[at]
        if not row:
            del rows[group.priority]

    def _drop(self, group: Group) -> None:
        key = group.key
        del self.groups[key]
        if group.named is not None:
            groups = self.named[group.named]
            del groups[key]
            if not groups:
                del self.named[group.named]

    # --- Profiles ---------------------------------------------------------------------------------------------

    def take_profile(self, profile: Profile) -> None:
        """One more call has this profile."""
        self.profiles[profile] = self.profiles.get(profile, 0) + 1

    def leave_profile(self, profile: Profile) -> None:
        """One call less has it."""
        left = self.profiles[profile] - 1
        if left:
            self.profiles[profile] = left
        else:
            del self.profiles[profile]
