"""`acd` as a process that is still loading: what comes before it can do anything."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

PATIENCE_S: Final = 30.0


class Loading:
    """It tells of each module on standard error (`-X importtime`); what else it says there is in `said`."""

    def __init__(self, *words: str, environ: Mapping[str, str] | None = None) -> None:
        self.said: list[str] = []
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-W", "error", "-X", "importtime", "-m", "acd", *words],
            env=environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def send(self, number: signal.Signals, module: str) -> None:
        """Send a signal as soon as that module is loaded."""
        assert self.process.stderr is not None
        while self._hear(self.process.stderr.readline()) != module:
            assert self.process.poll() is None, self.said
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        try:
            _, errors = self.process.communicate(timeout=PATIENCE_S)
        finally:
            self.process.kill()
        for line in errors.splitlines():
            self._hear(line)
        return self.process.returncode

    def _hear(self, line: str) -> str | None:
        """The module of which the line tells."""
        if line.startswith("import time:"):
            return line.rpartition("|")[2].strip()
        self.said.append(line)
        return None
