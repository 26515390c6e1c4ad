"""What falls due, and when. Part of the core's state: entries leave when their reason ends, not when found stale."""

from collections import OrderedDict
from typing import Any, Literal, get_args

import msgspec
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
    "forget",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
ORDER_BITS = 48
"""A moment and an order are one number: numbers are sorted twice as fast as tuples."""
BETWEEN = "\x1f"
"""Between subject and other, in one string: a table of strings and numbers is nothing to Python's garbage collector,
one with tuples in it is walked over again and again."""


class Deadline(msgspec.Struct, frozen=True, order=True, gc=False):
    """`order` counts the deadlines as they were set: those of one instant fall due in that order."""

    due_ms: int
    order: int
    kind: Kind
    subject: Any
    """The id of an offer, a call, an agent, a queue or a server, as the kind has it."""
    other: Any = ""


NEVER = 1 << 120
"""Beyond all moments: where nothing is due."""


class _Lane:
    """Deadlines of one kind. Most lie equally far ahead: so long as phones ring, as wrap-ups last, as callers are kept.
    They fall due in the order in which they are set, and nothing is to be sorted; what is due before the last of these
    is."""

    __slots__ = ("due", "early", "early_keys", "kind", "last", "number", "sorted")

    def __init__(self, number: int, kind: Kind) -> None:
        self.number = number
        self.kind = kind
        self.due: OrderedDict[str, int] = OrderedDict()
        self.last = 0
        self.early: dict[str, int] = {}
        self.early_keys: dict[int, str] = {}
        self.sorted: SortedList[int] = SortedList()

    def find(self, key: str) -> int | None:
        """When what has this key is due."""
        at = self.due.get(key)
        return self.early.get(key) if at is None else at

    def first(self) -> int:
        """The earliest."""
        first = next(iter(self.due.values())) if self.due else NEVER
        return min(first, self.sorted[0]) if self.early else first

    def key_of_first(self) -> str:
        """What is due first. There must be something."""
        if self.early and (not self.due or self.sorted[0] < next(iter(self.due.values()))):
            return self.early_keys[self.sorted[0]]
        return next(iter(self.due))


def _deadline(kind: Kind, at: int, key: str) -> Deadline:
    subject, _, other = key.partition(BETWEEN)
    return Deadline(at >> ORDER_BITS, at & (1 << ORDER_BITS) - 1, kind, subject, other)


class Deadlines:
    """A sorted set of deadlines with at most one for each (kind, subject, other)."""

    def __init__(self) -> None:
        self._lanes: dict[Kind, _Lane] = {kind: _Lane(number, kind) for number, kind in enumerate(KINDS)}
        self._firsts = [NEVER] * len(self._lanes)
        """The earliest of each lane."""
        self._first = NEVER
        self.next_ms: int | None = None
        """When the next one falls due."""
        self._set = 0

    def __len__(self) -> int:
        return sum(len(lane.due) + len(lane.early) for lane in self._lanes.values())

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        if self.next_ms is None or self.next_ms > now_ms:
            return None
        kind = KINDS[self._firsts.index(self._first)]
        return _deadline(kind, self._first, self._lanes[kind].key_of_first())

    def is_due(self, kind: Kind, now_ms: int) -> bool:
        """Whether the time of any of this kind has come."""
        return self._firsts[self._lanes[kind].number] >> ORDER_BITS <= now_ms

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        key = subject + BETWEEN + other if other else subject
        at = self._lanes[kind].find(key)
        return None if at is None else _deadline(kind, at, key)

    def set(self, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
        """Set it, in place of the one with the same key."""
        lane, key = self._lanes[kind], subject + BETWEEN + other if other else subject
        due = lane.due
        if key in due or key in lane.early:
            self.drop(kind, subject, other)
        self._set = order = self._set + 1
        at = due_ms << ORDER_BITS | order
        if lane.last < at:
            lane.last = due[key] = at
        else:
            lane.early[key] = at
            lane.early_keys[at] = key
            lane.sorted.add(at)
        if at < self._firsts[lane.number]:
            self._firsts[lane.number] = at
            if at < self._first:
                self._first, self.next_ms = at, due_ms

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
        if at == self._firsts[lane.number]:
            self._firsts[lane.number] = lane.first()
            if at == self._first:
                self._first = min(self._firsts)
                self.next_ms = None if self._first == NEVER else self._first >> ORDER_BITS

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        found = [
            _deadline(lane.kind, at, key)
            for lane in self._lanes.values()
            for key, at in (*lane.due.items(), *lane.early.items())
        ]
        return sorted(found)
