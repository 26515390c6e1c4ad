"""What is true of a core's state after every input, whatever came before.

Each check looks at the logical state and compares with it what the core keeps beside it: lists, counts, indexes,
deadlines. `check` raises `AssertionError` and names what is broken.
"""

from collections import Counter
from collections.abc import Callable

from acd.model import AgentId, CallId, Channel, OfferId, Phone, QueueId, ServerId
from acd.router import limits, why
from acd.router.deadlines import Kind
from acd.router.position import position
from acd.router.settings import CLASSES_MOST
from acd.router.state import (
    PROFILES_KEPT,
    REFUSALS_KEPT,
    REFUSERS_KEPT,
    Agent,
    Call,
    Limit,
    Offer,
    Queue,
    Server,
    State,
)
from acd.router.states import Membership, Work
from acd.router.waiting import FIRST, GroupKey, Place, WaitingCalls

ON_AN_OFFER = (Work.RINGING, Work.CONNECTING, Work.TALKING)

MOST_CHATS = 50
"""So many chats an agent may hold at once, by the configuration."""

Key = tuple[Kind, str, str]


def check(state: State, *, settled: bool = True) -> None:
    """Raise if anything does not hold. Between the slices of a large effect (not `settled`) G4 is not asked for."""
    for invariant in INVARIANTS:
        invariant(state)
    if settled:
        _nobody_idle_while_somebody_waits(state)


def _agents_have_as_much_work_as_they_can(state: State) -> None:
    """G1: one voice, so many chats; agent, offer and call name each other."""
    voices = Counter(offer.agent for offer in state.offers.values() if offer.channel == "voice")
    chats = Counter(offer.agent for offer in state.offers.values() if offer.channel == "chat")
    for id_, agent in state.agents.items():
        assert voices[id_] == (agent.work in ON_AN_OFFER), f"{id_}: {voices[id_]} offers while {agent.work.value}"
        assert (agent.offer is not None) == (agent.work in ON_AN_OFFER), f"{id_}: {agent.offer}, {agent.work.value}"
        assert (agent.wrap_up is not None) == (agent.work is Work.WRAP_UP), f"{id_}: {agent.wrap_up}"
        assert chats[id_] == len(agent.chats), f"{id_}: {chats[id_]} chats, {agent.chats}"
        assert set(agent.chats.values()) <= set(ON_AN_OFFER), f"{id_}: {agent.chats}"
    assert set(voices) | set(chats) <= set(state.agents), "offers of agents who are gone"


def _calls_have_one_place(state: State) -> None:
    """G2: a call is answered by one agent at most, and rings at no more than its queue allows."""
    offers_of: dict[CallId, list[tuple[OfferId, AgentId]]] = {}
    for offer in state.offers.values():
        offers_of.setdefault(offer.call, []).append((offer.id, offer.agent))
        call = state.calls[offer.call]
        assert (offer.queue, offer.line) == (call.queue, call.line), f"{offer} of {call}"
        if offer.channel == "voice":
            assert state.agents[offer.agent].offer == offer.id, f"{offer.agent} has another offer than {offer}"
        answered = state.work_at(offer) is not Work.RINGING
        assert answered == (call.answered == offer.id), f"call {offer.call}: {offer}, answered {call.answered}"
        assert (state.work_at(offer) is Work.TALKING) == (answered and call.connected_at_ms is not None), f"{offer}"
    lined_up = Counter(place.call for queue in state.queues.values() for place in queue.waiting)
    for id_, call in state.calls.items():
        assert list(call.offers.items()) == offers_of.get(id_, []), f"call {id_}: {call.offers}, there are {offers_of}"
        assert lined_up[id_] == (call.group is not None), f"call {id_}: {lined_up[id_]} times in line, {call.group}"
        assert call.answered is None or len(call.offers) == 1, f"call {id_} was answered and rings: {call.offers}"
        assert call.answered is None or call.group is None, f"call {id_} was answered and waits"
        assert call.offers or call.group is not None, f"call {id_} is nowhere"
    assert set(offers_of) | set(lined_up) <= set(state.calls), "offers or places of calls that are gone"


def _lines_hold_their_calls(state: State) -> None:
    """A waiting call stands in its queue, in its group, at its own place; rows are in the order of their heads; no
    group, row or profile is kept empty."""
    for queue_id, queue in state.queues.items():
        waiting = queue.waiting
        for key, group in waiting.groups.items():
            assert list(group) == sorted(group), f"queue {queue_id} is out of order"
            for place in group:
                call = state.calls[place.call]
                assert (call.queue, call.group, call.place) == (queue_id, group, place), f"{place} is misplaced"
                own = (call.line.server, call.priority, call.profile, call.named)
                assert key == group.key == own, f"{call} is in the wrong group: {key}"
        _rows_show_their_groups(queue_id, waiting, queue.settings.weight)
        for agent, groups in waiting.named.items():
            own_groups = {key for key in waiting.groups if key[3] == agent}
            assert set(groups) == own_groups, f"queue {queue_id}: {groups} name {agent}"
            assert own_groups, f"queue {queue_id} keeps nothing for {agent}"
        queued = [call for call in state.calls.values() if call.queue == queue_id and call.connected_at_ms is None]
        profiles = Counter(call.profile for call in queued)
        assert waiting.profiles == profiles, f"{queue_id}: {waiting.profiles}"
    asked = Counter(call.profile.asked for call in state.calls.values())
    in_use = {key: profile.calls for key, profile in state.profiles.items() if profile.calls}
    assert in_use == asked, f"{state.profiles}"
    assert state.resting.keys() == state.profiles.keys() - in_use.keys(), f"{state.resting}"
    assert len(state.resting) <= PROFILES_KEPT, f"{len(state.resting)} profiles rest"
    known = {(profile, skills) for profile in state.profiles.values() for skills in profile.fits}
    told = {(profile, skills) for skills in state.skill_sets.values() for profile in skills.known_to}
    assert known == told, f"who serves what is known of {known}, and by {told}"
    assert state.last_agent_queues == sum(queue.settings.last_agent_ms > 0 for queue in state.queues.values())
    returning = [
        (id_, agent, call)
        for id_, queue in state.queues.items()
        for agent in queue.returning
        for call in queue.returning[agent]
    ]
    returned = [(call.queue, call.named, id_) for id_, call in state.calls.items() if call.last_agent]
    assert Counter(returning) == Counter(returned), f"{returning} wait for who they spoke with last, not {returned}"
    assert all(all(queue.returning.values()) for queue in state.queues.values()), "an agent is kept for nobody"
    for id_, queue in state.queues.items():
        here = {agent for agent in queue.waiting.named if agent in state.agents and id_ in state.agents[agent].listed}
        assert set(queue.here) == here, f"{id_}: {here} are ready and waited for, not {set(queue.here)}"


def _rows_show_their_groups(queue_id: QueueId, waiting: WaitingCalls, weight: int) -> None:
    """Every group stands in the row of its priority, by its first call: those that name an agent aside from those that
    name none. What is packed says of each row for anyone what stands first in it."""
    for rows, aside in ((waiting.rows, False), (waiting.named_rows, True)):
        heads: dict[int, list[tuple[Place, GroupKey]]] = {}
        for key, group in waiting.groups.items():
            if (key[3] is not None) is aside:
                heads.setdefault(key[1], []).append((group.first, key))
        for of_priority in heads.values():
            of_priority.sort(key=lambda head: head[0])
        shown = {priority: [(group.first, group.key) for _, _, group in row] for priority, row in rows.items()}
        assert shown == heads, f"queue {queue_id}: rows {rows}, there are {heads}"
        misplaced = [head for row in rows.values() for head in row if head[:2] != head[2].first[:2]]
        assert not misplaced, f"queue {queue_id}: {misplaced} stand where their first calls do not"
    firsts = [(-priority - weight, *row[0][:2], priority) for priority, row in waiting.rows.items()]
    packed = firsts if waiting.packed is None else list(FIRST.iter_unpack(waiting.packed))
    assert packed == firsts, f"queue {queue_id}: packed is {packed}, first are {firsts}"


def _openings_are_waited_for(state: State) -> None:
    """Where only time keeps a ready agent from a waiting call, its queue is looked at when that time has come."""
    for call in state.calls.values():
        if why.call_objection(state, call) is not None:
            continue
        for agent in state.agents.values():
            opens_at_ms = _opens_at_ms(state, call, agent)
            if opens_at_ms is not None:
                looked_at_ms = state.openings.find(call.queue)
                in_time = looked_at_ms is not None and looked_at_ms <= opens_at_ms
                assert in_time, f"{call.id} opens to {agent.settings.id} at {opens_at_ms}, seen {looked_at_ms}"


def _opens_at_ms(state: State, call: Call, agent: Agent) -> int | None:
    """When the call comes to a ring in which the agent may take it, nothing else speaking against that."""
    times = [call.place.since_ms + ring.after_ms for ring in call.profile.rings]
    to_come = [at_ms for at_ms in times if at_ms > state.now_ms]
    return next((at_ms for at_ms in to_come if why.objection(state, call, agent, at_ms) is None), None)


def _positions_are_ranks(state: State) -> None:
    """What is found by halving is what counting gives; a queue's pace is taken while somebody stands in its line."""
    for id_, queue in state.queues.items():
        standing = [state.calls[place.call] for place in queue.waiting]
        for named in dict.fromkeys(call.named for call in standing):
            line = [call for call in standing if call.named == named]
            line.sort(key=lambda call: why.one_order(state, call, state.now_ms))
            ranks = [position(state, call, state.now_ms) for call in line]
            expected = list(range(1, len(line) + 1)) if named is None else [None] * len(line)
            assert ranks == expected, f"queue {id_}: {ranks} of {line}"
        assert (queue.pace.since_ms is not None) == bool(queue.waiting), f"queue {id_}: {queue.pace}"


def _counts_are_right(state: State) -> None:
    calls = Counter(call.queue for call in state.calls.values())
    queued = Counter(call.queue for call in state.calls.values() if call.connected_at_ms is None)
    for id_, queue in state.queues.items():
        assert (queue.calls, queue.length) == (calls[id_], queued[id_]), f"queue {id_} counts {queue.calls} calls"
        members = [
            agent.queues[id_].state
            for agent in state.agents.values()
            if id_ in agent.queues and not agent.retired and (queue.settings.channel == "voice" or agent.settings.chats)
        ]
        staff = (members.count(Membership.READY), members.count(Membership.PAUSED))
        assert (queue.on_duty, queue.on_break) == staff, (
            f"queue {id_} counts {queue.on_duty}, {queue.on_break}: {staff}"
        )
    assert set(calls) <= set(state.queues), "calls of queues that are gone"
    most = max((call.hops for call in state.calls.values()), default=0)
    assert most <= limits.MOST_HOPS, f"a call was passed on {most} times"


def _nobody_waits_who_must_leave(state: State) -> None:
    """Where the hours are over or nobody is on duty, and the queue is so configured, nobody stands in line."""
    for id_, queue in state.queues.items():
        ends = queue.settings.ends
        gone = "all-paused" if queue.on_break else "no-agents"
        reasons = ({"closed"} if queue.closed else set()) | (set() if queue.on_duty else {gone})
        configured = {"closed"} | ({"no-agents"} if ends.no_agents else set())
        configured |= {"all-paused"} if ends.all_paused else set()
        heard = [key for key in queue.waiting.groups if state.servers[key[0]].up]
        assert not (heard and reasons & configured & set(ends.leaving)), f"queue {id_}: {reasons}, {queue}"
        assert not queue.leaving, f"queue {id_} is still let go"


def _nobody_idle_while_somebody_waits(state: State) -> None:
    """G4: no eligible call together with an eligible agent."""
    choice = why.best_choice(state, state.now_ms)
    assert choice is None, f"{choice} was not made"
    assert not state.news, f"not looked at: {state.news}"
    _nobody_waits_who_must_leave(state)
    _nobody_waits_for_who_has_left(state)
    _openings_are_waited_for(state)


def _nobody_waits_for_who_has_left(state: State) -> None:
    """A call that stands in line for one agent alone waits for one who is logged in there, and stays, and holds chats
    where it is one; where it does not ask for the agent, for one who is not paused there either."""
    for id_, queue in state.queues.items():
        for agent in queue.waiting.named:
            assert agent in queue.members, f"queue {id_} waits for {agent}, who is not logged in"
            assert not state.agents[agent].retired, f"queue {id_} waits for {agent}, who is leaving"
            holds = queue.settings.channel == "voice" or state.agents[agent].settings.chats
            assert holds, f"queue {id_} waits for {agent}, who holds no chats"
        for place in queue.waiting:
            call = state.calls[place.call]
            if call.last_agent and call.named is not None:
                entry = state.agents[call.named].queues[id_]
                assert entry.state is Membership.READY, f"{call} waits for {call.named}, who is {entry}"
                assert entry.pending is None, f"{call} waits for {call.named}, who is about to go: {entry}"


def _ready_lists_are_right(state: State) -> None:
    available = _available(state)
    for id_, queue in state.queues.items():
        listed = {key.agent: class_ for class_, keys in queue.ready.classes.items() for key in keys}
        ready = {
            agent_id: (agent.queues[id_].standing.tier, agent.settings.skills)
            for agent_id, agent in state.agents.items()
            if agent_id in available[queue.settings.channel] and agent_id not in state.news.agents
            if _state_in(agent, queue) is Membership.READY
        }
        assert {agent: (class_.tier, class_.skills.skills) for agent, class_ in listed.items()} == ready, f"queue {id_}"
        for keys in queue.ready.classes.values():
            assert keys, f"queue {id_} keeps an empty class"
            assert list(keys) == sorted(keys), f"queue {id_} is out of order"
        for agent_id, class_ in listed.items():
            own = state.agents[agent_id].listed[id_]
            assert own.class_ == class_, f"{agent_id} believes to be listed as {own}"
            assert own.key in queue.ready.classes[class_], f"{agent_id} believes to be listed as {own}"
        members = {
            agent_id for agent_id, agent in state.agents.items() if _state_in(agent, queue) is not Membership.LOGGED_OUT
        }
        assert set(queue.members) == members, f"queue {id_} has members {set(queue.members)}, not {members}"
        guests = [agent.settings.skills for agent in state.agents.values() if _is_guest(agent, id_)]
        assert queue.guests == Counter(guests), f"queue {id_} counts guests {queue.guests}, there are {guests}"
        assert len(queue.guests) <= CLASSES_MOST, f"queue {id_} has guests of {len(queue.guests)} sets of skills"
        assert set(queue.unordered) <= members, f"queue {id_} has to order {queue.unordered}"
    sets = Counter(agent.settings.skills for agent in state.agents.values())
    assert {skills: known.agents for skills, known in state.skill_sets.items()} == sets, f"{state.skill_sets}"
    assert all(agent.skills is state.skill_sets[agent.settings.skills] for agent in state.agents.values())


def _available(state: State) -> dict[Channel, set[AgentId]]:
    """Who may be offered work of a channel, counted anew."""
    refused = Counter(agent for call in state.calls.values() for agent in call.refusers)
    in_use = {direct.phone for direct in state.direct_calls.values()}
    here = {id_: agent for id_, agent in state.agents.items() if not agent.retired and refused[id_] < REFUSALS_KEPT}
    reachable = {id_: agent for id_, agent in here.items() if agent.phone is not None and agent.phone not in in_use}
    return {
        "voice": {id_ for id_, agent in reachable.items() if agent.work is Work.IDLE and not agent.rests},
        "chat": {id_ for id_, agent in here.items() if len(agent.chats) < agent.settings.chats},
    }


def _state_in(agent: Agent, queue: Queue) -> Membership:
    entry = agent.queues.get(queue.settings.id)
    return Membership.LOGGED_OUT if entry is None else entry.state


def _is_guest(agent: Agent, queue: QueueId) -> bool:
    return queue in agent.queues and agent.queues[queue].joined


def _agents_are_kept_while_needed(state: State) -> None:
    """A phone is held while logged in, or an offer or a call is on it; a retired agent goes with the last work."""
    for id_, agent in state.agents.items():
        logged_in = [queue for queue, entry in agent.queues.items() if entry.state is not Membership.LOGGED_OUT]
        assert agent.logged_in == len(logged_in), f"{id_} counts {agent.logged_in} queues, there are {logged_in}"
        assert set(logged_in) <= set(state.queues), f"{id_} is logged in to a queue that is gone"
        joined = {queue for queue, entry in agent.queues.items() if entry.joined}
        assert joined == set(agent.queues) - set(agent.settings.queues), f"{id_} is in a queue without assignment"
        assert joined <= set(logged_in), f"{id_} has left {joined} and not forgotten it"
        voice = [queue for queue in logged_in if state.queues[queue].settings.channel == "voice"]
        assert not voice or agent.phone is not None, f"{id_} is logged in without a phone"
        assert not agent.retired or agent.work is not Work.IDLE or agent.chats, f"{id_} is retired and without work"
        on_the_phone = agent.work in ON_AN_OFFER
        assert logged_in or on_the_phone or agent.phone is None, f"{id_} is logged out and holds {agent.phone}"
        for entry in agent.queues.values():
            assert (entry.reason is not None) == (entry.state is Membership.PAUSED), f"{id_}: {entry}"


def _what_is_pending_waits_for_work(state: State) -> None:
    """What was postponed waits for the end of work of its own queue; a wrap-up ends when it says, within its limit."""
    for id_, agent in state.agents.items():
        for queue, entry in agent.queues.items():
            if entry.pending is not None:
                assert state.queue_at_work(agent) == queue, f"{id_}: {entry} waits for no work of {queue}"
                assert entry.state is Membership.READY, f"{id_}: {entry}"
                assert (entry.pending.reason is not None) == (entry.pending.change == "pause"), f"{id_}: {entry}"
        if agent.wrap_up is not None:
            due = state.deadlines.find("wrap-up", id_)
            assert due is not None, f"{id_}: {agent.wrap_up} has no end"
            assert due.due_ms == agent.wrap_up.until_ms, f"{id_}: {agent.wrap_up} ends at {due}"
            latest_ms = agent.wrap_up.extendable_until_ms
            assert latest_ms is None or agent.wrap_up.until_ms <= latest_ms, f"{id_}: {agent.wrap_up}"


def _pauses_are_within_their_limits(state: State) -> None:
    """A limit runs for a pause that is there; who owes a disposition is ready nowhere."""
    for id_, agent in state.agents.items():
        for reason, limit in agent.limits.items():
            assert any(entry.reason == reason for entry in agent.queues.values()), f"{id_} is not paused for {reason}"
            due = state.deadlines.find("pause", id_, reason)
            if limit.until_ms is None:
                assert limit.lasts_ms is not None, f"{id_}: {limit} has no length"
                assert state.queue_at_work(agent) is not None, f"{id_} does nothing, and {limit} has not begun"
                continue
            if limit.overdue:
                assert limit.at_limit == "warn", f"{id_}: {limit} is over, and the pause goes on"
                continue
            assert due is not None, f"{id_}: {limit} has no end"
            assert due.due_ms == limit.until_ms, f"{id_}: {limit} ends at {due}"
        if agent.owes:
            _who_owes_gets_no_more(state, id_, agent)


def _who_owes_gets_no_more(state: State, id_: AgentId, agent: Agent) -> None:
    """Ready nowhere, but where a pause or a log-out waits for the call in hand; so no more can be owed than was held
    when the first of it came to be owed."""
    ready = [queue for queue, entry in agent.queues.items() if entry.state is Membership.READY and not entry.pending]
    assert not ready, f"{id_} owes {agent.owes} and is ready in {ready}"
    assert not state.calls.keys() & agent.owes.keys(), f"{id_} owes {agent.owes}, which is not over"
    held = len(agent.owes) + len(agent.chats) + (agent.work is not Work.IDLE)
    assert held <= MOST_CHATS + 1, f"{id_} owes {agent.owes} and holds {agent.chats}"


def _indexes_are_right(state: State) -> None:
    at: dict[Phone, AgentId] = {agent.phone: id_ for id_, agent in state.agents.items() if agent.phone is not None}
    assert state.agent_at == at, f"agents by phone: {state.agent_at}, not {at}"
    assert sum(agent.phone is not None for agent in state.agents.values()) == len(at), "two agents at one phone"
    on = {call.line: id_ for id_, call in state.calls.items()}
    assert state.call_on == on, f"calls by line: {state.call_on}, not {on}"
    lines: dict[Phone, list[object]] = {}
    for line, direct in state.direct_calls.items():
        lines.setdefault(direct.phone, []).append(line)
    kept = {phone: list(of_phone) for phone, of_phone in state.lines_of.items()}
    assert kept == lines, f"lines by phone: {kept}, not {lines}"


def _refusals_agree(state: State) -> None:
    by_agent = {(id_, call) for id_, agent in state.agents.items() for call in agent.refusals}
    by_call = {(agent, id_) for id_, call in state.calls.items() for agent in call.refusers}
    assert by_agent == by_call, f"refusals differ: {by_agent ^ by_call}"
    for id_, agent in state.agents.items():
        assert len(agent.refusals) < REFUSALS_KEPT + 1 + MOST_CHATS, f"{id_} keeps {len(agent.refusals)} refusals"
    for call_id, call in state.calls.items():
        assert len(call.refusers) <= REFUSERS_KEPT, f"{call_id} keeps {len(call.refusers)} refusers"


def _servers_know_who_is_there(state: State) -> None:
    for id_, server in state.servers.items():
        channels = {call.line.channel for call in state.calls.values() if call.line.server == id_}
        channels |= {line.channel for line in state.direct_calls if line.server == id_}
        legs = {offer.id for offer in state.offers.values() if offer.line.server == id_}
        for roll, there in ((server.channels, channels), (server.legs, legs)):
            assert set(roll.names) == there, f"server {id_}: {roll}, there are {there}"
            numbers = [number for _, number in roll.names.in_order()]
            assert numbers == sorted(set(numbers)), f"server {id_}: {roll}"
            assert numbers == list(roll.names.values()), f"server {id_}: {roll}"
            assert roll.present == sum(number > roll.called for number in numbers), f"server {id_}: {roll}"
            assert roll.absent == len(numbers) - roll.present, f"server {id_}: {roll}"
            assert roll.is_complete or not server.up, f"server {id_} is up: {server}"
        assert server.settling or not server.given_up, f"server {id_}: {server}"


def _overdue_only_while_unheard(state: State) -> None:
    """What is put off until a server's report is put off for no other reason."""
    for call in state.calls.values():
        server = state.servers[call.line.server]
        overdue = call.overdue or call.announcement_overdue
        assert not overdue or (not server.up and server.channels.misses(call.line.channel)), f"{call}"
    for offer in state.offers.values():
        server = state.servers[offer.line.server]
        assert not offer.overdue or (not server.up and server.legs.misses(offer.id)), f"{offer}"


def _deadlines_have_their_reasons(state: State) -> None:
    """G5: every ring, connecting, wrap-up, rest, refusal and silent server has its deadline, and there is no other."""
    expected: set[Key] = set()
    for id_, agent in state.agents.items():
        expected |= _of_agent(id_, agent)
    for call_id, call in state.calls.items():
        expected |= _of_call(call_id, call)
    for server_id, server in state.servers.items():
        expected |= _of_server(state, server_id, server)
    expected |= _of_all(state)
    for offer in state.offers.values():
        expected |= _of_offer(state, offer)
    for queue_id, queue in state.queues.items():
        if queue.unordered:
            expected.add(("reorder", queue_id, ""))
        if queue.leaving:
            expected.add(("leave", queue_id, ""))
        heard = [key for key in queue.waiting.groups if state.servers[key[0]].up]
        drained = queue.retired and not heard and not queue.members and queue.calls
        drained = drained or state.news.seen.misses(queue_id)
        if queue.retired and not (drained and state.deadlines.find("retire", queue_id) is None):
            expected.add(("retire", queue_id, ""))
    found = [(deadline.kind, deadline.subject, deadline.other) for deadline in state.deadlines.all()]
    assert set(found) == expected, f"deadlines {set(found) - expected} without reason, {expected - set(found)} missing"
    assert len(found) == len(expected) == len(state.deadlines), "a deadline is set twice"


def _callers_are_forgotten_in_time(state: State) -> None:
    """Who spoke with whom is forgotten when the time of the first one is over."""
    due = state.deadlines.find("forget", "")
    due_ms = None if due is None else due.due_ms
    assert due_ms == min(state.last_agents.times_ms(), default=None), (
        f"callers are forgotten at {due}: {state.last_agents}"
    )


def _of_all(state: State) -> set[Key]:
    kinds: dict[Kind, bool] = {"recount": bool(state.recount), "forget": len(state.last_agents) > 0}
    return {(kind, "", "") for kind, needed in kinds.items() if needed}


def _of_agent(id_: AgentId, agent: Agent) -> set[Key]:
    expected: set[Key] = {("refusal", id_, call) for call in agent.refusals}
    if agent.rests:
        expected.add(("rest", id_, ""))
    if agent.wrap_up is not None:
        expected.add(("wrap-up", id_, ""))
    return expected | {("pause", id_, reason) for reason, limit in agent.limits.items() if _runs(limit)}


def _runs(limit: Limit) -> bool:
    return limit.until_ms is not None and not limit.overdue


def _of_offer(state: State, offer: Offer) -> set[Key]:
    kinds: dict[Work, Kind] = {Work.RINGING: "ring", Work.CONNECTING: "connect"}
    kind = kinds.get(state.work_at(offer))
    return set() if kind is None or offer.overdue else {(kind, offer.id, "")}


def _of_call(id_: CallId, call: Call) -> set[Key]:
    expected: set[Key] = set()
    if call.give_up_at_ms is not None and call.answered is None and not call.overdue:
        expected.add(("give-up", id_, ""))
    if call.announce_at_ms is not None and call.answered is None and not call.announcement_overdue:
        expected.add(("announce", id_, ""))
    if call.named is not None and call.connected_at_ms is None:
        expected.add(("named", id_, ""))
    return expected


def _of_server(state: State, id_: ServerId, server: Server) -> set[Key]:
    """A server is up, or its differences are being settled, or it must report in time; one on which nothing is
    may do without."""
    expected: set[Key] = set()
    if server.settling:
        expected.add(("settle", id_, ""))
    empty = not (server.channels.names or server.legs.names)
    waited_for = state.deadlines.find("server-lost", id_) is not None
    if not server.up and not server.settling and (not empty or waited_for):
        expected.add(("server-lost", id_, ""))
    return expected


def passing(state: State) -> set[str]:
    """G5: what must end by itself, if only time passes: longer than any of it was set to last."""
    silent = {id_ for id_, server in state.servers.items() if not server.up}
    things = {f"offer {offer.id}" for offer in state.offers.values() if offer.line.server in silent}
    things |= {f"call {id_}" for id_, call in state.calls.items() if call.line.server in silent}
    things |= {f"direct call {line}" for line in state.direct_calls if line.server in silent}
    things |= {f"offer {offer.id}" for offer in state.offers.values() if state.work_at(offer) is not Work.TALKING}
    for id_, agent in state.agents.items():
        if agent.wrap_up is not None:
            things.add(f"wrap-up of {id_} after {agent.wrap_up.call}")
        if agent.rests:
            things.add(f"rest of {id_}")
        running = [(reason, limit.until_ms) for reason, limit in agent.limits.items() if _runs(limit)]
        things |= {f"pause of {id_} for {reason} until {until_ms}" for reason, until_ms in running}
    for call_id, call in state.calls.items():
        if call.give_up_at_ms is not None and call.connected_at_ms is None:
            things.add(f"wait of {call_id} in {call.queue}, after {call.hops} others")
    for queue_id, queue in state.queues.items():
        heard = [group for key, group in queue.waiting.groups.items() if state.servers[key[0]].up]
        things |= {f"wait of {place.call}" for group in heard for place in group if queue.retired}
        things |= {f"membership of {agent_id} in {queue_id}" for agent_id in queue.members if queue.retired}
    return things


INVARIANTS: tuple[Callable[[State], None], ...] = (
    _agents_have_as_much_work_as_they_can,
    _calls_have_one_place,
    _lines_hold_their_calls,
    _counts_are_right,
    _positions_are_ranks,
    _ready_lists_are_right,
    _agents_are_kept_while_needed,
    _what_is_pending_waits_for_work,
    _pauses_are_within_their_limits,
    _indexes_are_right,
    _refusals_agree,
    _servers_know_who_is_there,
    _overdue_only_while_unheard,
    _deadlines_have_their_reasons,
    _callers_are_forgotten_in_time,
)
