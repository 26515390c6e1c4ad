"""Where the facts come from. Today: the file that `acd run --facts` writes. A journal on disk is another source."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from acd.core import Fact
from acd.engine.facts_file import FactLine, InputLine, parse_line
from acd.files import open_at_once
from acd.journal.port import Entry
from acd.router import inputs as i

LINE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes that are read as one line; the engine's are far shorter."""
BEGIN: Final = b'{"at_ms":'
"""So the first line begins, also one that is being written."""
NOT_FACTS: Final = "this is no line of a facts file, as `acd run --facts FILE` writes it"


class CannotExplain(Exception):
    """What was asked cannot be answered; the text says why and what can be done."""


class Turn(NamedTuple):
    """An entry, and of which journal: each start of an engine begins a new one, the first is 1."""

    journal: int
    entry: Entry


class Source(Protocol):
    """Facts in their order, from the first of a journal on; of one journal after another."""

    def turns(self) -> Iterator[Turn]:
        """All of them, as often as it is asked. Raises `CannotExplain`."""

    @property
    def gaps(self) -> tuple[str, ...]:
        """What was found missing when they were last read: after a gap a journal is left out."""


class FactsFileSource:
    """A facts file. A last line that is not whole is being written, and is left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gaps: list[str] = []

    @property
    def gaps(self) -> tuple[str, ...]:
        return tuple(self._gaps)

    def turns(self) -> Iterator[Turn]:
        self._gaps = []
        reading = _Reading()
        try:
            with os.fdopen(open_at_once(self._path), "rb") as file:
                for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT), b""), 1):
                    if line.endswith(b"\n"):
                        yield from self._read(reading, number, line)
                    elif number == 1 and line[: len(BEGIN)] != BEGIN[: len(line)]:
                        raise CannotExplain(f"{self._path}, line 1: {NOT_FACTS}")
        except OSError as error:
            raise CannotExplain(f"{self._path}: {error.strerror}") from None
        yield from reading.close()
        if reading.journal == 0 and not self._gaps:
            raise CannotExplain(f"{self._path}: there is nothing in it yet")

    def _read(self, reading: "_Reading", number: int, line: bytes) -> Iterator[Turn]:
        try:
            parsed = parse_line(line)
        except msgspec.DecodeError as error:
            if number == 1:
                raise CannotExplain(f"{self._path}, line 1: {NOT_FACTS} ({error})") from None
            yield from self._lose(reading, f"line {number} cannot be read ({error})")
            return
        if isinstance(parsed, InputLine):
            yield from reading.close()
            reading.open(parsed)
            if reading.journal == 0:
                yield from self._lose(reading, f"line {number} is not the start of an engine")
        elif reading.is_next(parsed):
            reading.facts.append(parsed.fact)
        elif reading.journal == 0:
            yield from self._lose(reading, f"line {number} is not the start of an engine")
        else:
            yield from self._lose(reading, f"line {number} is fact {parsed.number}, after fact {reading.last}")

    def _lose(self, reading: "_Reading", gap: str) -> Iterator[Turn]:
        """What follows cannot be folded, until an engine starts anew."""
        if not reading.lost:
            self._gaps.append(gap)
        yield from reading.close()
        reading.lost = True


class _Reading:
    """How far a file was read."""

    def __init__(self) -> None:
        self.journal = 0
        self.last = 0
        self.lost = False
        self.facts: list[Fact] = []
        self._input: InputLine | None = None

    def open(self, line: InputLine) -> None:
        """An input: its facts follow."""
        if isinstance(line.input, i.OpenJournal):
            self.journal += 1
            self.last, self.lost = 0, False
        self._input = None if self.lost or self.journal == 0 else line

    def is_next(self, line: FactLine) -> bool:
        """Whether nothing is missing before this fact; then it is the last one."""
        if self.lost or self._input is None or line.number != self.last + 1:
            return False
        self.last += 1
        return True

    def close(self) -> Iterator[Turn]:
        """The entry that was begun."""
        if self._input is not None:
            first = self.last + 1 - len(self.facts)
            yield Turn(self.journal, Entry(first, self._input.at_ms, self._input.input, tuple(self.facts)))
        self._input, self.facts = None, []
