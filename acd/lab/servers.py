"""The lab's Asterisk servers: where they are, and how they are started and asked."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

SCRIPT: Final = Path(__file__).parents[2] / "sip-lab" / "lab"
NO_ENGINE: Final = 3
"""The script's exit code where no Docker engine is, and none can be had."""

Name = Literal["a", "b"]


class LabUnavailable(Exception):
    """There is no lab here; the text says in one sentence why."""


class LabMisnamed(ValueError):
    """ACD_LAB is no number of a lab; the text says so in one sentence."""


class LabServer(msgspec.Struct, frozen=True):
    """One of the lab's servers. Everything listens on loopback."""

    name: Name
    host: str
    state: Path
    """Where the lab's script keeps what belongs to this lab."""
    sip_port: int = 5060
    ami_port: int = 5038
    ami_tls_port: int = 5039
    ami_user: str = "acd"
    ami_secret: str = "lab-acd"  # noqa: S105  the lab's, known to everybody

    @property
    def ca_file(self) -> Path:
        """The certificate by which the server proves itself on its TLS port. There once it is up."""
        return self.state / "tls" / f"{self.name}.pem"


def _number(text: str) -> int:
    """As the lab's script takes it."""
    if not re.fullmatch(r"[1-9][0-9]?", text):
        raise LabMisnamed(f"ACD_LAB is {text!r}; a lab has a number from 1 to 99.")
    return int(text)


class Lab:
    """The two servers of one lab. `ACD_LAB` numbers the lab, for more than one on a machine. Raises `LabMisnamed`."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        number = _number(environment.get("ACD_LAB") or "1")
        self._environment = {**os.environ, "ACD_LAB": str(number)}
        work = SCRIPT.parent / ".work"
        state = work if number == 1 else work / f"lab-{number}"
        self.a = LabServer("a", f"127.0.{number}.1", state)
        self.b = LabServer("b", f"127.0.{number}.2", state)

    async def up(self, *names: Name) -> None:
        """Start the servers (both, if none is named) and wait until they answer. Raises `LabUnavailable`."""
        code, output = await self._run("up", *names)
        if code == NO_ENGINE:
            raise LabUnavailable(output.strip().splitlines()[-1].removeprefix("lab: "))
        if code != 0:
            raise RuntimeError(f"sip-lab/lab up failed with {code}:\n{output}")

    async def restart(self, name: Name) -> None:
        """Stop a server hard and start it again."""
        await self._expect("restart", name)

    async def pause(self, name: Name) -> None:
        """Let a server stand still: nothing of it is lost, and it answers nobody."""
        await self._expect("pause", name)

    async def go_on(self, name: Name) -> None:
        """Let a server that stands still go on; one that runs is left alone."""
        await self._expect("go-on", name)

    async def cli(self, name: Name, command: str) -> str:
        """What Asterisk's console answers."""
        return await self._expect("cli", name, command)

    async def channels(self, name: Name) -> int:
        """How many channels exist on a server."""
        for line in (await self.cli(name, "core show channels count")).splitlines():
            if "active channel" in line:
                return int(line.split()[0])
        raise AssertionError("Asterisk did not say how many channels it has")

    async def _expect(self, *words: str) -> str:
        code, output = await self._run(*words)
        if code != 0:
            raise RuntimeError(f"sip-lab/lab {' '.join(words)} failed with {code}:\n{output}")
        return output

    async def _run(self, *words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            str(SCRIPT),
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        output, _ = await process.communicate()
        assert process.returncode is not None, "it has ended"
        return process.returncode, output.decode(errors="replace")
