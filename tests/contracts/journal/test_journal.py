"""The promises of acd/journal/port.py, one by one."""

import pytest

from acd.core import fold
from acd.engine.loop import facts_of
from acd.guard.description import differences
from acd.journal.port import Entry, Journal, JournalClosed
from acd.router.inputs import PassTime
from acd.testing.journals import BEGIN_MS, JournalEntry, working_day


async def _read(journal: Journal, after: int = 0) -> list[Entry]:
    return [entry async for entry in journal.read(after)]


def _factless(first: int) -> Entry:
    return Entry(first, BEGIN_MS, PassTime(), ())


# --- Who it is ------------------------------------------------------------------------------------------------


async def test_fresh_journal_is_empty(journal: Journal) -> None:
    assert journal.last_number == 0
    assert await _read(journal) == []


async def test_tag_is_letters_and_digits_and_not_long(journal: Journal) -> None:
    assert journal.tag.isascii()
    assert journal.tag.isalnum()
    assert len(journal.tag) <= 32


async def test_tag_differs_from_that_of_any_other_journal(kind: JournalEntry) -> None:
    tags = set()
    for _ in range(5):
        async with kind.open() as journal:
            tags.add(journal.tag)
    assert len(tags) == 5


async def test_tag_and_seed_stay(journal: Journal) -> None:
    before = journal.tag, journal.seed
    await journal.append(working_day(journal.tag))
    assert (journal.tag, journal.seed) == before
    assert journal.seed >= 0


# --- Appending ------------------------------------------------------------------------------------------------


async def test_entries_are_equal_after_reading(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    assert await _read(journal) == entries


async def test_entries_of_many_commits_are_read_in_their_order(journal: Journal) -> None:
    entries = working_day(journal.tag)
    for at in range(0, len(entries), 4):
        await journal.append(entries[at : at + 4])
    assert await _read(journal) == entries


async def test_last_number_counts_facts(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    assert journal.last_number == len(facts_of(entries)) == entries[-1].last


async def test_folding_what_was_read_gives_the_state_of_what_was_written(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    read = fold(facts_of(await _read(journal)))
    assert differences(fold(facts_of(entries)), read) == {}


async def test_appending_nothing_changes_nothing(journal: Journal) -> None:
    await journal.append([])
    assert journal.last_number == 0
    assert await _read(journal) == []


async def test_entry_without_facts_is_kept(journal: Journal) -> None:
    await journal.append([_factless(1)])
    assert journal.last_number == 0
    assert await _read(journal) == [_factless(1)]


@pytest.mark.parametrize("first", [0, 2, 7])
async def test_entry_with_a_number_out_of_turn_breaks_an_invariant(journal: Journal, first: int) -> None:
    with pytest.raises(AssertionError):
        await journal.append([_factless(first)])
    assert await _read(journal) == []


async def test_commit_in_which_one_entry_is_out_of_turn_is_not_made_at_all(journal: Journal) -> None:
    entries = working_day(journal.tag)
    with pytest.raises(AssertionError):
        await journal.append([entries[0], entries[2]])
    assert journal.last_number == 0
    assert await _read(journal) == []
    await journal.append(entries)
    assert await _read(journal) == entries


async def test_entry_cannot_be_appended_twice(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries[:2])
    with pytest.raises(AssertionError):
        await journal.append(entries[:2])
    assert await _read(journal) == entries[:2]


# --- Reading --------------------------------------------------------------------------------------------------


async def test_reading_after_a_fact_gives_all_that_follows_it(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    for number in range(journal.last_number + 1):
        later = [entry for entry in await _read(journal, number) if entry.facts]
        assert later == [entry for entry in entries if entry.facts and entry.last > number]


async def test_reading_after_a_fact_inside_an_entry_gives_that_entry_whole(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    long = next(entry for entry in entries if len(entry.facts) > 1)
    assert (await _read(journal, long.first))[0] == long


async def test_reading_after_the_last_fact_gives_no_fact(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries)
    assert facts_of(await _read(journal, journal.last_number)) == []


async def test_reading_again_gives_the_same(journal: Journal) -> None:
    await journal.append(working_day(journal.tag))
    assert await _read(journal, 3) == await _read(journal, 3)


async def test_appending_while_somebody_reads_disturbs_neither(journal: Journal) -> None:
    entries = working_day(journal.tag)
    await journal.append(entries[:5])
    read = []
    async for entry in journal.read():
        read.append(entry)
        if len(read) == 2:
            await journal.append(entries[5:])
    assert read[:5] == entries[:5]
    assert await _read(journal) == entries


# --- The end --------------------------------------------------------------------------------------------------


async def test_closed_journal_takes_nothing(journal: Journal) -> None:
    await journal.close()
    with pytest.raises(JournalClosed):
        await journal.append(working_day(journal.tag))


async def test_closing_twice_is_harmless(journal: Journal) -> None:
    await journal.close()
    await journal.close()
