"""The journals over which the suite runs. A journal that is new gets its line in JOURNALS and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.journal.memory import MemoryJournal
from acd.journal.port import Journal
from acd.testing.journals import JournalEntry


@asynccontextmanager
async def in_memory() -> AsyncIterator[Journal]:
    journal = MemoryJournal()
    yield journal
    await journal.close()


JOURNALS = [JournalEntry("memory", in_memory)]


@pytest.fixture(params=[pytest.param(entry, id=entry.name, marks=entry.marks) for entry in JOURNALS])
def kind(request: pytest.FixtureRequest) -> JournalEntry:
    """One kind of journal after the other."""
    assert isinstance(request.param, JournalEntry)
    return request.param


@pytest.fixture
async def journal(kind: JournalEntry) -> AsyncIterator[Journal]:
    """A fresh journal."""
    async with kind.open() as journal:
        yield journal
