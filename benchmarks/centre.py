"""A contact centre for benchmarks/core.py: its numbers, and one that runs on the core.

Every agent is busy. Lifecycle by lifecycle a call arrives, a wrap-up ends, its agent is offered the best waiting call
and talks, and the agent who has talked longest hangs up: as many wait, talk and wrap up as before.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import structs

from acd.core import Core, Fact, Input
from acd.model import AgentId, Caller, ChannelId, Line, OfferId, Phone, QueueId, RequestId, ServerId, Skill
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings, Growth, QueueSettings, Ring, Strategy

QUEUES_EACH: Final = 5
"""Each agent serves so many queues."""
PROFILES: Final[tuple[tuple[Skill, ...], ...]] = (
    (),
    (Skill("german", 1),),
    (Skill("german", 3),),
    (Skill("billing", 1),),
    (Skill("billing", 3),),
    (Skill("billing", 1), Skill("german", 1)),
    (Skill("vip", 1),),
    (Skill("german", 2), Skill("vip", 2)),
)
"""What calls ask for, in each queue."""
RINGS: Final = (Ring(0), Ring(60_000, None, 2), Ring(180_000, None, 100))
"""Requirements fall by two levels after a minute, and altogether after three."""
GROWTH: Final = Growth(point_every_ms=60_000)
STRATEGIES: Final[tuple[Strategy, ...]] = ("longest-idle", "fewest-calls-today")
PRIORITIES: Final = (0, 5, 10)
WRAP_UP_MS: Final = 10_000
IN_WRAP_UP: Final = 0.1
"""This share of the agents wraps up, the others talk: so much time passes from one lifecycle to the next."""
MAX_WAIT_MS: Final = 24 * 3_600_000
"""Every waiting call has its deadline; none comes while lifecycles are measured."""
START_MS: Final = 1_700_000_000_000
SERVER: Final = ServerId("a")
PASS_TIME: Final = i.PassTime()


@dataclass(frozen=True, slots=True)
class Case:
    """How large a centre is."""

    name: str
    agents: int
    queues: int
    waiting: int

    @property
    def step_ms(self) -> int:
        """Time between two lifecycles."""
        return round(WRAP_UP_MS / (self.agents * IN_WRAP_UP))

    def memberships(self) -> list[tuple[int, ...]]:
        """The queues of each agent."""
        chance = random.Random(self.name)
        return [tuple(chance.sample(range(self.queues), QUEUES_EACH)) for _ in range(self.agents)]

    def draws(self) -> Iterator["Draw"]:
        """One arrival after another, without end."""
        chance = random.Random(self.name)
        while True:
            yield Draw(
                chance.randrange(self.queues),
                chance.choice(PRIORITIES),
                chance.randrange(len(PROFILES)),
                chance.randrange(self.waiting * self.step_ms),
            )


class Draw(NamedTuple):
    """What chance says of one arrival."""

    queue: int
    priority: int
    profile: int
    """Which requirements it has."""
    waited_ms: int
    """If it waits from the start: how long it has waited. As many came in that time as lifecycles take."""


# --- What is in use: eight profiles that relax with waiting, three priorities that grow, two strategies ------------


def queue_settings(number: int, wrap_up_ms: int = WRAP_UP_MS) -> QueueSettings:
    return QueueSettings(
        QueueId(f"queue-{number}"),
        f"Queue {number}",
        wrap_up_ms=wrap_up_ms,
        max_wait_ms=MAX_WAIT_MS,
        strategy=STRATEGIES[number % len(STRATEGIES)],
        growth=GROWTH,
        rings=RINGS,
    )


def changed_settings(number: int) -> QueueSettings:
    """Of the same queue: another strategy, another weight, another growth, another wrap-up."""
    return structs.replace(
        queue_settings(number, 2 * WRAP_UP_MS),
        strategy=STRATEGIES[(number + 1) % len(STRATEGIES)],
        weight=1,
        growth=Growth(point_every_ms=30_000),
    )


def agent_settings(number: int, queues: Sequence[int]) -> AgentSettings:
    return AgentSettings(
        AgentId(f"agent-{number}"),
        f"Agent {number}",
        Phone(str(100_000 + number)),
        tuple(QueueId(f"queue-{queue}") for queue in queues),
        skills=skills_of(number),
    )


def skills_of(number: int) -> tuple[Skill, ...]:
    """Each agent has some of three skills, at levels up to 3."""
    chance = random.Random(number)
    levels = {name: chance.randrange(4) for name in ("billing", "german", "vip")}
    return tuple(Skill(name, level) for name, level in levels.items() if level)


def arrival(number: int, draw: Draw, waited_ms: int = 0) -> i.CallArrived:
    return i.CallArrived(
        Line(SERVER, ChannelId(f"{SERVER}-{START_MS // 1_000}.{number}")),
        QueueId(f"queue-{draw.queue}"),
        Caller(str(5_550_000_000 + number)),
        draw.priority,
        PROFILES[draw.profile],
        waited_ms=waited_ms,
    )


# --- On the core ---------------------------------------------------------------------------------------------------


class Centre:
    """A centre on the core: `handle` is the core's own, or one that measures it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.core = Core()
        self.handle: Callable[[Input, int], list[Fact]] = self.core.handle
        self.now_ms = START_MS
        self.facts: list[Fact] = []
        self._talking: deque[OfferId] = deque()
        self._prepared: deque[i.CallArrived] = deque()
        self._memberships = case.memberships()
        self._draws = case.draws()
        self._arrivals = 0

    def tell(self, asked: Input) -> list[Fact]:
        """Let the core handle it now."""
        facts = self.handle(asked, self.now_ms)
        self.facts += facts
        return facts

    # --- Setting up -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """The server is up, and the queues are there."""
        self.tell(i.OpenJournal("acdbench", 1, "bench"))
        for number in range(self.case.queues):
            self.tell(i.ConfigureQueue(queue_settings(number)))
        self.tell(i.ServerReported(SERVER))
        self.tell(PASS_TIME)
        self.facts.clear()

    def log_in(self) -> None:
        """Every agent is there and ready."""
        for number, queues in enumerate(self._memberships):
            settings = agent_settings(number, queues)
            self.tell(i.ConfigureAgent(settings))
            self.tell(i.LogIn(request=RequestId(f"log-in-{number}"), agent=settings.id, by=settings.id))
        self.facts.clear()

    def get_busy(self) -> None:
        """Every agent talks or wraps up."""
        for number, queues in enumerate(self._memberships):
            agent = self.core.state.agents[AgentId(f"agent-{number}")]
            while agent.offer is None:
                self._talk(self._offer(self.tell(self._next(Draw(queues[0], 0, 0, 0)))))
        chance = random.Random(self.case.name)
        chance.shuffle(self._talking)  # else neighbours in memory would be released one after the other
        for _ in range(round(self.case.agents * IN_WRAP_UP)):
            self.now_ms += self.case.step_ms
            self._release()
        self.facts.clear()

    def fill(self) -> None:
        """As many wait as the case says."""
        for draw in self._draw(self.case.waiting):
            self.tell(self._next(draw, draw.waited_ms))
            self.facts.clear()

    # --- At work --------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Let go of the facts: nobody reads them here."""
        self.facts.clear()

    def prepare(self, count: int) -> None:
        """Make the next calls, as telephony would bring them."""
        self._prepared.extend(self._next(draw) for draw in self._draw(count))

    def lifecycles(self, count: int) -> None:
        """So many of those that are prepared, every agent being busy."""
        handle, facts = self.handle, self.facts
        for _ in range(count):
            self.now_ms += self.case.step_ms
            now_ms = self.now_ms
            offered = handle(PASS_TIME, now_ms)
            facts += offered
            facts += handle(self._prepared.popleft(), now_ms)
            offer = self._offer(offered)
            facts += handle(i.LegAnswered(offer), now_ms)
            facts += handle(i.LegBridged(offer), now_ms)
            self._talking.append(offer)
            facts += handle(i.LegEnded(self._talking.popleft(), "hung-up"), now_ms)

    def idle_lifecycles(self, count: int) -> None:
        """So many of those that are prepared, every agent being ready: one call at a time."""
        for _ in range(count):
            facts = self.tell(self._prepared.popleft())
            while not facts or not isinstance(facts[-1], f.OfferMade):
                facts = self._wait()  # till a ring opens: none of the queue's agents has what is asked for
            self._talk(self._offer(facts))
            self._release()
            self.now_ms += WRAP_UP_MS
            self.tell(PASS_TIME)

    def _wait(self) -> list[Fact]:
        due_ms = self.core.next_deadline_ms
        assert due_ms is not None, "somebody waits for ever"
        self.now_ms = due_ms
        return self.tell(PASS_TIME)

    def _offer(self, facts: list[Fact]) -> OfferId:
        made = facts[-1]
        assert isinstance(made, f.OfferMade), f"no offer, but {facts}"
        return made.offer

    def _talk(self, offer: OfferId) -> None:
        self.tell(i.LegAnswered(offer))
        self.tell(i.LegBridged(offer))
        self._talking.append(offer)

    def _release(self) -> None:
        self.tell(i.LegEnded(self._talking.popleft(), "hung-up"))

    def _draw(self, count: int) -> Iterator[Draw]:
        return (next(self._draws) for _ in range(count))

    def _next(self, draw: Draw, waited_ms: int = 0) -> i.CallArrived:
        self._arrivals += 1
        return arrival(self._arrivals, draw, waited_ms)
