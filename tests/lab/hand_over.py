"""What the engine does with a call, done by hand: the claim, the agent's leg, the bridge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lab.ami import PATIENCE_S, Ami, Message
from tests.lab.phones import Phone, calling
from tests.lab.server import Server

OFFER = "offer-1"


async def beat(ami: Ami) -> None:
    """The engine's heartbeat, by Asterisk's own clock."""
    await ami.set("ACD_ALIVE", await ami.get("EPOCH"))


async def claim(ami: Ami, call: str) -> bool:
    """First claim, then look: whether the call is ours."""
    await ami.set("ACD_CLAIM", "1", call)
    return await ami.get("ACD_LEFT", call) == ""


async def ring(ami: Ami, phone: Phone, offer: str = OFFER) -> None:
    """Rings the phone as an agent's, and waits until it has answered into its place."""
    await ami.ask(
        "Originate", Channel=phone.dial, ChannelId=offer, Context="acd-agent", Exten="s", Priority="1",
        Async="true", Timeout="15000", Variable=f"ACD_OFFER={offer}",
    )  # fmt: skip
    await ami.said("AcdUp", Offer=offer)


async def connect(ami: Ami, call: str, offer: str = OFFER) -> Message:
    await ami.set("ACD_PEER", offer, call)
    await ami.redirect(call, "acd", "connect")
    return await ami.event("BridgeEnter", BridgeNumChannels="2")


async def talked(ami: Ami, call: str) -> None:
    """Wait until the two have been together for so long that it counts as a conversation, by Asterisk's clock."""
    met_ms = int(await ami.get("ACD_MET", call))
    async with asyncio.timeout(PATIENCE_S):
        while await now_ms(ami) - met_ms <= 250:  # each look is a round trip
            pass


async def now_ms(ami: Ami) -> int:
    return int(await ami.get("STRFTIME(,,%s%3q)"))


@asynccontextmanager
async def claimed_call(ami: Ami, server: Server, number: str = "q-sales") -> AsyncIterator[str]:
    """A caller who waits past the two seconds, claimed."""
    await beat(ami)
    async with calling(server.address, number):
        call = (await ami.said("AcdCall"))["Uniqueid"]
        assert await claim(ami, call)
        yield call
