"""To the moment that is asked about: what is meant is looked for, then the facts are folded up to it."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from acd.core import Fact
from acd.explain import times
from acd.explain.source import CannotExplain, Source
from acd.journal.port import Entry
from acd.model import AgentId, Caller, CallId, Line, OfferId, QueueId
from acd.router import explanation
from acd.router import facts as f
from acd.router.apply import apply
from acd.router.since import Since
from acd.router.state import State

JOURNALS_TOLD = 3
"""Of how many starts of an engine it is said how far they reach."""
OVER = (f.CallEnded, f.CallAbandoned, f.CallTimedOut, f.CallReturned, f.CallLost)


class Tried(msgspec.Struct, frozen=True):
    """An offer of a call."""

    offer: OfferId
    agent: AgentId
    at_ms: int
    number: int
    """Of the fact."""


class Story(msgspec.Struct):
    """A call, as far as it is needed to find a moment of it."""

    journal: int
    call: CallId
    line: Line
    queues: list[QueueId]
    """Those that it came to, one after the other."""
    caller: Caller
    queued_at_ms: int
    offers: list[Tried] = []
    over: str | None = None
    """The fact that ended it, ..."""
    over_number: int | None = None
    over_at_ms: int | None = None


class Found(NamedTuple):
    """What a name stands for."""

    stories: list[Story]
    refusals: list[f.CallRefused]
    """Calls of that name that were never queued."""
    extents: dict[int, "Extent"]
    """The journals that there are."""


class Extent(NamedTuple):
    """A journal, from when to when."""

    journal: int
    from_ms: int
    until_ms: int


def find(source: Source, name: str) -> Found:
    """The calls of this id, or from this number, or on this channel."""
    stories: dict[tuple[int, CallId], Story] = {}
    refusals: list[f.CallRefused] = []
    known: dict[int, Extent] = {}
    for journal, entry in source.turns():
        _extend(known, journal, entry)
        for number, fact in enumerate(entry.facts, entry.first):
            match fact:
                case f.CallQueued() if name in (fact.call, fact.caller.number, fact.line.channel):
                    stories[journal, fact.call] = Story(
                        journal, fact.call, fact.line, _queues_to(fact.queue, fact.via), fact.caller, fact.at_ms, []
                    )
                case f.CallMoved() if (journal, fact.call) in stories:
                    stories[journal, fact.call].queues += _queues_to(fact.to, fact.via[1:])
                case f.CallRefused() if name == fact.line.channel:
                    refusals.append(fact)
                case f.OfferMade() if (journal, fact.call) in stories:
                    tried = Tried(fact.offer, fact.agent, fact.at_ms, number)
                    stories[journal, fact.call].offers.append(tried)
                case _:
                    _end(stories, journal, number, fact)
    return Found(list(stories.values()), refusals, known)


def _queues_to(queue: QueueId, via: tuple[f.Hop, ...]) -> list[QueueId]:
    return [*(hop.queue for hop in via), queue]


def _end(stories: dict[tuple[int, CallId], Story], journal: int, number: int, fact: Fact) -> None:
    if isinstance(fact, OVER) and (journal, fact.call) in stories:
        story = stories[journal, fact.call]
        story.over, story.over_number, story.over_at_ms = type(fact).__name__, number, fact.at_ms


def extents(source: Source) -> list[Extent]:
    """The journals that there are."""
    known: dict[int, Extent] = {}
    for journal, entry in source.turns():
        _extend(known, journal, entry)
    return list(known.values())


def _extend(known: dict[int, Extent], journal: int, entry: Entry) -> None:
    extent = known.setdefault(journal, Extent(journal, entry.at_ms, entry.at_ms))
    known[journal] = extent._replace(until_ms=entry.at_ms)


class Moment(NamedTuple):
    """The state at a moment, with the times that it does not hold, and the fact that came next."""

    state: State
    since: Since
    next: Fact | None


def before_fact(source: Source, journal: int, number: int) -> Moment:
    """Just before the fact of this number."""
    return _refold(source, journal, number=number)


def at_time(source: Source, journal: int, at_ms: int) -> Moment:
    """When all that was said until then was done."""
    return _refold(source, journal, until_ms=at_ms)


def before_offer(source: Source, offer: OfferId) -> Moment:
    """Just before the offer was made. Raises `CannotExplain`."""
    for journal, entry in source.turns():
        for number, fact in enumerate(entry.facts, entry.first):
            if isinstance(fact, f.OfferMade) and fact.offer == offer:
                return before_fact(source, journal, number)
    raise CannotExplain(f"there is no offer {offer}{missing(source)}")


def _refold(source: Source, journal: int, *, number: int | None = None, until_ms: int | None = None) -> Moment:
    state, since = State(), Since()
    for fact in _facts(source, journal):
        if state.fact_count + 1 == number or (until_ms is not None and fact.at_ms > until_ms):
            return Moment(state, since, fact)
        try:
            apply(state, fact)
        except (AssertionError, KeyError) as error:
            raise CannotExplain(
                f"fact {state.fact_count} does not follow from those before it ({type(fact).__name__}: {error}): "
                f"they were written by release {since.release or 'unknown'}"
            ) from error
        since.follow(state, fact)
    return Moment(state, since, None)


def _facts(source: Source, journal: int) -> Iterable[Fact]:
    for of, entry in source.turns():
        if of == journal:
            yield from entry.facts


def missing(source: Source) -> str:
    """What to add where something was not found and not everything could be read."""
    gaps = source.gaps
    return f"; {gaps[0]}, and what follows up to the next start of an engine was left out" if gaps else ""


# --- What is asked ----------------------------------------------------------------------------------------------


def explain_offer(source: Source, offer: OfferId) -> explanation.Explanation:
    """Why the offer was made. Raises `CannotExplain`."""
    return _offer(before_offer(source, offer))


def explain_call(source: Source, story: Story, at_ms: int | None) -> explanation.Explanation:
    """Why the call was offered to whom it was offered last; where it never was, why nobody got it; at a moment, why it
    waits then. Raises `CannotExplain`."""
    if at_ms is not None:
        return _wait(at_time(source, story.journal, at_ms), story, at_ms)
    if story.offers:
        return _offer(before_fact(source, story.journal, story.offers[-1].number))
    if story.over_number is not None and story.over_at_ms is not None:
        return _wait(before_fact(source, story.journal, story.over_number), story, story.over_at_ms)
    until_ms = next(extent.until_ms for extent in extents(source) if extent.journal == story.journal)
    return _wait(at_time(source, story.journal, until_ms), story, until_ms)


def moment_of_call(story: Story, extent: Extent, asked: str) -> int:
    """The moment that was asked for, if the call was there. Raises `CannotExplain`."""
    span = times.first_from(asked, story.queued_at_ms)
    last_ms = extent.until_ms if story.over_at_ms is None else story.over_at_ms - 1
    at_ms = min(span.until_ms, last_ms)
    if at_ms < story.queued_at_ms or span.from_ms > last_ms:
        raise CannotExplain(f"call {story.call} was not there at {asked}: {_reach(story, extent)}")
    return at_ms


def _reach(story: Story, extent: Extent) -> str:
    """From when to when the call was there, and the facts are."""
    over = "" if story.over_at_ms is None else f", was over ({story.over}) at {times.day_and_clock(story.over_at_ms)}"
    return f"it came at {times.day_and_clock(story.queued_at_ms)}{over}, and the facts reach {_told(extent)}"


def _told(extent: Extent) -> str:
    return f"from {times.day_and_clock(extent.from_ms)} to {times.day_and_clock(extent.until_ms)}"


def _offer(moment: Moment) -> explanation.Explanation:
    assert isinstance(moment.next, f.OfferMade), f"{moment.next} is no offer"
    return explanation.explain_offer(moment.state, moment.since, moment.next)


def _wait(moment: Moment, story: Story, at_ms: int) -> explanation.Explanation:
    if story.call not in moment.state.calls:
        when = "had not arrived yet" if at_ms < story.queued_at_ms else f"was over ({story.over})"
        raise CannotExplain(f"call {story.call} {when} at that time")
    return explanation.explain_wait(moment.state, moment.since, story.call, at_ms)


def explain_agent(source: Source, agent: AgentId, asked: str | None) -> explanation.AgentExplanation:
    """Why the agent has nothing to do at the moment that was asked for, or at the end. Raises `CannotExplain`."""
    known = extents(source)
    if not known:
        raise CannotExplain(f"the file does not begin where an engine did{missing(source)}")
    extent, at_ms = (known[-1], known[-1].until_ms) if asked is None else _moment_of_agent(known, asked)
    moment = at_time(source, extent.journal, at_ms)
    if agent not in moment.state.agents:
        raise CannotExplain(f"there is no agent {agent} at that time; there are: {_some(list(moment.state.agents))}")
    return explanation.explain_agent(moment.state, moment.since, agent, at_ms)


def _moment_of_agent(known: list[Extent], asked: str) -> tuple[Extent, int]:
    """Of a time of day the last one."""
    span = times.last_until(asked, known[-1].until_ms)
    fitting = [extent for extent in known if extent.from_ms <= span.until_ms and span.from_ms <= extent.until_ms]
    if not fitting:
        told = "; ".join(_told(extent) for extent in known[-JOURNALS_TOLD:])
        raise CannotExplain(f"no engine wrote facts at {asked}: they reach {told}")
    return fitting[-1], min(span.until_ms, fitting[-1].until_ms)


def _some(names: list[AgentId], limit: int = 12) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "") or "none"


def only(found: explanation.Explanation, agent: AgentId) -> explanation.Explanation:
    """Of the agents only this one, the chosen one and the first. Raises `CannotExplain`."""
    if all(considered.agent != agent for considered in found.agents):
        raise CannotExplain(f"there is no agent {agent} at that time")
    kept = [one for at, one in enumerate(found.agents) if one.agent == agent or one.chosen or (at == 0 and one.place)]
    return msgspec.structs.replace(found, agents=tuple(kept))
