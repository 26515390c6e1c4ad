"""A phone system that only remembers what was asked of it, and somebody who listens to sd_notify."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from acd.config import Config, ServerSettings
from acd.core import Fact
from acd.daemon.phone_systems import OnFailure
from acd.model import Phone
from acd.telephony.port import AnswerCode, Submit

PATIENCE_S = 20.0
"""How long a test waits for what should be there at once: noise of a busy machine is no failure."""

SERVER = '[asterisk.main]\nusername = "acd"\nsecret = "not a real one"\n'


class RecordedPhones:
    """Made by itself as a `PhoneSystemFactory`: `RecordedPhones.make` keeps the arguments."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.facts: list[Fact] = []
        self.config: Config
        self.submit: Submit
        self.answer_code: AnswerCode
        self.on_failure: OnFailure
        self.asked: tuple[tuple[ServerSettings, ...], frozenset[Phone]] | None = None
        self.start_fails: Exception | None = None
        self.stops: Callable[[], Any] | None = None

    def make(self, config: Config, submit: Submit, answer_code: AnswerCode, on_failure: OnFailure) -> Self:
        self.config, self.submit, self.answer_code, self.on_failure = config, submit, answer_code, on_failure
        return self

    async def start(self) -> None:
        self.did.append(f"start after {len(self.facts)} facts")
        if self.start_fails is not None:
            raise self.start_fails

    def act(self, facts: Sequence[Fact]) -> None:
        self.facts.extend(facts)

    async def reconfigure(self, servers: tuple[ServerSettings, ...], phones: frozenset[Phone]) -> None:
        self.asked = (servers, phones)

    async def stop(self) -> None:
        self.did.append("stop")
        if self.stops is not None:
            await self.stops()

    def of(self, kind: type[Any]) -> list[Any]:
        """The facts of one kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def hear(self) -> list[str]:
        """The lines of the next message."""
        async with asyncio.timeout(PATIENCE_S):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 65_536)).decode().split("\n")

    async def hear_until(self, first: str) -> list[str]:
        """Pass over messages until one begins with this line."""
        while (lines := await self.hear())[0] != first:
            pass
        return lines

    async def hear_for(self, seconds: float) -> list[list[str]]:
        """All that is said within this time."""
        heard: list[list[str]] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    heard.append(await self.hear())
        except TimeoutError:
            return heard

    def heard_all(self) -> bool:
        """Whether nothing more was said."""
        try:
            return not self._socket.recv(65_536)
        except BlockingIOError:
            return True


def write(path: Path, content: str) -> Path:
    """A configuration that only we can read."""
    path.write_text(content)
    path.chmod(0o600)
    return path
