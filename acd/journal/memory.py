"""The journal in memory: for tests, and for an engine that may forget. A bounded number of entries is kept."""

import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence

from acd.journal.port import Entry, JournalClosed

KEPT = 10_000
"""Entries kept for late readers; a journal in memory is not made for recovery."""


def new_tag() -> str:
    """A tag that no other journal has: `acd` and ten characters of chance."""
    return "acd" + secrets.token_hex(5)


class MemoryJournal:
    """Holds the newest entries while the process lives."""

    def __init__(self, tag: str | None = None, seed: int | None = None, kept: int = KEPT) -> None:
        self._tag = tag or new_tag()
        self._seed = secrets.randbits(63) if seed is None else seed
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._last_number = 0
        self._closed = False

    @property
    def tag(self) -> str:
        return self._tag

    @property
    def seed(self) -> int:
        return self._seed

    @property
    def last_number(self) -> int:
        return self._last_number

    async def append(self, entries: Sequence[Entry]) -> None:
        if self._closed:
            raise JournalClosed
        last_number = self._last_number
        for entry in entries:
            assert entry.first == last_number + 1, f"entry {entry.first} after fact {last_number}"
            last_number = entry.last
        self._entries.extend(entries)
        self._last_number = last_number

    async def read(self, after: int = 0) -> AsyncIterator[Entry]:
        for entry in list(self._entries):
            if max(entry.first, entry.last) > after:
                yield entry

    async def close(self) -> None:
        self._closed = True
