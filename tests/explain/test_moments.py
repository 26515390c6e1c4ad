"""Explanations of moments that a text cannot stop at: in the midst of an instant, and everywhere on a walk."""

import io
import subprocess
import sys

import msgspec
import pytest
from rich.console import Console

from acd.explain import refold, tables, times, words
from acd.router import explanation
from acd.router import facts as f
from acd.router import objections as o
from acd.router.apply import apply
from acd.router.explanation import AgentExplanation, Explanation
from acd.router.since import Since
from acd.router.state import State
from acd.testing import sentences
from acd.testing.explanations import Told
from acd.testing.playbook import Playbook
from acd.testing.walk import Walk

ASKED_EVERY = 10
"""Facts after which everything is asked about; every second offer is explained."""


@pytest.mark.parametrize("seed", [300, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(301, 306))])
def test_whatever_happens_the_chosen_comes_first_and_everybody_else_has_a_reason(seed: int) -> None:
    """R60, R61: the explanation of an offer agrees with the facts, and each agent has a place or a reason."""
    walk = Walk(seed, check_every=1_000)
    walk.run(700)
    state, since, offers = State(), Since(), 0
    for number, fact in enumerate(walk.book.facts):
        if isinstance(fact, f.OfferMade):
            offers += 1
            if offers % 2 == 0:
                _look_at(explanation.explain_offer(state, since, fact), fact)
        elif number % ASKED_EVERY == 0:
            _ask_about_all(state, since, fact.at_ms)
        apply(state, fact)
        since.follow(state, fact)
    assert offers > 15, f"only {offers} offers on this walk"


def _look_at(found: Explanation, fact: f.OfferMade) -> None:
    places = [agent.place for agent in found.agents if agent.place is not None]
    assert found.agrees, f"{found.best}, not {fact}"
    assert (found.chosen, found.work.call, found.reasons) == (fact.agent, fact.call, ())
    assert [agent.agent for agent in found.agents if agent.chosen] == [fact.agent]
    assert found.agents[0].chosen or found.own_order is not None, f"{found.agents[0]} comes before {fact}"
    assert [place.number for place in places] == list(range(1, len(places) + 1))
    assert [place.after_first_by is None for place in places] == [True] + [False] * (len(places) - 1)
    for agent in found.agents:
        assert (agent.place is None) == bool(agent.reasons), f"{agent} has neither a place nor a reason, or both"
    for passed in found.before:
        told = passed.reasons or not passed.takers
        assert told or found.own_order is not None, f"{passed} comes before {fact}"
    _can_be_told(found)


def _ask_about_all(state: State, since: Since, at_ms: int) -> None:
    for call in state.calls:
        _can_be_told(explanation.explain_wait(state, since, call, at_ms))
    for agent in state.agents:
        found = explanation.explain_agent(state, since, agent, at_ms)
        assert _read_back(found) == found
        assert list(tables.of_agent(found, times.clock, times.clock(found.at_ms)))


def _can_be_told(found: Explanation) -> None:
    assert _read_back(found) == found
    assert list(tables.of_call(found, None, times.clock))


def _read_back(found: Explanation | AgentExplanation) -> Explanation | AgentExplanation:
    return msgspec.json.decode(msgspec.json.encode(found), type=type(found))


@pytest.mark.parametrize(
    ("given", "last", "objections", "telling"),
    [
        (
            ("ana logs in", "the link to a is lost", "call C1 arrives in sales"),
            "queue sales is configured: strategy round-robin",
            [o.QueueInDisorder, o.ServerUnheard],
            "are being put in order anew",
        ),
        (
            ("queue sales is configured: also for who waits closed", "call C1 arrives in sales"),
            "queue sales closes",
            [o.QueueLetsGo],
            "lets go of who waits",
        ),
    ],
)
def test_what_lasts_for_an_instant_is_told_of_who_waits(
    given: tuple[str, ...], last: str, objections: list[type[o.Objection]], telling: str
) -> None:
    book = Playbook()
    for sentence in (
        "queue sales is configured",
        "agent ana is configured: phone 1001, queues sales",
        "server a reports: nothing",
        *given,
    ):
        book.say(sentence)
    book.tell_once(sentences.parse(last, book.names))
    state, since = State(), Since()
    for fact in book.facts:
        apply(state, fact)
        since.follow(state, fact)
    found = explanation.explain_wait(state, since, next(iter(state.calls)), book.now_ms)
    assert [type(reason.objection) for reason in found.reasons] == objections
    assert telling in words.reasons(found.reasons, found.work.call, found.at_ms, times.clock)


def test_of_very_many_agents_the_last_are_counted() -> None:
    book = Playbook()
    book.say("queue sales is configured")
    book.say("queue support is configured")
    for number in range(tables.ROWS + 5):
        book.say(f"agent a{number} is configured: phone {2000 + number}, queues sales")
    book.say("agent ben is configured: phone 1002, queues support")
    book.say("agent ana is configured: phone 1001, queues sales")
    book.say("server a reports: nothing")
    book.say("ana logs in")
    book.say("phone 1001 rings on D1")
    book.say("call C1 arrives in sales")
    found = refold.explain_call(Told(book), refold.find(Told(book), "C1").stories[0], book.now_ms)
    page = io.StringIO()
    tables.show(Console(file=page, width=100), tables.of_call(found, None, times.clock))
    _, first, *_ = (line for line in page.getvalue().splitlines() if line.startswith("  "))
    assert first.split() == ["ana", "on", "a", "direct", "call", "since", times.clock(book.now_ms)]
    assert "\n7 more: 6 logged out of the queue, 1 not assigned to the queue" in page.getvalue()


def test_nothing_that_runs_the_engine_loads_it() -> None:
    """It costs nothing while nobody asks; `lint-imports` holds the same for what is imported later."""
    program = (
        "import sys; import acd.core, acd.daemon, acd.engine.loop, acd.telephony.ami, acd.journal.memory; "
        "print([name for name in sys.modules if name.startswith('acd.explain') or name in "
        "{'acd.router.' + room for room in ('why', 'explanation', 'objections', 'reasons', 'since')}])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "[]"
