"""systemd's notification protocol, sd_notify(3): one datagram for each thing told."""

import os
import socket
import time
from collections.abc import Mapping

import structlog

log = structlog.get_logger(__name__)

SIZE_LIMIT = 4_000


class Notifier:
    """Tells the service manager how we are; does nothing where there is none. Never blocks, never fails."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environ)
        """How often systemd wants a sign of life. None: not at all."""
        self._socket: socket.socket | None = None

    def ready(self, status: str) -> None:
        """Started, or reloaded."""
        self._tell("READY=1", _status(status))

    def reloading(self) -> None:
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}", _status("reloading"))

    def stopping(self) -> None:
        self._tell("STOPPING=1", _status("stopping"))

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def close(self) -> None:
        """Give the socket back. What is told later opens it anew."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            self._open().sendto("\n".join(lines).encode()[:SIZE_LIMIT], self._address)
        except OSError as error:
            log.warning("systemd cannot be told", told=lines[0], error=str(error))

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        return self._socket


def _status(text: str) -> str:
    return "STATUS=" + " ".join(text.split())


def _address(name: str) -> str | None:
    """Where systemd listens; a name that begins with @ is in the abstract name space."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """WATCHDOG_PID says for whom the watchdog is: not for a process that inherited the environment."""
    micros = environ.get("WATCHDOG_USEC", "")
    if not micros.isdecimal() or int(micros) == 0 or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(micros) / 1_000_000
