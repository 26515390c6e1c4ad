"""Load made by SIPp, a third SIP stack: callers at a fixed rate, and a phone that answers at the lab's lines.

Bounded: so many calls, and SIPp ends by itself after `LIFETIME_S` whatever became of them. Loopback only.
"""

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from acd.lab.servers import LabServer, LabUnavailable

SCENARIOS: Final = Path(__file__).parent / "versus" / "sipp"
HERE: Final = "127.0.0.1"
LIFETIME_S: Final = 480
LINES: Final = "lines"
FAILED: Final = re.compile(r"Failed call\s*\|\s*\d+\s*\|\s*(\d+)")


def need_sipp() -> None:
    """Raises `LabUnavailable` where there is none."""
    if shutil.which("sipp") is None:
        raise LabUnavailable("SIPp is not installed (package sip-tester).")


@asynccontextmanager
async def answering(server: LabServer, folder: Path, talk_ms: tuple[int, int]) -> AsyncIterator[None]:
    """Behind the lines somebody answers each call at once, and ends it after a talk of any length between these."""
    scenario = folder / "answer.xml"
    text = (SCENARIOS / scenario.name).read_text()
    scenario.write_text(text.replace("@SHORTEST@", str(talk_ms[0])).replace("@LONGEST@", str(talk_ms[1])))
    port = _free_port()
    async with _sipp(folder, "-sf", str(scenario), port=port):
        await _register(server, folder, f"{HERE}:{port}", "600")
        try:
            yield
        finally:
            await _register(server, folder, f"{HERE}:9", "0")


async def call(server: LabServer, folder: Path, number: str, calls: int, a_second: float, at_once: int = 1_000) -> int:
    """Place so many calls, each until the other side ends it, and no more at once. Returns how many failed."""
    words = ["-sf", str(SCENARIOS / "call.xml"), "-s", number, "-m", str(calls), "-r", f"{a_second:g}"]
    words += ["-l", str(at_once)]
    async with _sipp(folder, f"{server.host}:{server.sip_port}", *words) as process:
        output, _ = await process.communicate()
    said = output.decode(errors="replace")
    found = FAILED.findall(said)
    assert found, f"SIPp ended with {process.returncode} and told nothing of its calls:\n{said[-2_000:]}"
    return int(found[-1])


async def _register(server: LabServer, folder: Path, contact: str, expires: str) -> None:
    words = ["-s", LINES, "-au", LINES, "-ap", f"lab-{LINES}", "-key", "contact", contact, "-key", "expires", expires]
    where = f"{server.host}:{server.sip_port}"
    async with _sipp(folder, where, "-sf", str(SCENARIOS / "register.xml"), *words, "-m", "1") as process:
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")[-2_000:]


@asynccontextmanager
async def _sipp(folder: Path, *words: str, port: int | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """At the end the process is gone."""
    process = await asyncio.create_subprocess_exec(
        "sipp", *words, "-i", HERE, "-p", str(port or _free_port()), "-mi", HERE, "-mp", str(_free_port()),
        "-cp", str(_free_port()), "-timeout", f"{LIFETIME_S}s", "-timeout_error", "-nostdin",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port
