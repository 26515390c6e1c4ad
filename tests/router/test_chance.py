"""`weighted-random`: the measure of the weights, whoever takes part (docs/routing.md R31).

Each count is compared with what it should be by chi squared. The seed is fixed; the limit would be passed by one seed
in ten thousand if the measure was right, and by nearly every seed if it was off by a fifth.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import permutations
from typing import Any

import pytest

from acd.core import Core
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId, Skill
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.ready import AgentKey, ClassKey, ReadyAgents, ticket
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings, Standing
from acd.router.skills import SkillSet

SALES, SERVER = QueueId("sales"), ServerId("a")
LIMITS = {1: 15.1, 2: 18.4, 3: 21.1, 4: 23.5, 5: 25.7}
"""Of chi squared, by degrees of freedom, at one in ten thousand."""
OFFERS = 6_000
WEIGHTS = {"ana": 1, "ben": 2, "cleo": 3, "dora": 4}
GERMAN = (Skill("german", 1),)


class Site:
    """One queue that chooses by chance, with agents who are ready."""

    def __init__(self, weights: Mapping[str, int], *, skills: Mapping[str, tuple[Skill, ...]] | None = None) -> None:
        self.core, self.now_ms, self._calls = Core(), 0, 0
        self.tell(i.OpenJournal("t", 1, "test"))
        pauses = (PauseReason("lunch", "Lunch", 1),)
        self.tell(i.ConfigureRouter(RouterSettings(pause_reasons=pauses, misses_before_pause=None)))
        self.tell(i.ServerReported(SERVER))
        self.tell(i.PassTime())
        self.queue()
        for name, weight in weights.items():
            settings = AgentSettings(
                AgentId(name),
                name,
                Phone(name),
                (SALES,),
                skills=(skills or {}).get(name, ()),
                standings=(Standing(SALES, weight=weight),),
            )
            self.tell(i.ConfigureAgent(settings))
            self.tell(i.LogIn(request=RequestId("r"), agent=settings.id, by=name))

    def queue(self, ring_at_most: int = 1) -> None:
        """Configure it."""
        self.tell(
            i.ConfigureQueue(QueueSettings(SALES, "Sales", strategy="weighted-random", ring_at_most=ring_at_most))
        )

    def tell(self, asked: i.Input) -> list[f.Fact]:
        """And let a millisecond pass."""
        self.now_ms += 1
        return self.core.handle(asked, self.now_ms)

    def call(self, required: tuple[Skill, ...] = (), wanted: tuple[Skill, ...] = ()) -> list[f.OfferMade]:
        """A call comes. Whom it is offered to, one after the other."""
        self._calls += 1
        self.line = Line(SERVER, ChannelId(f"c{self._calls}"))
        return _offers(self.tell(i.CallArrived(self.line, SALES, Caller(), required=required, wanted=wanted)))

    def hang_up(self) -> None:
        """The caller gives up: nobody's turn has changed."""
        self.tell(i.CallerLeft(self.line, hung_up=True))

    def pause(self, name: str) -> None:
        self.tell(i.Pause(request=RequestId("r"), agent=AgentId(name), by=name, reason="lunch"))

    def get_ready(self, name: str) -> None:
        self.tell(i.GetReady(request=RequestId("r"), agent=AgentId(name), by=name))

    def drawn(self, required: tuple[Skill, ...] = (), wanted: tuple[Skill, ...] = ()) -> str:
        """Whom one call is offered to, that then gives up."""
        (offer,) = self.call(required, wanted)
        self.hang_up()
        return offer.agent


def _offers(facts: Iterable[f.Fact]) -> list[f.OfferMade]:
    return [fact for fact in facts if isinstance(fact, f.OfferMade)]


def _is_in_measure(found: Counter[Any], shares: Mapping[Any, float]) -> None:
    assert found.keys() <= shares.keys(), f"{found} beside {shares}"
    total, whole = found.total(), sum(shares.values())
    expected = {of: total * share / whole for of, share in shares.items()}
    assert min(expected.values()) >= 100, f"too few to tell: {expected}"
    chi_squared = sum((found[of] - count) ** 2 / count for of, count in expected.items())
    assert chi_squared < LIMITS.get(len(shares) - 1, 40.0), f"{chi_squared:.1f}: {found} where {expected} was due"


def test_chance_is_in_the_measure_of_the_weights() -> None:
    site = Site(WEIGHTS)
    _is_in_measure(Counter(site.drawn() for _ in range(OFFERS)), WEIGHTS)


def test_who_comes_back_from_a_pause_is_not_drawn_more_often() -> None:
    site, found = Site(WEIGHTS), Counter[str]()
    for _ in range(OFFERS // 2):
        site.pause("ben")
        site.drawn()
        site.get_ready("ben")
        found[site.drawn()] += 1
    _is_in_measure(found, WEIGHTS)


def test_who_was_passed_over_for_a_skill_is_not_drawn_more_often() -> None:
    site, found = Site(WEIGHTS, skills={"dora": GERMAN}), Counter[str]()
    for _ in range(OFFERS // 2):
        assert site.drawn(GERMAN) == "dora"
        found[site.drawn()] += 1
    _is_in_measure(found, WEIGHTS)


@pytest.mark.long
def test_who_declined_is_left_out_for_that_call_alone() -> None:
    site, second, afterwards = Site(WEIGHTS), Counter[tuple[str, str]](), Counter[str]()
    for _ in range(OFFERS):
        (offer,) = site.call()
        (other,) = _offers(site.tell(i.LegEnded(offer.offer, "declined")))
        second[offer.agent, other.agent] += 1
        site.hang_up()
        afterwards[site.drawn()] += 1
    _is_in_measure(afterwards, WEIGHTS)
    for first in WEIGHTS:
        found = Counter({then: count for (declined, then), count in second.items() if declined == first})
        _is_in_measure(found, {name: weight for name, weight in WEIGHTS.items() if name != first})


@pytest.mark.long
def test_several_phones_are_drawn_one_after_the_other() -> None:
    site, found = Site(WEIGHTS), Counter[tuple[str, str]]()
    site.queue(ring_at_most=2)
    for _ in range(2 * OFFERS):
        first, second = site.call()
        found[first.agent, second.agent] += 1
        site.hang_up()
    whole = sum(WEIGHTS.values())
    shares = {
        (one, other): WEIGHTS[one] / whole * WEIGHTS[other] / (whole - WEIGHTS[one])
        for one, other in permutations(WEIGHTS, 2)
    }
    _is_in_measure(found, shares)


def test_those_who_differ_in_what_is_not_asked_for_are_drawn_together() -> None:
    skills = {"ana": GERMAN, "ben": (Skill("french", 2),), "dora": (Skill("french", 1),)}
    site = Site(WEIGHTS, skills=skills)
    _is_in_measure(Counter(site.drawn() for _ in range(OFFERS)), WEIGHTS)


def test_those_who_meet_as_many_wishes_are_drawn_together() -> None:
    french = Skill("french", 1)
    skills = {"ana": GERMAN, "ben": (*GERMAN, french), "cleo": (french,), "dora": (Skill("german", 7),)}
    site = Site(WEIGHTS, skills=skills)
    found = Counter(site.drawn(wanted=GERMAN) for _ in range(OFFERS))
    _is_in_measure(found, {"ana": 1, "ben": 2, "dora": 4})


def test_only_the_lowest_tier_with_somebody_free_is_drawn_from() -> None:
    site, low, high = Site(WEIGHTS), Counter[str](), Counter[str]()
    for name in ("cleo", "dora"):
        standing = Standing(SALES, tier=2, weight=WEIGHTS[name])
        site.tell(i.ConfigureAgent(AgentSettings(AgentId(name), name, Phone(name), (SALES,), standings=(standing,))))
    for _ in range(OFFERS // 2):
        low[site.drawn()] += 1
        site.pause("ana")
        site.pause("ben")
        high[site.drawn()] += 1
        site.get_ready("ana")
        site.get_ready("ben")
    _is_in_measure(low, {"ana": 1, "ben": 2})
    _is_in_measure(high, {"cleo": 3, "dora": 4})


def test_a_new_weight_holds_from_the_next_call_on() -> None:
    site = Site({"ana": 1, "ben": 1})
    ben = AgentSettings(AgentId("ben"), "ben", Phone("ben"), (SALES,), standings=(Standing(SALES, weight=9),))
    site.tell(i.ConfigureAgent(ben))
    _is_in_measure(Counter(site.drawn() for _ in range(OFFERS)), {"ana": 1, "ben": 9})


def test_same_seed_draws_the_same() -> None:
    first, second = Site(WEIGHTS), Site(WEIGHTS)
    assert [first.drawn() for _ in range(100)] == [second.drawn() for _ in range(100)]


@pytest.mark.parametrize("number", range(60))
def test_draw_is_that_of_the_tickets_dealt_out_one_by_one(number: int) -> None:
    """Some classes, weights and agents, of whom some take no part: whom the lists say is whom a plain count says."""
    ready, dealt, out = (
        ReadyAgents(),
        list[tuple[tuple[tuple[str, int], ...], AgentKey]](),
        dict[ClassKey, list[AgentKey]](),
    )
    classes = [ClassKey(1, SkillSet((Skill("german", level),))) for level in range(1 + number % 4)]
    for agent in range(1 + number % 13):
        class_ = classes[ticket(1, number + agent, len(classes))]
        key = AgentKey(1 + ticket(2, number + agent, 3), agent % 5, agent, AgentId(f"agent-{agent}"))
        ready.add(class_, key)
        if agent and ticket(3, number + agent, 3) == 0:
            out.setdefault(class_, []).append(key)
        else:
            dealt.append((class_.skills.names, key))
    tickets = [key for _, key in sorted(dealt) for _ in range(key.first)]
    expected = tickets[ticket(number, number, len(tickets))]
    assert ready.drawn(ready.classes, out, number, number) == expected
