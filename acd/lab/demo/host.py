"""The lab's first server for as long as the demo lasts: started where it does not run, and then stopped again.

What ran before stays: the server, the other server, the Docker engine. One demo at a time has a lab: the next would
take its phones, and lose the server to it.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from acd.lab.demo.stage import StageFailed, StageTaken
from acd.lab.servers import NO_ENGINE, SCRIPT, LabUnavailable

RESTORE_WITHIN_S: Final = 45.0
GIVE_UP_S: Final = 5.0
"""A script that was told to stop may take so long, before it is told less kindly."""

PROCESSES: Final = Path("/proc")
MISHAP: Final = "lab: "
"""With this the script says why it cannot do something."""

Say = Callable[[str], None]


class Before(msgspec.Struct, frozen=True):
    """What ran when we came."""

    engine: bool
    """Whether there was a Docker engine, even one that did not answer."""
    servers: frozenset[str]


class LabHost:
    """Has server a up between `start` and `restore`; the latter is called also where the start has failed."""

    def __init__(self, say: Say, lab: str) -> None:
        """`lab` is its name among the labs of this machine."""
        self._say = say
        self._lab = lab
        self._mark = socket.socket(socket.AF_UNIX)
        self._before: Before | None = None

    async def start(self) -> None:
        """Return when server a answers. Raises `LabUnavailable` where there can be none, `StageTaken` and
        `StageFailed`."""
        if not SCRIPT.exists():
            raise LabUnavailable("The lab is a part of acd's source tree, and this is an installed package.")
        await self._check()
        self._take()
        self._before = await self._look()
        await self._up()

    async def version(self) -> str:
        """`Asterisk 22.10.1`, without what Debian adds."""
        lines: list[str] = []
        await run_script(lines.append, "cli", "a", "core show version")
        return " ".join(" ".join(lines).split()[:2]).partition("+")[0]

    async def _check(self) -> None:
        said: list[str] = []
        if await run_script(said.append, "check") == NO_ENGINE:
            raise LabUnavailable(said[-1].removeprefix(MISHAP))

    def _take(self) -> None:
        """A name in the kernel, which goes with this process, whatever becomes of it."""
        try:
            self._mark.bind(f"\0acd-demo-{self._lab}")
        except OSError:
            raise StageTaken(f"another demo plays on the lab at {self._lab}") from None

    async def _up(self) -> None:
        said: list[str] = []

        def hear(line: str) -> None:
            said.append(line)
            if not line.startswith(MISHAP):  # that is said by who deals with it
                self._say(line)

        code = await run_script(hear, "up", "a")
        last = said[-1] if said else "sip-lab/lab said nothing"
        if code == NO_ENGINE:
            raise LabUnavailable(last.removeprefix(MISHAP))
        if code != 0:
            raise StageFailed(last.removeprefix(MISHAP) if last.startswith(MISHAP) else f"lab up gave {code}: {last}")

    async def _look(self) -> Before:
        lines: list[str] = []
        await run_script(lines.append, "status")
        up = frozenset(line.split()[0] for line in lines if line.strip() and not line.rstrip().endswith("down"))
        return Before(engine=await _engine_is_there(), servers=up)

    async def restore(self) -> None:
        """Have it as it was. What that took so long that it was given up is said."""
        with self._mark:
            await self._restore()

    async def _restore(self) -> None:
        if self._before is None or "a" in self._before.servers:
            return
        try:
            async with asyncio.timeout(RESTORE_WITHIN_S):
                await run_script(self._say, "down", "a")
                if not self._before.engine and await _is_unused():
                    await run_script(self._say, "down", "--engine")
        except TimeoutError:
            self._say(f"server a is not down after {RESTORE_WITHIN_S:.0f} s: `make lab-down` tries again")


async def run_script(hear: Say, *words: str) -> int:
    """Run sip-lab/lab, hear it line by line, and give its exit code. In a session of its own: Ctrl-C is for us."""
    process = await asyncio.create_subprocess_exec(
        str(SCRIPT),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None, "it was asked for"
    try:
        async for line in process.stdout:
            hear(line.decode(errors="replace").rstrip())
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """A script that still runs is interrupted, as Ctrl-C would do it; at last it is killed with all its children."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_S):
                await process.wait()


async def _engine_is_there() -> bool:
    return await _docker("version") is not None or any(_is_dockerd(path) for path in PROCESSES.glob("[0-9]*/comm"))


def _is_dockerd(path: Path) -> bool:
    with suppress(OSError):  # it has ended
        return path.read_text(errors="replace").strip() == "dockerd"
    return False


async def _is_unused() -> bool:
    """Whether the engine says that it has no container. An engine that says nothing is left alone."""
    return await _docker("ps", "--quiet") == ""


async def _docker(*words: str) -> str | None:
    """What the docker command says, or None where there is none or where it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        return None
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip() if process.returncode == 0 else None
