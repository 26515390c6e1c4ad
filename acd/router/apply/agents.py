"""What agents become, by their own doing or the engine's."""

from acd.model import QueueId
from acd.router import facts as f
from acd.router.apply import members
from acd.router.apply.table import Table
from acd.router.state import Agent, InQueue, Limit, Postponed, State, WrapUp
from acd.router.states import MEMBERSHIP_MOVES, Membership


def _refusal_lapsed(state: State, fact: f.RefusalLapsed) -> None:
    members.forget_refusal(state, state.agents[fact.agent], state.calls[fact.call])


def _agent_rested(state: State, fact: f.AgentRested) -> None:
    agent = state.agents[fact.agent]
    agent.rests = False
    state.deadlines.drop("rest", fact.agent)
    state.relist(agent)


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
            entry = agent.queues[queue] = InQueue(
                members.standing(agent.settings, queue), state.queues[queue], joined=queue in joined
            )
            members.count_guest(state, agent, queue, 1)
        members.count_member(state, agent, queue, -1)
        entry.state = MEMBERSHIP_MOVES[entry.state, request]
        entry.reason = (reason or entry.reason) if entry.state is Membership.PAUSED else None
        if entry.pending is not None and (request != "log in" or entry.pending.change == "log out"):
            entry.pending = None
        if entry.state is Membership.LOGGED_OUT:
            members.leave_queue(state, agent, queue)
        else:
            _join_queue(state, agent, queue)
            if entry.state is Membership.PAUSED:
                members.wait_no_more(state, agent, queue)
            entry.queue = state.queues[queue]
        members.count_member(state, agent, queue, 1)
        if entry.joined and entry.state is Membership.LOGGED_OUT:
            members.count_guest(state, agent, queue, -1)
            del agent.queues[queue]
    if agent.limits:
        members.forget_limits(state, agent)


def _join_queue(state: State, agent: Agent, queue_id: QueueId) -> None:
    members = state.queues[queue_id].members
    if agent.settings.id not in members:
        members[agent.settings.id] = None
        agent.logged_in += 1


def _agent_logged_in(state: State, fact: f.AgentLoggedIn) -> None:
    agent = state.agents[fact.agent]
    if not agent.logged_in:
        members.free_again(state, agent)
        agent.misses = 0
    agent.owes.clear()
    members.move_to_phone(state, agent, fact.phone)
    _move_in_queues(state, agent, fact.queues, "log in", joined=fact.joined)
    state.relist(agent)


def _agent_became_ready(state: State, fact: f.AgentBecameReady) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "get ready", joined=fact.joined)
    agent.misses = 0
    agent.owes.clear()
    state.relist(agent)


def _agent_paused(state: State, fact: f.AgentPaused) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "pause", fact.reason)
    known = agent.limits.get(fact.reason)
    if fact.lasts_ms is not None:
        agent.limits[fact.reason] = Limit(None, fact.at_limit, lasts_ms=fact.lasts_ms)
        state.deadlines.drop("pause", fact.agent, fact.reason)
    elif fact.until_ms is not None and (known is None or known.until_ms != fact.until_ms):
        agent.limits[fact.reason] = Limit(fact.until_ms, fact.at_limit)
        state.deadlines.set(fact.until_ms, "pause", fact.agent, fact.reason)
    state.relist(agent)


def _agent_logged_out(state: State, fact: f.AgentLoggedOut) -> None:
    agent = state.agents[fact.agent]
    _move_in_queues(state, agent, fact.queues, "log out")
    state.relist(agent)
    members.tidy(state, agent)


def _change_postponed(state: State, fact: f.ChangePostponed) -> None:
    agent = state.agents[fact.agent]
    agent.queues[fact.queue].pending = Postponed(fact.change, fact.reason, fact.by)
    members.wait_no_more(state, agent, fact.queue)


def _wrap_up_started(state: State, fact: f.WrapUpStarted) -> None:
    agent = state.agents[fact.agent]
    agent.move("wrap-up started")
    agent.wrap_up = WrapUp(fact.call, fact.queue, fact.until_ms, fact.extendable_until_ms, fact.needs_disposition)
    state.deadlines.set(fact.until_ms, "wrap-up", fact.agent)
    state.relist(agent)


def _wrap_up_extended(state: State, fact: f.WrapUpExtended) -> None:
    wrap_up = state.agents[fact.agent].wrap_up
    assert wrap_up is not None, f"{fact.agent} has no wrap-up to extend"
    wrap_up.until_ms = fact.until_ms
    state.deadlines.set(fact.until_ms, "wrap-up", fact.agent)


def _wrap_up_ended(state: State, fact: f.WrapUpEnded) -> None:
    agent = state.agents[fact.agent]
    agent.move("wrap-up ended")
    agent.wrap_up = None
    members.free_again(state, agent)
    state.deadlines.drop("wrap-up", fact.agent)
    state.relist(agent)
    members.tidy(state, agent)


def _pause_overdue(state: State, fact: f.PauseOverdue) -> None:
    limits = state.agents[fact.agent].limits
    limits[fact.reason] = limits[fact.reason]._replace(overdue=True)
    state.deadlines.drop("pause", fact.agent, fact.reason)


def _disposition_set(state: State, fact: f.DispositionSet) -> None:
    agent = state.agents[fact.agent]
    call = state.calls.get(fact.call)
    if agent.wrap_up is not None and agent.wrap_up.call == fact.call:
        agent.wrap_up.needs_disposition = False
    elif call is not None and call.answered is not None:
        state.offers[call.answered].disposed = True
    else:
        del agent.owes[fact.call]


def _disposition_missed(state: State, fact: f.DispositionMissed) -> None:
    state.agents[fact.agent].owes[fact.call] = fact.queue


APPLY: Table = {
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
}
