"""What the engine asks of a journal. Every journal passes the contract suite in tests/contracts."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from acd.core import Fact, Input


class Entry(msgspec.Struct, frozen=True):
    """One turn of the core: the input and the facts that followed. `first` is the number of the first of them
    (the first fact of a journal is 1), or the number that the next fact will have where none followed."""

    first: int
    at_ms: int
    input: Input
    facts: tuple[Fact, ...]

    @property
    def last(self) -> int:
        """The number of the last fact; `first - 1` where there is none."""
        return self.first + len(self.facts) - 1


class CommitFailed(Exception):
    """The entries are not in the journal, none of them; the same commit may be tried again."""


class JournalClosed(Exception):
    """The journal was closed and takes nothing more."""


class Journal(Protocol):
    """The facts on whatever keeps them. Used by the engine's loop only: one commit at a time."""

    @property
    def tag(self) -> str:
        """Different in every journal ever opened; part of every id. Letters and digits."""

    @property
    def seed(self) -> int:
        """Where chance comes from; kept with the journal."""

    @property
    def last_number(self) -> int:
        """The number of the last fact that is committed; 0 in a fresh journal."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Commit the entries, all or none. They are committed once this returns.

        Raises `CommitFailed` where nothing was written, `JournalClosed` after `close`.
        """

    def read(self, after: int = 0) -> AsyncIterator[Entry]:
        """The committed entries whose facts are numbered above `after`, in order. One that has facts on both sides
        of it comes whole; one without facts counts by the number that its first fact would have had. So `read()`
        gives every entry."""

    async def close(self) -> None:
        """Finish what is begun and let go of every resource. Closing twice is harmless."""
