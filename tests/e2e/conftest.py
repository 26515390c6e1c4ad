"""The lab, for every end-to-end test. Without Docker: `tests.needs`."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from acd.lab.ears import no_channel_is_left
from acd.lab.servers import Lab
from acd.testing.open_files import open_files
from tests import needs


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """Both servers, up. They stay up: the next run is quicker, and `make lab-down` stops them."""
    lab = Lab()
    with needs.the_lab():
        await lab.up()
    yield lab


@pytest_asyncio.fixture(autouse=True)
async def nothing_is_left(lab: Lab) -> AsyncIterator[None]:
    """After each test: no task, socket or file of this process, and no channel on either server."""
    before = open_files()
    yield
    others = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not others, f"tasks are left: {others}"
    await no_channel_is_left(lab)
    left = open_files() - before
    assert not left, f"files or sockets are left: {left}"
