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

    __slots__ = ("due", "early", "early_keys", "kind", "last", "sorted")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.due: OrderedDict[str, int] = OrderedDict()
        self.last = 0
        self.early: dict[str, int] = {}
        self.early_keys: dict[int, str] = {}
        self.sorted: SortedList[int] = SortedList()

    def __len__(self) -> int:
        return len(self.due) + len(self.early)

    def find(self, key: str) -> int | None:
        """When what has this key is due."""
        at = self.due.get(key)
        return self.early.get(key) if at is None else at

    def first(self) -> tuple[int, str]:
        """The earliest, with its key. There must be one."""
        if self.due:
            key, at = next(iter(self.due.items()))
            if not self.early or at < self.sorted[0]:
                return at, key
        return self.sorted[0], self.early_keys[self.sorted[0]]


def _deadline(kind: Kind, at: int, key: str) -> Deadline:
    subject, _, other = key.partition(BETWEEN)
    return Deadline(at >> ORDER_BITS, at & (1 << ORDER_BITS) - 1, kind, subject, other)


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
        return sum(len(lane) for lane in self._lanes.values())

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        if self.next_ms is None or self.next_ms > now_ms:
            return None
        return _deadline(self._first_lane.kind, *self._first_lane.first())

    def is_due(self, kind: Kind, now_ms: int) -> bool:
        """Whether the time of any of this kind has come."""
        if self.next_ms is None or self.next_ms > now_ms:
            return False
        lane = self._lanes[kind]
        return len(lane) > 0 and lane.first()[0] >> ORDER_BITS <= now_ms

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        key = subject + BETWEEN + other if other else subject
        at = self._lanes[kind].find(key)
        return None if at is None else _deadline(kind, at, key)

    def set(self, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
        """Set it, in place of the one with the same key."""
        lane, key = self._lanes[kind], subject + BETWEEN + other if other else subject
        if key in lane.due or key in lane.early:
            self.drop(kind, subject, other)
        self._set += 1
        at = due_ms << ORDER_BITS | self._set
        if lane.last < at:
            lane.last = at
            lane.due[key] = at
        else:
            lane.early[key] = at
            lane.early_keys[at] = key
            lane.sorted.add(at)
        if self._first is None or at < self._first:
            self._first, self._first_lane, self.next_ms = at, lane, due_ms

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        lane, key = self._lanes[kind], subject + BETWEEN + other if other else subject
        at = lane.due.pop(key, None)
        if at is not None:
            if not lane.due:
                lane.last = 0
        elif key in lane.early:
            at = lane.early.pop(key)
            lane.sorted.remove(at)
            del lane.early_keys[at]
        else:
            return
        if at == self._first:
            self._look_for_first()

    def _look_for_first(self) -> None:
        self._first = None
        for lane in self._lanes.values():
            if lane.due or lane.early:
                first = lane.first()
                if self._first is None or first[0] < self._first:
                    self._first, self._first_lane = first[0], lane
        self.next_ms = None if self._first is None else self._first >> ORDER_BITS

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        found = [
            _deadline(lane.kind, at, key)
            for lane in self._lanes.values()
            for key, at in (*lane.due.items(), *lane.early.items())
        ]
        return sorted(found)
