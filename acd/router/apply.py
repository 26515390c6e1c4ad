"""Where the state changes: one function for each fact, in one table.

These functions take everything from the fact, read no settings and decide nothing; applying a journal's facts in
order to an empty `State` gives the state that wrote them.
"""

from collections.abc import Callable
from typing import Any

from acd.model import AgentId, Line, Phone, QueueId
from acd.router import facts as f
from acd.router.deadlines import Kind
from acd.router.settings import AgentSettings, Standing
from acd.router.state import (
    REFUSALS_KEPT,
    Agent,
    Call,
    DirectCall,
    InQueue,
    Limit,
    Offer,
    Owed,
    Postponed,
    Queue,
    State,
    Supervisor,
    WrapUp,
)
from acd.router.states import MEMBERSHIP_MOVES, Membership, Work
from acd.router.waiting import Place


def apply(state: State, fact: f.Fact) -> None:
    """Change the state as the fact says. The fact is the next one: its number is `state.fact_count` after this."""
    state.fact_count += 1
    state.now_ms = fact.at_ms
    APPLY[type(fact)](state, fact)


def _due(state: State, due_ms: int, kind: Kind, subject: str, other: str = "") -> None:
    state.deadlines.set(due_ms, kind, subject, other)


# --- The engine -----------------------------------------------------------------------------------------------


def _journal_opened(state: State, fact: f.JournalOpened) -> None:
    state.tag = fact.tag
    state.seed = fact.seed


def _router_configured(state: State, fact: f.RouterConfigured) -> None:
    state.settings = fact.settings


def _queue_configured(state: State, fact: f.QueueConfigured) -> None:
    queue = state.queues.get(fact.settings.id)
    state.lotteries += fact.settings.strategy == "weighted-random"
    if queue is None:
        state.queues[fact.settings.id] = Queue(fact.settings)
        return
    state.lotteries -= queue.settings.strategy == "weighted-random"
    queue.settings = fact.settings
    queue.closed = queue.closed and not queue.retired
    queue.retired = False
    state.deadlines.drop("retire", fact.settings.id)
    state.news.queues[fact.settings.id] = None
    state.news.limits[fact.settings.id] = None
    if fact.reorders:
        _disorder(state, fact.settings.id)


def _disorder(state: State, queue_id: QueueId) -> None:
    """All members will be listed anew, a slice at a time: by then their places are those of the strategy of today."""
    queue = state.queues[queue_id]
    queue.unordered = dict(queue.members)
    if queue.unordered:
        _due(state, state.now_ms, "reorder", queue_id)


def _queue_unordered(state: State, fact: f.QueueUnordered) -> None:
    del state.recount[fact.queue]
    if not state.recount:
        state.deadlines.drop("recount", "")
    _disorder(state, fact.queue)


def _agents_reordered(state: State, fact: f.AgentsReordered) -> None:
    queue = state.queues[fact.queue]
    for agent_id in fact.agents:
        del queue.unordered[agent_id]
        agent = state.agents[agent_id]
        if queue.settings.strategy == "weighted-random" and not agent.queues[fact.queue].lot:
            state.draw_lot(agent, queue, agent.queues[fact.queue])
        state.relist(agent)
    _tidy_order(state, fact.queue)


def _tidy_order(state: State, queue_id: QueueId) -> None:
    if not state.queues[queue_id].unordered:
        state.deadlines.drop("reorder", queue_id)
        state.news.queues[queue_id] = None


def _day_began(state: State, fact: f.DayBegan) -> None:
    state.day += 1
    state.recount = dict.fromkeys(fact.queues)
    if state.recount:
        _due(state, fact.at_ms, "recount", "")


def _queue_retired(state: State, fact: f.QueueRetired) -> None:
    state.queues[fact.queue].retired = True
    _due(state, fact.at_ms, "retire", fact.queue)


def _queue_closed(state: State, fact: f.QueueClosed) -> None:
    state.queues[fact.queue].closed = True
    state.news.limits[fact.queue] = None


def _queue_opened(state: State, fact: f.QueueOpened) -> None:
    state.queues[fact.queue].closed = False
    state.news.limits[fact.queue] = None  # another reason to leave may have stood behind that one


def _leaving_began(state: State, fact: f.LeavingBegan) -> None:
    state.queues[fact.queue].leaving = True
    _due(state, fact.at_ms, "leave", fact.queue)


def _leaving_ended(state: State, fact: f.LeavingEnded) -> None:
    state.queues[fact.queue].leaving = False
    state.deadlines.drop("leave", fact.queue)


def _queue_drained(state: State, fact: f.QueueDrained) -> None:
    state.deadlines.drop("retire", fact.queue)


def _drain_if_retired(state: State, queue: QueueId) -> None:
    if state.queues[queue].retired:
        _due(state, state.now_ms, "retire", queue)


def _queue_removed(state: State, fact: f.QueueRemoved) -> None:
    queue = state.queues[fact.queue]
    assert not queue.waiting, f"queue {fact.queue} still has callers"
    assert not queue.members, f"queue {fact.queue} still has agents"
    assert not queue.calls, f"queue {fact.queue} still has calls"
    state.deadlines.drop("retire", fact.queue)
    state.deadlines.drop("reorder", fact.queue)
    state.deadlines.drop("leave", fact.queue)
    state.news.queues.pop(fact.queue, None)
    state.news.limits.pop(fact.queue, None)
    state.news.stuck.pop(fact.queue, None)
    state.openings.set(fact.queue, None)
    state.recount.pop(fact.queue, None)
    if not state.recount:
        state.deadlines.drop("recount", "")
    state.lotteries -= queue.settings.strategy == "weighted-random"
    del state.queues[fact.queue]


def _agent_configured(state: State, fact: f.AgentConfigured) -> None:
    skills = state.take_skill_set(fact.settings.skills)
    agent = state.agents.get(fact.settings.id)
    if agent is None:
        agent = state.agents[fact.settings.id] = Agent(fact.settings, skills)
    else:
        state.leave_skill_set(agent.skills)
    agent.settings, agent.skills = fact.settings, skills
    if agent.retired:
        agent.retired = False
        for queue in agent.queues:
            _count_member(state, agent, queue, 1)
    for queue, entry in list(agent.queues.items()):
        entry.joined = entry.joined and queue not in fact.settings.queues
        if queue not in fact.settings.queues and not entry.joined:
            _leave(state, agent, queue)
    for queue, entry in agent.queues.items():
        entry.standing = _standing(fact.settings, queue)
    state.relist(agent)
    _tidy(state, agent)


def _standing(settings: AgentSettings, queue: QueueId) -> Standing:
    """The agent's standing in a queue; the usual one where the settings name none."""
    return next((standing for standing in settings.standings if standing.queue == queue), Standing(queue))


def _count_member(state: State, agent: Agent, queue_id: QueueId, step: int) -> None:
    """One more (or less) who is on duty there, or on a break. Whoever is leaving counts no more."""
    entry, queue = agent.queues[queue_id], state.queues.get(queue_id)
    if agent.retired or queue is None:
        return
    queue.on_duty += step if entry.state is Membership.READY else 0
    queue.on_break += step if entry.state is Membership.PAUSED else 0
    if not queue.on_duty:
        state.news.limits[queue_id] = None


def _leave(state: State, agent: Agent, queue: QueueId) -> None:
    _count_member(state, agent, queue, -1)
    del agent.queues[queue]
    _forget_limits(state, agent)
    state.relist(agent)
    if queue in state.queues:
        _leave_queue(state, agent, queue)


def _forget_limits(state: State, agent: Agent) -> None:
    """Of pauses that have ended."""
    for reason in list(agent.limits):
        if all(entry.reason != reason for entry in agent.queues.values()):
            del agent.limits[reason]
            state.deadlines.drop("pause", agent.settings.id, reason)


def _leave_queue(state: State, agent: Agent, queue_id: QueueId) -> None:
    queue = state.queues[queue_id]
    if queue.members.pop(agent.settings.id, False) is None:
        agent.logged_in -= 1
    if agent.settings.id in queue.unordered:
        del queue.unordered[agent.settings.id]
        _tidy_order(state, queue_id)


def _agent_retired(state: State, fact: f.AgentRetired) -> None:
    agent = state.agents[fact.agent]
    for queue in agent.queues:
        _count_member(state, agent, queue, -1)
    agent.retired = True
    state.relist(agent)
    _tidy(state, agent)


def _tidy(state: State, agent: Agent) -> None:
    """A logged-out agent's phone is let go once no offer or conversation is on it, a retired agent with the last
    work."""
    if not agent.logged_in and (agent.work is Work.IDLE or agent.work is Work.WRAP_UP):
        _move_to_phone(state, agent, None)
    if agent.retired and agent.work is Work.IDLE and not agent.chats:
        _forget_agent(state, agent)


def _forget_agent(state: State, agent: Agent) -> None:
    for call in list(agent.refusals):
        _forget_refusal(state, agent, state.calls[call])
    for queue in list(agent.queues):
        _leave(state, agent, queue)
    state.deadlines.drop("rest", agent.settings.id)
    _move_to_phone(state, agent, None)
    state.news.agents.pop(agent.settings.id, None)
    state.leave_skill_set(agent.skills)
    del state.agents[agent.settings.id]


def _supervisor_configured(state: State, fact: f.SupervisorConfigured) -> None:
    state.supervisors[fact.settings.id] = Supervisor(fact.settings, dict.fromkeys(fact.settings.queues))


def _supervisor_retired(state: State, fact: f.SupervisorRetired) -> None:
    del state.supervisors[fact.supervisor]


# --- Calls ----------------------------------------------------------------------------------------------------


def _call_queued(state: State, fact: f.CallQueued) -> None:
    queue = state.queues[fact.queue]
    call = Call(
        fact.call,
        fact.line,
        fact.queue,
        fact.kind,
        fact.caller,
        fact.priority,
        state.take_profile((fact.required, fact.wanted, fact.rings)),
        Place(fact.since_ms, state.fact_count, fact.call),
        fact.give_up_at_ms,
        fact.named,
        fact.ring_at_most,
        announce_at_ms=fact.announce_at_ms,
        hops=len(fact.via),
    )
    queue.waiting.take_profile(call.profile)
    state.calls[fact.call] = call
    state.call_on[fact.line] = fact.call
    queue.length += 1
    queue.calls += 1
    _set_deadlines(state, fact)
    _hear_of(state, fact.line)
    _wait(state, call)


def _set_deadlines(state: State, fact: f.CallQueued | f.CallMoved) -> None:
    if fact.named_until_ms is not None:
        _due(state, fact.named_until_ms, "named", fact.call)


def _call_moved(state: State, fact: f.CallMoved) -> None:
    """The call takes its place in the other queue, among those of its age. Whoever refused it has still refused it."""
    call, queue = state.calls[fact.call], state.queues[fact.to]
    state.take_from_line(call)
    for kind in OF_A_CALL:
        state.deadlines.drop(kind, call.id)
    _take_out(state, call)
    call.departed, call.announce_at_ms = False, fact.announce_at_ms
    call.queue = fact.to
    call.hops += len(fact.via)
    call.profile = state.take_profile((call.profile.required, call.profile.wanted, fact.rings))
    number = call.place.number if fact.since_ms == call.place.since_ms else state.fact_count
    call.place = Place(fact.since_ms, number, call.id)
    call.give_up_at_ms, call.named = fact.give_up_at_ms, fact.named
    call.ring_at_most = fact.ring_at_most
    queue.waiting.take_profile(call.profile)
    queue.length += 1
    queue.calls += 1
    _set_deadlines(state, fact)
    _wait(state, call)


def _take_out(state: State, call: Call) -> None:
    """The queue has one call less, that reached no agent of it."""
    queue = state.queues[call.queue]
    queue.length -= 1
    queue.calls -= 1
    queue.waiting.leave_profile(call.profile)
    state.leave_profile(call.profile)
    _drain_if_retired(state, call.queue)


def _wait(state: State, call: Call) -> None:
    """The call waits for one more agent, if it does not already; its wait is limited again."""
    if call.group is None:
        state.line_up(call)
    call.overdue = False
    if call.give_up_at_ms is not None:
        _due(state, call.give_up_at_ms, "give-up", call.id)
    if call.announce_at_ms is not None:
        _due(state, call.announce_at_ms, "announce", call.id)


def _announcement_made(state: State, fact: f.AnnouncementMade) -> None:
    state.calls[fact.call].announce_at_ms = fact.announce_at_ms
    state.deadlines.drop("announce", fact.call)
    if fact.announce_at_ms is not None:
        _due(state, fact.announce_at_ms, "announce", fact.call)


def _preference_lapsed(state: State, fact: f.PreferenceLapsed) -> None:
    call = state.calls[fact.call]
    state.deadlines.drop("named", fact.call)
    lined_up = call.group is not None
    state.take_from_line(call, departs=False)
    call.named = None
    if lined_up:
        state.line_up(call)


def _wait_overdue(state: State, fact: f.WaitOverdue) -> None:
    state.calls[fact.call].overdue = True
    state.deadlines.drop("give-up", fact.call)


def _nothing(state: State, fact: f.Fact) -> None:
    """The fact only tells."""


def _call_connected(state: State, fact: f.CallConnected) -> None:
    offer = state.offers[fact.offer]
    _move(state, offer, "call connected")
    call = state.calls[fact.call]
    _picked_up(state, call, offer)
    call.connected_at_ms = fact.at_ms
    state.agents[fact.agent].misses = 0
    if call.named is not None:
        state.deadlines.drop("named", call.id)
    _hear_of(state, call.line)
    state.queues[call.queue].length -= 1
    if call.refusers:
        _forget_refusals(state, call)


def _move(state: State, offer: Offer, event: str) -> None:
    agent = state.agents[offer.agent]
    if offer.channel == "voice":
        agent.move(event)
    else:
        agent.move_chat(offer.id, event)


def _call_ended(state: State, fact: f.CallEnded) -> None:
    agent = state.agents[fact.agent]
    _drop_offer(state, state.offers[fact.offer], "call ended")
    _drop_call(state, state.calls[fact.call])
    _count(state, agent, fact.talked_ms)
    _free_again(state, agent)
    state.relist(agent)
    _tidy(state, agent)


def _count(state: State, agent: Agent, talked_ms: int) -> None:
    if agent.day != state.day:
        agent.day, agent.calls_today, agent.talked_today_ms = state.day, 0, 0
    agent.calls_today += 1
    agent.talked_today_ms += talked_ms


def _free_again(state: State, agent: Agent) -> None:
    """Work has ended: from now on the agent is idle."""
    agent.free = state.free_place()
    if state.lotteries:
        state.draw_lots(agent)


def _call_over(state: State, fact: f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost) -> None:
    call = state.calls[fact.call]
    state.take_from_line(call)
    state.queues[call.queue].length -= 1
    _drop_call(state, call)


OF_A_CALL: tuple[Kind, ...] = ("give-up", "named", "announce")


def _drop_call(state: State, call: Call) -> None:
    _forget_refusals(state, call)
    if call.connected_at_ms is None:  # else they are gone already
        for kind in OF_A_CALL:
            state.deadlines.drop(kind, call.id)
    del state.call_on[call.line]
    state.queues[call.queue].waiting.leave_profile(call.profile)
    state.leave_profile(call.profile)
    _forget_channel(state, call.line)
    del state.calls[call.id]
    state.queues[call.queue].calls -= 1
    _drain_if_retired(state, call.queue)


def _hear_of(state: State, line: Line) -> None:
    """The channel is there. A wait that was over while the server could not be heard is over now."""
    state.server(line.server).channels.enter(line.channel)
    call = state.calls[state.call_on[line]] if line in state.call_on else None
    if call is not None and call.overdue:
        assert call.give_up_at_ms is not None, f"call {call.id} may wait for ever"
        call.overdue = False
        _due(state, call.give_up_at_ms, "give-up", call.id)


def _forget_channel(state: State, line: Line) -> None:
    """A channel may be a caller and a direct call at once (an agent calls a queue): the last of both lets it go."""
    if line not in state.call_on and line not in state.direct_calls:
        state.server(line.server).channels.drop(line.channel)


# --- Offers ---------------------------------------------------------------------------------------------------


def _offer_made(state: State, fact: f.OfferMade) -> None:
    agent, call, queue = state.agents[fact.agent], state.calls[fact.call], state.queues[fact.queue]
    offer = Offer(fact.offer, fact.call, fact.agent, fact.queue, fact.line, queue.settings.channel)
    _move(state, offer, "offer made")
    if offer.channel == "voice":
        agent.offer = fact.offer
    state.offers[fact.offer] = offer
    call.offers[fact.offer] = fact.agent
    if len(call.offers) >= call.ring_at_most:
        state.take_from_line(call)
    entry = agent.queues[fact.queue]
    entry.offered = state.fact_count
    if entry.lot > queue.drawn:
        queue.drawn = entry.lot
    state.server(fact.line.server).legs.enter(fact.offer)
    _due(state, fact.ring_until_ms, "ring", fact.offer)
    state.relist(agent)


def _offer_accepted(state: State, fact: f.OfferAccepted) -> None:
    offer = state.offers[fact.offer]
    _move(state, offer, "offer accepted")
    _picked_up(state, state.calls[fact.call], offer)
    offer.deadline = "connect"
    _due(state, fact.connect_until_ms, "connect", fact.offer)


def _picked_up(state: State, call: Call, offer: Offer) -> None:
    """Neither the ring nor the wait can be over any more, nobody else is wanted, and the leg is alive."""
    call.answered = offer.id
    if call.group is not None:
        state.take_from_line(call)
    call.overdue = offer.overdue = False
    state.server(offer.line.server).legs.enter(offer.id)
    state.deadlines.drop(offer.deadline, offer.id)
    if call.give_up_at_ms is not None and call.connected_at_ms is None:
        state.deadlines.drop("give-up", call.id)
    if call.announce_at_ms is not None and call.connected_at_ms is None:
        state.deadlines.drop("announce", call.id)


def _offer_overdue(state: State, fact: f.OfferOverdue) -> None:
    offer = state.offers[fact.offer]
    offer.overdue = True
    state.deadlines.drop(offer.deadline, fact.offer)


def _offer_ended(state: State, fact: f.OfferEnded) -> None:
    agent = state.agents[fact.agent]
    offer = state.offers[fact.offer]
    _drop_offer(state, offer, "offer ended")
    call = state.calls[fact.call]
    del call.offers[fact.offer]
    if call.answered == fact.offer:
        call.answered = None
    if fact.refused_until_ms is not None:
        _remember_refusal(state, agent, call, fact.refused_until_ms)
    if fact.misses:
        agent.misses = fact.misses
    if fact.rest_until_ms is not None:
        agent.rests = True
        _due(state, fact.rest_until_ms, "rest", fact.agent)
    if call.answered is None:
        _wait(state, call)
    _drain_if_retired(state, call.queue)
    if offer.queue in agent.queues and state.queues[offer.queue].settings.strategy == "weighted-random":
        state.draw_lot(agent, state.queues[offer.queue], agent.queues[offer.queue])
    state.relist(agent)
    _tidy(state, agent)


def _drop_offer(state: State, offer: Offer, event: str) -> None:
    """The voice, or one of the chats, is free of it."""
    _move(state, offer, event)
    del state.offers[offer.id]
    if event != "call ended":
        state.deadlines.drop(offer.deadline, offer.id)
    state.server(offer.line.server).legs.drop(offer.id)
    agent = state.agents[offer.agent]
    if agent.offer == offer.id:
        agent.offer = None


def _remember_refusal(state: State, agent: Agent, call: Call, until_ms: int) -> None:
    assert len(agent.refusals) < REFUSALS_KEPT, f"agent {agent.settings.id} was offered more than may be refused"
    agent.refusals[call.id] = None
    call.refusers[agent.settings.id] = None
    _due(state, until_ms, "refusal", agent.settings.id, call.id)


def _forget_refusal(state: State, agent: Agent, call: Call) -> None:
    del agent.refusals[call.id]
    del call.refusers[agent.settings.id]
    state.deadlines.drop("refusal", agent.settings.id, call.id)
    if call.group is not None:
        state.news.calls[call.id] = None
    state.relist(agent)


def _forget_refusals(state: State, call: Call) -> None:
    for agent in list(call.refusers):
        _forget_refusal(state, state.agents[agent], call)


def _refusal_lapsed(state: State, fact: f.RefusalLapsed) -> None:
    _forget_refusal(state, state.agents[fact.agent], state.calls[fact.call])


def _agent_rested(state: State, fact: f.AgentRested) -> None:
    agent = state.agents[fact.agent]
    agent.rests = False
    state.deadlines.drop("rest", fact.agent)
    state.relist(agent)


# --- Agents ---------------------------------------------------------------------------------------------------


def _move_in_queues(
    state: State,
    agent: Agent,
    queues: tuple[QueueId, ...],
    request: str,
    reason: str | None = None,
    joined: tuple[QueueId, ...] = (),
) -> None:
    """A paused agent who logs in stays paused for the reason that was given. What was postponed is replaced; but
    logging in ends no pause, also none to come."""
    for queue in queues:
        entry = agent.queues.get(queue)
        if entry is None:
            entry = agent.queues[queue] = InQueue(_standing(agent.settings, queue), joined=queue in joined)
        _count_member(state, agent, queue, -1)
        entry.state = MEMBERSHIP_MOVES[entry.state, request]
        entry.reason = (reason or entry.reason) if entry.state is Membership.PAUSED else None
        if entry.pending is not None and (request != "log in" or entry.pending.change == "log out"):
            entry.pending = None
        if entry.state is Membership.LOGGED_OUT:
            _leave_queue(state, agent, queue)
        else:
            _join_queue(state, agent, queue)
        _count_member(state, agent, queue, 1)
        if entry.joined and entry.state is Membership.LOGGED_OUT:
            del agent.queues[queue]
    if agent.limits:
        _forget_limits(state, agent)


def _join_queue(state: State, agent: Agent, queue_id: QueueId) -> None:
    members = state.queues[queue_id].members
    if agent.settings.id not in members:
        members[agent.settings.id] = None
        agent.logged_in += 1


def _move_to_phone(state: State, agent: Agent, phone: Phone | None) -> None:
    if agent.phone is not None and state.agent_at.get(agent.phone) == agent.settings.id:
        del state.agent_at[agent.phone]
    agent.phone = phone
    if phone is not None:
        state.agent_at[phone] = agent.settings.id


def _agent_logged_in(state: State, fact: f.AgentLoggedIn) -> None:
    agent = state.agents[fact.agent]
    if not agent.logged_in:
        agent.free = state.free_place()
        agent.misses = 0
    agent.owes = None
    _move_to_phone(state, agent, fact.phone)
    _move_in_queues(state, agent, fact.queues, "log in", joined=fact.joined)
    _draw_first_lots(state, agent, fact.queues)
    state.relist(agent)


def _draw_first_lots(state: State, agent: Agent, queues: tuple[QueueId, ...]) -> None:
    for queue_id in queues:
        if state.queues[queue_id].settings.strategy == "weighted-random":
            state.draw_lot(agent, state.queues[queue_id], agent.queues[queue_id])


def _agent_became_ready(state: State, fact: f.AgentBecameReady) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "get ready", joined=fact.joined)
    agent.misses = 0
    agent.owes = None
    state.relist(agent)


def _agent_paused(state: State, fact: f.AgentPaused) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "pause", fact.reason)
    if fact.until_ms is not None:
        agent.limits[fact.reason] = Limit(fact.until_ms, fact.at_limit)
        _due(state, fact.until_ms, "pause", fact.agent, fact.reason)
    state.relist(agent)


def _agent_logged_out(state: State, fact: f.AgentLoggedOut) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "log out")
    state.relist(agent)
    _tidy(state, agent)


def _change_postponed(state: State, fact: f.ChangePostponed) -> None:
    state.agents[fact.agent].queues[fact.queue].pending = Postponed(fact.change, fact.reason, fact.by)


def _wrap_up_started(state: State, fact: f.WrapUpStarted) -> None:
    agent = state.agents[fact.agent]
    agent.move("wrap-up started")
    agent.wrap_up = WrapUp(fact.call, fact.queue, fact.until_ms, fact.extendable_until_ms, fact.needs_disposition)
    _due(state, fact.until_ms, "wrap-up", fact.agent)
    state.relist(agent)


def _wrap_up_extended(state: State, fact: f.WrapUpExtended) -> None:
    wrap_up = state.agents[fact.agent].wrap_up
    assert wrap_up is not None, f"{fact.agent} has no wrap-up to extend"
    wrap_up.until_ms = fact.until_ms
    _due(state, fact.until_ms, "wrap-up", fact.agent)


def _wrap_up_ended(state: State, fact: f.WrapUpEnded) -> None:
    agent = state.agents[fact.agent]
    agent.move("wrap-up ended")
    agent.wrap_up = None
    _free_again(state, agent)
    state.deadlines.drop("wrap-up", fact.agent)
    state.relist(agent)
    _tidy(state, agent)


def _pause_overdue(state: State, fact: f.PauseOverdue) -> None:
    del state.agents[fact.agent].limits[fact.reason]
    state.deadlines.drop("pause", fact.agent, fact.reason)


def _disposition_set(state: State, fact: f.DispositionSet) -> None:
    agent = state.agents[fact.agent]
    agent.disposed = fact.call
    if agent.owes is not None and agent.owes.call == fact.call:
        agent.owes = None


def _disposition_missed(state: State, fact: f.DispositionMissed) -> None:
    state.agents[fact.agent].owes = Owed(fact.call, fact.queue)


# --- Phones and servers ---------------------------------------------------------------------------------------


def _direct_call_started(state: State, fact: f.DirectCallStarted) -> None:
    state.direct_calls[fact.line] = DirectCall(fact.phone, fact.agent, fact.direction, fact.counted)
    state.lines_of.setdefault(fact.phone, {})[fact.line] = None
    _hear_of(state, fact.line)
    _relist_at(state, fact.phone)


def _direct_call_answered(state: State, fact: f.DirectCallAnswered) -> None:
    state.direct_calls[fact.line].answered_at_ms = fact.at_ms
    _hear_of(state, fact.line)


def _direct_call_excluded(state: State, fact: f.DirectCallExcluded) -> None:
    state.direct_calls[fact.line].counted = False


def _direct_call_ended(state: State, fact: f.DirectCallEnded) -> None:
    del state.direct_calls[fact.line]
    lines = state.lines_of[fact.phone]
    del lines[fact.line]
    if not lines:
        del state.lines_of[fact.phone]
    _forget_channel(state, fact.line)
    _relist_at(state, fact.phone)


def _relist_at(state: State, phone: Phone) -> None:
    agent: AgentId | None = state.agent_at.get(phone)
    if agent is not None:
        state.relist(state.agents[agent])


def _server_went_quiet(state: State, fact: f.ServerWentQuiet) -> None:
    server = state.server(fact.server)
    server.up = server.settling = server.given_up = False
    server.channels.call()
    server.legs.call()
    state.deadlines.drop("settle", fact.server)
    _due(state, fact.lost_at_ms, "server-lost", fact.server)


def _server_roll_called(state: State, fact: f.ServerRollCalled) -> None:
    server = state.server(fact.server)
    for channel in fact.channels:
        _hear_of(state, Line(fact.server, channel))
    for offer in fact.offers:
        server.legs.enter(offer)
    if fact.last:
        server.settling, server.given_up = True, False
        state.deadlines.drop("server-lost", fact.server)
        _due(state, fact.at_ms, "settle", fact.server)


def _server_given_up(state: State, fact: f.ServerGivenUp) -> None:
    server = state.server(fact.server)
    server.settling = server.given_up = True
    server.channels.call()  # also what was heard of live: the server never said so in full
    server.legs.call()
    state.deadlines.drop("server-lost", fact.server)
    _due(state, fact.at_ms, "settle", fact.server)


def _server_settled(state: State, fact: f.ServerSettled) -> None:
    server = state.server(fact.server)
    server.up = fact.up
    server.settling = server.given_up = False
    state.deadlines.drop("settle", fact.server)
    if fact.up:
        state.news.queues.update((id_, None) for id_, queue in state.queues.items() if queue.waiting)


APPLY: dict[type[f.Fact], Callable[[State, Any], None]] = {
    f.JournalOpened: _journal_opened,
    f.RouterConfigured: _router_configured,
    f.QueueConfigured: _queue_configured,
    f.QueueRetired: _queue_retired,
    f.QueueClosed: _queue_closed,
    f.QueueOpened: _queue_opened,
    f.LeavingBegan: _leaving_began,
    f.LeavingEnded: _leaving_ended,
    f.QueueDrained: _queue_drained,
    f.QueueRemoved: _queue_removed,
    f.AgentConfigured: _agent_configured,
    f.AgentRetired: _agent_retired,
    f.SupervisorConfigured: _supervisor_configured,
    f.SupervisorRetired: _supervisor_retired,
    f.DayBegan: _day_began,
    f.QueueUnordered: _queue_unordered,
    f.AgentsReordered: _agents_reordered,
    f.CallQueued: _call_queued,
    f.CallMoved: _call_moved,
    f.AnnouncementMade: _announcement_made,
    f.PreferenceLapsed: _preference_lapsed,
    f.CallRefused: _nothing,
    f.CallbackOffered: _nothing,
    f.CallConnected: _call_connected,
    f.CallEnded: _call_ended,
    f.CallAbandoned: _call_over,
    f.WaitOverdue: _wait_overdue,
    f.CallTimedOut: _call_over,
    f.CallReturned: _call_over,
    f.CallLost: _call_over,
    f.OfferMade: _offer_made,
    f.OfferAccepted: _offer_accepted,
    f.OfferOverdue: _offer_overdue,
    f.OfferEnded: _offer_ended,
    f.RefusalLapsed: _refusal_lapsed,
    f.AgentRested: _agent_rested,
    f.AgentLoggedIn: _agent_logged_in,
    f.AgentBecameReady: _agent_became_ready,
    f.AgentPaused: _agent_paused,
    f.AgentLoggedOut: _agent_logged_out,
    f.ChangePostponed: _change_postponed,
    f.WrapUpStarted: _wrap_up_started,
    f.WrapUpExtended: _wrap_up_extended,
    f.PauseOverdue: _pause_overdue,
    f.DispositionSet: _disposition_set,
    f.DispositionMissed: _disposition_missed,
    f.WrapUpEnded: _wrap_up_ended,
    f.RequestAccepted: _nothing,
    f.RequestRefused: _nothing,
    f.DirectCallStarted: _direct_call_started,
    f.DirectCallAnswered: _direct_call_answered,
    f.DirectCallExcluded: _direct_call_excluded,
    f.DirectCallEnded: _direct_call_ended,
    f.ServerWentQuiet: _server_went_quiet,
    f.ServerRollCalled: _server_roll_called,
    f.ServerGivenUp: _server_given_up,
    f.ServerSettled: _server_settled,
    f.StrayLegFound: _nothing,
}
