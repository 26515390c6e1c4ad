"""The board of the demo: what somebody who watches a contact centre wants to know, folded from facts.

PURE, as the core is: no clock, no terminal, no file. `fold` changes it, `screen` shows it. All times are the
facts' own; how long something has lasted by now is the view's to say.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

import msgspec

from acd.core import Fact
from acd.model import AgentId, CallId, Direction, Line, OfferId, Phone, QueueId, ServerId
from acd.router.states import Membership

IN_TIME_MS: Final = 20_000
"""The service level counts calls that were answered within this time."""
CALLS_KEPT: Final = 200
"""Calls that are over are forgotten beyond this number; calls that go on are always there."""
STEPS_KEPT: Final = 40
FACTS_KEPT: Final = 50
RINGS_KEPT: Final = 1_000


class Rang(msgspec.Struct, frozen=True, tag=True):
    """A phone rang, `after_ms` after the cause: from the caller's INVITE to the agent's INVITE."""

    at_ms: int
    phone: Phone
    after_ms: float


class Heard(msgspec.Struct, frozen=True, tag=True):
    """What a phone heard of the other side when the conversation began. `level_dbfs`: None where it is not measured.
    `good`: it was what the other side said."""

    at_ms: int
    phone: Phone
    good: bool
    level_dbfs: float | None = None
    hz: float | None = None


Observation = Rang | Heard
"""What phones tell of themselves. The engine does not know it, so it is in no fact."""

StepKind = Literal["arrived", "rings", "refused", "answers", "talks", "ended", "wraps up", "done", "left", "moved"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a call. `agent`: who is concerned, by name; `what`: how it came out, in a word of the facts."""

    kind: StepKind
    at_ms: int
    agent: str = ""
    what: str = ""
    ring: tuple[str, ...] = ()
    """Whose phones ring from this step on, by name."""


CallState = Literal["waiting", "ringing", "talking", "wrap-up", "over"]

_STATES: Final[dict[StepKind, CallState]] = {
    "arrived": "waiting",
    "refused": "waiting",
    "moved": "waiting",
    "rings": "ringing",
    "answers": "ringing",
    "talks": "talking",
    "wraps up": "wrap-up",
    "ended": "over",
    "done": "over",
    "left": "over",
}


@dataclass(slots=True)
class CallRow:
    """A call from its arrival to the end of its wrap-up."""

    id: CallId
    queue: QueueId
    number: str
    who: str
    """The caller, as people say it."""
    since_ms: int
    steps: deque[Step]
    rang_after_ms: float | None = None
    """For a call that found a ready agent: how long until the phone rang, as the phones saw it."""
    heard_by_agent: Heard | None = None
    heard_by_caller: Heard | None = None
    rings_at: dict[AgentId, str] = field(default_factory=dict)
    """At whose phones it rings, by name; and who picked up."""
    skills: str = ""
    """What an agent must be able to do to get it, in words."""
    named: str = ""
    """The agent for whom alone it waits."""

    @property
    def asks_for(self) -> str:
        """Whom it waits for where that is not anyone of its queue: others stay ready beside it."""
        return self.named or self.skills

    @property
    def state(self) -> CallState:
        """Where the call stands."""
        last = self.steps[-1].kind
        return "ringing" if last == "refused" and self.rings_at else _STATES[last]

    @property
    def was_heard(self) -> bool:
        """Whether each side has heard the other."""
        return all(heard is not None and heard.good for heard in (self.heard_by_agent, self.heard_by_caller))


AgentState = Literal["logged out", "ready", "resting", "paused", "direct call", "ringing", "talking", "wrap-up"]
Work = Literal["ringing", "talking", "wrap-up"]


@dataclass(slots=True)
class AgentRow:
    """An agent as a supervisor sees one."""

    id: AgentId
    name: str
    own_phone: Phone | None
    at_phone: Phone | None = None
    """Where the agent is logged in."""
    queues: dict[QueueId, Membership] = field(default_factory=dict)
    pause: str = ""
    work: Work | None = None
    call: CallId | None = None
    until_ms: int | None = None
    """When the ringing or the wrap-up is over at the latest."""
    joined: dict[QueueId, None] = field(default_factory=dict)
    """Queues to which the agent is not assigned."""
    to_come: dict[QueueId, str] = field(default_factory=dict)
    """What the agent becomes in the queue of the work in hand when that ends."""
    rests: bool = False
    retired: bool = False
    """Gone from the configuration; forgotten once the work in hand is done."""
    taken: int = 0
    """Calls that were connected."""
    state: AgentState = "logged out"
    """Derived from the above by `fold`, which notes since when it holds."""
    since_ms: int = 0

    @property
    def phone(self) -> Phone | None:
        return self.at_phone or self.own_phone


@dataclass(slots=True)
class Tally:
    """Numbers of one queue, or of all. A call that was passed on to another queue has arrived in both."""

    arrived: int = 0
    answered: int = 0
    in_time: int = 0
    gave_up: int = 0
    """The caller hung up before anybody answered."""
    returned: int = 0
    """Given back to the dialplan, or lost with a server."""
    waited_ms: int = 0
    """Of those that were answered, all together."""

    @property
    def service_level(self) -> float | None:
        """The share of calls answered in time, among those that were answered or gave up."""
        ended = self.answered + self.gave_up
        return self.in_time / ended if ended else None

    @property
    def average_wait_ms(self) -> float | None:
        """Of those that were answered."""
        return self.waited_ms / self.answered if self.answered else None


@dataclass(slots=True)
class QueueRow:
    """A queue. `waiting` holds the calls that have not reached an agent, ringing ones included."""

    id: QueueId
    name: str
    tally: Tally = field(default_factory=Tally)
    waiting: dict[CallId, int] = field(default_factory=dict)
    """Since when each of them waits."""

    @property
    def longest_since_ms(self) -> int | None:
        return min(self.waiting.values(), default=None)


@dataclass(frozen=True, slots=True)
class DirectRow:
    """A call past all queues, on a phone that is watched."""

    phone: Phone
    direction: Direction
    code: bool = False
    """It is a feature code."""


@dataclass(slots=True)
class Board:
    """Everything. Made empty, but for the address book; filled by `fold`."""

    names: Mapping[str, str] = field(default_factory=dict)
    """The address book: callers by their numbers. Of all others the phone system's word is taken."""
    queues: dict[QueueId, QueueRow] = field(default_factory=dict)
    agents: dict[AgentId, AgentRow] = field(default_factory=dict)
    calls: dict[CallId, CallRow] = field(default_factory=dict)
    """In the order of their arrival."""
    direct: dict[Line, DirectRow] = field(default_factory=dict)
    servers: dict[ServerId, bool] = field(default_factory=dict)
    """Whether each can be heard."""
    chats: set[OfferId] = field(default_factory=set)
    """Offers that are no matter of the agent's voice."""
    total: Tally = field(default_factory=Tally)
    pauses: dict[str, str] = field(default_factory=dict)
    """Names of the reasons."""
    last_facts: deque[tuple[int, Fact]] = field(default_factory=lambda: deque(maxlen=FACTS_KEPT))
    facts: int = 0
    began_ms: int = 0
    last_ms: int = 0
    offers: int = 0
    refusals: int = 0
    """Offers that came to nothing, the caller having stayed."""
    rang_after_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RINGS_KEPT))
    listened: int = 0
    """Conversations in which both sides were listened to ..."""
    heard: int = 0
    """... and those in which both heard the other."""

    @property
    def ring_median_ms(self) -> float | None:
        """From the caller's INVITE to the agent's, where an agent was ready."""
        return median(self.rang_after_ms) if self.rang_after_ms else None

    def ready_in(self, queue: QueueId) -> int:
        """How many agents would take a call of this queue now."""
        ready = (agent for agent in self.agents.values() if agent.state == "ready")
        return sum(agent.queues.get(queue) is Membership.READY for agent in ready)

    def count(self, state: CallState) -> int:
        """How many calls stand there."""
        return sum(call.state == state for call in self.calls.values())

    def agent_at(self, phone: Phone) -> AgentRow | None:
        """Who is logged in at that phone."""
        return next((agent for agent in self.agents.values() if agent.at_phone == phone), None)

    def queue_name(self, queue: QueueId) -> str:
        """As people say it."""
        return self.queues[queue].name if queue in self.queues else queue

    def name_of(self, agent: AgentId) -> str:
        """As people say it."""
        return self.agents[agent].name if agent in self.agents else agent
