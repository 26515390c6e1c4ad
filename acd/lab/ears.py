"""A second pair of ears on a lab server's AMI: what the operator's dialplan says, and when the last channel is gone.

Whoever waits for a state of Asterisk looks once, then again after each event that may have changed it: nobody polls.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from acd.lab.servers import Lab, LabServer
from acd.tasks import Tasks
from acd.telephony.ami.link import AmiAddress, AmiLink
from acd.telephony.ami.messages import AmiEvent, AmiResponse

PATIENCE_S: Final = 5.0
EMPTY_WITHIN_S: Final = 10.0


class Ears:
    """`async with` listens, at a server of the lab as `user`, or at an address. `mask`: the classes of events that are
    wanted, as AMI's action Events names them."""

    def __init__(
        self,
        server: LabServer | AmiAddress,
        mask: str = "on",
        user: str = "lab",
        on_event: Callable[[AmiEvent], None] | None = None,
    ) -> None:
        self.heard: list[AmiEvent] = []
        self._mask = mask
        self._tell = on_event or self.heard.append
        self._listens = False
        """Whether the server was told what is wanted, once."""
        self._news = asyncio.Event()
        address = server if isinstance(server, AmiAddress) else _account(server, user)
        self._tasks = Tasks(f"ears-{address.server}")
        self._link = AmiLink(address, self._hear, self._came_up, lambda _reason: None)

    async def __aenter__(self) -> Self:
        self._tasks.start("link", self._link.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._until_up()
            if self._mask != "on":
                await self.listen(self._mask)
            self._listens = True
        except BaseException:
            await self._tasks.stop()
            raise
        return self

    def _came_up(self) -> None:
        """A server that comes again knows nothing of what was asked for before."""
        if self._listens and self._mask != "on":
            self._tasks.start("listen", self.listen(self._mask))
        self._news.set()

    async def _until_up(self) -> None:
        while not self.connected:
            self._news.clear()
            await self._news.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.stop()

    @property
    def connected(self) -> bool:
        """Whether the server is there."""
        return self._link.connected

    async def ask(self, action: str, *headers: tuple[str, str]) -> AmiResponse:
        """What the server answers."""
        return await self._link.send(action, *headers)

    async def listen(self, mask: str) -> None:
        """From now on hear these classes of events; `off`: none."""
        self._mask = mask
        await self.ask("Events", ("EventMask", mask))

    def all(self, name: str, **headers: str) -> list[AmiEvent]:
        """What was heard of these events. A user event goes by the name that the dialplan gave it."""
        return [event for event in self.heard if _name(event) == name and _has(event, headers)]

    async def hears(self, name: str, *, within_s: float = PATIENCE_S, **headers: str) -> AmiEvent:
        """The first of these events, once it was heard."""
        try:
            async with asyncio.timeout(within_s):
                while not (found := self.all(name, **headers)):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {name} {headers} within {within_s} s, but {self.all(name)}") from None
        return found[0]

    async def until(self, holds: Callable[[], Awaitable[bool]], within_s: float = PATIENCE_S) -> bool:
        """Whether it holds in time. It is looked at now, whenever something was heard, and at the end once more."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    self._news.clear()
                    if await holds():
                        return True
                    await self._news.wait()
        except TimeoutError:
            return await holds()

    async def channels(self) -> list[str]:
        """The channels of the server, by name."""
        answer = await self.ask("CoreShowChannels")
        return [event.get("Channel") for event in answer.events if event.name == "CoreShowChannel"]

    async def no_channel_is_left(self, within_s: float = EMPTY_WITHIN_S, of: tuple[str, ...] = ("",)) -> None:
        """Return once the server has no channel whose name begins so. Where the ears hear no call events, that is only
        looked at twice."""

        async def is_empty() -> bool:
            return not any(name.startswith(of) for name in await self.channels())

        assert await self.until(is_empty, within_s), f"channels are left: {await self.channels()}"

    def _hear(self, event: AmiEvent) -> None:
        self._tell(event)
        self._news.set()


def _account(server: LabServer, user: str) -> AmiAddress:
    return AmiAddress(server=f"{user}-{server.name}", host=server.host, username=user, secret=f"lab-{user}")


async def no_channel_is_left(lab: Lab, within_s: float = EMPTY_WITHIN_S) -> None:
    """Return once neither server of the lab has a channel; fail where one keeps some for so long."""
    for server in (lab.a, lab.b):
        async with Ears(server, "call") as ears:
            await ears.no_channel_is_left(within_s)


def _name(event: AmiEvent) -> str:
    return event.get("UserEvent") if event.name == "UserEvent" else event.name


def _has(event: AmiEvent, headers: dict[str, str]) -> bool:
    return all(event.get(name) == value for name, value in headers.items())
