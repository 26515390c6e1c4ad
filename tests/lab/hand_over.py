"""What the engine does with a call, done by hand: the claim, the agent's leg, the bridge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.lab.ami import Ami, Message
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


@asynccontextmanager
async def claimed_call(ami: Ami, server: Server, number: str = "q-sales") -> AsyncIterator[str]:
    """A caller who waits past the two seconds, claimed."""
    await beat(ami)
    async with calling(server.address, number):
        call = (await ami.said("AcdCall"))["Uniqueid"]
        assert await claim(ami, call)
        yield call
