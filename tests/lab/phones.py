"""Phones made of SIPp: they call, answer and register, and know nothing else."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.turns import until

SCENARIOS = Path(__file__).parent / "sipp"
HERE = "127.0.0.1"
SOCKETS = Path("/proc/net/udp")
LIFETIME_S = 45
"""After so long a forgotten phone ends by itself."""


class Phone:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @property
    def dial(self) -> str:
        """What Asterisk dials to reach this phone, wherever it is."""
        return f"PJSIP/sipp/sip:phone@{HERE}:{self.port}"

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def end(self, within: float = 10.0) -> None:
        """The conversation went as the scenario says, and is over."""
        async with asyncio.timeout(within):
            output, _ = await self._process.communicate()
        assert self._process.returncode == 0, output.decode(errors="replace")[-3000:]

    async def stop(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def calling(host: str, number: str, *, name: str = "Test") -> AsyncIterator[Phone]:
    """A caller who dialled the number and stays until the other side ends the call."""
    async with _phone("call", f"{host}:5060", "-s", number, "-key", "caller", name) as phone:
        yield phone


@asynccontextmanager
async def answering(*, ends: bool = False) -> AsyncIterator[Phone]:
    """A phone that answers one call, and ends it by itself soon after, or never."""
    async with _phone("answer-and-end" if ends else "answer") as phone:
        yield phone


async def register(host: str, number: str, contact: Phone | None) -> None:
    """Registers the number where that phone is; without one, takes its registration back."""
    where, expires = (f"{HERE}:{contact.port}", "60") if contact else (f"{HERE}:9", "0")
    arguments = ["-s", number, "-au", number, "-ap", f"lab-{number}", "-key", "contact", where]
    async with _phone("register", f"{host}:5060", *arguments, "-key", "expires", expires) as phone:
        await phone.end()


@asynccontextmanager
async def _phone(scenario: str, *arguments: str) -> AsyncIterator[Phone]:
    port, media, control = _free_port(), _free_port(), _free_port()
    process = await asyncio.create_subprocess_exec(
        "sipp", *arguments, "-sf", f"{scenario}.xml", "-i", HERE, "-p", str(port),
        "-mi", HERE, "-mp", str(media), "-cp", str(control),
        "-m", "1", "-timeout", f"{LIFETIME_S}s", "-timeout_error", "-nostdin",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=SCENARIOS,
    )  # fmt: skip
    phone = Phone(process, port)
    try:
        await _listening(phone)
        yield phone
    finally:
        await phone.stop()


async def _listening(phone: Phone) -> None:
    """SIPp says nothing when it is ready; the kernel's list of sockets does."""
    await until(lambda: phone.has_ended or _is_taken(phone.port))
    if phone.has_ended:
        await phone.end()


def _is_taken(port: int) -> bool:
    """Looked up, not tried: a probe that binds the port can be in SIPp's way."""
    return any(line.split()[1].endswith(f":{port:04X}") for line in SOCKETS.read_text().splitlines()[1:])


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port
