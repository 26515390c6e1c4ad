"""What every test of the softphones needs: phones, and the proof that they leave nothing behind."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.telephony.sip import Phone


def sockets() -> list[str]:
    """The sockets of this process."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(descriptor.readlink()))
        except FileNotFoundError:  # the listing's own
            continue
    return sorted(link for link in links if link.startswith("socket:"))


def threads() -> set[threading.Thread]:
    """The threads of this process, but asyncio's own: its pool, and on Python 3.11 one for each child process."""
    return {
        thread for thread in threading.enumerate() if not thread.name.startswith(("asyncio_", "asyncio-", "waitpid-"))
    }


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    """After the phones have been left: no task, no socket, no thread more than before."""
    before = (sockets(), asyncio.all_tasks(), threads())
    yield
    new_tasks = {task for task in asyncio.all_tasks() - before[1] if task is not asyncio.current_task()}
    assert (sockets(), new_tasks, threads() - before[2]) == (before[0], set(), set())


@pytest.fixture
async def ana(nothing_is_left: None) -> AsyncIterator[Phone]:
    async with Phone("1001") as phone:
        yield phone


@pytest.fixture
async def bob(nothing_is_left: None) -> AsyncIterator[Phone]:
    async with Phone("1002") as phone:
        yield phone
