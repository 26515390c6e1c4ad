"""A link under test, with everything that it told its owner, in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from acd.tasks import Tasks
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import AmiEvent
from acd.telephony.ami.protocol import LinkLimits
from acd.testing.ami_server import AmiServer

QUICK = LinkLimits(
    connect_s=0.5,
    banner_s=0.1,
    action_s=0.5,
    booted_s=0.05,
    ping_every_s=0.02,
    ping_answer_s=0.05,
    ping_answer_while_busy_s=0.3,
    close_s=0.1,
    retry_first_s=0.005,
    retry_most_s=0.02,
    retry_refused_s=0.02,
    steady_s=0.05,
)
"""For what ends by a time-out."""

CALM = LinkLimits(ping_every_s=30.0, retry_first_s=0.005, retry_most_s=0.02, retry_refused_s=0.02)
"""For everything else: a slow machine must not look like a silent Asterisk."""


class Witness:
    """What a link told: "up", "down: reason", and each event's name; `events` holds the events themselves."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.events: list[AmiEvent] = []
        self.also: Callable[[AmiEvent], None] = lambda _: None
        self._news = asyncio.Event()

    def on_event(self, event: AmiEvent) -> None:
        self.events.append(event)
        self._tell(event.name)
        self.also(event)

    def on_up(self) -> None:
        self._tell("up")

    def on_down(self, reason: str) -> None:
        self._tell(f"down: {reason}")

    @property
    def ups(self) -> int:
        return self.told.count("up")

    @property
    def downs(self) -> list[str]:
        return [word.removeprefix("down: ") for word in self.told if word.startswith("down: ")]

    async def until(self, condition: Callable[[], Any], within_s: float = 5.0) -> None:
        """Wait for a condition, which is looked at whenever the link tells something."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s; told so far: {self.told[-20:]}") from None

    async def event(self, name: str) -> AmiEvent:
        await self.until(lambda: name in self.told)
        return next(event for event in self.events if event.name == name)

    def _tell(self, word: str) -> None:
        self.told.append(word)
        self._news.set()
        self._news = asyncio.Event()


def record_writes(link: AmiLink) -> list[bytes]:
    """What the link hands to its socket from now on, write by write."""
    connection = link._connection
    assert connection is not None
    writes: list[bytes] = []
    send = connection.transport.write

    def write(data: bytes) -> None:
        writes.append(data)
        send(data)

    connection.transport.write = write  # type: ignore[method-assign, assignment]
    return writes


def address(ami: AmiServer, **changes: Any) -> AmiAddress:
    """The scripted server's address as an operator would configure it."""
    given: dict[str, Any] = {"server": "east", "host": ami.host, "port": ami.port, "username": "acd", "secret": "lab"}
    return AmiAddress(**(given | changes))


@asynccontextmanager
async def running(ami: AmiServer, limits: LinkLimits = CALM, **changes: Any) -> AsyncIterator[tuple[AmiLink, Witness]]:
    """A link whose `run` runs; stopped at the end, and then no task and no connection is left."""
    witness = Witness()
    link = AmiLink(address(ami, **changes), witness.on_event, witness.on_up, witness.on_down, limits)
    tasks = Tasks("test")
    tasks.start("link", link.run())
    try:
        yield link, witness
    finally:
        await tasks.stop()
        assert tasks.names == ()
        assert not link.connected


@asynccontextmanager
async def up(ami: AmiServer, limits: LinkLimits = CALM, **changes: Any) -> AsyncIterator[tuple[AmiLink, Witness]]:
    """The same, once it is up."""
    async with running(ami, limits, **changes) as (link, witness):
        await witness.until(lambda: witness.ups)
        yield link, witness
