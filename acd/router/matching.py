"""The match: once in each turn, over what has come since the last one, the best work first (docs/routing.md R1 to R4).

Between turns no free agent and waiting call that may come together are left. So a new pair has at least one side in
the news: an agent who became free, or a call that came into a line. Mostly it is one of them alone, and then there is
nothing to weigh: a new agent takes the best of what waits, a new call gets the best of the ready. Where there is more
news, the work that comes first in the one order goes first, and then again, until no pair is left.

What is looked at: the queues of one agent, there the first call of each group (`waiting`) and of each class the first
agent (`ready`), past those who refused of late, whose number is bounded.
"""

from collections.abc import Collection, Iterable, Iterator
from heapq import heapify, heappop, heapreplace
from itertools import chain, islice
from typing import NamedTuple, assert_never

import msgspec

from acd.model import AgentId, CallId, QueueId
from acd.router import offers
from acd.router.ready import AgentKey, ClassKey
from acd.router.settings import NO_GROWTH, Growth, QueueSettings, Ring, Takes
from acd.router.skills import Fit, Profile, fits_at
from acd.router.state import READY, Agent, Call, InQueue, Queue, State
from acd.router.turn import SLICE, Turn
from acd.router.waiting import FIRST, Group, GroupKey, Head, Place

AGENT_SLICE = 50
"""How many agents who have become free at once are looked at in one turn."""
QUEUE_SLICE = 50
"""How many queues in which anything may have changed are looked at in one turn."""
CALL_SLICE = 50
"""How many calls that have come at once are looked at in one turn."""
DRAW, COUNT = 2, 15
"""So many looks at each class is a draw worth, and so many more the tickets of a class whose are not known yet."""
LOOKS = 3_000
"""At so many classes of ready agents a turn looks on behalf of the groups of whole queues; then it makes no further
offer."""


Order = tuple[int, int, int, int]
"""Where work stands: the lowest comes first. Rank (of the queue with the agent; 0 where agents are not asked), priority
(negative, so that a higher one comes first), since when it waits, and the number of the fact that queued it."""


class Work(msgspec.Struct, frozen=True, gc=False):
    """Something that waits, and where it stands."""

    order: Order
    call: Call


def match(turn: Turn) -> None:
    """Offer what can be offered: all of it, or a slice, and then the rest stays in the news. While the wait of somebody
    is over whose slice is still to come, or it is not known of a queue whether who waits in it must leave, nothing is:
    a phone would ring for who is let go in the next turn."""
    news = turn.state.news
    if news.limits or news.unseen or turn.state.deadlines.is_due("give-up", turn.now_ms):
        return
    if not news.queues:
        if not news.calls and len(news.agents) == 1:
            _serve_agent(turn, turn.state.agents[next(iter(news.agents))])
        elif not news.agents and len(news.calls) == 1:
            _serve_call(turn, turn.state.calls[next(iter(news.calls))])
    if news.agents or news.calls or news.queues:
        _serve_all(turn)
    if news.stuck:
        _wait_for_openings(turn)


def _serve_agent(turn: Turn, agent: Agent) -> None:
    """Only this agent is new: nobody else may take what waits."""
    while agent.settings.id in turn.state.news.agents:
        best = best_work(turn.state, agent, agent.settings.takes, turn.now_ms)
        if best is None:
            turn.state.enlist(agent)
        else:
            offers.make(turn, best.call, agent)


def _serve_call(turn: Turn, call: Call) -> None:
    """Only this call is new: who is ready may take nothing else."""
    news = turn.state.news.calls
    while call.id in news:
        agent = best_agent(turn.state, call, turn.now_ms)
        if agent is None:
            turn.state.news.stuck[call.queue] = None
            del news[call.id]
        else:
            offers.make(turn, call, agent)


# --- The best work for an agent -------------------------------------------------------------------------------


def best_work(state: State, agent: Agent, takes: Takes, now_ms: int) -> Work | None:
    """What comes first of all that the agent may take, in the order in which work is taken so; None if there is
    nothing."""
    rows: list[_Row] = []
    best: Standing | None = None
    voice, chat = state.has_voice(agent), state.has_room_for_a_chat(agent)
    for entry in agent.queues.values():
        queue = entry.queue
        settings, waiting = queue.settings, queue.waiting
        if entry.state is not READY or not (voice if settings.channel == "voice" else chat):
            continue
        if queue.retired or queue.unordered or queue.leaving:
            continue
        growth, packed = settings.growth, waiting.packed
        if packed is None:
            packed = waiting.pack(settings.weight)
        rank = entry.standing.rank if takes == "rank" else 0
        if growth.steps:
            rows += _rows_by_steps(packed, growth, rank, entry, now_ms)
        else:  # most looks are these: `order_at` once more
            every_ms = growth.point_every_ms or ENDLESS
            for points, since_ms, number, priority in FIRST.iter_unpack(packed):
                rows.append((rank, points - (now_ms - since_ms) // every_ms, since_ms, number, priority, entry))
        if waiting.named:
            best = _best_of_the_named(state, agent, entry, takes, now_ms, best)
    if takes == "longest-wait":
        rows = [(0, 0, *row[2:]) for row in rows]
    best = _best_in_rows(state, rows, agent, takes, now_ms, best)
    return None if best is None else Work(best[0], state.calls[best[1].call])


Standing = tuple[Order, Place]
"""The best so far."""
_Row = tuple[int, int, int, int, int, InQueue]
"""Where the first call of a row stands, as an `Order` says it, the row's priority, and the agent in its queue. No two
have one order."""

ENDLESS = 1 << 62
"""In milliseconds: no call waits for so long."""


def _rows_by_steps(packed: bytes, growth: Growth, rank: int, entry: InQueue, now_ms: int) -> Iterator[_Row]:
    for points, since_ms, number, priority in FIRST.iter_unpack(packed):
        yield rank, points - growth.points(now_ms - since_ms), since_ms, number, priority, entry


def _best_in_rows(
    state: State, rows: list[_Row], agent: Agent, takes: Takes, now_ms: int, best: Standing | None
) -> Standing | None:
    """Nothing in a row comes before its first call: mostly the row that stands first has what is looked for."""
    heapify(rows)
    while rows and (best is None or rows[0] < best[0]):
        rank, points, since_ms, number, priority, entry = heappop(rows)
        row = entry.queue.waiting.rows[priority]
        place = _first_in_row(state, row, agent, entry.standing.tier, now_ms)
        if place is None:
            continue
        if place[1] == number:
            order = rank, points, since_ms, number
        else:
            order = _order_for(takes, entry, priority, place, now_ms)
        if best is None or order < best[0]:
            best = order, place
    return best


def _best_of_the_named(
    state: State, agent: Agent, entry: InQueue, takes: Takes, now_ms: int, best: Standing | None
) -> Standing | None:
    for group in entry.queue.waiting.named.get(agent.settings.id, NOTHING).values():
        place = _first_for(state, group, agent)
        if place is not None:
            order = _order_for(takes, entry, group.priority, place, now_ms)
            if best is None or order < best[0]:
                best = order, place
    return best


NOTHING: dict[GroupKey, Group] = {}


def _order_for(takes: Takes, entry: InQueue, priority: int, place: Place, now_ms: int) -> Order:
    """Where a place stands for an agent of its queue who takes work so."""
    order = order_at(entry.queue.settings, priority, *place[:2], now_ms)
    match takes:
        case "order":
            return order
        case "rank":
            return (entry.standing.rank, *order[1:])
        case "longest-wait":
            return (0, 0, *order[2:])
        case _:
            assert_never(takes)


def order_of(state: State, call: Call, now_ms: int) -> Order:
    """Where the call stands among all work."""
    return order_at(state.queues[call.queue].settings, call.priority, *call.place[:2], now_ms)


def order_at(queue: QueueSettings, priority: int, since_ms: int, number: int, now_ms: int) -> Order:
    """Where a place stands among all work."""
    points = priority + queue.weight
    if queue.growth is not NO_GROWTH:
        points += queue.growth.points(now_ms - since_ms)
    return (0, -points, since_ms, number)


def _first_in_row(state: State, row: list[Head], agent: Agent, tier: int, now_ms: int) -> Place | None:
    """The oldest call of a row that the agent may take. Of one queue and one priority the older call always comes
    first, whoever asks."""
    best: Place | None = None
    for since_ms, number, group in row:
        if best is not None and best < (since_ms, number):
            break
        profile = group.profile
        fit = profile.fit(agent.skills)
        if fit.lacks > profile.slack:
            continue  # not even in the widest ring
        place = _first_for(state, group, agent)
        if place is None or (best is not None and best < place):
            continue
        if (fit.lacks <= 0 and not profile.tiered) or fits_at(profile.ring_at(now_ms - place[0]), tier, fit):
            best = place
    return best


def _first_for(state: State, group: Group, agent: Agent) -> Place | None:
    """The first call of a group that the agent has not refused of late, and does not see ring already, who may hold
    several; if the group's server is up."""
    if not state.servers[group.server].up:
        return None
    if not agent.refusals and not agent.chats:
        return group.first
    for place in group:
        if place.call not in agent.refusals and agent.settings.id not in state.calls[place.call].offers.values():
            return place
    return None


# --- The best agent for a call --------------------------------------------------------------------------------


def best_agent(state: State, call: Call, now_ms: int) -> Agent | None:
    """Who of the ready ones should be offered the call; None if nobody may be. Who refused it of late, or at whom it
    rings, may not."""
    refusers, ringing = call.refusers, call.offers.values()
    queue = state.queues[call.queue]
    if not _may_be_offered(state, call, queue):
        return None
    if call.named is not None:
        return _named_agent(state, call, call.named, refusers, ringing)
    ring = call.ring(now_ms)
    if queue.settings.strategy == "weighted-random":
        return _drawn_agent(state, call, queue, ring, (*refusers, *ringing))
    best: tuple[tuple[object, ...], AgentId] | None = None
    for class_, agents in queue.ready.classes.items():
        fit = call.profile.fit(class_.skills)
        if not fits_at(ring, class_.tier, fit):
            continue
        key = next((key for key in agents if key.agent not in refusers and key.agent not in ringing), None)
        if key is None:
            continue
        standing = (class_.tier, *preference(queue.settings, fit), key)
        if best is None or standing < best[0]:
            best = (standing, key.agent)
    return None if best is None else state.agents[best[1]]


def _may_be_offered(state: State, call: Call, queue: Queue) -> bool:
    """Whether the call waits for one more agent, and for nothing else."""
    return call.group is not None and queue.may_offer and state.servers[call.line.server].up


def has_taker(state: State, call: Call, now_ms: int, *, anew: bool = False) -> bool:
    """Whether there is a best agent: less to look at than who it is. `anew`: if the call had never been offered."""
    refusers: Collection[AgentId] = () if anew else call.refusers
    ringing: Collection[AgentId] = () if anew else call.offers.values()
    queue = state.queues[call.queue]
    if not _may_be_offered(state, call, queue):
        return False
    if call.named is not None:
        return _named_agent(state, call, call.named, refusers, ringing) is not None
    ring = call.ring(now_ms)
    return any(
        fits_at(ring, class_.tier, call.profile.fit(class_.skills))
        and any(key.agent not in refusers and key.agent not in ringing for key in agents)
        for class_, agents in queue.ready.classes.items()
    )


def _drawn_agent(state: State, call: Call, queue: Queue, ring: Ring, out: Iterable[AgentId]) -> Agent | None:
    """One of those who come first by tier and wishes, by chance. The draw is that of the fact which says it."""
    gone: dict[ClassKey, list[AgentKey]] = {}
    for agent in dict.fromkeys(out):
        listed = state.agents[agent].listed.get(call.queue)
        if listed is not None:
            gone.setdefault(listed.class_, []).append(listed.key)
    first: tuple[int, int] | None = None
    classes: list[ClassKey] = []
    for class_, agents in queue.ready.classes.items():
        fit = call.profile.fit(class_.skills)
        if not fits_at(ring, class_.tier, fit) or len(agents) == len(gone.get(class_, ())):
            continue
        if first is None or (class_.tier, fit.unmet) < first:
            first, classes = (class_.tier, fit.unmet), []
        if (class_.tier, fit.unmet) == first:
            classes.append(class_)
    if not classes:
        return None
    return state.agents[queue.ready.drawn(classes, gone, state.seed, state.fact_count + 1).agent]


def _named_agent(
    state: State, call: Call, named: AgentId, refusers: Collection[AgentId], ringing: Collection[AgentId]
) -> Agent | None:
    """Whom the call names, whatever skills it asks for: if that one is ready."""
    agent = state.agents.get(named)
    if agent is None or call.queue not in agent.listed or named in refusers or named in ringing:
        return None
    return agent


def preference(queue: QueueSettings, fit: Fit) -> tuple[int, int]:
    """Among those who may take a call: who meets more wishes comes first, then what the strategy says of skills."""
    match queue.strategy:
        case "most-skilled":
            return fit.unmet, -fit.level
        case "least-skilled":
            return fit.unmet, fit.breadth
        case _:
            return fit.unmet, 0


# --- Much news at once ----------------------------------------------------------------------------------------


class Source(NamedTuple):
    """Where a pair may come from, by the best work there is at it. The number is the last word of an order, and two
    sources may have the same work: they are told apart by their own number."""

    order: Order
    number: int
    of: "Agent | Call | _LookIn"


def _serve_all(turn: Turn) -> None:
    """The best work first, over all the news, or a slice of it."""
    news = turn.state.news
    agents, calls = list(islice(news.agents, AGENT_SLICE)), list(islice(news.calls, CALL_SLICE))
    things: list[Agent | Call | _LookIn] = [turn.state.agents[agent] for agent in agents]
    things += [turn.state.calls[call] for call in calls]
    _enlist(turn.state, agents)
    sources = [Source(work.order, at, of) for at, of in enumerate(things) if (work := _work_at(turn, of)) is not None]
    looked_at: dict[QueueId, _LookIn] = {}
    for queue in islice(news.queues, QUEUE_SLICE):
        look = looked_at[queue] = _LookIn(turn.state, turn.state.queues[queue], turn.now_ms)
        work = look.best()
        if work is not None:
            sources.append(Source(work.order, len(things) + len(looked_at), look))
        if _looks(looked_at) > LOOKS:
            break
    heapify(sources)
    offers_left, drawing = SLICE, 0
    while sources and offers_left:
        work = _work_at(turn, sources[0].of)
        if work is None:
            heappop(sources)
        elif work.order != sources[0].order:  # what was there is taken: offers only take work and agents away
            heapreplace(sources, sources[0]._replace(order=work.order))
        else:
            drawing += _looks_of_a_draw(turn.state.queues[work.call.queue])
            _offer(turn, work.call)
            offers_left = offers_left - 1 if _looks(looked_at) + drawing <= LOOKS else 0
    _keep(turn.state, [source.of for source in sources], calls, looked_at)


def _looks(looked_at: "dict[QueueId, _LookIn]") -> int:
    return sum(look.looks for look in looked_at.values())


def _looks_of_a_draw(queue: Queue) -> int:
    if queue.settings.strategy != "weighted-random":
        return 0
    classes = len(queue.ready.classes)
    return DRAW * classes + COUNT * (classes - len(queue.ready.urns))


def _enlist(state: State, agents: Iterable[AgentId]) -> None:
    for agent in agents:
        if agent in state.news.agents:
            state.enlist(state.agents[agent])


def _offer(turn: Turn, call: Call) -> None:
    """Offer the call to the best agent; one who takes work by another order takes what comes first in that."""
    agent = best_agent(turn.state, call, turn.now_ms)
    assert agent is not None, f"nobody is there for {call.id} after all"
    if agent.settings.takes != "order":
        own = best_work(turn.state, agent, agent.settings.takes, turn.now_ms)
        assert own is not None, f"agent {agent.settings.id} may take {call.id}, and nothing"
        call = own.call
    offers.make(turn, call, agent)
    _enlist(turn.state, (agent.settings.id,))  # who has room for more


def _keep(
    state: State, left: "list[Agent | Call | _LookIn]", calls: list[CallId], looked_at: Iterable[QueueId]
) -> None:
    """Nothing of what was looked at is news any more but what is left over."""
    news = state.news
    for id_ in calls:
        if id_ in news.calls:
            news.stuck[state.calls[id_].queue] = None
            del news.calls[id_]
    for queue in looked_at:
        news.stuck[queue] = None
        del news.queues[queue]
    for of in left:
        match of:
            case Agent():
                state.relist(of)
            case Call():
                news.calls[of.id] = None
            case _:
                news.queues[of.queue.settings.id] = None


def _work_at(turn: Turn, of: "Agent | Call | _LookIn") -> Work | None:
    """What comes first there of all that some ready agent may take."""
    state = turn.state
    match of:
        case Agent():
            return best_work(state, of, "order", turn.now_ms)
        case Call():
            return Work(order_of(state, of, turn.now_ms), of) if has_taker(state, of, turn.now_ms) else None
        case _:
            return of.best()


class _LookIn:
    """What comes first in a queue of all that some ready agent may take, asked again after each offer of the turn.

    Offers only take work and agents away. So a group that stood behind stands behind still, and where nobody was ready
    for what calls of one profile and ring ask for, nobody is: neither is looked at twice.
    """

    def __init__(self, state: State, queue: Queue, now_ms: int) -> None:
        self.queue = queue
        self.looks = 0
        """At so many classes of agents."""
        self._state = state
        self._now_ms = now_ms
        self._nobody: set[tuple[Profile, Ring]] = set()
        self._groups: list[tuple[Order, Group]] = []
        if queue.ready and queue.may_offer:
            self._groups = [(self._order(group.priority, group.first), group) for group in _groups_at_hand(queue)]
            heapify(self._groups)

    def best(self) -> Work | None:
        """None if there is nothing left for whoever is ready."""
        while self._groups and self.queue.ready:
            order, group = self._groups[0]
            call = self._first_taken(group)
            if call is None:
                heappop(self._groups)
                continue
            found = self._order(call.priority, call.place)
            if found == order:
                return Work(order, call)
            heapreplace(self._groups, (found, group))
        return None

    def _order(self, priority: int, place: Place) -> Order:
        return order_at(self.queue.settings, priority, place.since_ms, place.number, self._now_ms)

    def _first_taken(self, group: Group) -> Call | None:
        """The first call of the group for which somebody is ready. Where nobody may take one, nobody may take those
        behind it; where all who may have refused it of late, or see it ring, that is true of few calls."""
        if group.named is None and self._asked(group, group.first) in self._nobody:
            return None
        if self.queue.waiting.groups.get(group.key) is not group:
            return None  # its last call was taken
        for place in group:
            asked = self._asked(group, place)
            if group.named is None and asked in self._nobody:
                return None
            call = self._state.calls[place.call]
            self.looks += len(self.queue.ready.classes)
            if has_taker(self._state, call, self._now_ms):
                return call
            if not (call.refusers or call.offers) or not has_taker(self._state, call, self._now_ms, anew=True):
                if group.named is None and self._state.servers[group.server].up:
                    self._nobody.add(asked)
                return None
        return None

    def _asked(self, group: Group, place: Place) -> tuple[Profile, Ring]:
        return group.profile, group.profile.ring_at(self._now_ms - place.since_ms)


def _groups_at_hand(queue: Queue) -> Iterator[Group]:
    """The groups for anyone, and those that wait for a ready agent alone. Very many may wait for busy ones."""
    yield from (group for row in queue.waiting.rows.values() for _, _, group in row)
    for agent in queue.here:
        yield from queue.waiting.named[agent].values()


# --- What opens with time -----------------------------------------------------------------------------------------


def look_at_opened(turn: Turn) -> None:
    """Some calls have come to their next rings: their queues are news."""
    state = turn.state
    for queue in state.openings.due(turn.now_ms, QUEUE_SLICE):
        state.openings.set(queue, None)
        state.news.queues[queue] = None


def _wait_for_openings(turn: Turn) -> None:
    """Where ready agents and waiting calls are left beside each other, note when that may change."""
    state = turn.state
    for queue_id in state.news.stuck:
        queue = state.queues[queue_id]
        if queue.ready.classes and queue.waiting.groups:
            state.openings.set(queue_id, _opens_at_ms(state, queue, turn.now_ms))
    state.news.stuck.clear()


def _opens_at_ms(state: State, queue: Queue, now_ms: int) -> int | None:
    """When one of the calls comes to its next ring for which somebody may be ready. Whoever may not take the first of
    a group may take none behind it: only those that somebody refused of late, or that ring, are looked past."""
    opens_at_ms: int | None = None
    for _, _, group in chain.from_iterable(queue.waiting.rows.values()):
        if len(group.profile.rings) == 1:
            continue
        for place in group:
            after_ms = group.profile.opens_after(now_ms - place.since_ms)
            if after_ms is not None and (opens_at_ms is None or place.since_ms + after_ms < opens_at_ms):
                opens_at_ms = place.since_ms + after_ms
            call = state.calls[place.call]
            if not call.refusers and not call.offers:
                break
    return opens_at_ms
