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
ORDER_BITS = 48
"""A moment and an order are one number: numbers are sorted twice as fast as tuples."""
BETWEEN = "\x1f"
"""Between subject and other, in one string: a table of strings and numbers is nothing to Python's garbage collector,
one with tuples in it is walked over again and again."""


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

    __slots__ = ("at", "keys", "kind", "last", "sorted", "sorted_keys")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.at: dict[str, int] = {}
        self.keys: OrderedDict[int, str] = OrderedDict()
        self.last = 0
        self.sorted: SortedList[int] = SortedList()
        self.sorted_keys: dict[int, str] = {}

    def first(self) -> int | None:
        """The earliest."""
        first = next(iter(self.keys)) if self.keys else None
        if self.sorted_keys and (first is None or self.sorted[0] < first):
            return self.sorted[0]
        return first

    def deadline(self, at: int) -> Deadline:
        """The one that stands there."""
        key = self.keys[at] if at in self.keys else self.sorted_keys[at]
        subject, _, other = key.partition(BETWEEN)
        return Deadline(at >> ORDER_BITS, at & (1 << ORDER_BITS) - 1, self.kind, subject, other)


class Deadlines:
    """A sorted set of deadlines with at most one for each (kind, subject, other)."""

    def __init__(self) -> None:
        self._lanes: dict[Kind, _Lane] = {kind: _Lane(kind) for kind in get_args(Kind)}
        self._first: int | None = None
        self._first_lane = self._lanes["ring"]
        self.next_ms: int | None = None
        """When the next one falls due."""
        self._set = 0

    def __len__(self) -> int:
        return sum(len(lane.at) for lane in self._lanes.values())

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        if self._first is None or self._first >> ORDER_BITS > now_ms:
            return None
        return self._first_lane.deadline(self._first)

    def is_due(self, kind: Kind, now_ms: int) -> bool:
        """Whether the time of any of this kind has come."""
        if self.next_ms is None or self.next_ms > now_ms:
            return False
        first = self._lanes[kind].first()
        return first is not None and first >> ORDER_BITS <= now_ms

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        lane = self._lanes[kind]
        at = lane.at.get(subject + BETWEEN + other if other else subject)
        return None if at is None else lane.deadline(at)

    def set(self, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
        """Set it, in place of the one with the same key."""
        lane, key = self._lanes[kind], subject + BETWEEN + other if other else subject
        if key in lane.at:
            self.drop(kind, subject, other)
        self._set += 1
        at = due_ms << ORDER_BITS | self._set
        if lane.last < at:
            lane.last = at
            lane.keys[at] = key
        else:
            lane.sorted.add(at)
            lane.sorted_keys[at] = key
        lane.at[key] = at
        if self._first is None or at < self._first:
            self._first, self._first_lane = at, lane
            self.next_ms = due_ms

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        lane = self._lanes[kind]
        at = lane.at.pop(subject + BETWEEN + other if other else subject, None)
        if at is None:
            return
        if lane.keys.pop(at, None) is None:
            lane.sorted.remove(at)
            del lane.sorted_keys[at]
        elif not lane.keys:
            lane.last = 0
        if at == self._first:
            self._look_for_first()

    def _look_for_first(self) -> None:
        self._first = None
        for lane in self._lanes.values():
            if lane.at:
                first = lane.first()
                assert first is not None, f"nothing stands for {lane.at}"
                if self._first is None or first < self._first:
                    self._first, self._first_lane = first, lane
        self.next_ms = None if self._first is None else self._first >> ORDER_BITS

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        return sorted(lane.deadline(at) for lane in self._lanes.values() for at in lane.at.values())
