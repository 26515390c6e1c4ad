"""The settings that steer routing. The configuration file is parsed into these (acd/config.py)."""

import msgspec

from acd.model import AgentId, Phone, QueueId


class QueueSettings(msgspec.Struct, frozen=True):
    """One queue."""

    id: QueueId
    name: str
    """As agents and wallboards show it."""
    ring_timeout_ms: int = 15_000
    """How long one agent's phone rings before the offer ends with no answer."""
    wrap_up_ms: int = 10_000
    """Work after the call, held against the calls of every queue. 0: none."""
    max_wait_ms: int | None = None
    """The longest wait, after which the caller returns to the dialplan with `timeout`. None: without end."""
    max_length: int | None = None
    """How many may wait; the next one is refused with `queue-full`. None: any number."""


class AgentSettings(msgspec.Struct, frozen=True):
    """One agent."""

    id: AgentId
    name: str
    phone: Phone | None
    """The agent's own phone. None: the agent takes the phone from which the log-in comes."""
    queues: tuple[QueueId, ...]
    """The queues to which the agent is assigned, in the order of the configuration."""
    hot_desking: bool = False
    """Whether the phone from which the agent logs in becomes the agent's."""


class PauseReason(msgspec.Struct, frozen=True):
    """A reason to pause; `number` is what a phone sends (`*432` is reason 2)."""

    id: str
    name: str
    number: int


class RouterSettings(msgspec.Struct, frozen=True):
    """What holds for all queues and agents."""

    refusal_rest_ms: int = 5_000
    """An agent who declined or missed a call is not offered that same call again for so long."""
    unreachable_rest_ms: int = 10_000
    """An agent whose phone could not be reached is offered nothing for so long."""
    server_lost_after_ms: int = 60_000
    """A server that is not heard of for so long is given up, with the calls on it."""
    pause_reasons: tuple[PauseReason, ...] = ()


class Configured(msgspec.Struct, frozen=True):
    """All settings that a core goes by: what a new configuration is compared with. Nothing that is retired."""

    router: RouterSettings = RouterSettings()
    queues: tuple[QueueSettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
