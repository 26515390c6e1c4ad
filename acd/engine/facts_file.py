"""A reader that writes each committed input and fact as a line of JSON: for the demo, the lab and the tests.

`{"at_ms": 1, "input": {"type": "CallArrived", …}}`, then for each fact `{"number": 7, "fact": {"type": …}}`. The
file holds callers' numbers: only its owner may read it.
"""

import errno
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
NO_FILE: Final = "it is a pipe, a socket or a terminal, whose reader could keep the engine waiting; give a file"


class InputLine(msgspec.Struct, frozen=True):
    at_ms: int
    input: Input


class FactLine(msgspec.Struct, frozen=True):
    number: int
    fact: Fact


class FactsFile:
    """Appends to a file of mode 0600; raises `OSError` where that cannot be opened, or is none.

    A disk that fails is reported once and costs lines, never calls.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = _open(path)
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


def _open(path: Path) -> int:
    """Raises `OSError`, also for whatever could make a write wait: the engine writes, and must never wait."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a pipe without a reader, a socket
            raise OSError(errno.EINVAL, NO_FILE) from None
        raise
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        os.fchmod(fd, 0o600)
    elif not stat.S_ISCHR(mode) or os.isatty(fd):  # /dev/null is all right, and keeps its mode
        os.close(fd)
        raise OSError(errno.EINVAL, NO_FILE)
    return fd


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
