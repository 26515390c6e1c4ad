"""The worlds over which the suite runs. A phone system that is new gets its line in WORLDS and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.testing.asterisk_world import on_asterisk
from acd.testing.simulated_world import real_time, virtual_time
from acd.testing.worlds import World, WorldEntry
from tests import needs
from tests.contracts.telephony.desk import Desk


@asynccontextmanager
async def asterisk(servers: int) -> AsyncIterator[World]:
    """In the lab."""
    with needs.the_lab():
        async with on_asterisk(servers) as world:
            yield world


WORLDS = [
    WorldEntry("simulated-virtual-time", virtual_time),
    WorldEntry("simulated-real-time", real_time),
    WorldEntry("asterisk", asterisk, (pytest.mark.e2e, pytest.mark.timeout(120))),
]


@pytest.fixture(params=[pytest.param(entry, id=entry.name, marks=entry.marks) for entry in WORLDS])
def kind(request: pytest.FixtureRequest) -> WorldEntry:
    """One kind of world after the other."""
    assert isinstance(request.param, WorldEntry)
    return request.param


@pytest.fixture
async def world(kind: WorldEntry) -> AsyncIterator[World]:
    """A world with one server, connected."""
    async with kind.open(1) as world:
        yield world


@pytest.fixture
async def two_servers(kind: WorldEntry) -> AsyncIterator[World]:
    """A world with two servers, connected."""
    async with kind.open(2) as world:
        yield world


@pytest.fixture
def desk(world: World) -> Desk:
    """The engine's part in the world with one server."""
    return Desk(world)
