"""A journal in memory in whose commit the engine can be killed."""

import asyncio
from collections.abc import Sequence

from acd.journal.memory import MemoryJournal
from acd.journal.port import Entry


class DeadlyJournal(MemoryJournal):
    """Once it is deadly, the engine does not survive its next commit, of which nothing is written."""

    is_deadly = False
    has_killed = False

    async def append(self, entries: Sequence[Entry]) -> None:
        if self.is_deadly:
            self.has_killed = True
            engine = asyncio.current_task()
            assert engine is not None, "the engine commits in its own task"
            engine.cancel()
            await asyncio.sleep(0)
        await super().append(entries)
