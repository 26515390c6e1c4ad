"""All that the router knows. Changed in `apply` and nowhere else; read by the decisions and by nobody outside.

What is derived (who is listed where, which queues deserve a look) is kept beside what it derives from and follows
it in the same breath, through the methods of `State`.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, assert_never

import msgspec

from acd.model import (
    AgentId,
    Caller,
    CallId,
    Channel,
    Direction,
    Kind,
    Line,
    OfferId,
    Phone,
    QueueId,
    ServerId,
    Skill,
    SupervisorId,
)
from acd.router.deadlines import Deadlines
from acd.router.facts import Change
from acd.router.last_agents import LastAgents
from acd.router.openings import Openings
from acd.router.pace import Pace
from acd.router.ready import NO_PLACE, AgentKey, ClassKey, IdlePlace, ReadyAgents
from acd.router.rolls import Roll
from acd.router.settings import (
    AgentSettings,
    AtLimit,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    SupervisorSettings,
)
from acd.router.skills import Asked, Profile, SkillSet
from acd.router.states import Membership, Work
from acd.router.tables import ShardedDict
from acd.router.waiting import Group, Place, WaitingCalls

READY, IDLE = Membership.READY, Work.IDLE  # looked up a little faster, many times in each lifecycle
PROFILES_KEPT = 256
"""So many profiles are remembered after their last call, with who fits them."""
REFUSALS_KEPT = 8
"""An agent who refused so many calls of late is offered nothing until fewer are left. None is forgotten before its
time: a phone that declines by itself would be rung for the same calls without end. What rang before, besides the last
of them, may still be refused: so there are at most so many, and one for each chat that the agent may hold."""
REFUSERS_KEPT = 250
"""So many who refused one call of late are kept: who is offered it next is looked for past all of them. Whoever refused
it first may be offered it again when one more refuses it; were the call held from everybody instead, the caller would
wait beside agents who are free. One call rings at fifty phones at most: five rounds lie between two at the same one."""


class Call(msgspec.Struct, gc=False):
    """A call, or other work, from its arrival to its end."""

    id: CallId
    line: Line
    queue: QueueId
    kind: Kind
    caller: Caller
    priority: int
    profile: Profile
    place: Place
    came_ms: int
    """Since when the caller has waited, whatever of that counts in the queue."""
    give_up_at_ms: int | None
    named: AgentId | None
    """Whom it waits for: until `PreferenceLapsed` nobody else is offered it."""
    last_agent: bool = False
    """Whether it asks for nobody, and that is who spoke with the caller last."""
    preference_lapsed: bool = False
    """It waits for nobody alone any more, in no queue."""
    ring_at_most: int = 1
    group: Group | None = None
    """Where it waits for one more agent; None while it rings at as many as it may, or was answered."""
    offers: dict[OfferId, AgentId] = {}
    """At whom it rings, or who picked up."""
    answered: OfferId | None = None
    """The offer that was accepted."""
    connected_at_ms: int | None = None
    overdue: bool = False
    """The longest wait is over, but the server has not been heard since."""
    refusers: dict[AgentId, None] = {}
    """Who refused it of late."""
    announce_at_ms: int | None = None
    """When the caller is told something next."""
    announcement_overdue: bool = False
    """That time has come, but the server has not been heard since."""
    departed: bool = False
    """It has been out of the line of its queue: coming back, it departs no second time (`Pace`)."""
    hops: int = 0
    """How many queues have passed it on."""
    asks_for: AgentId | None = None
    """Whom the caller asks for, whoever is waited for now."""

    def ring(self, now_ms: int) -> Ring:
        """The ring it has come to by now."""
        return self.profile.ring_at(now_ms - self.place.since_ms)


class Offer(msgspec.Struct, gc=False):
    """One attempt to bring a call to an agent; after the connection it stands for the connection."""

    id: OfferId
    call: CallId
    agent: AgentId
    queue: QueueId
    line: Line
    channel: Channel
    deadline: Literal["ring", "connect"] = "ring"
    """Which of its two deadlines is set."""
    overdue: bool = False
    disposed: bool = False
    """It was said what came of the call, which still goes on."""


class WrapUp(msgspec.Struct, gc=False):
    call: CallId
    queue: QueueId
    until_ms: int
    extendable_until_ms: int | None = None
    """Until then it may be extended."""
    needs_disposition: bool = False
    """It must still be said what came of the call."""


class Limit(NamedTuple):
    """How long a pause may last."""

    until_ms: int | None
    """None: so long as `lasts_ms` says, from the end of the work in hand."""
    at_limit: AtLimit
    overdue: bool = False
    """It is over, and that was said."""
    lasts_ms: int | None = None

    @property
    def ends(self) -> bool:
        """Whether there is any."""
        return self.until_ms is not None or self.lasts_ms is not None

    def begun(self, now_ms: int) -> "Limit":
        """Its time runs, from now on if it did not before."""
        return self if self.lasts_ms is None else Limit(now_ms + self.lasts_ms, self.at_limit)


class Postponed(NamedTuple):
    """What was asked for during work, and takes effect when that ends."""

    change: Change
    reason: str | None
    by: str


@dataclass(slots=True)
class InQueue:
    """An agent in one queue."""

    standing: Standing
    queue: "Queue" = field(repr=False, compare=False)
    """Derived: the queue, as it is while the agent is logged in there. Nobody who is not asks for it."""
    state: Membership = Membership.LOGGED_OUT
    reason: str | None = None
    joined: bool = False
    """Whether the agent is not assigned to it, and forgets it when leaving."""
    pending: Postponed | None = None
    """What waits for the end of the work in hand, which is of this queue."""
    offered: int = 0
    """The number of the fact that last offered a call of this queue to the agent."""


class Listed(NamedTuple):
    """How an agent stands among the ready ones of one queue."""

    class_: ClassKey
    key: AgentKey


@dataclass(slots=True)
class Agent:
    """An agent over all queues."""

    settings: AgentSettings
    skills: SkillSet
    phone: Phone | None = None
    queues: dict[QueueId, InQueue] = field(default_factory=dict)
    logged_in: int = 0
    """In how many queues."""
    work: Work = Work.IDLE
    """What the agent's voice does."""
    offer: OfferId | None = None
    """The call that the voice is at."""
    chats: dict[OfferId, Work] = field(default_factory=dict)
    wrap_up: WrapUp | None = None
    free: IdlePlace = NO_PLACE
    """Since when the agent has been without work: its place among the ready ones."""
    rests: bool = False
    refusals: dict[CallId, None] = field(default_factory=dict)
    misses: int = 0
    """Offers missed in a row."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """How long the pauses for these reasons may last, each in all its queues."""
    owes: dict[CallId, QueueId] = field(default_factory=dict)
    """Calls that are over and of which it was not said what came of them, with their queues. Till it is said of each,
    the agent is not ready: so there are at most as many as the agent may hold at once."""
    retired: bool = False
    day: int = 0
    """The day to which the next four belong."""
    calls_today: int = 0
    talked_today_ms: int = 0
    chats_today: int = 0
    chatted_today_ms: int = 0
    """Of all chats together, also where they went on at once."""
    listed: dict[QueueId, Listed] = field(default_factory=dict)
    """Derived: in which queues the agent stands among the ready ones, and how."""

    def move(self, event: str) -> None:
        """Let the voice make a legal move; an illegal one is a broken invariant."""
        after = self.work.moves.get(event)
        assert after is not None, f"agent {self.settings.id}: {event} while {self.work.value}"
        self.work = after

    def move_chat(self, offer: OfferId, event: str) -> None:
        """Let one of the chats make a legal move."""
        work = self.chats.get(offer, Work.IDLE)
        assert event in work.moves, f"agent {self.settings.id}: {event} while {work.value}"
        self.chats[offer] = work.moves[event]
        if self.chats[offer] is Work.IDLE:
            del self.chats[offer]


@dataclass(slots=True)
class Supervisor:
    """Somebody who may decide for agents."""

    settings: SupervisorSettings
    queues: dict[QueueId, None]
    """Those of the settings, so that nobody looks through them."""


@dataclass(slots=True)
class Queue:
    """A queue with its waiting calls and its ready agents."""

    settings: QueueSettings
    waiting: WaitingCalls = field(default_factory=WaitingCalls)
    length: int = 0
    """Calls that are queued and not connected, ringing ones included."""
    calls: int = 0
    """All its calls: queued, ringing, talking."""
    ready: ReadyAgents = field(default_factory=ReadyAgents)
    unordered: dict[AgentId, None] = field(default_factory=dict)
    """Members who may still stand as an earlier strategy or yesterday's counts had it. While there are any, the queue
    makes no offers."""
    members: dict[AgentId, None] = field(default_factory=dict)
    """Derived: who is logged in to it, in whatever state."""
    guests: dict[tuple[Skill, ...], int] = field(default_factory=dict)
    """Derived: the skills of members who are not assigned to it, and how many of them have the same."""
    on_duty: int = 0
    """Derived: members who are not paused, whatever they do, and who stay."""
    on_break: int = 0
    """Derived: members who are paused, and who stay."""
    here: dict[AgentId, None] = field(default_factory=dict)
    """Derived: ready agents for whom alone some call waits: one that they refused, or that may not be offered yet."""
    returning: dict[AgentId, dict[CallId, None]] = field(default_factory=dict)
    """Derived: calls that wait for who spoke with the caller last."""
    closed: bool = False
    """Its hours are over."""
    pace: Pace = field(default_factory=Pace)
    leaving: bool = False
    """Who waits in it is let go, slice by slice, and offered to nobody any more."""
    retired: bool = False
    """It takes no calls, makes no offers and is emptied."""

    @property
    def may_offer(self) -> bool:
        """Whether its calls may be offered at all now."""
        return not self.retired and not self.unordered and not self.leaving


@dataclass(slots=True)
class DirectCall:
    """A call on a phone that is not an offer."""

    phone: Phone
    agent: AgentId | None
    direction: Direction
    counted: bool
    answered_at_ms: int | None = None


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


@dataclass(slots=True)
class News:
    """Derived: what has come since the last match, or was left over by it. Only here can a call and an agent who
    may take it have come together."""

    agents: dict[AgentId, None] = field(default_factory=dict)
    """Who has become free, and does not stand among the ready ones yet: who gets a call at once never will."""
    calls: dict[CallId, None] = field(default_factory=dict)
    """Calls that came into a line, or for which more agents may come into question."""
    queues: dict[QueueId, None] = field(default_factory=dict)
    """Queues in which anything may have become possible."""
    limits: dict[QueueId, None] = field(default_factory=dict)
    """Queues whose callers may have to leave. While any are left over, nothing is offered."""
    stuck: dict[QueueId, None] = field(default_factory=dict)
    """Queues in which ready agents and waiting calls stand beside each other. In every turn it is noted when the next
    rings open there."""
    absent: dict[tuple[QueueId, AgentId], None] = field(default_factory=dict)
    """Who has left a queue in which calls wait for that agent alone."""
    seen: Roll = field(default_factory=Roll)
    """All queues, and which of them have been looked at since a server could be heard again."""
    unseen: bool = False
    """Whether there are others. Till there are none, nothing is offered."""

    def __bool__(self) -> bool:
        return bool(self.agents or self.calls or self.queues or self.limits or self.absent or self.unseen)

    def look_at_all_queues(self) -> None:
        """Whoever waits in any of them may have to leave, or may be offered."""
        self.seen.call()
        self.unseen = not self.seen.is_complete


class State:
    """The router's whole state."""

    def __init__(self) -> None:
        self.fact_count = 0
        self.now_ms = 0
        self.tag = ""
        self.seed = 0
        self.day = 0
        self.day_began_ms = 0
        """Counts the days on which agents are compared; the first is 0."""
        self.recount: dict[QueueId, None] = {}
        """Queues whose ready agents stand by the counts of the day before."""
        self.settings = RouterSettings()
        self.queues: dict[QueueId, Queue] = {}
        self.agents: dict[AgentId, Agent] = {}
        self.supervisors: dict[SupervisorId, Supervisor] = {}
        self.calls: ShardedDict[CallId, Call] = ShardedDict()
        self.offers: dict[OfferId, Offer] = {}
        self.direct_calls: dict[Line, DirectCall] = {}
        self.servers: dict[ServerId, Server] = {}
        self.deadlines = Deadlines()
        self.last_agents = LastAgents()
        # Derived.
        self.openings = Openings()
        self.call_on: ShardedDict[Line, CallId] = ShardedDict()
        self.agent_at: dict[Phone, AgentId] = {}
        self.lines_of: dict[Phone, dict[Line, None]] = {}
        self.skill_sets: dict[tuple[Skill, ...], SkillSet] = {}
        self.profiles: dict[Asked, Profile] = {}
        self.resting: dict[Asked, None] = {}
        """Profiles that no call has now, the longest first."""
        self.last_agent_queues = 0
        """How many queues let calls wait for who spoke with the caller last. While none does, nobody new is
        remembered."""
        self.news = News()

    def server(self, server: ServerId) -> Server:
        """The server, known from its first mention."""
        known = self.servers.get(server)
        if known is None:
            known = self.servers[server] = Server()
        return known

    def take_skill_set(self, skills: tuple[Skill, ...]) -> SkillSet:
        """The one set of these skills, for one more agent."""
        known = self.skill_sets.get(skills)
        if known is None:
            known = self.skill_sets[skills] = SkillSet(skills)
        known.agents += 1
        return known

    def leave_skill_set(self, skills: SkillSet) -> None:
        """One agent less has it."""
        skills.agents -= 1
        if skills.agents == 0:
            del self.skill_sets[skills.skills]
            skills.go()

    def take_profile(self, asked: Asked) -> Profile:
        """The one profile for this, for one more call."""
        profile = self.profiles.get(asked)
        if profile is None:
            profile = self.profiles[asked] = Profile(*asked)
        if profile.calls == 0:
            self.resting.pop(asked, None)
        profile.calls += 1
        return profile

    def leave_profile(self, profile: Profile) -> None:
        """One call less has it. The next call will mostly ask for the same: what fits is kept for a while."""
        profile.calls -= 1
        if profile.calls == 0:
            self.resting[profile.asked] = None
            if len(self.resting) > PROFILES_KEPT:
                longest = next(iter(self.resting))
                del self.resting[longest]
                self.profiles.pop(longest).go()

    def queue_at_work(self, agent: Agent) -> QueueId | None:
        """The queue of the work that the agent's voice has in hand: it rings, is connected, talks, or wraps up. Chats
        are not meant: new ones come while others last, and what waits for the end of all might wait for ever."""
        if agent.wrap_up is not None:
            return agent.wrap_up.queue
        return None if agent.offer is None else self.offers[agent.offer].queue

    def work_at(self, offer: Offer) -> Work:
        """What the agent does for this offer: ringing, connecting or talking."""
        agent = self.agents[offer.agent]
        return agent.work if offer.channel == "voice" else agent.chats[offer.id]

    # --- Ready agents -----------------------------------------------------------------------------------------

    def has_voice(self, agent: Agent) -> bool:
        """Whether the agent may be offered a call in a queue in which the agent is ready."""
        return (
            agent.work is IDLE
            and agent.phone is not None
            and not agent.rests
            and not agent.retired
            and len(agent.refusals) < REFUSALS_KEPT
            and agent.phone not in self.lines_of
        )

    def has_room_for_a_chat(self, agent: Agent) -> bool:
        """The same of one more chat."""
        chats = agent.settings.chats
        return chats > 0 and len(agent.chats) < chats and not agent.retired and len(agent.refusals) < REFUSALS_KEPT

    def relist(self, agent: Agent) -> None:
        """Something has changed that decides whether, and as what, the agent stands among the ready ones. Who may
        be offered something is news, and is listed only if the match leaves the agent without work."""
        if agent.listed:
            for queue_id, listed in agent.listed.items():
                queue = self.queues[queue_id]
                queue.ready.remove(*listed)
                if queue.here:
                    queue.here.pop(agent.settings.id, None)
            agent.listed.clear()
        settings = agent.settings
        if (agent.work is IDLE and self.has_voice(agent)) or (settings.chats and self.has_room_for_a_chat(agent)):
            self.news.agents[settings.id] = None
        elif settings.id in self.news.agents:
            del self.news.agents[settings.id]

    def enlist(self, agent: Agent) -> None:
        """Put an agent who is left without work among the ready ones of each queue that may offer some."""
        del self.news.agents[agent.settings.id]
        voice, chat = self.has_voice(agent), self.has_room_for_a_chat(agent)
        for entry in agent.queues.values():
            queue = entry.queue
            if entry.state is not READY or not (voice if queue.settings.channel == "voice" else chat):
                continue
            listed = Listed(ClassKey(entry.standing.tier, agent.skills), self._key_in(queue, agent, entry))
            queue.ready.add(*listed)
            if queue.waiting.groups:
                self.news.stuck[queue.settings.id] = None
                if agent.settings.id in queue.waiting.named:
                    queue.here[agent.settings.id] = None
            agent.listed[queue.settings.id] = listed

    def list_anew(self, agent: Agent, queue: Queue) -> None:
        """The agent's place in this queue alone may be another; who is not listed is listed rightly."""
        listed = agent.listed.get(queue.settings.id)
        if listed is not None:
            key = self._key_in(queue, agent, agent.queues[queue.settings.id])
            queue.ready.remove(*listed)
            queue.ready.add(listed.class_, key)
            agent.listed[queue.settings.id] = listed._replace(key=key)

    def _key_in(self, queue: Queue, agent: Agent, entry: InQueue) -> AgentKey:
        """The agent's place by the queue's strategy."""
        first = 0
        match queue.settings.strategy:
            case "longest-idle":
                first = len(agent.chats) if queue.settings.channel == "chat" else 0
            case "most-skilled" | "least-skilled":
                pass  # a matter of the whole class
            case "round-robin":
                first = entry.offered
            case "linear":
                return AgentKey(agent.settings.order, 0, 0, agent.settings.id)
            case "fewest-calls-today":
                if agent.day == self.day:
                    first = agent.calls_today if queue.settings.channel == "voice" else agent.chats_today
            case "least-talk-today":
                if agent.day == self.day:
                    first = agent.talked_today_ms if queue.settings.channel == "voice" else agent.chatted_today_ms
            case "weighted-random":
                first = entry.standing.weight
            case strategy:
                assert_never(strategy)
        return AgentKey(first, agent.free.free_since_ms, agent.free.number, agent.settings.id)

    # --- Waiting calls ----------------------------------------------------------------------------------------

    def may_be_waited_for(self, agent: AgentId, queue: Queue, *, last: bool = False) -> bool:
        """Whether a call of the queue may wait for this agent alone: who is logged in there, and stays, and holds
        chats where it is one. Where the call does not ask for the agent, who spoke with the caller last: one who is
        not paused there, nor about to be, and whose phone does not rest."""
        if agent not in queue.members or self.agents[agent].retired:
            return False
        if queue.settings.channel == "chat" and not self.agents[agent].settings.chats:
            return False
        if last and self.agents[agent].rests and queue.settings.channel == "voice":
            return False
        entry = self.agents[agent].queues[queue.settings.id]
        if entry.pending is not None and entry.pending.change == "log out":
            return False
        return not last or (entry.state is Membership.READY and entry.pending is None)

    def line_up(self, call: Call) -> None:
        """Let the call wait at its place for one more agent."""
        assert call.group is None, f"call {call.id} waits already"
        key = (call.line.server, call.priority, call.profile, call.named)
        queue = self.queues[call.queue]
        call.group = queue.waiting.add(call.place, key)
        if queue.ready.classes:  # who becomes ready looks by himself
            self.news.calls[call.id] = None
        if call.named is not None:
            self._wait_for(call.named, queue, last=call.last_agent)
        if queue.pace.since_ms is None:
            queue.pace.since_ms = self.now_ms
        if queue.closed or not queue.on_duty:
            self.news.limits[call.queue] = None

    def _wait_for(self, agent: AgentId, queue: Queue, *, last: bool) -> None:
        """One more call waits for this agent alone."""
        if not self.may_be_waited_for(agent, queue, last=last):
            self.news.absent[queue.settings.id, agent] = None
        if agent in self.agents and queue.settings.id in self.agents[agent].listed:
            queue.here[agent] = None

    def take_from_line(self, call: Call, *, departs: bool = True) -> None:
        """No further agent is wanted; the call's place stays its own. `departs`: it does not come back at once."""
        if call.group is None:
            return
        queue = self.queues[call.queue]
        queue.waiting.remove(call.place, call.group)
        call.group = None
        if call.named is not None and call.named not in queue.waiting.named:
            queue.here.pop(call.named, None)
        self.news.calls.pop(call.id, None)
        if queue.ready.classes:
            self.news.stuck[call.queue] = None
        if departs and not call.departed:
            queue.pace.depart(self.now_ms)
            queue.pace.since_ms, call.departed = self.now_ms, True
        if departs and not queue.waiting:
            queue.pace.since_ms = None
