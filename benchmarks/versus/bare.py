"""The bare client (benchmarks/versus/bare_client.py) as a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from acd.lab.servers import Lab
from benchmarks.cpu import ProcessClock

READY_WITHIN_S: Final = 15


@asynccontextmanager
async def bare_client(lab: Lab, agents: int) -> AsyncIterator[ProcessClock]:
    """It serves server a, with agents at so many lines, until the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.versus.bare_client", lab.a.host, str(agents), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None, "it was asked for"
        async with asyncio.timeout(READY_WITHIN_S):
            assert await process.stdout.readline() == b"ready\n", "the bare client does not start"
        yield ProcessClock(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
