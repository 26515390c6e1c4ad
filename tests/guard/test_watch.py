"""A guard that never cries proves nothing: each kind of wrong is done once, and found."""

from collections.abc import Sequence

import pytest

from acd.core import Core
from acd.guard import Guard
from acd.journal.port import Entry
from acd.model import Caller, ChannelId, Line, QueueId, ServerId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router import offers, why
from acd.router.settings import QueueSettings
from acd.router.state import Agent, Call
from acd.router.turn import Turn
from acd.simulate import Observer, Scenario, contact_centre, simulate


def _scenario() -> Scenario:
    return contact_centre(agents=6, queues=2, calls_per_hour=30, faults=False)


def _watched(*before: Observer) -> None:
    guard = Guard(check_every=20, choose_every=1)
    simulate(_scenario(), 1, observers=[*before, guard])
    guard.finish()


def test_day_on_which_nothing_is_wrong_passes() -> None:
    _watched()


def test_call_that_goes_to_the_wrong_agent_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    make = offers.make

    def make_with_the_last(turn: Turn, call: Call, agent: Agent) -> None:
        free = [
            other for other in turn.state.agents.values() if why.objection(turn.state, call, other, turn.now_ms) is None
        ]
        make(turn, call, why.in_their_order(turn.state, call, free)[-1][1])

    monkeypatch.setattr(offers, "make", make_with_the_last)
    with pytest.raises(AssertionError, match="should have been chosen"):
        _watched()


def test_state_that_the_facts_do_not_give_is_found() -> None:
    def meddle(core: Core, _entries: Sequence[Entry]) -> None:
        core.state.settings = type(core.state.settings)(refusal_rest_ms=1)

    with pytest.raises(AssertionError, match="applying the facts gives another state"):
        _watched(meddle)


def test_state_that_contradicts_itself_is_found() -> None:
    def meddle(core: Core, entries: Sequence[Entry]) -> None:
        if any(isinstance(fact, f.CallConnected) for entry in entries for fact in entry.facts):
            for agent in core.state.agents.values():
                agent.rests = True

    with pytest.raises(AssertionError):
        _watched(meddle)


def test_facts_that_do_not_add_up_are_found() -> None:
    guard = Guard(check_every=1_000_000, choose_every=1_000_000)

    def twice(core: Core, entries: Sequence[Entry]) -> None:
        guard(core, entries)
        for entry in entries:
            for fact in entry.facts:
                if isinstance(fact, f.CallQueued):
                    guard.ledger.post(fact)

    with pytest.raises(AssertionError, match="was used before"):
        simulate(_scenario(), 1, observers=[twice])


def _journal(tag: str, now_ms: int) -> tuple[Core, list[Entry]]:
    """A caller who waits in vain, as an engine that has just begun tells it."""
    core = Core()
    entries = []
    line = Line(ServerId("a"), ChannelId("a.1"))
    for asked in (
        i.OpenJournal(tag, 1, "test"),
        i.ConfigureQueue(QueueSettings(QueueId("sales"), "Sales")),
        i.CallArrived(line, QueueId("sales"), Caller("555")),
    ):
        first = core.state.fact_count + 1
        entries.append(Entry(first, now_ms, asked, tuple(core.handle(asked, now_ms))))
    return core, entries


def test_engine_that_begins_anew_has_books_of_its_own() -> None:
    guard = Guard(check_every=1, choose_every=1)
    for tag, now_ms in (("one", 1_000), ("two", 2_000)):
        guard(*_journal(tag, now_ms))
    guard.finish()
    assert (guard.ledger.queued, len(guard.ledger.ids)) == (1, 2)


def test_engine_that_begins_anew_with_the_ids_of_another_is_found() -> None:
    guard = Guard(check_every=1, choose_every=1)
    guard(*_journal("one", 1_000))
    with pytest.raises(AssertionError, match="was used before"):
        guard(*_journal("one", 2_000))


def test_engine_that_begins_anew_in_the_past_is_found() -> None:
    guard = Guard(check_every=1, choose_every=1)
    guard(*_journal("one", 2_000))
    with pytest.raises(AssertionError, match="time went back"):
        guard(*_journal("two", 1_000))
