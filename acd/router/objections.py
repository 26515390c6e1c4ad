"""What can speak against a call's being offered, and against an agent's being offered it: a type for each.

Only what the state knows: `acd.router.explanation` adds since when and until when.
"""

import msgspec

from acd.model import AgentId, CallId, Line, OfferId, QueueId, ServerId
from acd.router.states import Work


class _Objection(msgspec.Struct, frozen=True, tag_field="type", tag=True):
    """Base of all objections."""


# --- To offering the call at all --------------------------------------------------------------------------------


class Connected(_Objection, frozen=True):
    """The caller speaks with somebody."""

    agent: AgentId


class PickedUp(_Objection, frozen=True):
    """Somebody has picked up and is being connected."""

    agent: AgentId


class RingsEnough(_Objection, frozen=True):
    """It rings at as many agents as its queue allows."""

    agents: tuple[AgentId, ...]


class QueueRetired(_Objection, frozen=True):
    """Its queue is gone from the configuration."""

    queue: QueueId


class QueueInDisorder(_Objection, frozen=True):
    """Its queue's agents are being put in order anew: by another strategy, or for a new day."""

    queue: QueueId


class QueueLetsGo(_Objection, frozen=True):
    """Who waits in its queue has to leave."""

    queue: QueueId


class ServerUnheard(_Objection, frozen=True):
    """Its server cannot be heard."""

    server: ServerId


CallObjection = Connected | PickedUp | RingsEnough | QueueRetired | QueueInDisorder | QueueLetsGo | ServerUnheard


# --- To this agent ----------------------------------------------------------------------------------------------


class Leaving(_Objection, frozen=True):
    """The agent is gone from the configuration, and finishes the work in hand."""


class NotAssigned(_Objection, frozen=True):
    """The queue is none of the agent's."""

    queue: QueueId


class LoggedOut(_Objection, frozen=True):
    """The agent is not logged in to the queue."""

    queue: QueueId


class Paused(_Objection, frozen=True):
    """The agent is paused in the queue."""

    queue: QueueId
    reason: str | None


class Busy(_Objection, frozen=True):
    """The agent's voice is at work."""

    work: Work
    call: CallId | None
    queue: QueueId | None


class NoPhone(_Objection, frozen=True):
    """The agent has no phone."""


class OnDirectCall(_Objection, frozen=True):
    """The agent's phone is on a call that is none of a queue's."""

    line: Line


class Resting(_Objection, frozen=True):
    """The agent's phone could not be reached of late."""


class ChatsFull(_Objection, frozen=True):
    """The agent holds as many chats as may be."""

    chats: int
    most: int


class OfferedAlready(_Objection, frozen=True):
    """The call is with this agent already."""

    offer: OfferId


class RefusedIt(_Objection, frozen=True):
    """The agent refused this call of late."""


class RefusedMany(_Objection, frozen=True):
    """The agent refused many calls of late."""

    calls: int


class AnotherIsNamed(_Objection, frozen=True):
    """The call asks for somebody else, or waits for who spoke with the caller last."""

    named: AgentId
    last_agent: bool = False


class TierNotOpen(_Objection, frozen=True):
    """The call is not open to the agent's tier yet."""

    tier: int
    open_to: int


class SkillMissing(_Objection, frozen=True):
    """The agent's level in a required skill is too low."""

    skill: str
    level: int
    needed: int


AgentObjection = (
    Leaving
    | NotAssigned
    | LoggedOut
    | Paused
    | Busy
    | NoPhone
    | OnDirectCall
    | Resting
    | ChatsFull
    | OfferedAlready
    | RefusedIt
    | RefusedMany
    | AnotherIsNamed
    | TierNotOpen
    | SkillMissing
)
Objection = CallObjection | AgentObjection
