"""What falls due, and when. Part of the core's state: entries leave when their reason ends, not when found stale."""

from typing import Literal, NamedTuple

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


class Deadlines:
    """A sorted set of deadlines with at most one for each (kind, subject, other)."""

    def __init__(self) -> None:
        self._sorted: SortedList[int] = SortedList()
        self._at: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._first: int | None = None
        self._set = 0

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def next_ms(self) -> int | None:
        """When the next one falls due."""
        return None if self._first is None else self._first >> ORDER_BITS

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        first = self._first
        return None if first is None or first >> ORDER_BITS > now_ms else self._deadline(first)

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        at = self._at.get((kind, subject, other))
        return None if at is None else self._deadline(at)

    def set(self, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
        """Set it, in place of the one with the same key."""
        key = (kind, subject, other)
        if key in self._at:
            self.drop(kind, subject, other)
        self._set += 1
        at = due_ms << ORDER_BITS | self._set
        self._sorted.add(at)
        self._at[key] = at
        self._keys[at] = key
        if self._first is None or at < self._first:
            self._first = at

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        at = self._at.pop((kind, subject, other), None)
        if at is None:
            return
        del self._keys[at]
        self._sorted.remove(at)
        if at == self._first:
            self._first = self._sorted[0] if self._keys else None

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        return [self._deadline(at) for at in self._sorted]

    def _deadline(self, at: int) -> Deadline:
        return Deadline(at >> ORDER_BITS, at & (1 << ORDER_BITS) - 1, *self._keys[at])
