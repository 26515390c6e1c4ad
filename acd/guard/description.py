"""A core's state as plain text, whole: what is logical and what is derived, order included.

Two states that are described alike behave alike from then on. Left out is only the news, where the next match is to
look: to look at more changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from acd.router.state import State


def describe(state: State) -> dict[str, str]:
    """Every part of the state under a name. Equal descriptions mean equal states; a difference shows where."""
    parts = {
        "counters": f"{state.fact_count} facts until {state.now_ms}, tag {state.tag!r}, seed {state.seed}",
        "settings": repr(state.settings),
        "day": f"{state.day} since {state.day_began_ms}, to recount {list(state.recount)}",
        "last agents": repr(state.last_agents),
        "deadlines": repr(state.deadlines.all()),
        "calls by line": repr(state.call_on),
        "agents by phone": repr(state.agent_at),
        "lines by phone": repr(state.lines_of),
    }
    _describe_each(parts, "queue", state.queues)
    _describe_each(parts, "agent", state.agents)
    _describe_each(parts, "supervisor", state.supervisors)
    _describe_each(parts, "call", state.calls)
    _describe_each(parts, "offer", state.offers)
    _describe_each(parts, "direct call", state.direct_calls)
    _describe_each(parts, "server", state.servers)
    return parts


def _describe_each(parts: dict[str, str], kind: str, things: Mapping[Any, object]) -> None:
    parts[f"order of {kind}s"] = repr(list(things))
    for name, thing in things.items():
        parts[f"{kind} {name}"] = repr(thing)


def differences(expected: State, found: State) -> dict[str, tuple[str | None, str | None]]:
    """Which parts differ, and how each state has them."""
    left, right = describe(expected), describe(found)
    return {
        part: (left.get(part), right.get(part))
        for part in dict.fromkeys([*left, *right])
        if left.get(part) != right.get(part)
    }


def catch_up(shadow: State, state: State) -> None:
    """Let a state to which the facts of `state` were applied follow in what the match does beside the facts: who was
    left without work is listed."""
    for agent in [agent for agent in shadow.news.agents if agent not in state.news.agents]:
        shadow.enlist(shadow.agents[agent])
    shadow.news.calls.clear()
    shadow.news.queues.clear()
    shadow.news.limits.clear()
    shadow.news.stuck.clear()
    shadow.news.absent.clear()
    shadow.news.unseen = False
