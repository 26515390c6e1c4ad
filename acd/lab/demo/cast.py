"""Who takes part in the demo and what they do: agents, queues, callers, all by chance from one seed.

PURE. Each person has dice of their own, so that the same seed gives the same people whatever happens around them.
"""

import random
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from acd.model import AgentId, Phone, QueueId

AGENTS_MOST: Final = 40
CALLERS_MOST: Final = 60
"""The lab has so many phones for callers (2001 to 2060)."""
CALLER_PHONES: Final = tuple(str(2_001 + index) for index in range(CALLERS_MOST))
PIN: Final = "4711"
RING_TIMEOUT_S: Final = 5
PAUSES: Final = ("Coffee", "Lunch", "Training")


class Queue(msgspec.Struct, frozen=True):
    id: QueueId
    name: str
    wrap_up_s: int
    weight: int
    """How many of the calls are for it."""
    ring_at_most: int = 1
    wishes: str = ""
    """What some of its callers ask for."""
    relaxes_after_s: int | None = None
    """Who has waited so long speaks with anybody."""


QUEUES: Final = (
    Queue(QueueId("sales"), "Sales", 6, 5),
    Queue(QueueId("support"), "Support", 8, 4, wishes="german:2", relaxes_after_s=10),
    Queue(QueueId("billing"), "Billing", 5, 3, ring_at_most=2),
)
WISH_IN: Final = 4
"""One in so many asks for something."""
_SKILLS: Final = (("german:3",), (), ("german:2",), (), ())
"""Of the agents, one after the other."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TEAMS: Final = (
    ("sales", "support"),
    ("sales",),
    ("support", "billing"),
    ("sales", "billing"),
    ("support",),
    ("sales", "support", "billing"),
    ("billing", "support"),
)
_AGENTS: Final = _names(
    "Ana Ben Cleo Dan Ella Finn Gwen Hugo Ines Jan Kaya Lars Mona Nils Olga Pete Quinn Rosa Sam Tara "
    "Udo Vera Wim Xenia Yann Zoe Abel Bea Carl Dora Emil Fay Gus Hanna Ivo Jule Karl Lea Max Nora"
)
_CALLERS: Final = _names(
    "Adams Baker Cohen Diaz Evans Fischer Garcia Haddad Ito Jensen Kim Lopez Meyer Nguyen Okafor Patel Quist Rossi "
    "Silva Tanaka Ueda Varga Weber Xu Yilmaz Zhang Ahmed Brown Costa Dubois Eriksen Ferrari Gupta Hansen Ivanov "
    "Jones Khan Larsen Moreau Nowak Olsen Peters Quinto Ramos Singh Torres Urban Vidal Walker Young Zeman Ali "
    "Bauer Castro Demir Engel Flores Green Horvat Iqbal"
)


class Agent(msgspec.Struct, frozen=True):
    id: AgentId
    name: str
    number: str
    """What is keyed in on a phone, with the PIN."""
    phone: Phone
    queues: tuple[QueueId, ...]
    tone_hz: int
    """What the agent says."""
    skills: tuple[str, ...] = ()


def agents(count: int) -> tuple[Agent, ...]:
    """The first agents of the list."""
    assert 1 <= count <= AGENTS_MOST, f"{count} agents; the demo has 1 to {AGENTS_MOST}"
    return tuple(_agent(index) for index in range(count))


def _agent(index: int) -> Agent:
    name = _AGENTS[index]
    queues = tuple(QueueId(queue) for queue in _TEAMS[index % len(_TEAMS)])
    skills = _SKILLS[index % len(_SKILLS)]
    number, phone = str(11 + index), Phone(str(1_001 + index))
    return Agent(AgentId(name.lower()), name, number, phone, queues, 500 + 30 * index, skills)


def address_book() -> dict[str, str]:
    """Who calls from which phone."""
    return dict(zip(CALLER_PHONES, _CALLERS, strict=True))


class Visit(msgspec.Struct, frozen=True):
    """One call, as its caller means it."""

    after_ms: int
    """Since the call before."""
    phone: str
    queue: QueueId
    patience_ms: int
    """The caller gives up after so long without an agent ..."""
    talk_ms: int
    """... and hangs up after so long with one."""
    tone_hz: int
    """What the caller says: above all agents, under the tone of the lab's fallback."""
    wishes: str = ""
    """What the caller asks for, as the dialplan writes it."""


def visits(seed: int, per_minute: float) -> Iterator[Visit]:
    """The calls of the day, one after the other, without end."""
    dice = random.Random(f"{seed}/callers")  # noqa: S311  (to be repeatable, not secret)
    number = 0
    while True:
        yield _visit(dice, number, per_minute)
        number += 1


OPENING: Final = 4
"""So many callers come at once: nobody wants to watch an empty board."""
_TIDE: Final = 24
"""Calls from one rush to the next ..."""
_RUSH: Final = 10
"""... and those that belong to the rush, in which they come twice as close."""


def _visit(dice: random.Random, number: int, per_minute: float) -> Visit:
    who = number % CALLERS_MOST
    after_ms = _gap_ms(dice, number, per_minute)
    queue = dice.choices(QUEUES, [queue.weight for queue in QUEUES])[0]
    return Visit(
        after_ms=after_ms,
        phone=CALLER_PHONES[who],
        queue=queue.id,
        wishes=queue.wishes if number % WISH_IN == 0 else "",
        patience_ms=dice.randint(4_000, 9_000) if dice.random() < 0.2 else dice.randint(15_000, 45_000),
        talk_ms=round(dice.triangular(5_000, 26_000, 10_000)),
        tone_hz=2_000 + 10 * who,
    )


def _gap_ms(dice: random.Random, number: int, per_minute: float) -> int:
    if number < OPENING:
        return dice.randint(200, 700)
    mean_ms = 60_000 / per_minute
    stretch = 0.5 if number % _TIDE < _RUSH else (_TIDE - 0.5 * _RUSH) / (_TIDE - _RUSH)
    return round(dice.expovariate(1 / (mean_ms * stretch)))


class Reaction(msgspec.Struct, frozen=True):
    """What an agent does with a call that rings."""

    kind: Literal["answers", "declines", "misses"]
    after_ms: int = 0
    talk_ms: int | None = None
    """The agent hangs up after so long. None: leaves that to the caller."""


def reactions(seed: int, agent: AgentId) -> Iterator[Reaction]:
    """What one agent does, call by call."""
    dice = random.Random(f"{seed}/{agent}/rings")  # noqa: S311
    while True:
        yield _reaction(dice)


def _reaction(dice: random.Random) -> Reaction:
    chance = dice.random()
    if chance < 0.06:
        return Reaction("misses")
    if chance < 0.14:
        return Reaction("declines", dice.randint(600, 1_800))
    return Reaction("answers", dice.randint(500, 2_400), dice.choice([None, None, dice.randint(6_000, 14_000)]))


class Break(msgspec.Struct, frozen=True):
    """What an agent does between calls: a pause, or a call past all queues."""

    kind: Literal["pause", "direct call"]
    after_ms: int
    """Since the last one was over."""
    lasts_ms: int
    reason: int = 1
    """The number of the pause's reason."""


def breaks(seed: int, agent: AgentId) -> Iterator[Break]:
    """The breaks of one agent."""
    dice = random.Random(f"{seed}/{agent}/breaks")  # noqa: S311
    while True:
        after_ms = dice.randint(25_000, 200_000)
        if dice.random() < 0.5:
            yield Break("pause", after_ms, dice.randint(9_000, 20_000), dice.randint(1, len(PAUSES)))
        else:
            yield Break("direct call", after_ms, dice.randint(5_000, 10_000))
