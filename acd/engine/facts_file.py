"""A reader that writes each committed input and fact as a line of JSON: for the demo, the lab and the tests.

`{"at_ms": 1, "input": {"type": "CallArrived", …}}`, then for each fact `{"number": 7, "fact": {"type": …}}`. The
file holds callers' numbers: only its owner may read it.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from acd.core import Fact, Input
from acd.journal.port import Entry

log = structlog.get_logger(__name__)

NEWLINE: Final = ord("\n")


class InputLine(msgspec.Struct, frozen=True):
    at_ms: int
    input: Input


class FactLine(msgspec.Struct, frozen=True):
    number: int
    fact: Fact


class FactsFile:
    """Appends to a file of mode 0600. A disk that fails is reported once and costs lines, never calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if stat.S_ISREG(os.fstat(self._fd).st_mode):  # never of a device or a pipe
            os.fchmod(self._fd, 0o600)
        self._encoder = msgspec.json.Encoder()
        self._failed = False
        self._torn = False
        """Whether the last line is not whole: it must not spoil the next one."""

    def read(self, entries: Sequence[Entry]) -> None:
        """Write the entries as one block."""
        lines = [self._encoder.encode(line) for entry in entries for line in lines_of(entry)]
        block = b"\n".join(lines) + b"\n"
        try:
            self._write(b"\n" + block if self._torn else block)
        except OSError as error:
            if not self._failed:
                log.error("the facts file cannot be written; calls go on", file=str(self.path), error=str(error))
            self._failed = True

    def _write(self, block: bytes) -> None:
        view, written = memoryview(block), 0
        try:
            while written < len(block):
                written += os.write(self._fd, view[written:])
        finally:
            if written > 0:
                self._torn = view[written - 1] != NEWLINE

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)


def lines_of(entry: Entry) -> Iterator[InputLine | FactLine]:
    """The lines that one entry makes."""
    yield InputLine(entry.at_ms, entry.input)
    for number, fact in enumerate(entry.facts, entry.first):
        yield FactLine(number, fact)


_INPUT = msgspec.json.Decoder(InputLine)
_FACT = msgspec.json.Decoder(FactLine)


def parse_line(line: bytes) -> InputLine | FactLine:
    """A line of the file. Raises `msgspec.ValidationError` or `msgspec.DecodeError` for anything else."""
    return _INPUT.decode(line) if b'"input":' in line[:64] else _FACT.decode(line)
