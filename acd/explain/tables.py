"""Explanations as people read them: a few sentences, then tables."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from acd.explain import words
from acd.explain.refold import Story
from acd.explain.words import Clock
from acd.model import AgentId
from acd.router import objections as o
from acd.router.explanation import AgentExplanation, Considered, Explanation, NotTaken, Passed, Queued

ROWS = 40
"""Agents told of one by one."""
SLICES = "(Where a large effect went in slices, the best of each slice goes first: docs/routing.md R25.)"


def show(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print them, one under the other."""
    console.print(Group(*parts))


def of_call(
    found: Explanation, story: Story | None, clock: Clock, about: AgentId | None = None
) -> Iterator[RenderableType]:
    """Why this agent, or why nobody. `about`: who is told even if the queue is none of theirs."""
    yield Text(_head(found, clock))
    yield from _way(found, clock)
    if story is not None and len(story.offers) > 1:
        yield Text("")
        yield Text("Its offers:")
        yield _offers(story, found, clock)
    yield Text("")
    yield Text(_verdict(found, clock))
    if not found.agrees:
        yield Text(_otherwise(found))
        yield Text(SLICES)
    yield Text("")
    yield _agents(found, clock, about)
    yield from _led_by(found, clock)
    yield from _other_work(found, clock)


def _head(found: Explanation, clock: Clock) -> str:
    work = found.work
    waited = words.duration(max(found.at_ms - work.since_ms, 0))
    came = "" if work.came_ms == work.since_ms else f"came at {clock(work.came_ms)}, "
    kind = "Call" if work.kind == "inbound" else work.kind.capitalize()
    return (
        f"{kind} {work.call} in {work.queue_name}, {words.caller(work.caller)}: waits since {clock(work.since_ms)} "
        f"({waited}), {came}{words.priority(work)}"
    )


def _way(found: Explanation, clock: Clock) -> Iterator[RenderableType]:
    """The queues that passed the call on."""
    if not found.way:
        return
    yield Text("")
    yield Text("Its way here:")
    table = _table("queue", "passed on at", "because")
    for left in found.way:
        table.add_row(*_texts(left.queue_name, clock(left.at_ms), words.NOT_KEPT[left.reason]))
    yield table


def _verdict(found: Explanation, clock: Clock) -> str:
    at = clock(found.at_ms)
    if found.chosen is None:
        why = words.reasons(found.reasons, found.work.call, found.at_ms, clock)
        return f"{at}: {why or 'nobody who may be offered it is free'}"
    free = [agent for agent in found.agents if agent.place is not None]
    offered = f"{at}, offer {found.offer}: {found.chosen}"
    if found.own_order is not None:
        return f"{offered}, {words.own_order(found.own_order, found.work, clock)}"
    if found.agrees and len(free) == 1:
        return f"{offered}, the only one who may be offered it"
    drawn_from = sum(agent.place is not None and agent.place.weights is not None for agent in free)
    if found.agrees and drawn_from > 1:
        return f"{offered}, drawn by chance from {drawn_from}"
    if found.agrees:
        return f"{offered}, the first of {len(free)} who may be offered it"
    return offered


def _otherwise(found: Explanation) -> str:
    if found.best is None:
        return "This release would choose otherwise: it would make no offer at that moment."
    what = "it" if found.best.call == found.work.call else f"call {found.best.call}"
    return f"This release would choose otherwise: it would offer {what} to {found.best.agent}."


def _offers(story: Story, found: Explanation, clock: Clock) -> Table:
    table = _table("", "offer", "agent", "at")
    for tried in story.offers:
        table.add_row(*_texts("→" if tried.offer == found.offer else "", tried.offer, tried.agent, clock(tried.at_ms)))
    return table


def _agents(found: Explanation, clock: Clock, about: AgentId | None) -> RenderableType:
    """The free ones in their order; then those who have something to do with the queue; the rest is counted."""
    table = _table("", "agent", "", "why, or why not")
    first = next((agent.agent for agent in found.agents if agent.place is not None), "")
    told = [agent for agent in found.agents if agent.chosen or agent.agent == about or not _is(o.NotAssigned, agent)]
    told.sort(key=lambda agent: _is(o.LoggedOut, agent))  # who is at work is of more interest
    for agent in told[:ROWS]:
        place = "" if agent.place is None else f"{agent.place.number}."
        table.add_row(*_texts("→" if agent.chosen else "", agent.agent, place, _why(agent, first, found, clock)))
    rest = [agent for agent in found.agents if agent not in told[:ROWS]]
    if not rest:
        return table
    return Group(table, Text(f"{len(rest)} more: {_counted(rest)}"))


def _led_by(found: Explanation, clock: Clock) -> Iterator[RenderableType]:
    """Whom the other work might have gone to, where an agent's own order made the difference."""
    own = found.own_order
    if own is None or len(own.agents) == 1:
        return
    yield Text("")
    yield Text(f"Who might have been offered {own.led_by.call}:")
    table = _table("agent", "", "why")
    for agent in own.agents:
        assert agent.place is not None, f"{agent} may be offered it"
        why = words.place(agent.place, own.agent, clock)
        table.add_row(*_texts(agent.agent, f"{agent.place.number}.", why))
    yield table


def _is(objection: type[o.AgentObjection], agent: Considered) -> bool:
    return any(isinstance(reason.objection, objection) for reason in agent.reasons)


def _counted(agents: list[Considered]) -> str:
    kinds = Counter(_kind(agent) for agent in agents)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def _kind(agent: Considered) -> str:
    if agent.place is not None:
        return "free"
    if _is(o.NotAssigned, agent):
        return "not assigned to the queue"
    return "logged out of the queue" if _is(o.LoggedOut, agent) else "not free"


def _why(agent: Considered, first: str, found: Explanation, clock: Clock) -> str:
    if agent.place is not None:
        return words.place(agent.place, first, clock)
    return words.reasons(agent.reasons, found.work.call, found.at_ms, clock)


def _other_work(found: Explanation, clock: Clock) -> Iterator[RenderableType]:
    if found.before:
        yield Text("")
        yield Text("Before it in the one order:")
        yield _before(found, clock)
        yield from _more(found.before_count - len(found.before))
    if found.after:
        yield Text("")
        yield Text("After it:")
        yield _after(found, clock)
        yield from _more(found.after_count - len(found.after))


def _before(found: Explanation, clock: Clock) -> Table:
    table = _table("call", "queue", "why before", "why not it")
    for passed in found.before:
        table.add_row(
            *_texts(*_line(passed.work), _ahead(passed.work, found.work, clock), _passed(passed, found, clock))
        )
    return table


def _passed(passed: Passed, found: Explanation, clock: Clock) -> str:
    if passed.reasons:
        return words.reasons(passed.reasons, passed.work.call, found.at_ms, clock)
    own = found.own_order
    if own is not None and own.led_by.call == passed.work.call:
        return f"{own.agent} takes other work first"
    if passed.takers:
        return f"may be offered to {', '.join(passed.takers[:5])}"
    if not passed.chosen_objects:
        return "nobody who may be offered it is free"
    why = words.reasons(passed.chosen_objects, passed.work.call, found.at_ms, clock)
    return f"nobody who may be offered it is free; {found.chosen}: {why}"


def _after(found: Explanation, clock: Clock) -> Table:
    table = _table("call", "queue", "why after")
    for work in found.after:
        table.add_row(*_texts(*_line(work), _ahead(work, found.work, clock)))
    return table


def _line(work: Queued) -> tuple[str, str]:
    return work.call, work.queue_name


def _ahead(work: Queued, than: Queued, clock: Clock) -> str:
    """What places it before or after."""
    if work.priority != than.priority:
        sign = ">" if work.priority > than.priority else "<"
        return f"{words.priority(work)} {sign} {than.priority}"
    if work.since_ms != than.since_ms:
        return f"waits since {clock(work.since_ms)}"
    return "came in the same millisecond"


def _more(count: int) -> Iterator[Text]:
    if count:
        yield Text(f"and {count} more")


def of_agent(found: AgentExplanation, clock: Clock, at: str) -> Iterator[RenderableType]:
    """Why there is nothing to do, at that moment."""
    takes = {"order": "in the one order", "rank": "by the rank of the queue", "longest-wait": "who has waited longest"}
    doing = words.doing(found, clock)
    yield Text(f"Agent {found.agent} ({found.name}) at {at}: {doing}; takes work {takes[found.takes]}")
    yield Text("")
    table = _table("queue", "there", "waiting")
    for queue in found.queues:
        table.add_row(*_texts(queue.queue, words.in_queue(queue, clock), str(queue.waiting)))
    yield table
    if found.owed:
        yield Text("")
        yield Text(f"It must still be said what came of {', '.join(found.owed)}.")
    yield Text("")
    if not found.works:
        yield Text("Nothing waits in these queues.")
        return
    table = _table("call", "queue", "waits since", "why not")
    for work in found.works:
        table.add_row(*_texts(*_line(work.work), clock(work.work.since_ms), _not_taken(work, found.at_ms, clock)))
    yield table
    yield from _more(found.works_count - len(found.works))


def _not_taken(work: NotTaken, now_ms: int, clock: Clock) -> str:
    if not work.reasons:
        return "nothing speaks against it: it is offered next"
    return words.reasons(work.reasons, work.work.call, now_ms, clock)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=any(columns))
    for at, column in enumerate(columns):
        last = at == len(columns) - 1
        table.add_column(column, no_wrap=not last, overflow="fold", ratio=1 if last else None)
    return table


def _texts(*cells: str) -> list[Text]:
    return [Text(cell) for cell in cells]
