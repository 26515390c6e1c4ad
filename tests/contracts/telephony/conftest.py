"""The worlds over which the suite runs. A phone system that is new gets its line in WORLDS and nothing else."""

from collections.abc import AsyncIterator

import pytest

from acd.testing.simulated_world import real_time, virtual_time
from acd.testing.worlds import World, WorldEntry
from tests.contracts.telephony.desk import Desk

WORLDS = [
    WorldEntry("simulated-virtual-time", virtual_time),
    WorldEntry("simulated-real-time", real_time),
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
