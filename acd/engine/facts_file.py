"""A reader that writes each committed input and fact as a line of JSON: for the demo, the lab and the tests.

`{"at_ms": 1, "input": {"type": "CallArrived", …}}`, then for each fact `{"number": 7, "fact": {"type": …}}`. The
file holds callers' numbers: only its owner may read it.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
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

    A disk that fails costs lines, never calls: the log says when it begins, and what is missing once it is over.
    A file that somebody removes is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = _open(path)
        self._has_name = _has_name(self._fd)
        """False from the beginning where the file system does not tell."""
        self._encoder = msgspec.json.Encoder()
        self._lost: _Lost | None = None
        """What this outage has cost so far."""
        self._torn = _ends_within_a_line(path)
        """Whether the last line is not whole: it must not spoil the next one."""

    def read(self, entries: Sequence[Entry]) -> None:
        """Write the entries as one block."""
        lines = [line for entry in entries for line in lines_of(entry)]
        block = b"\n".join(map(self._encoder.encode, lines)) + b"\n"
        error = self._begin_anew(entries) if self._is_removed() else None
        before, written = b"\n" if self._torn else b"", 0
        if error is None:
            written, error = self._write(before + block)
        if error is not None:
            whole = block.count(b"\n", 0, max(0, written - len(before)))
            self._lose(lines[whole:], error)
        elif self._lost is not None:
            log.warning("the facts file is written again", file=str(self.path), **self._lost.told())
            self._lost = None

    def _is_removed(self) -> bool:
        return self._has_name and not _has_name(self._fd)

    def _begin_anew(self, entries: Sequence[Entry]) -> OSError | None:
        """Why there cannot be a file there now; it is tried again with the next entries."""
        try:
            fd = _open(self.path)
        except OSError as error:
            return error
        os.close(self._fd)
        self._fd, self._torn = fd, _ends_within_a_line(self.path)
        log.warning("the facts file was removed and is begun anew", file=str(self.path), first=entries[0].first)
        return None

    def _write(self, block: bytes) -> tuple[int, OSError | None]:
        """How much of it the disk has taken, and why not all."""
        view, written = memoryview(block), 0
        try:
            while written < len(block):
                written += os.write(self._fd, view[written:])
        except OSError as error:
            return written, error
        finally:
            if written > 0:
                self._torn = view[written - 1] != NEWLINE
        return written, None

    def _lose(self, lines: Sequence[InputLine | FactLine], error: OSError) -> None:
        if self._lost is None:
            log.error("the facts file cannot be written; calls go on", file=str(self.path), error=str(error))
            self._lost = _Lost()
        self._lost.add(lines)

    def close(self) -> None:
        """Give the file back."""
        if self._lost is not None:
            log.error("the facts file could not be written to the end", file=str(self.path), **self._lost.told())
        os.close(self._fd)


class _Lost:
    """The lines of one outage; here and there one between them may have found room."""

    def __init__(self) -> None:
        self.inputs = 0
        self.facts = 0
        self.first: int | None = None
        self.last: int | None = None

    def add(self, lines: Sequence[InputLine | FactLine]) -> None:
        for line in lines:
            if isinstance(line, InputLine):
                self.inputs += 1
                continue
            self.facts += 1
            self.first = self.first or line.number
            self.last = line.number

    def told(self) -> dict[str, int | None]:
        """For the log: how many facts are missing, and the numbers of the first and the last of them."""
        return {"missing_facts": self.facts, "first": self.first, "last": self.last, "missing_inputs": self.inputs}


def _has_name(fd: int) -> bool:
    """Whether the file is still in a folder."""
    return os.fstat(fd).st_nlink > 0


def _ends_within_a_line(path: Path) -> bool:
    """What an engine before this one could not write to the end."""
    if not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:  # it may be ours to write, and not to read
        if file.seek(0, os.SEEK_END) > 0:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    return False


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
