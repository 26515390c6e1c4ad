"""The agent's state machines as text, drawn from their tables for docs/agent-states.md."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from acd.router.states import MEMBERSHIP_MOVES, WORK_MOVES, Membership, Work

BEGIN = "<!-- drawn from acd/router/states.py; `pytest --rewrite-transcripts tests/router` draws it anew -->"
END = "<!-- end of the drawing -->"

S = TypeVar("S", bound=Enum)


def redrawn(document: str) -> str:
    """The document with everything between the marks drawn anew."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"the document has no line {BEGIN}"
    assert end, f"the document has no line {END}"
    return f"{before}{BEGIN}\n\n{_drawn()}\n{END}{after}"


def _drawn() -> str:
    membership = _machine("In one queue", Membership, Membership.LOGGED_OUT, MEMBERSHIP_MOVES)
    work = _machine("Over all queues", Work, Work.IDLE, WORK_MOVES)
    return f"{membership}\n{work}"


def _machine(title: str, states: type[S], first: S, moves: Mapping[tuple[S, str], S]) -> str:
    parts = (_table(states, moves), _arrows(moves), _mermaid(first, moves))
    return f"## {title}\n\n" + "\n".join(parts)


def _table(states: type[S], moves: Mapping[tuple[S, str], S]) -> str:
    """Rows are states, columns are events; an empty field is an illegal move."""
    events = list(dict.fromkeys(event for _, event in moves))
    rows = [["", *events], ["---"] * (len(events) + 1)]
    for state in states:
        targets = (moves.get((state, event)) for event in events)
        rows.append([f"**{state.value}**", *("" if target is None else str(target.value) for target in targets)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _arrows(moves: Mapping[tuple[S, str], S]) -> str:
    width = max(len(state.value) for state, _ in moves)
    event_width = max(len(event) for _, event in moves)
    lines = (f"{state.value:>{width}} --[{event:^{event_width}}]--> {to.value}" for (state, event), to in moves.items())
    return "```\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def _mermaid(first: S, moves: Mapping[tuple[S, str], S]) -> str:
    """One arrow between two states carries all their events."""
    arrows: dict[tuple[S, S], list[str]] = {}
    for (state, event), to in moves.items():
        arrows.setdefault((state, to), []).append(event)
    names = dict.fromkeys(state for pair in arrows for state in pair)
    lines = ["stateDiagram-v2", *(f'    state "{state.value}" as {state.name}' for state in names)]
    lines.append(f"    [*] --> {first.name}")
    lines += [f"    {state.name} --> {to.name}: {', '.join(events)}" for (state, to), events in arrows.items()]
    return "```mermaid\n" + "".join(f"{line}\n" for line in lines) + "```\n"
