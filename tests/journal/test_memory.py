"""The journal in memory."""

from acd.journal.memory import MemoryJournal
from acd.testing.journals import working_day


async def test_journal_in_memory_keeps_the_newest_entries_and_counts_all() -> None:
    journal = MemoryJournal(kept=3)
    entries = working_day(journal.tag)
    await journal.append(entries)
    assert [entry async for entry in journal.read()] == entries[-3:]
    assert journal.last_number == entries[-1].last


async def test_tag_and_seed_can_be_given_to_repeat_a_run() -> None:
    journal = MemoryJournal(tag="acdagain", seed=42)
    assert (journal.tag, journal.seed) == ("acdagain", 42)


async def test_seeds_differ_when_none_is_given() -> None:
    assert MemoryJournal().seed != MemoryJournal().seed
