"""A count that is wrong wherever it is read, by the match and by the oracle alike, is found on any walk by chance."""

from collections.abc import Callable
from typing import Any

import pytest

from acd.guard import Guard
from acd.model import AgentId
from acd.router import apply
from acd.router import facts as f
from acd.router.ready import IdlePlace
from acd.router.state import State
from acd.simulate import contact_centre, simulate
from acd.testing.walk import Walk

Change = Callable[[State, Any], None]


def _call_counts_twice(state: State, fact: f.CallEnded) -> None:
    agent = state.agents.get(fact.agent)
    if agent is not None:
        agent.calls_today += 1


def _talk_counts_twice(state: State, fact: f.CallEnded) -> None:
    agent = state.agents.get(fact.agent)
    if agent is not None:
        agent.talked_today_ms += fact.talked_ms


def _chat_counts_as_a_call(state: State, fact: f.CallEnded) -> None:
    agent = state.agents.get(fact.agent)
    if agent is not None:
        agent.calls_today, agent.chats_today = agent.calls_today + agent.chats_today, 0


def _yesterday_counts_on(state: State, _: f.DayBegan) -> None:
    for agent in state.agents.values():
        agent.day = state.day


def _ring_ends_idleness(state: State, fact: f.OfferEnded) -> None:
    agent = state.agents.get(fact.agent)
    if agent is not None:
        agent.free = IdlePlace(fact.at_ms, state.fact_count)


def _offer_is_not_noted(state: State, fact: f.OfferMade) -> None:
    state.agents[fact.agent].queues[fact.queue].offered = 0


def _pause_has_no_limit(state: State, fact: f.AgentPaused) -> None:
    if state.agents[fact.agent].limits.pop(fact.reason, None) is not None:
        state.deadlines.drop("pause", fact.agent, fact.reason)


def _ana_was_always_the_last(state: State, fact: f.CallerRemembered) -> None:
    state.last_agents.remember(fact.number, AgentId("ana"), fact.until_ms)


WRONG: dict[Change, type[f.Fact]] = {
    _call_counts_twice: f.CallEnded,
    _talk_counts_twice: f.CallEnded,
    _chat_counts_as_a_call: f.CallEnded,
    _yesterday_counts_on: f.DayBegan,
    _ring_ends_idleness: f.OfferEnded,
    _offer_is_not_noted: f.OfferMade,
    _pause_has_no_limit: f.AgentPaused,
    _ana_was_always_the_last: f.CallerRemembered,
}
ERRORS = r"by the facts|was last offered|spoke with the caller last|to be forgotten"


def _break(monkeypatch: pytest.MonkeyPatch, kind: type[f.Fact], change: Change) -> None:
    """Every state to which the fact is applied is wrong alike."""
    right = apply.APPLY[kind]

    def wrong(state: State, fact: Any) -> None:
        right(state, fact)
        change(state, fact)

    monkeypatch.setitem(apply.APPLY, kind, wrong)


@pytest.mark.parametrize(("change", "kind"), WRONG.items(), ids=[change.__name__ for change in WRONG])
def test_wrong_count_is_found_on_a_walk(monkeypatch: pytest.MonkeyPatch, change: Change, kind: type[f.Fact]) -> None:
    _break(monkeypatch, kind, change)
    with pytest.raises(AssertionError, match=ERRORS):
        Walk(1, check_every=20).run(5_000)


def test_wrong_count_is_found_in_a_simulated_day(monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, f.CallEnded, _call_counts_twice)
    with pytest.raises(AssertionError, match=ERRORS):
        simulate(contact_centre(agents=4, queues=2, calls_per_hour=20), 1, observers=[Guard()])
