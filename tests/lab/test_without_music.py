"""acd.conf on an Asterisk that has no music to play: callers wait in silence, and for as long as otherwise."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.ami import Ami
from tests.lab.hand_over import OFFER, beat, claimed_call, connect, ring, talked
from tests.lab.phones import answering, calling
from tests.lab.server import Server

pytestmark = pytest.mark.e2e

FOLDER = "/usr/share/asterisk/moh"


@pytest_asyncio.fixture(autouse=True)
async def no_music(lab: tuple[Server, Server]) -> AsyncIterator[None]:
    """Neither the class that is asked for nor `default`: their folder does not exist."""
    server = lab[1]
    await server.shell(f"mv {FOLDER} {FOLDER}.away")
    try:
        await read_anew(server)
        yield
    finally:
        await server.shell(f"mv {FOLDER}.away {FOLDER}")
        await read_anew(server)


async def read_anew(server: Server) -> None:
    """A reload would keep the classes: the file that names them has not changed."""
    await server.cli("module unload res_musiconhold.so")
    assert "Loaded" in await server.cli("module load res_musiconhold.so")


async def test_engine_has_its_two_seconds_without_music(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with calling(server.address, "q-sales"):
        await ami.said("AcdCall")
        asked = time.monotonic()
        left = await ami.said("AcdLeft")
        assert (left["Result"], left["Reason"]) == ("unclaimed", "nobody-claimed")
        assert 1.9 < time.monotonic() - asked < 2.5
        assert not [m for m in await ami.drain() if m.get("Event") == "MusicOnHoldStart"]


@pytest.mark.parametrize("place", ["wait", "hold"])
async def test_caller_without_music_waits_and_does_not_spin(ami: Ami, server: Server, place: str) -> None:
    """Few steps of the dialplan, until the engine has been silent for too long."""
    await ami.set("ACD_LOST_AFTER", "3")
    async with claimed_call(ami, server) as call:
        last = time.monotonic()
        await ami.redirect(call, "acd", place)
        assert (await ami.said("AcdLeft", within=8))["Result"] == "lost"
        assert 1.9 < time.monotonic() - last < 3.5
        steps = [m for m in await ami.drain() if m.get("Event") == "Newexten" and m.get("Extension") == place]
        assert 0 < len(steps) < 20, len(steps)


async def test_agent_answers_a_caller_without_music(ami: Ami, server: Server) -> None:
    async with answering() as agent, claimed_call(ami, server) as call:
        await ami.said("AcdStay", Uniqueid=call)
        await ring(ami, agent)
        await connect(ami, call)
        await talked(ami, call)
        await ami.ask("Hangup", Channel=OFFER)
        assert (await ami.said("AcdLeft"))["Result"] == "served"


async def test_caller_without_music_whom_phones_drop_again_and_again_is_back_once_in_two_seconds(
    ami: Ami, server: Server
) -> None:
    async with claimed_call(ami, server) as call:
        for _ in range(2):
            dropped = time.monotonic()
            await ami.set("ACD_PEER", "nobody", call)
            await ami.redirect(call, "acd", "connect")
            await ami.said("AcdBack", Uniqueid=call)
        assert 1.9 < time.monotonic() - dropped < 3
