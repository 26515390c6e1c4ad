"""An ordinary contact centre of any size: open for fourteen hours, busiest before noon, with shifts that follow.

Its queues are set up differently, and its agents can different things, so that a day meets every kind of choice.
"""

from typing import Any, Final

import msgspec

from acd.model import AgentId, Phone, QueueId, Skill
from acd.router.settings import (
    ALL_GO_BACK,
    NO_GROWTH,
    AgentSettings,
    Announcements,
    CallbackOffer,
    Destination,
    Disposition,
    Ends,
    Growth,
    NextQueue,
    PauseReason,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    Step,
    Strategy,
    Takes,
)
from acd.simulate.chance import Exponential, Lognormal
from acd.simulate.scenario import (
    HOUR_MS,
    HOURS,
    MINUTE_MS,
    SECOND_MS,
    Break,
    Demand,
    Employee,
    Habits,
    Scenario,
    Shift,
    Trouble,
)
from acd.telephony.simulated import Faults, Steps

NAMES: Final = (
    "sales", "support", "billing", "orders", "returns", "delivery", "service", "accounts", "claims", "english",
)  # fmt: skip
OPENS: Final = 7
BY_HOUR: Final = (0.5, 0.9, 1.2, 1.45, 1.45, 1.25, 1.05, 1.1, 1.2, 1.15, 0.95, 0.75, 0.6, 0.45)
"""From the opening on, how much is going on, compared with the mean of the opening hours."""
SHIFTS: Final = (7, 13, 9, 11, 8, 13, 8, 12, 9, 10)
"""The hours at which agents begin, one after the other, so that a few are spread over the day; the next ten begin with
the second."""
SHIFT_HOURS: Final = 8
RATHER_BUSY: Final = 0.75
"""How much of their presence agents work, where nobody says how many calls there are."""
TAKES: Final[tuple[Takes, ...]] = ("order", "order", "order", "rank", "order", "order", "longest-wait")
MEMBERSHIPS: Final = 3
"""Queues of an agent."""
TALK: Final = Lognormal(100 * SECOND_MS, 90 * SECOND_MS)
PATIENCE: Final = Exponential(3 * MINUTE_MS)
WRAP_UP_MS: Final = 15 * SECOND_MS
STRATEGIES: Final[tuple[Strategy, ...]] = (
    "longest-idle",
    "least-skilled",
    "fewest-calls-today",
    "round-robin",
    "longest-idle",
    "most-skilled",
    "least-talk-today",
    "weighted-random",
    "linear",
    "longest-idle",
)
"""Of the queues, one after the other."""
GROWTH: Final = {
    1: Growth(point_every_ms=MINUTE_MS),
    4: Growth(steps=(Step(30 * SECOND_MS, 1), Step(90 * SECOND_MS, 5))),
}
"""Of the queues by their number. Who waits becomes more urgent."""
RINGS: Final = {
    2: (Ring(0, tier=1), Ring(20 * SECOND_MS)),
    5: (Ring(0, tier=1), Ring(15 * SECOND_MS, tier=1, slack=2), Ring(40 * SECOND_MS, slack=100)),
}
PAUSE_REASONS: Final = (
    PauseReason("lunch", "Lunch", 1, limit_ms=25 * MINUTE_MS, at_limit="warn"),
    PauseReason("break", "Break", 2, limit_ms=12 * MINUTE_MS),
)
"""A break that lasts too long is ended, a lunch is reported."""
DISPOSITIONS: Final = (Disposition("settled", "Settled", 1), Disposition("passed-on", "Passed on", 2))
DISPOSED: Final = (1, 6)
"""The queues whose calls need a disposition."""
EXTENSIONS_MS: Final = {0: 30 * SECOND_MS, 4: 10 * SECOND_MS}
RING_AT_MOST: Final = {3: 3}
MAX_WAIT_MS: Final = {2: 4 * MINUTE_MS, 7: 3 * MINUTE_MS}
MAX_LENGTH: Final = {4: 3, 9: 3}
CLOSED: Final = {
    6: ((19 * HOUR_MS, 21 * HOUR_MS),),
    9: ((12 * HOUR_MS, 12 * HOUR_MS + 45 * MINUTE_MS),),
}
"""One stops two hours before the others, one has a lunch break."""
ANNOUNCEMENTS: Final = {
    0: Announcements(15 * SECOND_MS, position=True),
    5: Announcements(20 * SECOND_MS, MINUTE_MS, position=True, estimated_wait=True),
}
VOICEMAIL: Final = Destination("voicemail", "100")
LAST_AGENT_MS: Final = {0: 20 * SECOND_MS, 3: 15 * SECOND_MS, 4: 30 * SECOND_MS}
"""The queues in which who comes again waits for the agent of the last time."""
COMES_AGAIN: Final = 150
WISHES: Final = ((150, ("german:2",)), (100, ("german:2", "~technical:3")), (150, ("~technical",)), (20, ("@agent-1",)))
"""What callers ask for, and in so many of a thousand."""
NEEDED: Final = Skill("german", 2)
"""The most that anybody requires."""
ANSWERS_AFTER: Final = Lognormal(4 * SECOND_MS, 2 * SECOND_MS)

PEOPLE: Final = Habits(
    answers_after=ANSWERS_AFTER,
    declines=15,
    ignores=15,
    is_busy=5,
    hangs_up=250,
    hangs_up_after=TALK,
    finishes_early=400,
    extends=100,
    forgets=100,
    direct_calls_per_hour=0.5,
)
TROUBLE: Final = Trouble(
    link_cuts=1.0,
    link_silences=0.3,
    restarts=0.15,
    phone_outages=0.05,
    reloads=2,
    kills=0.2,
    reports=Faults(
        report_lost=1, report_doubled=20, report_delayed=20, report_overtaken=20, action_lost=1, delay_ms=300
    ),
)
"""Far more than happens to anybody, so that a few days meet all of it."""


def contact_centre(
    *,
    agents: int = 50,
    queues: int = 10,
    calls_per_hour: float | None = None,
    days: int = 1,
    faults: bool = True,
    servers: tuple[str, ...] = ("north", "south"),
) -> Scenario:
    """A scenario of this size. `calls_per_hour` is the mean over the opening hours, all queues together; without it
    there are so many that the agents work for three quarters of their time."""
    expected = ordinary_calls_per_hour(agents) if calls_per_hour is None else calls_per_hour
    names = [QueueId(_name(number)) for number in range(queues)]
    employees = [_employee(names, number, servers) for number in range(agents)]
    _serve_all(names, employees)
    return Scenario(
        demands=tuple(_demand(names, number, expected) for number in range(queues)),
        employees=tuple(employees),
        days=days,
        servers=servers,
        router=RouterSettings(pause_reasons=PAUSE_REASONS, dispositions=DISPOSITIONS, misses_before_pause=None),
        steps=Steps(jitter_ms=5),
        trouble=TROUBLE if faults else None,
    )


def ordinary_calls_per_hour(agents: int) -> float:
    """As many as keep so many agents busy, but not too busy."""
    at_work = agents * SHIFT_HOURS / len(BY_HOUR)
    handling_ms = TALK.mean_ms + WRAP_UP_MS + ANSWERS_AFTER.mean_ms
    return RATHER_BUSY * at_work * HOUR_MS / handling_ms


def _name(number: int) -> str:
    """The first ones have a name of their own."""
    return NAMES[number] if number < len(NAMES) else f"queue-{number + 1}"


def _demand(names: list[QueueId], number: int, calls_per_hour: float) -> Demand:
    """The first queues are the large ones."""
    weights = [1 / (1 + place) ** 0.5 for place in range(len(names))]
    mean = calls_per_hour * weights[number] / sum(weights)
    hours = [0.0] * HOURS
    hours[OPENS : OPENS + len(BY_HOUR)] = [mean * share for share in BY_HOUR]
    return Demand(
        queue=QueueSettings(
            names[number],
            names[number].title(),
            wrap_up_ms=WRAP_UP_MS,
            strategy=STRATEGIES[number % len(STRATEGIES)],
            growth=GROWTH.get(number, NO_GROWTH),
            rings=RINGS.get(number, ()),
            ring_at_most=RING_AT_MOST.get(number, 1),
            last_agent_ms=LAST_AGENT_MS.get(number, 0),
            disposition_required=number in DISPOSED,
            wrap_up_extension_ms=EXTENSIONS_MS.get(number, 0),
            max_wait_ms=MAX_WAIT_MS.get(number),
            max_length=MAX_LENGTH.get(number),
            ends=_ends(names, number),
            announcements=ANNOUNCEMENTS.get(number),
        ),
        calls_by_hour=tuple(hours),
        talk=TALK,
        patience=PATIENCE,
        closed=CLOSED.get(number, ()),
        comes_again=COMES_AGAIN,
        urgent=50,
        called_back=200,
        wishes=WISHES,
    )


def _ends(names: list[QueueId], number: int) -> Ends:
    """Where a queue passes calls on to another one, that is one of those before it: they are there in any centre."""
    match number:
        case 2:
            return Ends(timeout=NextQueue(names[0]))
        case 4:
            return Ends(full=CallbackOffer())
        case 6:
            return Ends(leaving=("closed",))
        case 7:
            return Ends(timeout=VOICEMAIL)
        case 8:
            return Ends(no_agents=NextQueue(names[1], keeps_age=False), leaving=("no-agents",))
        case 9:
            return Ends(closed=NextQueue(names[5]), full=NextQueue(names[3]), leaving=("closed",))
        case _:
            return ALL_GO_BACK


def _employee(names: list[QueueId], number: int, servers: tuple[str, ...]) -> Employee:
    begin = SHIFTS[(number + number // len(SHIFTS)) % len(SHIFTS)]
    home = (None, *servers)[number % (len(servers) + 1)]
    queues = _queues_of(names, number)
    return Employee(
        settings=AgentSettings(
            AgentId(f"agent-{number + 1}"),
            f"Agent {number + 1}",
            Phone(str(1_001 + number)),
            queues,
            skills=_skills_of(number),
            standings=tuple(Standing(queue, tier=2, rank=2, weight=2) for queue in queues[MEMBERSHIPS - 1 :]),
            takes=TAKES[number % len(TAKES)],
            order=number,
        ),
        shift=_shift(begin * HOUR_MS, begin * HOUR_MS + SHIFT_HOURS * HOUR_MS),
        habits=PEOPLE,
        home=home,
    )


def _serve_all(names: list[QueueId], employees: list[Employee]) -> None:
    """Where there are few, some serve more queues and speak better German than they would: every queue has somebody for
    whatever its callers ask for."""
    for number, queue in enumerate(names):
        if not any(queue in employee.settings.queues for employee in employees):
            own = employees[number % len(employees)].settings
            _change(employees, number % len(employees), queues=(*own.queues, queue))
        serving = [at for at, employee in enumerate(employees) if queue in employee.settings.queues]
        if not any(_meets(employees[at].settings, NEEDED) for at in serving):
            own = employees[serving[0]].settings
            others = tuple(skill for skill in own.skills if skill.name != NEEDED.name)
            _change(employees, serving[0], skills=(NEEDED, *others))


def _meets(agent: AgentSettings, needed: Skill) -> bool:
    return any(skill.name == needed.name and skill.level >= needed.level for skill in agent.skills)


def _change(employees: list[Employee], at: int, **settings: Any) -> None:
    changed = msgspec.structs.replace(employees[at].settings, **settings)
    employees[at] = msgspec.structs.replace(employees[at], settings=changed)


def _skills_of(number: int) -> tuple[Skill, ...]:
    """Every second speaks German, well or less well; every third is technical."""
    german = Skill("german", 1 + number % 5) if number % 2 == 0 else None
    technical = Skill("technical", 1 + number % 4) if number % 3 == 0 else None
    return tuple(skill for skill in (german, technical) if skill is not None)


def _queues_of(names: list[QueueId], number: int) -> tuple[QueueId, ...]:
    """Some of the queues, so that every one has agents and no two teams are alike: one goes round, the others leap."""
    chosen = [number % len(names), (number * 3 + 1) % len(names), number // len(names) % len(names)]
    return tuple(dict.fromkeys(names[place] for place in chosen[:MEMBERSHIPS]))


def _shift(begin_ms: int, end_ms: int) -> Shift:
    """Eight hours with a lunch and two breaks."""
    leeway_ms = 30 * MINUTE_MS
    return Shift(
        begin_ms=begin_ms,
        end_ms=end_ms,
        breaks=(
            Break(reason="break", at_ms=begin_ms + 90 * MINUTE_MS, lasts_ms=15 * MINUTE_MS, leeway_ms=leeway_ms),
            Break(reason="lunch", at_ms=begin_ms + 200 * MINUTE_MS, lasts_ms=30 * MINUTE_MS, leeway_ms=leeway_ms),
            Break(reason="break", at_ms=begin_ms + 345 * MINUTE_MS, lasts_ms=15 * MINUTE_MS, leeway_ms=leeway_ms),
        ),
    )
