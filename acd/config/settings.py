"""What a configuration file comes to: the settings of every room in one frozen value.

The settings that steer routing are the router's own types, those of the sign-in are `acd.sign_in`'s. Those of the
phone system are here, because telephony stands above the configuration.
"""

from collections.abc import Mapping

import msgspec

from acd.hours import Hours
from acd.model import AgentId, Phone, QueueId, ServerId
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings, SupervisorSettings
from acd.sign_in import Credential, SignInSettings


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One Asterisk server and the account that the engine uses there."""

    id: ServerId
    username: str
    secret: str
    host: str = "127.0.0.1"
    port: int = 5038
    tls: bool = False
    ca_file: str | None = None
    """PEM certificates that vouch for the server. None: those of the machine."""
    tls_name: str | None = None
    """The name in the server's certificate. None: `host`."""
    dial: str = "PJSIP/{phone}"
    """How an agent's phone is dialled from this server."""

    def address_of(self, phone: Phone) -> str:
        """The phone as this server dials it."""
        return self.dial.replace("{phone}", phone)

    def __repr__(self) -> str:
        """Without the secret: this may end in a log."""
        return f"ServerSettings({self.id!r}, {self.username}@{self.host}:{self.port}, tls={self.tls}, {self.dial!r})"


class TelephonySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the phone system is spoken to, the same for every server."""

    waiting_lost_after_s: int = 60
    """A claimed caller whose engine stays silent for so long returns to the dialplan with `lost`."""
    connect_timeout_s: float = 5.0
    action_timeout_s: float = 5.0
    """How long an action may stay unanswered."""
    ping_every_s: float = 3.0
    """A quiet link is tested so often."""
    retry_at_most_s: float = 5.0
    """The longest pause between two attempts to connect; the first pauses are shorter."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration that was found to be right."""

    router: RouterSettings = RouterSettings()
    queues: tuple[QueueSettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
    supervisors: tuple[SupervisorSettings, ...] = ()
    servers: tuple[ServerSettings, ...] = ()
    telephony: TelephonySettings = TelephonySettings()
    sign_in: SignInSettings = SignInSettings()
    credentials: tuple[Credential, ...] = ()
    """Who may sign in from a phone: no number stands there twice."""
    phones: frozenset[Phone] = frozenset()
    """Every phone whose direct calls are watched: the agents' own and those that are nobody's."""
    logged_in_at_start: tuple[AgentId, ...] = ()
    time_zone: str = "UTC"
    """Where the engine lives: its midnight begins a day."""
    hours: Mapping[str, Hours] = {}
    hours_of: Mapping[QueueId, str] = {}
    """Which of these hold for a queue; one that is not here is always open."""
    warnings: tuple[str, ...] = ()
    """What is allowed but hardly meant, one line each."""
    files: tuple[str, ...] = ()
    """Where all this was read: the file, and what it points to. Nobody may write there."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be shown, wherever they turn up."""
        return tuple(server.secret for server in self.servers)
