"""The settings that steer routing. The configuration file is parsed into these (acd/config)."""

from typing import Literal

import msgspec

from acd.model import AgentId, Channel, Phone, QueueId, Skill, SupervisorId


class Step(msgspec.Struct, frozen=True):
    """Who has waited for `after_ms` has `points` more priority than at first."""

    after_ms: int
    points: int


class Growth(msgspec.Struct, frozen=True):
    """How priority grows with waiting: by steps, evenly, or both."""

    steps: tuple[Step, ...] = ()
    """In the order of their times, with points that never fall."""
    point_every_ms: int | None = None
    """One more point each time so long has passed."""

    def points(self, age_ms: int) -> int:
        """What a call of this age has gained."""
        gained = 0
        for step in self.steps:
            if age_ms < step.after_ms:
                break
            gained = step.points
        if self.point_every_ms is not None and age_ms > 0:
            gained += age_ms // self.point_every_ms
        return gained


NO_GROWTH = Growth()


class Ring(msgspec.Struct, frozen=True):
    """Who may take a call that has waited for `after_ms`. Each ring is at least as wide as the one before."""

    after_ms: int
    tier: int | None = None
    """Agents up to this tier. None: all."""
    slack: int = 0
    """By so many levels less than required an agent may do. 100 is the end of all requirements."""


EVERYBODY = Ring(0)
"""Where a queue has no rings: all tiers, and nothing less than required."""

Strategy = Literal[
    "longest-idle",
    "round-robin",
    "linear",
    "fewest-calls-today",
    "least-talk-today",
    "weighted-random",
    "most-skilled",
    "least-skilled",
]


Limit = Literal["timeout", "full", "no-agents", "all-paused", "closed"]
"""Why a queue does not keep a call, or not any longer: the longest wait is over, so many wait already, nobody is logged
in, everybody is paused, its hours are over."""
Lasting = Literal["no-agents", "all-paused", "closed"]
"""What may come over those who wait already."""


class GoBack(msgspec.Struct, frozen=True, tag="return"):
    """The call returns to the operator's dialplan, with the reason."""


class Destination(msgspec.Struct, frozen=True, tag="dialplan"):
    """A place in the operator's dialplan: voicemail, another queue's announcement, a mobile phone."""

    context: str
    extension: str
    priority: int = 1


class NextQueue(msgspec.Struct, frozen=True, tag="queue"):
    """Another queue takes the call, if it can; if not, its own end for that holds."""

    queue: QueueId
    keeps_age: bool = True
    """Whether the call stands there as long as it has waited, or as one that has just come."""


class CallbackOffer(msgspec.Struct, frozen=True, tag="callback"):
    """The caller is to be called back: that is said as a fact. Then the call goes to the destination, or back."""

    destination: Destination | None = None


End = GoBack | Destination | NextQueue | CallbackOffer
GO_BACK = GoBack()


class Ends(msgspec.Struct, frozen=True):
    """Where a call goes that the queue does not keep."""

    timeout: End = GO_BACK
    full: End = GO_BACK
    closed: End = GO_BACK
    no_agents: End | None = None
    """None: calls wait, though nobody is logged in."""
    all_paused: End | None = None
    """None: calls wait, though everybody is paused."""
    leaving: tuple[Lasting, ...] = ()
    """Of these the ends hold for those too who wait already; the others only keep newcomers out."""


ALL_GO_BACK = Ends()


class Announcements(msgspec.Struct, frozen=True):
    """What callers are told while they wait."""

    first_after_ms: int
    every_ms: int | None = None
    """None: once."""
    position: bool = False
    estimated_wait: bool = False
    sound: str = ""
    """A file for the phone system to play, as it names it; empty: none."""


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
    """The longest wait, after which the end for `timeout` holds. None: without end."""
    max_length: int | None = None
    """How many may wait; for the next one the end for `full` holds. None: any number."""
    strategy: Strategy = "longest-idle"
    """Which of several free agents gets a call."""
    weight: int = 0
    """Added to the priority of each of its calls."""
    growth: Growth = NO_GROWTH
    rings: tuple[Ring, ...] = ()
    """Who may take a call, wider and wider; the first begins at 0. Empty: everybody at once."""
    ring_at_most: int = 1
    """At how many agents one call rings at once."""
    channel: Channel = "voice"
    named_agent_ms: int = 30_000
    """How long a call that names an agent waits for that one alone."""
    last_agent_ms: int = 0
    """How long a caller who comes again waits for the agent of the last conversation alone. 0: not at all."""
    ends: Ends = ALL_GO_BACK
    announcements: Announcements | None = None
    wrap_up_by_agent: bool = False
    """Whether an agent's own length of the wrap-up takes the place of the queue's."""
    disposition_required: bool = False
    """Whether each of its calls needs a disposition before the agent is ready again."""
    may_join: bool = False
    """Whether agents may log in to it who are not assigned to it."""
    wrap_up_extension_ms: int = 0
    """By how much a wrap-up may be extended on request, all in all. 0: not at all."""


class Standing(msgspec.Struct, frozen=True):
    """An agent in one queue, where that is not as usual."""

    queue: QueueId
    tier: int = 1
    """The lowest tier with somebody free gets the call."""
    rank: int = 1
    """The agent's own order of queues: for who takes work by rank, the lowest comes first."""
    weight: int = 1
    """For the strategy `weighted-random`: an agent of weight 2 is chosen twice as often as one of weight 1."""


CLASSES_MOST = 100
"""How many classes the agents of one queue may come to, those of one tier and the same skills being one: a match looks
at the first agent of each. Where chance chooses, those of another weight are another one: they are counted apart. The
configuration keeps to it (acd/config/checks.py). Those who join a queue without being assigned to it may bring as many
sets of skills besides (docs/routing.md R46)."""

Takes = Literal["order", "rank", "longest-wait"]


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
    skills: tuple[Skill, ...] = ()
    """Each skill once, in the order of their names."""
    standings: tuple[Standing, ...] = ()
    """Only of queues where the standing is not as usual."""
    takes: Takes = "order"
    """Which work the agent takes where there is a choice: by the one order, by the rank of the queue and then the
    one order, or whoever has waited longest."""
    order: int = 0
    """The agent's place in the configuration, for the strategy `linear`."""
    chats: int = 0
    """How many chats the agent holds at once."""
    wrap_up_ms: int | None = None
    """The agent's own work after the call, in queues that allow it. None: as the queue has it."""


AtLimit = Literal["ready", "warn"]
"""What happens when a pause has lasted as long as its reason allows: it ends, or that is said."""


class PauseReason(msgspec.Struct, frozen=True):
    """A reason to pause; `number` is what a phone sends (`*432` is reason 2)."""

    id: str
    name: str
    number: int
    limit_ms: int | None = None
    """How long such a pause may last. None: without end."""
    at_limit: AtLimit = "ready"
    productive: bool = False
    """Whether it counts as work: training does, lunch does not."""


NO_DISPOSITION = "no-disposition"
"""The pause of an agent who owes the disposition of a call."""
MISSED_OFFERS = "missed-offers"
"""The pause of an agent who missed too many offers in a row."""
SYSTEM_REASONS = (NO_DISPOSITION, MISSED_OFFERS)
"""Reasons for which the engine itself pauses agents; nobody else can give them."""


class Disposition(msgspec.Struct, frozen=True):
    """What may have come of a call; `number` is what a phone sends (`*462` is disposition 2)."""

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
    max_profiles: int = 32
    """How many different requirements the waiting calls of one queue may have; the next newcomer is refused."""
    dispositions: tuple[Disposition, ...] = ()
    misses_before_pause: int | None = 3
    """Who missed so many offers in a row is paused. None: never."""
    last_agent_remembered_ms: int = 7 * 24 * 60 * 60 * 1_000
    """For so long it is remembered who spoke with a caller last."""
    callers_remembered: int = 100_000
    """Of so many callers at most."""


class SupervisorSettings(msgspec.Struct, frozen=True):
    """Somebody who may decide for agents, in these queues."""

    id: SupervisorId
    name: str
    queues: tuple[QueueId, ...]


class Configured(msgspec.Struct, frozen=True):
    """All settings that a core goes by: what a new configuration is compared with. Nothing that is retired."""

    router: RouterSettings = RouterSettings()
    queues: tuple[QueueSettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
    supervisors: tuple[SupervisorSettings, ...] = ()
    emptying: tuple[QueueSettings, ...] = ()
    """Queues that are retired and still have calls or agents. They keep their channel, should they come back."""
