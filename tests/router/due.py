"""What is due, turn after turn."""

from collections.abc import Iterator

from acd.core import Core, Fact
from acd.router import inputs as i


def due_turns(core: Core, now_ms: int) -> Iterator[list[Fact]]:
    """Turn after turn until nothing is due."""
    while core.next_deadline_ms is not None and core.next_deadline_ms <= now_ms:
        yield core.handle(i.PassTime(), now_ms)
