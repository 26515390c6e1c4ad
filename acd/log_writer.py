"""The log's way out of a process that must never wait for whoever reads it.

A terminal on which somebody has pressed Ctrl-S, a pipe whose reader stands still: a write to either waits without end,
and with it the loop that makes offers. So a thread writes. What waits for it has a bound; beyond that lines are lost,
and their number is said once there is room again: a log costs lines, never calls.
"""

import contextlib
import logging
import os
import select
import threading
from collections import deque
from typing import Final

import structlog

log = structlog.get_logger(__name__)

WAITING_MOST: Final = 4_000_000
"""Bytes that wait to be written."""
FLUSH_WITHIN_S: Final = 2.0
"""So long the end of the process waits for the reader."""


class LogWriter(logging.Handler):
    """Writes lines to a file descriptor, from a thread that ends with the process."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._write_all, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            line = self.format(record).encode(errors="backslashreplace") + b"\n"
        except Exception:  # noqa: BLE001  a line that cannot be made must not end who says it
            self.handleError(record)
            return
        with self._changed:
            if self._size + len(line) > WAITING_MOST and record.name != __name__:  # what was lost is told in any case
                self._lost += 1
                return
            self._waiting.append(line)
            self._size += len(line)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait till all is written, but not for long. `logging` calls it when the process ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, FLUSH_WITHIN_S)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                line = self._waiting.popleft()
            self._write(line)
            with self._changed:
                self._size -= len(line)
                self._changed.notify_all()
                lost = self._lost if self._size <= WAITING_MOST // 2 else 0
                self._lost -= lost
            if lost:
                log.warning("the log was not read, and lines were lost", lines=lost)

    def _write(self, line: bytes) -> None:
        """Where nobody is there to read, the line is gone."""
        with contextlib.suppress(OSError):
            while line:
                try:
                    line = line[os.write(self._fd, line) :]
                except BlockingIOError:  # whoever shares the terminal has made it so
                    select.select([], [self._fd], [])
