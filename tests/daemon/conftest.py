"""What the tests of the daemon share."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.daemon.sd_notify import Notifier
from tests.daemon.in_process import FIRST
from tests.daemon.recorded import RecordedPhones, Systemd, write


def open_files() -> set[str]:
    """What this process has open, by number and target."""
    found = set()
    for number in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{number} {number.readlink()}")
        except FileNotFoundError:
            continue  # the folder itself
    return found


def tasks() -> set[str]:
    current = asyncio.current_task()
    return {task.get_name() for task in asyncio.all_tasks() if task is not current}


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """Neither an open file nor a task, when the test is over."""
    before = open_files(), tasks()
    yield
    assert (open_files(), tasks()) == before


@pytest.fixture
def phones() -> RecordedPhones:
    return RecordedPhones()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "acd.toml", FIRST)


@pytest.fixture
async def systemd(tmp_path: Path) -> AsyncIterator[Systemd]:
    async with Systemd(str(tmp_path / "notify")) as systemd:
        yield systemd


@pytest.fixture
def notifier(systemd: Systemd) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "100000"})
