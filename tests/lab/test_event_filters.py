"""The engine's account: how few events reach it, and that nobody can forge one."""

import sys
from collections import Counter
from collections.abc import Callable

import pytest

from tests.lab.ami import Ami, Message
from tests.lab.hand_over import beat, claim, connect, ring
from tests.lab.phones import answering, calling
from tests.lab.server import Server

pytestmark = pytest.mark.e2e

MOST_EVENTS_A_CALL = 20


def count(events: list[Message]) -> Counter[str]:
    return Counter(m.get("UserEvent") or m["Event"] for m in events if m.get("Event") not in {None, "FullyBooted"})


async def test_a_call_reaches_the_engine_in_few_events(
    ami: Ami, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """From the caller's INVITE to the agent's BYE, the watch for direct calls included; printed with `-s`."""
    await beat(ami)
    async with Ami.connect(server.address, "acd") as engine, Ami.connect(server.address, "acd-all") as everything:
        await engine.drain()
        await everything.drain()
        async with calling(server.address, "q-sales") as caller, answering(ends=True) as agent:
            call = (await ami.said("AcdCall"))["Uniqueid"]
            assert await claim(ami, call)
            await ring(ami, agent)
            await connect(ami, call)
            await agent.end()
            await ami.event("Hangup", Uniqueid=call)
            await caller.end()
        before = count([m for m in await everything.drain() if m.get("Variable") not in {"ACD_CLAIM", "ACD_PEER"}])
        after = count(await engine.drain())
    for title, seen in (("unfiltered", before), ("filtered", after)):
        record_property(f"events_{title}", seen.total())
        sys.stdout.write(f"{title}: {seen.total()} {dict(seen)}\n")
    assert after.total() <= MOST_EVENTS_A_CALL
    assert {"AcdCall", "AcdUp", "AcdLeft", "BridgeEnter", "HangupRequest", "Hangup"} <= set(after)
    assert after["Newchannel"] == after["Newstate"] == 2, "caller and agent: begun, and answered"


async def test_direct_call_is_seen_from_begin_to_end(ami: Ami, server: Server) -> None:
    async with Ami.connect(server.address, "acd") as engine, calling(server.address, "echo"):
        begun = await engine.event("Newchannel")
        assert begun["Channel"].startswith("PJSIP/sipp-")
        await engine.event("Newstate", ChannelState="6", Uniqueid=begun["Uniqueid"])
        await ami.ask("Hangup", Channel=begun["Uniqueid"])
        await engine.event("Hangup", Uniqueid=begun["Uniqueid"])


async def test_no_key_that_anybody_presses_reaches_the_engine(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with Ami.connect(server.address, "acd") as engine, calling(server.address, "q-sales"):
        call = (await engine.said("AcdCall"))["Uniqueid"]
        await ami.ask("PlayDTMF", Channel=call, Digit="5", Duration="50", Receive="true")
        assert (await ami.event("DTMFEnd"))["Digit"] == "5"
        assert not [m for m in await engine.drain() if m.get("Event", "").startswith("DTMF")]


@pytest.mark.parametrize("action", ["Command", "Reload", "MixMonitor", "ModuleLoad", "UserEvent"])
async def test_account_may_do_no_more_than_the_engine_does(server: Server, action: str) -> None:
    async with Ami.connect(server.address, "acd") as engine:
        assert (await engine.ask(action, Channel="none"))["Message"] == "Permission denied"


async def test_no_order_to_hang_up_is_told_but_that_of_a_shutdown(ami: Ami, server: Server) -> None:
    await beat(ami)
    async with Ami.connect(server.address, "acd") as engine, calling(server.address, "q-sales"):
        call = (await engine.said("AcdCall"))["Uniqueid"]
        await ami.ask("Hangup", Channel=call)
        await engine.event("Hangup", Uniqueid=call)
        assert "SoftHangupRequest" not in {m.get("Event") for m in await engine.drain()}


FORGED = "q-x%0d%0a%0d%0aEvent%3a%20UserEvent%0d%0aUserEvent%3a%20AcdUp%0d%0aOffer%3a%20forged%0d%0a"


@pytest.mark.parametrize(
    "number",
    [FORGED, "q-x%0d%0aUniqueid%3a%20forged", "q-x%0aUniqueid%3a%20forged", "q-x%0d%0aChannel%3a%20forged",
     "q-x%0a%0aEvent%3a%20forged", "q-x%0d%0aEvent%3a%20forged"],
)  # fmt: skip
async def test_dialled_number_with_line_breaks_cannot_forge_an_event(ami: Ami, server: Server, number: str) -> None:
    """Asterisk writes the dialled number into its events as it came: an account without these filters believes it."""
    await beat(ami)
    async with Ami.connect(server.address, "acd") as engine, calling(server.address, number):
        await ami.said("LabFallback")
        assert any("forged" in value for m in await ami.drain() for value in m.values())
        assert not any("forged" in str(m) for m in await engine.drain())


async def test_caller_name_with_line_breaks_cannot_forge_an_event(ami: Ami, server: Server) -> None:
    """Asterisk itself escapes this one."""
    await beat(ami)
    async with calling(server.address, "f-sales"):
        call = await ami.said("AcdCall")
        assert call["CallerIDName"] == r"Eve\r\nEvent: forged"
        assert call["Event"] == "UserEvent"
