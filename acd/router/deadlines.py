"""What falls due, and when. Part of the core's state: entries leave when their reason ends, not when found stale."""

from collections import OrderedDict
from typing import Literal, NamedTuple, get_args

from sortedcontainers import SortedList

Kind = Literal[
    "ring",
    "connect",
    "give-up",
    "named",
    "wrap-up",
    "pause",
    "refusal",
    "rest",
    "server-lost",
    "settle",
    "retire",
    "leave",
    "announce",
    "reorder",
    "recount",
]
Key = tuple[Kind, str, str]
ORDER_BITS = 48
"""A moment and an order are one number: numbers are sorted twice as fast as tuples."""


class Deadline(NamedTuple):
    """`order` counts the deadlines as they were set: those of one instant fall due in that order."""

    due_ms: int
    order: int
    kind: Kind
    subject: str
    other: str = ""


class _Lane:
    """Deadlines of one kind. Most lie equally far ahead: so long as phones ring, as wrap-ups last, as callers are kept.
    They fall due in the order in which they are set, and nothing is to be sorted; what is due before the last of these
    is."""

    __slots__ = ("keys", "last", "sorted", "sorted_keys")

    def __init__(self) -> None:
        self.keys: OrderedDict[int, Key] = OrderedDict()
        self.last = 0
        self.sorted: SortedList[int] = SortedList()
        self.sorted_keys: dict[int, Key] = {}

    def first(self) -> tuple[int, Key] | None:
        """The earliest."""
        first = next(iter(self.keys.items())) if self.keys else None
        if self.sorted_keys and (first is None or self.sorted[0] < first[0]):
            first = (self.sorted[0], self.sorted_keys[self.sorted[0]])
        return first


class Deadlines:
    """A sorted set of deadlines with at most one for each (kind, subject, other)."""

    def __init__(self) -> None:
        self._at: dict[Key, int] = {}
        self._lanes: dict[Kind, _Lane] = {kind: _Lane() for kind in get_args(Kind)}
        self._first: tuple[int, Key] | None = None
        self.next_ms: int | None = None
        """When the next one falls due."""
        self._set = 0

    def __len__(self) -> int:
        return len(self._at)

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        if self._first is None or self._first[0] >> ORDER_BITS > now_ms:
            return None
        return _deadline(*self._first)

    def is_due(self, kind: Kind, now_ms: int) -> bool:
        """Whether the time of any of this kind has come."""
        if self.next_ms is None or self.next_ms > now_ms:
            return False
        first = self._lanes[kind].first()
        return first is not None and first[0] >> ORDER_BITS <= now_ms

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        key = (kind, subject, other)
        at = self._at.get(key)
        return None if at is None else _deadline(at, key)

    def set(self, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
        """Set it, in place of the one with the same key."""
        key = (kind, subject, other)
        if key in self._at:
            self.drop(kind, subject, other)
        self._set += 1
        at = due_ms << ORDER_BITS | self._set
        lane = self._lanes[kind]
        if lane.last < at:
            lane.last = at
            lane.keys[at] = key
        else:
            lane.sorted.add(at)
            lane.sorted_keys[at] = key
        self._at[key] = at
        if self._first is None or at < self._first[0]:
            self._first = (at, key)
            self.next_ms = due_ms

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        at = self._at.pop((kind, subject, other), None)
        if at is None:
            return
        lane = self._lanes[kind]
        if lane.keys.pop(at, None) is None:
            lane.sorted.remove(at)
            del lane.sorted_keys[at]
        elif not lane.keys:
            lane.last = 0
        assert self._first is not None, "one was there"
        if at == self._first[0]:
            self._first = self._earliest()
            self.next_ms = None if self._first is None else self._first[0] >> ORDER_BITS

    def _earliest(self) -> tuple[int, Key] | None:
        lanes = (lane for lane in self._lanes.values() if lane.keys or lane.sorted_keys)
        return min((first for lane in lanes if (first := lane.first()) is not None), default=None)

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        return sorted(_deadline(at, key) for key, at in self._at.items())


def _deadline(at: int, key: Key) -> Deadline:
    return Deadline(at >> ORDER_BITS, at & (1 << ORDER_BITS) - 1, *key)
