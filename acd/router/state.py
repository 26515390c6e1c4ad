"""All that the router knows. Changed in `apply` and nowhere else; read by the decisions and by nobody outside.

What is derived (who is listed where, which queues deserve a look) is kept beside what it derives from and follows
it in the same breath, through the methods of `State`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sortedcontainers import SortedList

from acd.model import AgentId, Caller, CallId, Direction, Line, OfferId, Phone, QueueId, ServerId
from acd.router.deadlines import Deadlines
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings
from acd.router.states import WORK_MOVES, Membership, Work

REFUSALS_KEPT = 8
"""An agent who refused so many calls of late is offered nothing until the first of these refusals lapses. None is
forgotten before its time: a phone that declines by itself would be rung for the same calls without end."""


class Place(NamedTuple):
    """A call's place in line: kept from the first moment to the last, whatever offers come to nothing."""

    rank: int
    """The negative of the priority: a higher priority comes first."""
    since_ms: int
    number: int
    """Of the fact that queued the call: the last word between equals."""
    call: CallId


class IdlePlace(NamedTuple):
    """An agent's place among the ready ones of a queue: the longest idle first."""

    free_since_ms: int
    number: int
    agent: AgentId


NO_PLACE = IdlePlace(0, 0, AgentId(""))
"""Of an agent who has not logged in yet."""


@dataclass(slots=True)
class Call:
    """A call from its arrival to its end."""

    id: CallId
    line: Line
    queue: QueueId
    caller: Caller
    skills: tuple[str, ...]
    place: Place
    give_up_at_ms: int | None
    offer: OfferId | None = None
    connected_at_ms: int | None = None
    overdue: bool = False
    """The longest wait is over, but the server has not been heard since."""
    refusers: dict[AgentId, None] = field(default_factory=dict)
    """Who refused it of late."""


@dataclass(slots=True)
class Offer:
    """One attempt to bring a call to an agent; after the connection it stands for the connection."""

    id: OfferId
    call: CallId
    agent: AgentId
    queue: QueueId
    line: Line
    overdue: bool = False


@dataclass(slots=True)
class WrapUp:
    call: CallId
    queue: QueueId
    until_ms: int


@dataclass(slots=True)
class InQueue:
    """An agent in one queue."""

    state: Membership = Membership.LOGGED_OUT
    reason: str | None = None


@dataclass(slots=True)
class Agent:
    """An agent over all queues."""

    settings: AgentSettings
    phone: Phone | None = None
    queues: dict[QueueId, InQueue] = field(default_factory=dict)
    work: Work = Work.IDLE
    offer: OfferId | None = None
    wrap_up: WrapUp | None = None
    free: IdlePlace = NO_PLACE
    """Since when the agent has been without work: its place among the ready ones."""
    rests: bool = False
    refusals: dict[CallId, None] = field(default_factory=dict)
    retired: bool = False
    listed: tuple[QueueId, ...] = ()
    """Derived: in which queues the agent stands among the ready ones."""
    listed_as: IdlePlace = NO_PLACE
    """Derived: with which place."""

    def move(self, event: str) -> None:
        """Make a legal move; an illegal one is a broken invariant."""
        key = (self.work, event)
        assert key in WORK_MOVES, f"agent {self.settings.id}: {event} while {self.work.value}"
        self.work = WORK_MOVES[key]


@dataclass(slots=True)
class Queue:
    """A queue with its waiting line, one for each server, and its ready agents."""

    settings: QueueSettings
    waiting: dict[ServerId, "SortedList[Place]"] = field(default_factory=dict)
    length: int = 0
    """Calls that are queued and not connected, ringing ones included."""
    calls: int = 0
    """All its calls: queued, ringing, talking."""
    ready: "SortedList[IdlePlace]" = field(default_factory=SortedList)
    members: dict[AgentId, None] = field(default_factory=dict)
    """Derived: who is logged in to it, in whatever state."""
    retired: bool = False
    """It takes no calls, makes no offers and is emptied."""


@dataclass(slots=True)
class DirectCall:
    """A call on a phone that is not an offer."""

    phone: Phone
    agent: AgentId | None
    direction: Direction
    counted: bool
    answered_at_ms: int | None = None


@dataclass(slots=True)
class Roll:
    """Who is on a server: heard of since the link came up, and not yet heard of."""

    present: dict[str, None] = field(default_factory=dict)
    unseen: dict[str, None] = field(default_factory=dict)

    def call(self) -> None:
        """From now on everyone has to be seen again."""
        self.unseen.update(self.present)
        self.present = {}

    def enter(self, name: str) -> None:
        """It is heard of now, for the first time or again."""
        self.unseen.pop(name, None)
        self.present[name] = None

    def drop(self, name: str) -> None:
        self.present.pop(name, None)
        self.unseen.pop(name, None)


@dataclass(slots=True)
class Server:
    """One phone server. Its calls are offered only while it is up."""

    up: bool = False
    settling: bool = False
    given_up: bool = False
    channels: Roll = field(default_factory=Roll)
    """Callers and direct calls, by channel."""
    legs: Roll = field(default_factory=Roll)
    """Agents' legs, by offer."""


class State:
    """The router's whole state."""

    def __init__(self) -> None:
        self.fact_count = 0
        self.now_ms = 0
        self.tag = ""
        self.seed = 0
        self.settings = RouterSettings()
        self.queues: dict[QueueId, Queue] = {}
        self.agents: dict[AgentId, Agent] = {}
        self.calls: dict[CallId, Call] = {}
        self.offers: dict[OfferId, Offer] = {}
        self.direct_calls: dict[Line, DirectCall] = {}
        self.servers: dict[ServerId, Server] = {}
        self.deadlines = Deadlines()
        # Derived.
        self.call_on: dict[Line, CallId] = {}
        self.agent_at: dict[Phone, AgentId] = {}
        self.lines_of: dict[Phone, dict[Line, None]] = {}
        self.touched: dict[QueueId, None] = {}
        """Queues in which a call and an agent may have come together since the last match, or were left by it."""

    def server(self, server: ServerId) -> Server:
        """The server, known from its first mention."""
        known = self.servers.get(server)
        if known is None:
            known = self.servers[server] = Server()
        return known

    def is_free(self, agent: Agent) -> bool:
        """Whether the agent may be offered a call in a queue in which the agent is ready."""
        return (
            agent.work is Work.IDLE
            and agent.phone is not None
            and not agent.rests
            and not agent.retired
            and len(agent.refusals) < REFUSALS_KEPT
            and not self.lines_of.get(agent.phone)
        )

    def relist(self, agent: Agent) -> None:
        """Let the lists of ready agents follow a change of this agent."""
        listed: tuple[QueueId, ...] = ()
        if self.is_free(agent):
            listed = tuple(
                queue
                for queue, entry in agent.queues.items()
                if entry.state is Membership.READY and queue in self.queues
            )
        if listed == agent.listed and agent.free == agent.listed_as:
            return
        for queue in agent.listed:
            self.queues[queue].ready.remove(agent.listed_as)
        for queue in listed:
            self.queues[queue].ready.add(agent.free)
            self.touched[queue] = None
        agent.listed = listed
        agent.listed_as = agent.free

    def free_place(self, agent: AgentId) -> IdlePlace:
        """The place of an agent who is free from this fact on."""
        return IdlePlace(self.now_ms, self.fact_count, agent)

    def line_up(self, call: Call) -> None:
        """Put the call at its place in line."""
        queue = self.queues[call.queue]
        queue.waiting.setdefault(call.line.server, SortedList()).add(call.place)
        self.touched[call.queue] = None

    def take_from_line(self, call: Call) -> None:
        """Take the call out of the line; its place stays its own."""
        queue = self.queues[call.queue]
        line = queue.waiting[call.line.server]
        line.remove(call.place)
        if not line:
            del queue.waiting[call.line.server]
