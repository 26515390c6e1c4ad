"""What happens outside or is asked for. An input never says what follows: the core decides that.

Reports come from telephony, requests from people. A report about something that the core does not know, or
knows already, is no error: it changes nothing.
"""

from typing import Literal

import msgspec

from acd.model import (
    AgentId,
    Caller,
    CallId,
    ChannelId,
    Direction,
    Kind,
    Line,
    OfferId,
    Phone,
    QueueId,
    RequestId,
    ServerId,
    Skill,
    SupervisorId,
)
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings, SupervisorSettings


class _Input(msgspec.Struct, frozen=True, tag_field="type", tag=True, gc=False):
    """Base of all inputs."""


# --- The engine -----------------------------------------------------------------------------------------------


class OpenJournal(_Input, frozen=True):
    """The first input of every journal. `tag` makes its ids differ from those of any other journal."""

    tag: str
    seed: int
    release: str


class PassTime(_Input, frozen=True):
    """Nothing but time: whatever is due happens."""


class ConfigureRouter(_Input, frozen=True):
    settings: RouterSettings


class ConfigureQueue(_Input, frozen=True):
    """A queue is new or changed."""

    settings: QueueSettings


class RetireQueue(_Input, frozen=True):
    """A queue is gone from the configuration: who waits in it returns to the dialplan."""

    queue: QueueId


class ConfigureAgent(_Input, frozen=True):
    """An agent is new or changed."""

    settings: AgentSettings


class RetireAgent(_Input, frozen=True):
    """An agent is gone from the configuration: the work in hand goes on, nothing new comes."""

    agent: AgentId


class OpenQueue(_Input, frozen=True):
    """The queue's hours have begun."""

    queue: QueueId


class CloseQueue(_Input, frozen=True):
    """The queue's hours are over."""

    queue: QueueId


class ConfigureSupervisor(_Input, frozen=True):
    """A supervisor is new or changed."""

    settings: SupervisorSettings


class RetireSupervisor(_Input, frozen=True):
    """A supervisor is gone from the configuration."""

    supervisor: SupervisorId


class BeginDay(_Input, frozen=True):
    """Midnight, where the engine lives: what agents did today is counted from 0 again."""


# --- Reports from telephony -----------------------------------------------------------------------------------


class PassedOn(msgspec.Struct, frozen=True):
    """How a call came into its queue from another one: by that it goes on where it stood when it is found again."""

    waited_ms: int
    """How long the caller had waited then ..."""
    age_ms: int
    """... and how much of that counts as the call's age there."""
    hops: int
    """How many queues have passed it on so far."""


class CallArrived(_Input, frozen=True):
    """The dialplan handed a call over, which has waited for `waited_ms` already: more than 0 for a call that was
    found waiting after a connection, or that comes back from a bridge that was none. Such a call has a place."""

    line: Line
    queue: QueueId
    caller: Caller
    priority: int = 0
    required: tuple[Skill, ...] = ()
    wanted: tuple[Skill, ...] = ()
    waited_ms: int = 0
    kind: Kind = "inbound"
    named: AgentId | None = None
    """Whom the caller asks for: that agent alone is offered the call for a time, then anyone."""
    passed_on: PassedOn | None = None
    """Where `queue` is not the one for which the caller came first."""
    unreadable: bool = False
    """What the call asks for cannot be read: nobody can say whom it may be offered to, so it is not taken."""


class CallerLeft(_Input, frozen=True):
    """The caller's channel hung up, or went back to the operator's dialplan by itself (`hung_up` false)."""

    line: Line
    hung_up: bool


LegEnd = Literal["answered-elsewhere", "busy", "declined", "no-answer", "unreachable", "failed", "hung-up"]
"""How an agent's leg came to its end, as the phone system tells it."""


class LegAnswered(_Input, frozen=True):
    """The agent picked up; the leg waits in its own place."""

    offer: OfferId


class LegBridged(_Input, frozen=True):
    """Caller and agent hear each other."""

    offer: OfferId


class LegEnded(_Input, frozen=True):
    """The agent's leg is gone, or never came to be."""

    offer: OfferId
    end: LegEnd


class PhoneInUse(_Input, frozen=True):
    """A call on an agent's phone that is not an offer: the phone rings (`in`) or dials (`out`)."""

    phone: Phone
    line: Line
    direction: Direction


class PhoneAnswered(_Input, frozen=True):
    """The direct call was answered."""

    line: Line


class PhoneServes(_Input, frozen=True):
    """The direct call turned out to be a feature code: it keeps the phone busy but is not counted."""

    line: Line


class PhoneReleased(_Input, frozen=True):
    """The direct call is over."""

    line: Line


class LinkLost(_Input, frozen=True):
    """The link to a server is down. Nothing is concluded about its calls yet."""

    server: ServerId


CallerPlace = Literal["waiting", "talking", "elsewhere"]
LegState = Literal["ringing", "answered", "talking"]


class SeenCaller(msgspec.Struct, frozen=True):
    """A call that the core may know, as the server reports it."""

    channel: ChannelId
    place: CallerPlace


class SeenLeg(msgspec.Struct, frozen=True):
    """An agent's leg, as the server reports it."""

    offer: OfferId
    state: LegState


class SeenPhone(msgspec.Struct, frozen=True):
    """A direct call on an agent's phone, as the server reports it."""

    phone: Phone
    channel: ChannelId
    direction: Direction
    answered: bool


class ServerReported(_Input, frozen=True):
    """A part of what exists on a server, after each connection. Absence counts only once `last` came. `first`
    says that the link was new, even where nobody could tell that the old one was lost."""

    server: ServerId
    callers: tuple[SeenCaller, ...] = ()
    legs: tuple[SeenLeg, ...] = ()
    phones: tuple[SeenPhone, ...] = ()
    first: bool = True
    last: bool = True


# --- Requests from people -------------------------------------------------------------------------------------


class _Request(_Input, frozen=True, kw_only=True):
    """Asked by `by` (the agent, a supervisor, the configuration) for `agent`; answered by one fact. Whoever makes such
    an input has made sure that `by` is who it says."""

    request: RequestId
    agent: AgentId
    by: str


class LogIn(_Request, frozen=True, kw_only=True):
    """Log in to `queues`, or to all assigned queues if empty. `phone`: from where, if from a phone."""

    queues: tuple[QueueId, ...] = ()
    phone: Phone | None = None


class LogOut(_Request, frozen=True, kw_only=True):
    queues: tuple[QueueId, ...] = ()


class Pause(_Request, frozen=True, kw_only=True):
    """Pause for a configured reason, by its id."""

    reason: str
    queues: tuple[QueueId, ...] = ()


class GetReady(_Request, frozen=True, kw_only=True):
    queues: tuple[QueueId, ...] = ()


class EndWrapUp(_Request, frozen=True, kw_only=True):
    """The work after the call is done before its time."""


class ExtendWrapUp(_Request, frozen=True, kw_only=True):
    """The work after the call needs more time: `for_ms` more, or as much as the queue allows."""

    for_ms: int | None = None


class SetDisposition(_Request, frozen=True, kw_only=True):
    """What has come of a call in hand, or of one that is still owed an answer: a configured disposition's id. `call`:
    of which; without it, the one that talks or is wrapped up, else the last that is owed. A chat in hand is named."""

    disposition: str
    call: CallId | None = None


Request = LogIn | LogOut | Pause | GetReady | EndWrapUp | ExtendWrapUp | SetDisposition
Input = (
    CallArrived
    | CallerLeft
    | LegAnswered
    | LegBridged
    | LegEnded
    | PassTime
    | PhoneInUse
    | PhoneAnswered
    | PhoneServes
    | PhoneReleased
    | LogIn
    | LogOut
    | Pause
    | GetReady
    | EndWrapUp
    | ExtendWrapUp
    | SetDisposition
    | LinkLost
    | ServerReported
    | OpenJournal
    | ConfigureRouter
    | ConfigureQueue
    | RetireQueue
    | ConfigureAgent
    | RetireAgent
    | ConfigureSupervisor
    | RetireSupervisor
    | BeginDay
    | OpenQueue
    | CloseQueue
)
