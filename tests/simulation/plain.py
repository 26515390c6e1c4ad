"""One line before equal agents in a dozen lines, that know nothing of the engine: what must become of each caller."""

from collections.abc import Iterable, Iterator
from heapq import heapify, heapreplace
from typing import NamedTuple, Protocol


class Caller(Protocol):
    @property
    def at_ms(self) -> int: ...
    @property
    def talk_ms(self) -> int: ...
    @property
    def patience_ms(self) -> int | None: ...


class Fate(NamedTuple):
    at_ms: int
    waited_ms: int
    answered: bool


def serve(callers: Iterable[Caller], agents: int) -> Iterator[Fate]:
    """First come, first served: each caller has the agent who is free first, or gives up before. An agent who is
    free in the millisecond in which patience ends comes too late."""
    free_at_ms = [0] * agents
    heapify(free_at_ms)
    for caller in callers:
        served_at_ms = max(caller.at_ms, free_at_ms[0])
        gives_up_at_ms = None if caller.patience_ms is None else caller.at_ms + caller.patience_ms
        if gives_up_at_ms is not None and gives_up_at_ms <= served_at_ms:
            yield Fate(caller.at_ms, gives_up_at_ms - caller.at_ms, answered=False)
        else:
            heapreplace(free_at_ms, served_at_ms + caller.talk_ms)
            yield Fate(caller.at_ms, served_at_ms - caller.at_ms, answered=True)
