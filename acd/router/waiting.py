"""The waiting calls of one queue, so kept that the next one for an agent is found without a search.

Calls that ask for the same, on one server, with the same priority, are a group, oldest first. Requirements relax with
waiting and never grow: so whoever may not take the first call of a group may take none behind it. The groups of one
priority are a row, sorted by their first calls. A call that names an agent stands aside, in a group of that agent's,
until its time for that is over (docs/routing.md R34).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sortedcontainers import SortedList

from acd.model import AgentId, CallId, ServerId
from acd.router.skills import Asked, Profile


class Place(NamedTuple):
    """A call's place in line: kept from the first moment to the last, whatever offers come to nothing."""

    since_ms: int
    number: int
    """Of the fact that queued the call: the last word between equals."""
    call: CallId


class GroupKey(NamedTuple):
    server: ServerId
    priority: int
    profile: Profile
    named: AgentId | None


@dataclass(slots=True, eq=False)
class Group:
    """Calls that whoever may take one of them may take in their order."""

    key: GroupKey
    places: "SortedList[Place]" = field(default_factory=SortedList)


class Head(NamedTuple):
    """A group by its first call. No two calls have one number, so groups are never compared."""

    since_ms: int
    number: int
    group: Group


@dataclass(slots=True)
class WaitingCalls:
    """All that wait in one queue for one more agent."""

    groups: dict[GroupKey, Group] = field(default_factory=dict)
    rows: dict[int, list[Head]] = field(default_factory=dict)
    """By priority: the groups that anyone may serve, by their first calls."""
    named: dict[AgentId, dict[GroupKey, Group]] = field(default_factory=dict)
    """Whose calls name an agent."""
    profiles: dict[Asked, Profile] = field(default_factory=dict)
    """What the queue's calls ask for, those included that ring or talk."""

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __iter__(self) -> Iterator[Place]:
        """All places, group by group."""
        for group in self.groups.values():
            yield from group.places

    def add(self, place: Place, key: GroupKey) -> None:
        """Put a call at its place."""
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(key)
            if key.named is not None:
                self.named.setdefault(key.named, {})[key] = group
        elif place < group.places[0]:
            self._drop_head(group)
        else:
            group.places.add(place)
            return
        group.places.add(place)
        self._show_head(group)

    def remove(self, place: Place, key: GroupKey) -> None:
        """Take a call from its place."""
        group = self.groups[key]
        if group.places[0] != place:
            group.places.remove(place)
            return
        self._drop_head(group)
        del group.places[0]
        if group.places:
            self._show_head(group)
        else:
            self._drop(group)

    def _show_head(self, group: Group) -> None:
        if group.key.named is None:
            first = group.places[0]
            insort(self.rows.setdefault(group.key.priority, []), Head(first.since_ms, first.number, group))

    def _drop_head(self, group: Group) -> None:
        if group.key.named is not None:
            return
        row = self.rows[group.key.priority]
        at = bisect_left(row, group.places[0][:2])
        assert row[at].group is group, f"{group} is not where its first call says"
        del row[at]
        if not row:
            del self.rows[group.key.priority]

    def _drop(self, group: Group) -> None:
        del self.groups[group.key]
        if group.key.named is not None:
            del self.named[group.key.named][group.key]
            if not self.named[group.key.named]:
                del self.named[group.key.named]

    # --- Profiles ---------------------------------------------------------------------------------------------

    def take_profile(self, asked: Asked) -> Profile:
        """The profile for one more call that asks for this."""
        profile = self.profiles.get(asked)
        if profile is None:
            profile = self.profiles[asked] = Profile(*asked)
        profile.calls += 1
        return profile

    def leave_profile(self, asked: Asked) -> None:
        """One call less has it."""
        profile = self.profiles[asked]
        profile.calls -= 1
        if profile.calls == 0:
            del self.profiles[asked]
