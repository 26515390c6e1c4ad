"""The lab as the tests see it: is it there, and its two servers."""

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.needs import missing

ROOT = Path(__file__).parents[2]
LAB = ROOT / "sip-lab" / "lab"
NUMBER = int(os.environ.get("ACD_LAB", "1"))
STATE = ROOT / "sip-lab" / ".work" / ("" if NUMBER == 1 else f"lab-{NUMBER}")
NO_ENGINE = 3
"""The lab's exit code where no Docker engine is, and none can be made."""


@dataclass(frozen=True)
class Server:
    name: str
    address: str

    @property
    def container(self) -> str:
        return f"acd-lab{'' if NUMBER == 1 else NUMBER}-{self.name}"

    @property
    def certificate(self) -> Path:
        return STATE / "tls" / f"{self.name}.pem"

    async def cli(self, command: str) -> str:
        """What Asterisk's command line answers."""
        return await run(str(LAB), "cli", self.name, command)

    async def shell(self, command: str) -> str:
        """What a command inside the container prints."""
        return await run("docker", "exec", self.container, "sh", "-c", command)


A = Server("a", f"127.0.{NUMBER}.1")
B = Server("b", f"127.0.{NUMBER}.2")


async def run(*command: str, within: float = 20.0) -> str:
    """Standard output of a command that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(within):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


def bring_up() -> tuple[Server, Server]:
    """Both servers, running. Without a Docker engine: `tests.needs`."""
    up = subprocess.run([LAB, "up"], capture_output=True, text=True, check=False, timeout=540)
    if up.returncode == NO_ENGINE:
        missing(up.stderr.strip().splitlines()[-1].removeprefix("lab: "))
    assert up.returncode == 0, up.stderr
    return A, B
