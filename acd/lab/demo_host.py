"""The lab's first server for as long as the demo lasts: started where it does not run, and then stopped again.

What ran before stays: the server, the other server, the Docker engine.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import msgspec

from acd.lab.demo_stage import StageFailed
from acd.lab.servers import NO_ENGINE, SCRIPT, Lab, LabUnavailable

RESTORE_WITHIN_S: Final = 45.0
GIVE_UP_S: Final = 5.0
"""A script that was told to stop may take so long, before it is told less kindly."""

Say = Callable[[str], None]


class Before(msgspec.Struct, frozen=True):
    """What ran when we came."""

    engine: bool
    servers: frozenset[str]


class LabHost:
    """`async with` has server a up. Raises `LabUnavailable` where there can be none."""

    def __init__(self, lab: Lab, say: Say) -> None:
        self._lab = lab
        self._say = say

    async def __aenter__(self) -> Self:
        if not SCRIPT.exists():
            raise LabUnavailable("The lab is a part of acd's source tree, and this is an installed package.")
        self._before = await self._look()
        try:
            await self._up()
        except BaseException:
            await self._restore()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._restore()

    async def version(self) -> str:
        """`Asterisk 22.10.1`, without what Debian adds."""
        return " ".join((await self._lab.cli("a", "core show version")).split()[:2]).partition("+")[0]

    async def _up(self) -> None:
        said: list[str] = []

        def hear(line: str) -> None:
            said.append(line)
            self._say(line)

        code = await run_script(hear, "up", "a")
        last = said[-1].removeprefix("lab: ") if said else "sip-lab/lab said nothing"
        if code == NO_ENGINE:
            raise LabUnavailable(last)
        if code != 0:
            raise StageFailed(f"sip-lab/lab up gave {code}: {last}")

    async def _look(self) -> Before:
        lines: list[str] = []
        await run_script(lines.append, "status")
        up = frozenset(line.split()[0] for line in lines if line.strip() and not line.rstrip().endswith("down"))
        return Before(engine=await _engine_answers(), servers=up)

    async def _restore(self) -> None:
        if "a" in self._before.servers:
            return
        if self._before.servers:
            self._say("server a stays up beside the other one: `make lab-down` stops both")
            return
        try:
            async with asyncio.timeout(RESTORE_WITHIN_S):
                await run_script(self._say, "down")
                if not self._before.engine and not await _has_containers():
                    await run_script(self._say, "down", "--engine")
        except TimeoutError:
            self._say(f"the lab is not down after {RESTORE_WITHIN_S:.0f} s: `make lab-down` tries again")


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


async def _engine_answers() -> bool:
    return await _docker("version") is not None


async def _has_containers() -> bool:
    return bool(await _docker("ps", "--quiet"))


async def _docker(*words: str) -> str | None:
    """What the docker command says, or None where there is none or where it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            "docker", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        return None
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip() if process.returncode == 0 else None
