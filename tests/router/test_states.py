"""The two tables, their drawing, and what becomes of moves that are not in them."""

from itertools import product
from pathlib import Path

import pytest

from acd.model import AgentId
from acd.router.settings import AgentSettings
from acd.router.skills import SkillSet
from acd.router.state import Agent
from acd.router.states import MEMBERSHIP_MOVES, WORK_MOVES, Membership, Work, may_move
from acd.testing.drawings import redrawn

DRAWING = Path(__file__).parents[2] / "docs" / "agent-states.md"
WORK_EVENTS = sorted({event for _, event in WORK_MOVES})


def _agent(work: Work) -> Agent:
    return Agent(AgentSettings(AgentId("ana"), "Ana", None, ()), SkillSet(()), work=work)


def test_document_shows_the_tables_of_today(rewrite: bool) -> None:
    document = DRAWING.read_text()
    if rewrite:
        DRAWING.write_text(redrawn(document))
    else:
        assert redrawn(document) == document, f"{DRAWING.name} is out of date; see --rewrite-transcripts"


@pytest.mark.parametrize(("work", "event"), WORK_MOVES)
def test_legal_move_is_made(work: Work, event: str) -> None:
    agent = _agent(work)
    agent.move(event)
    assert agent.work is WORK_MOVES[work, event]


@pytest.mark.parametrize(
    ("work", "event"), [pair for pair in product(Work, WORK_EVENTS) if pair not in WORK_MOVES], ids=str
)
def test_illegal_move_of_work_is_a_broken_invariant_and_changes_nothing(work: Work, event: str) -> None:
    agent = _agent(work)
    with pytest.raises(AssertionError, match=f"agent ana: {event} while {work.value}"):
        agent.move(event)
    assert agent.work is work


@pytest.mark.parametrize("request_", ["pause", "log out"])
def test_only_who_is_logged_in_may_pause_or_log_out(request_: str) -> None:
    assert [state for state in Membership if may_move(state, request_)] == [Membership.READY, Membership.PAUSED]


def test_every_state_can_be_reached_and_left() -> None:
    for moves in (MEMBERSHIP_MOVES, WORK_MOVES):
        sources = {state for state, _ in moves}
        targets = {to for (state, _), to in moves.items() if to is not state}
        assert sources == targets == set(type(next(iter(sources))))
