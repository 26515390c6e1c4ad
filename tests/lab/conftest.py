"""The lab, started once for all tests that ask for it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from tests.lab.ami import Ami
from tests.lab.server import Server, bring_up


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """The first test also builds the image, which takes longer than a test may."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def lab() -> tuple[Server, Server]:
    return bring_up()


@pytest.fixture
def server(lab: tuple[Server, Server]) -> Server:
    """The server on which these tests place calls."""
    return lab[1]


@pytest.fixture
async def ami(server: Server) -> AsyncIterator[Ami]:
    """Every right and every event. Leaves no channel behind, and no engine's heartbeat."""
    async with Ami.connect(server.address) as link:
        await link.set("ACD_ALIVE", "0")
        await link.set("ACD_LOST_AFTER", "")
        yield link
        await link.set("ACD_ALIVE", "0")
        await link.set("ACD_LOST_AFTER", "")
        await empty(link)


async def empty(link: Ami) -> None:
    """Hangs up whatever is left, and waits until it is gone: another look after each channel's end."""
    async with asyncio.timeout(5):
        while True:
            await link.ask("Hangup", Channel="/.*/", Cause="16")
            look = await link.ask("Status")
            if (await link.event("StatusComplete", ActionID=look["ActionID"]))["Items"] == "0":
                return
            await link.event("Hangup")
