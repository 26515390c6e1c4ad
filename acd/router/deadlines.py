"""What falls due, and when. Part of the core's state: entries leave when their reason ends, not when found stale."""

from typing import Literal, NamedTuple

from sortedcontainers import SortedList

Kind = Literal[
    "ring",
    "connect",
    "give-up",
    "widen",
    "named",
    "wrap-up",
    "refusal",
    "rest",
    "server-lost",
    "settle",
    "retire",
    "reorder",
    "recount",
]


class Deadline(NamedTuple):
    """`order` is the number of the fact that set it: deadlines of one instant fall due in the order they were set."""

    due_ms: int
    order: int
    kind: Kind
    subject: str
    other: str = ""


class Deadlines:
    """A sorted set of deadlines with at most one for each (kind, subject, other)."""

    def __init__(self) -> None:
        self._sorted: SortedList[Deadline] = SortedList()
        self._by_key: dict[tuple[Kind, str, str], Deadline] = {}

    def __len__(self) -> int:
        return len(self._sorted)

    @property
    def next_ms(self) -> int | None:
        """When the next one falls due."""
        return self._sorted[0].due_ms if self._sorted else None

    def first_due(self, now_ms: int) -> Deadline | None:
        """The earliest deadline, if it has come."""
        if self._sorted and self._sorted[0].due_ms <= now_ms:
            return self._sorted[0]
        return None

    def find(self, kind: Kind, subject: str, other: str = "") -> Deadline | None:
        """The one with this key, if it is set."""
        return self._by_key.get((kind, subject, other))

    def set(self, deadline: Deadline) -> None:
        """Set it, in place of the one with the same key."""
        self.drop(deadline.kind, deadline.subject, deadline.other)
        self._sorted.add(deadline)
        self._by_key[deadline.kind, deadline.subject, deadline.other] = deadline

    def drop(self, kind: Kind, subject: str, other: str = "") -> None:
        """Forget it, if it is set."""
        deadline = self._by_key.pop((kind, subject, other), None)
        if deadline is not None:
            self._sorted.remove(deadline)

    def all(self) -> list[Deadline]:
        """All of them, in the order in which they fall due."""
        return list(self._sorted)
