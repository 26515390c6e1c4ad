"""How much processor time a process has used: all its threads, those that have ended too, in nanoseconds.

The kernel keeps a clock for each process (clock_getcpuclockid(3)), which anybody may read: nothing is sampled, and the
process does not notice.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from acd.lab.servers import LabServer

SCHEDULER: Final = 2
"""Which of a process's clocks: all the time that the scheduler gave it (CPUCLOCK_SCHED in the kernel)."""


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """The clock of the process with this number."""

    pid: int

    def used_ms(self) -> float:
        """Milliseconds since its start. Raises `OSError` where there is no such process."""
        return time.clock_gettime_ns((~self.pid << 3) | SCHEDULER) / 1e6


async def clock_of(server: LabServer) -> ProcessClock:
    """The clock of a lab server's Asterisk, which is the only process of its container."""
    number = server.host.split(".")[2]
    container = f"acd-lab{'' if number == '1' else number}-{server.name}"
    process = await asyncio.create_subprocess_exec(
        "docker", "inspect", "--format", "{{.State.Pid}}", container, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, f"there is no container {container}"
    return ProcessClock(int(said))
