"""Follows a file that another process appends to: the kernel says when there is more (inotify), nobody polls.

A file and not a pipe: whoever reads slowly, is stopped or dies must never keep the engine waiting
(docs/decisions/0007-demo-view.md).
"""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

IN_MODIFY: Final = 0x2
READ_AT_ONCE: Final = 1 << 20
LINE_LIMIT: Final = 1 << 20
"""A longer line is no line of ours."""
EVENTS: Final = 4_096


class Follower:
    """Gives each whole line to `take`, in order, from the beginning of the file on; the file must exist."""

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        self._path = path
        self._take = take
        self._rest = b""

    async def __aenter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._watch = _watch(self._path)
        except OSError:
            os.close(self._file)
            raise
        asyncio.get_running_loop().add_reader(self._watch, self._changed)
        self.drain()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        self.drain()
        os.close(self._watch)
        os.close(self._file)

    def drain(self) -> None:
        """Take all that is in the file by now."""
        while block := os.read(self._file, READ_AT_ONCE):
            *lines, self._rest = (self._rest + block).split(b"\n")
            assert len(self._rest) <= LINE_LIMIT, f"{self._path} has a line of more than {LINE_LIMIT} bytes"
            for line in filter(None, lines):
                self._take(line)

    def _changed(self) -> None:
        os.read(self._watch, EVENTS)  # that there is something is all they say
        self.drain()


def _watch(path: Path) -> int:
    """A descriptor that can be read whenever the file was written to (inotify(7)); Python has no call for it."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise _error("inotify_init1")
    if libc.inotify_add_watch(descriptor, os.fsencode(path), IN_MODIFY) < 0:
        error = _error("inotify_add_watch")
        os.close(descriptor)
        raise error
    return descriptor


def _error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
