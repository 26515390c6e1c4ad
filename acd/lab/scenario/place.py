"""Where scenarios are played: one server of the lab, or an operator's own Asterisk with accounts that are for tests."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from acd.lab.dialling import number_of
from acd.lab.ears import Ears
from acd.lab.servers import Lab, LabServer
from acd.telephony.ami.link import AmiAddress
from acd.telephony.sip.wire import Address

FIRST_AGENT: Final = 1001
FIRST_CALLER: Final = 2001
MOST: Final = 40
"""Agents, and callers: so many phones the lab has."""
MARK: Final = "ACD_TEST"
MARKED: Final = "yes"
"""What an operator writes into the endpoint of an account that is for tests: `set_var = ACD_TEST=yes`. Asterisk's
PJSIP_ENDPOINT tells what is set so by its name."""
MASK: Final = "user,call"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Number = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.+-]{1,40}$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class NotForTests(Exception):
    """This Asterisk, or its description, is not one on which scenarios may be played; the text says why."""


class Phones(NamedTuple):
    """The phones that people of a script may have, in the order in which they are given out. `closed`: no others."""

    agents: Sequence[str]
    callers: Sequence[str]
    closed: bool = False

    def has(self, number: str) -> bool:
        """Whether somebody may have this one."""
        return not self.closed or number in (*self.agents, *self.callers)


LAB_PHONES: Final = Phones(
    [str(FIRST_AGENT + count) for count in range(MOST)], [str(FIRST_CALLER + count) for count in range(MOST)]
)


class Place(ABC):
    """One Asterisk. `name` is how the engine calls it."""

    name: str
    phones: Phones
    sip: Address
    ami: Address
    ami_user: str
    ami_secret: str
    own_host: str
    """The address of this machine at which that Asterisk reaches it."""
    ways_back: Sequence[str]
    """The user events that say where a caller has come back to, with Result and Reason."""

    @abstractmethod
    def password(self, phone: str) -> str:
        """With which the phone registers."""

    @abstractmethod
    def dialled(self, queue: str, priority: str, wishes: str) -> str:
        """What a phone dials to be handed over to a queue."""

    @abstractmethod
    def ears(self) -> Ears:
        """A second pair of ears on it."""

    @abstractmethod
    async def is_empty(self, ears: Ears) -> None:
        """Return once no call of ours is left there. Raises `AssertionError`."""


class InLab(Place):
    """A server of the lab, with which anything may be done."""

    phones = LAB_PHONES
    ways_back = ("LabFallback", "LabMailbox")
    own_host = "127.0.0.1"

    def __init__(self, lab: Lab, server: LabServer) -> None:
        self.name: str = server.name
        self.sip: Address = (server.host, server.sip_port)
        self.ami: Address = (server.host, server.ami_port)
        self.ami_user = server.ami_user
        self.ami_secret = server.ami_secret
        self._lab = lab
        self._server = server

    def password(self, phone: str) -> str:
        return f"lab-{phone}"

    def dialled(self, queue: str, priority: str, wishes: str) -> str:
        return number_of(queue, priority, wishes)

    def ears(self) -> Ears:
        return Ears(self._server, MASK)

    async def is_empty(self, ears: Ears) -> None:
        await ears.no_channel_is_left()

    async def restart(self) -> None:
        await self._lab.restart(self._server.name)

    async def pause(self) -> None:
        await self._lab.pause(self._server.name)

    async def go_on(self) -> None:
        await self._lab.go_on(self._server.name)


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone that may register there."""

    number: Number
    password: Text


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of `--pbx`."""

    host: Text
    username: Text
    """The AMI account of an engine."""
    secret: Text
    agent: Annotated[list[Account], msgspec.Meta(min_length=1, max_length=MOST)]
    caller: Annotated[list[Account], msgspec.Meta(min_length=1, max_length=MOST)]
    queue: Text = "q-{queue}"
    """What a phone dials for a queue: `{queue}` is replaced by its name."""
    sip_port: Port = 5060
    ami_port: Port = 5038


class OwnPbx(Place):
    """An operator's own Asterisk. What belongs to the lab alone cannot be done there."""

    name = "pbx"
    ways_back = ("AcdLeft",)

    def __init__(self, described: Described) -> None:
        self.phones = Phones(
            [account.number for account in described.agent],
            [account.number for account in described.caller],
            closed=True,
        )
        self.sip: Address = (described.host, described.sip_port)
        self.ami: Address = (described.host, described.ami_port)
        self.ami_user = described.username
        self.ami_secret = described.secret
        self.own_host = _facing(self.sip)
        self._passwords = {account.number: account.password for account in (*described.agent, *described.caller)}
        self._queue = described.queue

    @classmethod
    def read(cls, path: Path) -> "OwnPbx":
        """As the file describes it. Raises `NotForTests`."""
        try:
            return cls(msgspec.toml.decode(path.read_bytes(), type=Described))
        except (OSError, ValueError) as error:
            raise NotForTests(f"{path}: {error}") from None

    def password(self, phone: str) -> str:
        return self._passwords[phone]

    def dialled(self, queue: str, priority: str, wishes: str) -> str:
        assert priority + wishes == "", "such a script is not played here"
        return self._queue.replace("{queue}", queue)

    def ears(self) -> Ears:
        host, port = self.ami
        return Ears(
            AmiAddress(server=self.name, host=host, port=port, username=self.ami_user, secret=self.ami_secret), MASK
        )

    async def is_empty(self, ears: Ears) -> None:
        ours = tuple(f"PJSIP/{number}-" for number in self._passwords)
        await ears.no_channel_is_left(of=ours)

    async def check(self) -> None:
        """Every account must be marked, at Asterisk itself, as one for tests. Raises `NotForTests`."""
        try:
            async with self.ears() as ears:
                for number in self._passwords:
                    mark = await ears.ask("Getvar", ("Variable", f"PJSIP_ENDPOINT({number},{MARK})"))
                    if mark.get("Value") != MARKED:
                        raise NotForTests(
                            f"account {number} is not marked as one for tests: "
                            f"its endpoint needs `set_var = {MARK}={MARKED}`"
                        )
        except TimeoutError:
            host, port = self.ami
            raise NotForTests(f"nobody answers at {host}:{port} to AMI account {self.ami_user}") from None


def _facing(far: Address) -> str:
    """The address of this machine on the way there; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect(far)
        host: str = own.getsockname()[0]
        return host
