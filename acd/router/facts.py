"""What the core decided or acknowledged, in the past tense: the only thing that other rooms ever learn.

A fact carries all that its application needs (deadlines, the chosen agent) and all that its readers need to act
on it, so that neither looks anything up. Times are milliseconds since 1970, UTC; every fact has `at_ms`.

A catalogue has no seam: each fact is looked up by its name alone, and parts would be one more list of the same names.
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
from acd.router.settings import (
    AgentSettings,
    AtLimit,
    Destination,
    Lasting,
    QueueSettings,
    Ring,
    RouterSettings,
    SupervisorSettings,
)


class _Fact(msgspec.Struct, frozen=True, tag_field="type", tag=True, gc=False):
    """Base of all facts. None can be part of a cycle: the collector need not look at them."""

    at_ms: int


# --- The engine -----------------------------------------------------------------------------------------------


class JournalOpened(_Fact, frozen=True):
    tag: str
    seed: int
    release: str


class RouterConfigured(_Fact, frozen=True):
    settings: RouterSettings


class QueueConfigured(_Fact, frozen=True):
    settings: QueueSettings
    reorders: bool = False
    """Whether its agents have to be put in order anew."""


class QueueRetired(_Fact, frozen=True):
    """No call is taken into the queue any more; those that wait are returned one by one."""

    queue: QueueId


class QueueClosed(_Fact, frozen=True):
    """Its hours are over: who comes now is not taken."""

    queue: QueueId


class QueueOpened(_Fact, frozen=True):
    """Its hours have begun."""

    queue: QueueId


class LeavingBegan(_Fact, frozen=True):
    """Who waits in the queue is let go, one by one."""

    queue: QueueId
    reason: Lasting


class LeavingEnded(_Fact, frozen=True):
    """Nobody waits there any more, or the reason is gone."""

    queue: QueueId


class QueueDrained(_Fact, frozen=True):
    """Nobody who can be heard waits in the retired queue; it is kept for the calls that ring or talk, and for those on
    a quiet server."""

    queue: QueueId


class QueueRemoved(_Fact, frozen=True):
    """The retired queue is empty and forgotten."""

    queue: QueueId


class AgentConfigured(_Fact, frozen=True):
    settings: AgentSettings


class AgentRetired(_Fact, frozen=True):
    agent: AgentId


class SupervisorConfigured(_Fact, frozen=True):
    settings: SupervisorSettings


class SupervisorRetired(_Fact, frozen=True):
    supervisor: SupervisorId


class DayBegan(_Fact, frozen=True):
    """What agents did today is counted from 0 again. `queues` choose by it: their agents are put in order anew."""

    queues: tuple[QueueId, ...]


class QueueUnordered(_Fact, frozen=True):
    """The queue's agents are put in order anew, in slices; till then it makes no offers."""

    queue: QueueId


class AgentsReordered(_Fact, frozen=True):
    """These stand as the queue's strategy has it now."""

    queue: QueueId
    agents: tuple[AgentId, ...]


# --- Calls ----------------------------------------------------------------------------------------------------

RefusalReason = Literal[
    "unknown-queue",
    "queue-closed",
    "wrong-channel",
    "bad-skills",
    "queue-full",
    "too-many-profiles",
    "no-agents",
    "all-paused",
    "too-many-hops",
]
Reason = Literal["timeout"] | RefusalReason


class Hop(msgspec.Struct, frozen=True):
    """A queue that passed a call on, and why."""

    queue: QueueId
    reason: Reason


class CallQueued(_Fact, frozen=True):
    """The call waits. Telephony claims it."""

    call: CallId
    line: Line
    queue: QueueId
    caller: Caller
    priority: int
    since_ms: int
    give_up_at_ms: int | None
    required: tuple[Skill, ...] = ()
    wanted: tuple[Skill, ...] = ()
    rings: tuple[Ring, ...] = ()
    """Who may take it, wider and wider with its age."""
    kind: Kind = "inbound"
    named: AgentId | None = None
    """Whom it asks for ..."""
    named_until_ms: int | None = None
    """... and how long nobody else is offered it."""
    last_agent: bool = False
    """Whether it asks for nobody, and that is who spoke with the caller last."""
    ring_at_most: int = 1
    """At how many agents it may ring at once."""
    via: tuple[Hop, ...] = ()
    """The queues that did not take it before this one, the first being the one for which it came."""
    announce_at_ms: int | None = None
    """When the caller is told something for the first time."""
    came_ms: int | None = None
    """Since when the caller has waited, where not all of that counts as the call's age."""
    hops: int = 0
    """How many queues have passed it on, those of `via` included."""
    asks_for: AgentId | None = None
    """Whom the caller asks for, also where nobody waits for that agent here."""


class CallMoved(_Fact, frozen=True):
    """The call goes on waiting in another queue. Telephony notes that at the caller's channel."""

    call: CallId
    line: Line
    queue: QueueId
    """Where it waited."""
    to: QueueId
    via: tuple[Hop, ...]
    """The queue where it waited, then those that did not take it."""
    waited_ms: int
    """Since it came, whatever of that counts in the new queue."""
    since_ms: int
    """Its age in the new queue; what follows is as in `CallQueued`."""
    give_up_at_ms: int | None
    hops: int
    rings: tuple[Ring, ...] = ()
    named: AgentId | None = None
    named_until_ms: int | None = None
    last_agent: bool = False
    ring_at_most: int = 1
    announce_at_ms: int | None = None


class AnnouncementMade(_Fact, frozen=True):
    """The caller is to be told this, without losing anything by it: an agent's answer cuts it short."""

    call: CallId
    line: Line
    queue: QueueId
    position: int | None
    estimated_wait_ms: int | None
    sound: str
    announce_at_ms: int | None
    """When the next one comes."""


class PreferenceLapsed(_Fact, frozen=True):
    """The call waits for this agent alone no more: anyone may take it now."""

    call: CallId
    queue: QueueId
    agent: AgentId
    reason: Literal["time", "away", "refused"] = "time"
    """The time for that is over, the agent has left the queue or paused there, or has refused the call."""


class CallRefused(_Fact, frozen=True):
    """The call was not taken. Telephony returns it to the dialplan with the reason, or sends it to the destination."""

    line: Line
    queue: QueueId
    """For which it came."""
    reason: RefusalReason
    """Of the last queue that was asked."""
    destination: Destination | None = None
    via: tuple[Hop, ...] = ()
    """The queues that did not take it, where there is more than the one."""


class CallbackOffered(_Fact, frozen=True):
    """The caller, who is about to leave, is to be called back."""

    line: Line
    queue: QueueId
    """For which it came, or where it waited last."""
    caller: Caller
    reason: Reason
    """Of the last queue that was asked."""
    since_ms: int
    """Since when the caller has waited, whatever of that counted."""
    call: CallId | None = None
    """None where the queue never took it."""


class CallConnected(_Fact, frozen=True):
    call: CallId
    offer: OfferId
    agent: AgentId
    queue: QueueId
    waited_ms: int
    """Since the caller came, whatever of that counted in the queues on the way; so in all facts."""


class CallEnded(_Fact, frozen=True):
    """A call that reached an agent is over. `ended_by` is `system` where nobody saw who hung up."""

    call: CallId
    offer: OfferId
    agent: AgentId
    queue: QueueId
    ended_by: Literal["caller", "agent", "system"]
    talked_ms: int


class CallerRemembered(_Fact, frozen=True):
    """Should the caller come again, this agent was the last to speak with them. Takes the place of the agent before."""

    number: str
    agent: AgentId
    until_ms: int
    forgets: int = 0
    """So many callers are forgotten for it, those whose conversation is the longest ago."""


class CallersForgotten(_Fact, frozen=True):
    """So many callers are remembered no more, those whose conversation is the longest ago."""

    count: int


class CallAbandoned(_Fact, frozen=True):
    """The caller hung up before reaching an agent."""

    call: CallId
    queue: QueueId
    waited_ms: int


class WaitOverdue(_Fact, frozen=True):
    """The longest wait is over, but the server cannot be heard: its report says whether the caller still waits."""

    call: CallId


class AnnouncementOverdue(_Fact, frozen=True):
    """The caller was to be told something, but the server cannot be heard: it is told once the caller is heard of."""

    call: CallId


class CallTimedOut(_Fact, frozen=True):
    """The longest wait is over. Telephony returns the call to the dialplan, or sends it to the destination."""

    call: CallId
    line: Line
    queue: QueueId
    waited_ms: int
    destination: Destination | None = None


class CallReturned(_Fact, frozen=True):
    """The queue lets the call go, and none after it takes it. Telephony returns it to the dialplan with the reason, or
    sends it to the destination."""

    call: CallId
    line: Line
    queue: QueueId
    """Where it waited."""
    reason: RefusalReason
    """Of the last queue that was asked."""
    waited_ms: int
    destination: Destination | None = None
    via: tuple[Hop, ...] = ()
    """The queue where it waited, then those that did not take it, where there is more than the one."""


class CallLost(_Fact, frozen=True):
    """The call left our hands otherwise: `left` for the operator's fallback, `gone` from its server's report,
    or its `server` was given up."""

    call: CallId
    queue: QueueId
    reason: Literal["left", "gone", "server"]
    waited_ms: int


# --- Offers ---------------------------------------------------------------------------------------------------

OfferOutcome = Literal[
    "declined",
    "busy",
    "no-answer",
    "unreachable",
    "failed",
    "agent-left",
    "caller-gone",
    "lost",
    "withdrawn",
    "taken",
]
"""`taken`: another agent at whose phone the call rang was quicker."""


class OfferMade(_Fact, frozen=True):
    """The agent's phone is to ring, on the caller's server, with the offer's id as channel id."""

    offer: OfferId
    call: CallId
    agent: AgentId
    queue: QueueId
    queue_name: str
    line: Line
    phone: Phone | None
    """None for a chat."""
    caller: Caller
    ring_until_ms: int
    kind: Kind = "inbound"


class OfferAccepted(_Fact, frozen=True):
    """The agent picked up. Telephony lets the caller's own thread make the bridge. It may be said again when a
    server's report shows that it was not done."""

    offer: OfferId
    call: CallId
    agent: AgentId
    line: Line
    connect_until_ms: int
    """If the bridge is not made by then, the offer has failed."""


class OfferOverdue(_Fact, frozen=True):
    """The time to ring or to connect is over, but the server cannot be heard: what became of the offer is
    concluded from its report."""

    offer: OfferId


class OfferEnded(_Fact, frozen=True):
    """The offer came to nothing; telephony hangs up the leg. The call keeps its place."""

    offer: OfferId
    call: CallId
    agent: AgentId
    server: ServerId
    outcome: OfferOutcome
    refused_until_ms: int | None
    """Until then this agent is not offered this call again."""
    rest_until_ms: int | None
    """Until then this agent is offered nothing."""
    misses: int = 0
    """How many the agent has missed in a row, this one included; 0 where this is none."""


class RefusalLapsed(_Fact, frozen=True):
    """The agent may be offered that call again."""

    agent: AgentId
    call: CallId


class AgentRested(_Fact, frozen=True):
    """The agent whose phone could not be reached may be offered work again."""

    agent: AgentId


# --- Agents ---------------------------------------------------------------------------------------------------


class AgentLoggedIn(_Fact, frozen=True):
    agent: AgentId
    queues: tuple[QueueId, ...]
    phone: Phone | None
    """None: chats need none."""
    by: str
    joined: tuple[QueueId, ...] = ()
    """Those of the queues to which the agent is not assigned; leaving them forgets them."""


class AgentBecameReady(_Fact, frozen=True):
    agent: AgentId
    queues: tuple[QueueId, ...]
    by: str
    joined: tuple[QueueId, ...] = ()
    """As in `AgentLoggedIn`."""


class AgentPaused(_Fact, frozen=True):
    """Where a new limit is told, or one whose time begins, those queues are named as well in which the agent is paused
    for this reason already: so what was last said of each queue holds there."""

    agent: AgentId
    queues: tuple[QueueId, ...]
    reason: str
    by: str
    until_ms: int | None = None
    """When the pause for this reason has lasted long enough, in all these queues ..."""
    at_limit: AtLimit = "ready"
    """... and what happens then."""
    productive: bool = False
    lasts_ms: int | None = None
    """Its time does not run yet: so long from the end of the work in hand, when that is told."""


class PauseOverdue(_Fact, frozen=True):
    """The pause has lasted longer than its reason allows, and goes on."""

    agent: AgentId
    queues: tuple[QueueId, ...]
    reason: str


class AgentLoggedOut(_Fact, frozen=True):
    agent: AgentId
    queues: tuple[QueueId, ...]
    by: str


Change = Literal["pause", "log out"]
"""What waits for the end of the work in hand."""


class ChangePostponed(_Fact, frozen=True):
    """Asked for during work of this queue: it takes effect when the work ends. It stands in the place of what was
    postponed before; whatever the agent becomes in the queue meanwhile cancels it."""

    agent: AgentId
    queue: QueueId
    change: Change
    by: str
    reason: str | None = None
    """Of a pause."""


class WrapUpStarted(_Fact, frozen=True):
    agent: AgentId
    call: CallId
    queue: QueueId
    until_ms: int
    extendable_until_ms: int | None = None
    """Until then it may be extended. None: not at all."""
    needs_disposition: bool = False
    """Whether it must still be said what came of the call."""


class WrapUpExtended(_Fact, frozen=True):
    """More time was asked for."""

    agent: AgentId
    call: CallId
    queue: QueueId
    until_ms: int
    by: str


class WrapUpEnded(_Fact, frozen=True):
    """`by` is `time` where nobody ended it."""

    agent: AgentId
    call: CallId
    queue: QueueId
    by: str


class DispositionSet(_Fact, frozen=True):
    """What has come of the call; said again, it replaces what was said before."""

    agent: AgentId
    call: CallId
    queue: QueueId
    disposition: str
    by: str


class DispositionMissed(_Fact, frozen=True):
    """The time for it is over: till it comes, the agent owes it, beside what is owed already, and is not ready."""

    agent: AgentId
    call: CallId
    queue: QueueId


RequestRefusal = Literal[
    "not-allowed",
    "unknown-agent",
    "unknown-queue",
    "not-assigned",
    "too-many-skill-sets",
    "unknown-reason",
    "not-logged-in",
    "not-in-wrap-up",
    "no-more-time",
    "no-disposition",
    "unknown-disposition",
    "no-call",
    "no-phone",
    "phone-taken",
    "at-work",
]


class RequestAccepted(_Fact, frozen=True):
    """Done. In the queues that are named as `pending` it will be done when the work in hand ends."""

    request: RequestId
    agent: AgentId
    pending: tuple[QueueId, ...] = ()


class RequestRefused(_Fact, frozen=True):
    request: RequestId
    agent: AgentId
    reason: RequestRefusal


# --- Phones and servers ---------------------------------------------------------------------------------------


class DirectCallStarted(_Fact, frozen=True):
    """A call on a phone that is not an offer. `agent`: whose phone it is now, if anybody's. `counted` is false
    for the far end of an agent's own leg that travels over two servers."""

    line: Line
    phone: Phone
    agent: AgentId | None
    direction: Direction
    counted: bool


class DirectCallAnswered(_Fact, frozen=True):
    line: Line


class DirectCallExcluded(_Fact, frozen=True):
    """It was a feature code: not counted."""

    line: Line


class DirectCallEnded(_Fact, frozen=True):
    """`talked_ms` is None for a call that was never answered; `counted` as it stood at the end."""

    line: Line
    phone: Phone
    agent: AgentId | None
    direction: Direction
    counted: bool
    talked_ms: int | None


class ServerWentQuiet(_Fact, frozen=True):
    """The link is down, or a server is heard of that has not reported yet. At `lost_at_ms` it is given up."""

    server: ServerId
    lost_at_ms: int


class ServerRollCalled(_Fact, frozen=True):
    """A part of a server's report, as far as the core knows what it names; `last` begins the settling."""

    server: ServerId
    channels: tuple[ChannelId, ...]
    offers: tuple[OfferId, ...]
    last: bool


class ServerGivenUp(_Fact, frozen=True):
    """Not heard of for too long: its calls are let go, in slices."""

    server: ServerId


class ServerSettled(_Fact, frozen=True):
    """All differences are settled. `up`: the server's calls may be offered."""

    server: ServerId
    up: bool


class StrayLegFound(_Fact, frozen=True):
    """An agent's leg that no offer claims. Telephony hangs it up."""

    server: ServerId
    offer: OfferId


Fact = (
    JournalOpened
    | RouterConfigured
    | QueueConfigured
    | QueueRetired
    | QueueClosed
    | QueueOpened
    | LeavingBegan
    | LeavingEnded
    | QueueDrained
    | QueueRemoved
    | AgentConfigured
    | AgentRetired
    | SupervisorConfigured
    | SupervisorRetired
    | DayBegan
    | QueueUnordered
    | AgentsReordered
    | CallQueued
    | CallMoved
    | AnnouncementMade
    | PreferenceLapsed
    | CallerRemembered
    | CallersForgotten
    | CallRefused
    | CallbackOffered
    | CallConnected
    | CallEnded
    | CallAbandoned
    | WaitOverdue
    | AnnouncementOverdue
    | CallTimedOut
    | CallReturned
    | CallLost
    | OfferMade
    | OfferAccepted
    | OfferOverdue
    | OfferEnded
    | RefusalLapsed
    | AgentRested
    | AgentLoggedIn
    | AgentBecameReady
    | AgentPaused
    | AgentLoggedOut
    | ChangePostponed
    | WrapUpStarted
    | WrapUpExtended
    | WrapUpEnded
    | PauseOverdue
    | DispositionSet
    | DispositionMissed
    | RequestAccepted
    | RequestRefused
    | DirectCallStarted
    | DirectCallAnswered
    | DirectCallExcluded
    | DirectCallEnded
    | ServerWentQuiet
    | ServerRollCalled
    | ServerGivenUp
    | ServerSettled
    | StrayLegFound
)
