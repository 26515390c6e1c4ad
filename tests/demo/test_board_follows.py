"""The board against the router's own state, on long walks by chance: what the demo shows is what the core means."""

import pytest

from acd.lab.view.board import AgentState, Board, CallState
from acd.lab.view.fold import apply
from acd.model import AgentId, CallId
from acd.router.state import Agent, State
from acd.router.states import Membership, Work
from acd.testing.walk import Walk

STEPS = 1_500


@pytest.mark.parametrize("seed", range(4))
def test_board_shows_agents_and_calls_as_the_core_has_them(seed: int) -> None:
    walk, board = Walk(seed, check_every=1_000_000), Board()
    for _ in range(STEPS):
        walk.step()
        for number, fact in enumerate(walk.book.facts[board.facts :], board.facts + 1):
            apply(board, number, fact)
        state = walk.book.state
        assert {agent.id: agent.state for agent in board.agents.values()} == _agents(state)
        assert _calls(board) == _calls_of(state)
        assert {queue.id: len(queue.waiting) for queue in board.queues.values()} == {
            id_: queue.length for id_, queue in state.queues.items()
        }


def _agents(state: State) -> dict[AgentId, AgentState]:
    return {id_: _agent(state, agent) for id_, agent in state.agents.items()}


def _agent(state: State, agent: Agent) -> AgentState:
    match agent.work:
        case Work.RINGING | Work.CONNECTING:
            return "ringing"
        case Work.TALKING:
            return "talking"
        case Work.WRAP_UP:
            return "wrap-up"
        case Work.IDLE:
            return _idle(state, agent)


def _idle(state: State, agent: Agent) -> AgentState:
    memberships = {entry.state for entry in agent.queues.values()}
    if memberships <= {Membership.LOGGED_OUT}:
        return "logged out"
    if agent.phone is not None and state.lines_of.get(agent.phone):
        return "direct call"
    if Membership.READY not in memberships:
        return "paused"
    return "resting" if agent.rests else "ready"


def _calls(board: Board) -> dict[CallId, CallState]:
    return {id_: call.state for id_, call in board.calls.items() if call.state in {"waiting", "ringing", "talking"}}


def _calls_of(state: State) -> dict[CallId, CallState]:
    def stands(id_: CallId) -> CallState:
        call = state.calls[id_]
        if call.connected_at_ms is not None:
            return "talking"
        return "ringing" if call.offers else "waiting"

    return {id_: stands(id_) for id_ in state.calls}
