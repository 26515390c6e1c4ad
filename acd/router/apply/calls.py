"""Calls, from their arrival to their end."""

from acd.model import CallId, Channel
from acd.router import facts as f
from acd.router.apply import channels, members, offers, queues
from acd.router.apply.table import Table
from acd.router.deadlines import Kind
from acd.router.state import Agent, Call, Queue, State
from acd.router.waiting import Place

OF_A_CALL: tuple[Kind, ...] = ("give-up", "announce")


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
        fact.since_ms if fact.came_ms is None else fact.came_ms,
        fact.give_up_at_ms,
        fact.named,
        fact.last_agent,
        ring_at_most=fact.ring_at_most,
        announce_at_ms=fact.announce_at_ms,
        hops=fact.hops,
        asks_for=fact.asks_for,
    )
    queue.waiting.take_profile(call.profile)
    state.calls[fact.call] = call
    state.call_on[fact.line] = fact.call
    queue.length += 1
    queue.calls += 1
    if fact.named is not None:
        _wait_for_one(state, fact.call, queue, fact)
    state.server(fact.line.server).channels.enter(fact.line.channel)
    queues.wait(state, call)


def _wait_for_one(state: State, call: CallId, queue: Queue, fact: f.CallQueued | f.CallMoved) -> None:
    """The call waits for one agent alone, for a time."""
    assert fact.named is not None, f"{fact} names nobody"
    assert fact.named_until_ms is not None, f"{fact} names somebody for ever"
    state.deadlines.set(fact.named_until_ms, "named", call)
    if fact.last_agent:
        queue.returning.setdefault(fact.named, {})[call] = None


def _wait_for_nobody(state: State, call: Call) -> None:
    """The call waits for nobody alone, or not at all any more."""
    state.deadlines.drop("named", call.id)
    if call.last_agent and call.named is not None:
        returning = state.queues[call.queue].returning
        del returning[call.named][call.id]
        if not returning[call.named]:
            del returning[call.named]
    call.named, call.last_agent = None, False


def _call_moved(state: State, fact: f.CallMoved) -> None:
    """The call takes its place in the other queue, among those of its age. Whoever refused it has still refused it."""
    call, queue = state.calls[fact.call], state.queues[fact.to]
    state.take_from_line(call)
    for kind in OF_A_CALL:
        state.deadlines.drop(kind, call.id)
    if call.named is not None:
        _wait_for_nobody(state, call)
    _take_out(state, call)
    call.departed, call.announce_at_ms = False, fact.announce_at_ms
    call.overdue = call.announcement_overdue = False  # there, all times are new
    call.queue = fact.to
    call.hops = fact.hops
    call.profile = state.take_profile((call.profile.required, call.profile.wanted, fact.rings))
    number = call.place.number if fact.since_ms == call.place.since_ms else state.fact_count
    call.place = Place(fact.since_ms, number, call.id)
    call.give_up_at_ms, call.named, call.last_agent = fact.give_up_at_ms, fact.named, fact.last_agent
    call.ring_at_most = fact.ring_at_most
    queue.waiting.take_profile(call.profile)
    queue.length += 1
    queue.calls += 1
    if fact.named is not None:
        _wait_for_one(state, call.id, queue, fact)
    queues.wait(state, call)


def _take_out(state: State, call: Call) -> None:
    """The queue has one call less, that reached no agent of it."""
    queue = state.queues[call.queue]
    queue.length -= 1
    queue.calls -= 1
    queue.waiting.leave_profile(call.profile)
    state.leave_profile(call.profile)
    queues.drain_if_retired(state, call.queue)


def _announcement_made(state: State, fact: f.AnnouncementMade) -> None:
    state.calls[fact.call].announce_at_ms = fact.announce_at_ms
    state.deadlines.drop("announce", fact.call)
    if fact.announce_at_ms is not None:
        state.deadlines.set(fact.announce_at_ms, "announce", fact.call)


def _preference_lapsed(state: State, fact: f.PreferenceLapsed) -> None:
    call = state.calls[fact.call]
    lined_up = call.group is not None
    state.take_from_line(call, departs=False)
    _wait_for_nobody(state, call)
    call.preference_lapsed = True
    if lined_up:
        state.line_up(call)


def _announcement_overdue(state: State, fact: f.AnnouncementOverdue) -> None:
    state.calls[fact.call].announcement_overdue = True
    state.deadlines.drop("announce", fact.call)


def _wait_overdue(state: State, fact: f.WaitOverdue) -> None:
    state.calls[fact.call].overdue = True
    state.deadlines.drop("give-up", fact.call)


def _call_connected(state: State, fact: f.CallConnected) -> None:
    agent, offer, call = state.agents[fact.agent], state.offers[fact.offer], state.calls[fact.call]
    offers.move(agent, offer, "call connected")
    if call.answered == fact.offer:
        offers.heard(state, offer)
    else:
        offers.picked_up(state, call, offer)
    call.connected_at_ms = fact.at_ms
    agent.misses = 0
    if call.named is not None:
        _wait_for_nobody(state, call)
    state.servers[call.line.server].channels.hear(call.line.channel)
    queue = state.queues[call.queue]
    queue.length -= 1
    queue.waiting.leave_profile(call.profile)
    if call.refusers:
        members.forget_refusals(state, call)


def _call_ended(state: State, fact: f.CallEnded) -> None:
    agent, offer = state.agents[fact.agent], state.offers[fact.offer]
    offers.drop_offer(state, offer, "call ended")
    _drop_call(state, state.calls[fact.call])
    _count(state, agent, offer.channel, fact.talked_ms)
    members.free_again(state, agent)
    state.relist(agent)
    members.tidy(state, agent)


def _count(state: State, agent: Agent, channel: Channel, talked_ms: int) -> None:
    """Of a conversation that has just ended counts what lies in this day."""
    talked_ms = min(talked_ms, state.now_ms - state.day_began_ms)
    if agent.day != state.day:
        agent.day, agent.calls_today, agent.talked_today_ms = state.day, 0, 0
        agent.chats_today, agent.chatted_today_ms = 0, 0
    if channel == "voice":
        agent.calls_today += 1
        agent.talked_today_ms += talked_ms
    else:
        agent.chats_today += 1
        agent.chatted_today_ms += talked_ms


def _call_over(state: State, fact: f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost) -> None:
    call = state.calls[fact.call]
    state.take_from_line(call)
    state.queues[call.queue].length -= 1
    _drop_call(state, call)


def _drop_call(state: State, call: Call) -> None:
    if call.refusers:
        members.forget_refusals(state, call)
    if call.connected_at_ms is None:  # else they are gone already
        for kind in OF_A_CALL:
            state.deadlines.drop(kind, call.id)
        if call.named is not None:
            _wait_for_nobody(state, call)
        state.queues[call.queue].waiting.leave_profile(call.profile)
    del state.call_on[call.line]
    state.leave_profile(call.profile)
    channels.forget_channel(state, call.line)
    del state.calls[call.id]
    state.queues[call.queue].calls -= 1
    queues.drain_if_retired(state, call.queue)


def _caller_remembered(state: State, fact: f.CallerRemembered) -> None:
    state.last_agents.remember(fact.number, fact.agent, fact.until_ms)
    state.last_agents.forget(fact.forgets)
    _wait_for_the_first_end(state)


def _callers_forgotten(state: State, fact: f.CallersForgotten) -> None:
    state.last_agents.forget_first(fact.count)
    _wait_for_the_first_end(state)


def _wait_for_the_first_end(state: State) -> None:
    until_ms, due = state.last_agents.first_until_ms, state.deadlines.find("forget", "")
    if until_ms is None:
        state.deadlines.drop("forget", "")
    elif due is None or due.due_ms != until_ms:
        state.deadlines.set(until_ms, "forget", "")


APPLY: Table = {
    f.CallQueued: _call_queued,
    f.CallMoved: _call_moved,
    f.AnnouncementMade: _announcement_made,
    f.PreferenceLapsed: _preference_lapsed,
    f.CallConnected: _call_connected,
    f.CallEnded: _call_ended,
    f.CallerRemembered: _caller_remembered,
    f.CallersForgotten: _callers_forgotten,
    f.CallAbandoned: _call_over,
    f.WaitOverdue: _wait_overdue,
    f.AnnouncementOverdue: _announcement_overdue,
    f.CallTimedOut: _call_over,
    f.CallReturned: _call_over,
    f.CallLost: _call_over,
}
