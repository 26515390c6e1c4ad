"""Who joins a queue without being assigned to it: their sets of skills have a bound (docs/routing.md R37, R46)."""

import pytest

from acd.core import Core, Fact, fold
from acd.guard import invariants
from acd.guard.description import differences
from acd.model import AgentId, Phone, QueueId, RequestId, Skill
from acd.router import inputs as i
from acd.router.facts import AgentLoggedOut, RequestRefused
from acd.router.settings import CLASSES_MOST, AgentSettings, QueueSettings

HELP, OWN = QueueId("help"), QueueId("own")


class Guests:
    """Agents, each with a skill of their own, some of whom have joined a queue."""

    def __init__(self) -> None:
        self.core = Core()
        self.facts: list[Fact] = []
        self.say(i.OpenJournal("t", 1, "test"))
        self.say(i.ConfigureQueue(QueueSettings(HELP, "Help", may_join=True)))
        self.say(i.ConfigureQueue(QueueSettings(OWN, "Own")))

    def say(self, asked: i.Input) -> list[Fact]:
        """The same moment always."""
        facts = self.core.handle(asked, 0)
        self.facts += facts
        return facts

    def configure(self, number: int, skill: int, *queues: QueueId) -> list[Fact]:
        """The agent with this number has this skill."""
        agent = AgentId(f"agent-{number}")
        skills = (Skill(f"skill-{skill}"),)
        return self.say(
            i.ConfigureAgent(AgentSettings(agent, agent, Phone(str(number)), queues or (OWN,), skills=skills))
        )

    def log_in(self, number: int) -> list[Fact]:
        """To the queue that may be joined."""
        agent = AgentId(f"agent-{number}")
        return self.say(i.LogIn(request=RequestId("r"), agent=agent, by=agent, queues=(HELP,)))


@pytest.fixture
def guests() -> Guests:
    """As many as may be there, each with another skill."""
    guests = Guests()
    for number in range(CLASSES_MOST):
        guests.configure(number, number)
        guests.log_in(number)
    assert len(guests.core.state.queues[HELP].members) == CLASSES_MOST
    return guests


def _check(guests: Guests) -> None:
    invariants.check(guests.core.state)
    assert not differences(fold(guests.facts), guests.core.state)


def test_who_would_bring_one_set_of_skills_too_many_is_refused(guests: Guests) -> None:
    guests.configure(CLASSES_MOST, CLASSES_MOST)
    (refused,) = guests.log_in(CLASSES_MOST)
    assert isinstance(refused, RequestRefused)
    assert refused.reason == "too-many-skill-sets"
    _check(guests)


def test_who_can_the_same_as_another_guest_is_let_in(guests: Guests) -> None:
    guests.configure(CLASSES_MOST, 0)
    guests.log_in(CLASSES_MOST)
    assert len(guests.core.state.queues[HELP].members) == CLASSES_MOST + 1
    _check(guests)


def test_who_is_assigned_to_the_queue_is_let_in_whatever_guests_are_there(guests: Guests) -> None:
    guests.configure(CLASSES_MOST, CLASSES_MOST, HELP)
    guests.log_in(CLASSES_MOST)
    assert len(guests.core.state.queues[HELP].members) == CLASSES_MOST + 1
    _check(guests)


def test_guest_who_is_there_may_ask_again(guests: Guests) -> None:
    assert not any(isinstance(fact, RequestRefused) for fact in guests.log_in(0))


@pytest.mark.parametrize("goes", ["logs out", "is assigned", "is retired"])
def test_guest_who_goes_makes_room_for_another(guests: Guests, goes: str) -> None:
    first = AgentId("agent-0")
    match goes:
        case "logs out":
            guests.say(i.LogOut(request=RequestId("r"), agent=first, by=first, queues=(HELP,)))
        case "is assigned":
            guests.configure(0, 0, HELP)
        case _:
            guests.say(i.RetireAgent(first))
    guests.configure(CLASSES_MOST, CLASSES_MOST)
    assert not any(isinstance(fact, RequestRefused) for fact in guests.log_in(CLASSES_MOST))
    assert len(guests.core.state.queues[HELP].guests) == CLASSES_MOST
    _check(guests)


def test_guest_to_whom_a_reload_gives_one_set_of_skills_too_many_is_put_out(guests: Guests) -> None:
    guests.configure(CLASSES_MOST, 0)
    guests.log_in(CLASSES_MOST)
    *_, out = guests.configure(CLASSES_MOST, CLASSES_MOST)
    assert isinstance(out, AgentLoggedOut)
    assert (out.agent, out.queues, out.by) == (f"agent-{CLASSES_MOST}", (HELP,), "configuration")
    _check(guests)


def test_guest_whose_skills_a_reload_changes_stays_where_that_is_none_too_many(guests: Guests) -> None:
    assert len(guests.configure(0, CLASSES_MOST)) == 1
    assert len(guests.core.state.queues[HELP].members) == CLASSES_MOST
    _check(guests)
