"""What the telephony contract suite needs of a world in which it can call, answer and listen.

A world is a phone system with its adapter, callers and phones; the suite plays the engine: it reads what the adapter
reports and lets it act on facts. Everything that takes time is awaited, with a limit, and fails with an
`AssertionError` that says what was waited for. Nobody looks inside: what counts is what is reported, and what callers
and phones hear.

A world is an async context manager. It begins with every server connected and reported, and it ends by letting
everyone hang up.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from acd.core import Fact, Input
from acd.model import Phone, ServerId

DEADLINE_S: Final = 5.0
"""How long is waited for what should come at once."""

R = TypeVar("R")


class Returned(NamedTuple):
    """What the operator's dialplan reads when a caller is back: ${ACD_RESULT} and ${ACD_REASON}."""

    result: str
    reason: str


class CallingParty(Protocol):
    """Somebody who was handed over to a queue."""

    @property
    def number(self) -> str:
        """The caller's number; no other caller of this world has it."""

    async def hears_music(self, within_s: float = DEADLINE_S) -> None:
        """Wait until the caller hears the waiting music."""

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        """Wait until the caller hears an agent, long enough for it to be a conversation."""

    async def returned(self, within_s: float = DEADLINE_S) -> Returned:
        """Wait until the caller is back in the operator's dialplan."""

    async def sent_to(self, within_s: float = DEADLINE_S) -> str:
        """Wait until the caller stands in the operator's context `lab-mailbox` (extensions 600 to 699), and return the
        extension."""

    async def hang_up(self) -> None:
        """Hang up, in whatever state."""


class AgentPhone(Protocol):
    """A phone that takes one call at a time and rings until it is told to do something."""

    @property
    def number(self) -> Phone:
        """The number under which the engine knows it."""

    @property
    def invites(self) -> int:
        """How often it was called so far, refused calls included."""

    @property
    def shown(self) -> str:
        """What the display said at the last call."""

    async def rings(self, within_s: float = DEADLINE_S) -> None:
        """Wait until it rings."""

    async def is_idle(self, within_s: float = DEADLINE_S) -> None:
        """Wait until it neither rings nor is on a call."""

    async def hears_voice(self, within_s: float = DEADLINE_S) -> None:
        """Wait until the other side is heard."""

    async def answer(self) -> None:
        """Pick up; it must ring."""

    async def decline(self) -> None:
        """Refuse the call that rings."""

    async def transfer(self, queue: str) -> None:
        """Pass the caller of the conversation on to a queue, past the engine: a blind transfer."""

    async def hang_up(self) -> None:
        """End the call."""

    async def be_busy(self) -> None:
        """Refuse the calls that come from now on as busy."""

    async def unregister(self) -> None:
        """Leave the network: it cannot be reached any more."""

    async def dial(self, number: Phone) -> None:
        """Place a direct call."""


class World(Protocol):
    """A phone system under test. `server` is the first of `servers` where none is named."""

    @property
    def servers(self) -> Sequence[ServerId]:
        """The servers, by the names under which they report."""

    @property
    def tag(self) -> str:
        """Begins the ids of calls and offers; no other world ever had it. Letters and digits."""

    @property
    def reports(self) -> Sequence[Input]:
        """All that was reported so far, in order."""

    @property
    def tasks(self) -> Sequence[str]:
        """The names of the adapter's tasks that run now."""

    def now_ms(self) -> int:
        """The time that facts carry."""

    def act(self, *facts: Fact) -> None:
        """Committed facts reach the adapter, in one batch."""

    async def caller(
        self,
        queue: str,
        *,
        name: str = "",
        priority: int = 0,
        skills: Sequence[str] = (),
        server: ServerId | None = None,
    ) -> CallingParty:
        """Somebody calls, and the operator's dialplan hands the call over."""

    async def phone(self) -> AgentPhone:
        """A registered phone of an agent, not used before in this world."""

    async def outside_phone(self) -> AgentPhone:
        """A phone of somebody else, which can call agents' phones and be called."""

    async def reported(
        self,
        kind: type[R],
        where: Callable[[R], bool] | None = None,
        *,
        since: int = 0,
        within_s: float = DEADLINE_S,
    ) -> R:
        """Wait for a report of this kind for which `where` holds, and return the first. Reports made before count
        from number `since` on."""

    async def settled(self, within_s: float = DEADLINE_S) -> None:
        """Wait until all that was acted on is done and all that happened is reported: a round trip."""

    async def cut_link(self, server: ServerId | None = None) -> None:
        """Cut the link to a server; phones and callers stay where they are."""

    async def restore_link(self, server: ServerId | None = None) -> None:
        """Let the link come back by itself. Returns without waiting for it."""

    async def stop(self) -> None:
        """Stop the adapter, as at the engine's end. Callers and phones go on."""

    async def start_anew(self) -> None:
        """After the stop a new engine begins, that knows of nobody. Returns when every server has reported."""

    async def channels(self) -> Sequence[str]:
        """What is alive on all servers now."""

    async def is_empty(self, within_s: float = DEADLINE_S) -> None:
        """Wait until nothing is alive on any server."""


OpenWorld = Callable[[int], AbstractAsyncContextManager[World]]
"""Opens a world with so many servers."""


class WorldEntry(NamedTuple):
    """A kind of world, for the list over which the suite runs."""

    name: str
    open: OpenWorld
    marks: tuple[Any, ...] = ()
    """Pytest's, as `pytest.mark.e2e` for a world that needs the lab."""


def tell_of(reports: Sequence[Input], since: int = 0) -> str:
    """The reports as lines, for an assertion that failed."""
    lines = [f"  {number}: {report}" for number, report in enumerate(reports) if number >= since]
    return "\n".join(lines) if lines else "  nothing"
