"""When rings open, as far as anybody waits for that (docs/routing.md R29).

How wide the ring is that a call has come to follows from its age alone, so most openings concern nobody. They are
waited for in queues where ready agents and waiting calls that none of them may take stand beside each other. All of
it is derived; a look in vain, because the call or the agent has gone meanwhile, changes nothing.
"""

from sortedcontainers import SortedList

from acd.model import QueueId


class Openings:
    """When some queues are to be looked at again: one time for each."""

    def __init__(self) -> None:
        self._sorted: SortedList[tuple[int, QueueId]] = SortedList()
        self._at: dict[QueueId, int] = {}
        self.next_ms: int | None = None
        """The first of these times."""

    def find(self, queue: QueueId) -> int | None:
        """When this queue is looked at again."""
        return self._at.get(queue)

    def set(self, queue: QueueId, at_ms: int | None) -> None:
        """Look at the queue then, and not before; None: not at all."""
        known = self._at.pop(queue, None)
        if known is not None:
            self._sorted.remove((known, queue))
        if at_ms is not None:
            self._at[queue] = at_ms
            self._sorted.add((at_ms, queue))
        self.next_ms = self._sorted[0][0] if self._at else None

    def due(self, now_ms: int, most: int) -> list[QueueId]:
        """Some of those whose time has come, the first ones first."""
        return [queue for at_ms, queue in self._sorted[:most] if at_ms <= now_ms]
