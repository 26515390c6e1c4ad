"""What falls due, and when. Part of the core's state: entries leave when their reason ends, not when found stale."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

import msgspec
from sortedcontainers import SortedList

from acd.router.tables import Numbered, ShardedDict

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
ORDERS = 1 << ORDER_BITS
PIECE_BITS = 8
"""Of so many orders, as a power of two, the keys of early deadlines lie together."""
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
        self.due: Numbered[str] = Numbered()
        self.last = 0
        self.early: ShardedDict[str, int] = ShardedDict()
        self.early_keys: dict[int, dict[int, str]] = {}
        """In pieces, by the orders: one table for all would have long steps."""
        self.sorted: SortedList[int] = SortedList()

    def __len__(self) -> int:
        return len(self.due) + len(self.sorted)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Keys, and when they are due, in no order."""
        yield from self.due.in_order()
        yield from self.early.items()

    def find(self, key: str) -> int | None:
        """When what has this key is due."""
        at = self.due.get(key)
        return self.early.get(key) if at is None and self.early_keys else at

    def set_early(self, key: str, at: int) -> None:
        """It is due before the last, and not there."""
        self.early[key] = at
        self.early_keys.setdefault(at % ORDERS >> PIECE_BITS, {})[at] = key
        self.sorted.add(at)

    def drop_early(self, key: str) -> int | None:
        """Take it out, if it stands among these. Returns when it was due."""
        at = self.early.pop(key, None)
        if at is not None:
            self.sorted.remove(at)
            number = at % ORDERS >> PIECE_BITS
            keys = self.early_keys[number]
            del keys[at]
            if not keys:
                del self.early_keys[number]
        return at

    def first(self) -> int:
        """The earliest."""
        first = self.due.first_number() if self.due.pieces[0] else NEVER
        return min(first, self.sorted[0]) if self.early_keys else first

    def key_of_first(self) -> str:
        """What is due first. There must be something."""
        if self.early_keys and (not self.due.pieces[0] or self.sorted[0] < self.due.first_number()):
            return self.early_keys[self.sorted[0] % ORDERS >> PIECE_BITS][self.sorted[0]]
        return self.due.first()


def _deadline(kind: Kind, at: int, key: str) -> Deadline:
    subject, _, other = key.partition(BETWEEN)
    return Deadline(at >> ORDER_BITS, at % ORDERS, kind, subject, other)


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
        return sum(map(len, self._lanes.values()))

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
        self._set = order = self._set + 1
        at = due_ms << ORDER_BITS | order
        if lane.last < at:
            lane.last = at
            before = lane.due.put(key, at)
        else:
            before = lane.due.drop(key)
        if before is None and lane.early_keys:
            before = lane.drop_early(key)
        if lane.last > at:
            lane.set_early(key, at)
        if before is not None and before == self._firsts[lane.number]:
            self._look_again(lane)
        elif at < self._firsts[lane.number]:
            self._firsts[lane.number] = at
            if at < self._first:
                self._first, self.next_ms = at, due_ms

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        lane, key = self._lanes[kind], subject + BETWEEN + other if other else subject
        at = lane.due.drop(key)
        if at is None:
            if not lane.early_keys:
                return
            at = lane.drop_early(key)
        elif not lane.due.pieces[0]:
            lane.last = 0
        if at is not None and at == self._firsts[lane.number]:
            self._look_again(lane)

    def _look_again(self, lane: _Lane) -> None:
        """Its first is another now."""
        before = self._firsts[lane.number]
        self._firsts[lane.number] = first = lane.first()
        if before == self._first or first < self._first:
            self._first = min(self._firsts)
            self.next_ms = None if self._first == NEVER else self._first >> ORDER_BITS

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        return sorted(_deadline(lane.kind, at, key) for lane in self._lanes.values() for key, at in lane)
