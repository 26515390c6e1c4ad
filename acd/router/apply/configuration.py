"""The journal's opening, the settings, queues that open and close, days that begin."""

from acd.model import QueueId
from acd.router import facts as f
from acd.router.apply import members
from acd.router.apply.table import Table
from acd.router.state import Agent, Queue, State, Supervisor


def _journal_opened(state: State, fact: f.JournalOpened) -> None:
    state.tag = fact.tag
    state.seed = fact.seed


def _router_configured(state: State, fact: f.RouterConfigured) -> None:
    state.settings = fact.settings


def _queue_configured(state: State, fact: f.QueueConfigured) -> None:
    queue = state.queues.get(fact.settings.id)
    state.last_agent_queues += fact.settings.last_agent_ms > 0
    if queue is None:
        state.queues[fact.settings.id] = Queue(fact.settings)
        state.news.seen.enter(fact.settings.id)
        return
    state.last_agent_queues -= queue.settings.last_agent_ms > 0
    queue.settings = fact.settings
    queue.waiting.packed = None
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
        state.deadlines.set(state.now_ms, "reorder", queue_id)


def _queue_unordered(state: State, fact: f.QueueUnordered) -> None:
    del state.recount[fact.queue]
    if not state.recount:
        state.deadlines.drop("recount", "")
    _disorder(state, fact.queue)


def _agents_reordered(state: State, fact: f.AgentsReordered) -> None:
    queue = state.queues[fact.queue]
    for agent_id in fact.agents:
        del queue.unordered[agent_id]
        state.list_anew(state.agents[agent_id], queue)
    members.tidy_order(state, fact.queue)


def _day_began(state: State, fact: f.DayBegan) -> None:
    state.day += 1
    state.day_began_ms = fact.at_ms
    state.recount = dict.fromkeys(fact.queues)
    if state.recount:
        state.deadlines.set(fact.at_ms, "recount", "")
    else:
        state.deadlines.drop("recount", "")


def _queue_retired(state: State, fact: f.QueueRetired) -> None:
    state.queues[fact.queue].retired = True
    state.deadlines.set(fact.at_ms, "retire", fact.queue)


def _queue_closed(state: State, fact: f.QueueClosed) -> None:
    state.queues[fact.queue].closed = True
    state.news.limits[fact.queue] = None


def _queue_opened(state: State, fact: f.QueueOpened) -> None:
    state.queues[fact.queue].closed = False


def _leaving_began(state: State, fact: f.LeavingBegan) -> None:
    state.queues[fact.queue].leaving = True
    state.deadlines.set(fact.at_ms, "leave", fact.queue)


def _leaving_ended(state: State, fact: f.LeavingEnded) -> None:
    queue = state.queues[fact.queue]
    queue.leaving = False
    state.deadlines.drop("leave", fact.queue)
    if queue.waiting:
        state.news.queues[fact.queue] = None


def _queue_drained(state: State, fact: f.QueueDrained) -> None:
    state.deadlines.drop("retire", fact.queue)


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
    state.news.seen.drop(fact.queue)
    state.openings.set(fact.queue, None)
    state.recount.pop(fact.queue, None)
    if not state.recount:
        state.deadlines.drop("recount", "")
    state.last_agent_queues -= queue.settings.last_agent_ms > 0
    del state.queues[fact.queue]


def _agent_configured(state: State, fact: f.AgentConfigured) -> None:
    skills = state.take_skill_set(fact.settings.skills)
    agent = state.agents.get(fact.settings.id)
    if agent is None:
        agent = state.agents[fact.settings.id] = Agent(fact.settings, skills)
    else:
        state.leave_skill_set(agent.skills)
        for queue in agent.queues:
            members.count_member(state, agent, queue, -1)
            members.count_guest(state, agent, queue, -1)
    agent.settings, agent.skills, agent.retired = fact.settings, skills, False
    for queue in agent.queues:
        members.count_member(state, agent, queue, 1)
    for queue, entry in list(agent.queues.items()):
        entry.joined = entry.joined and queue not in fact.settings.queues
        if queue not in fact.settings.queues and not entry.joined:
            members.leave(state, agent, queue)
    for queue, entry in agent.queues.items():
        entry.standing = members.standing(fact.settings, queue)
        members.count_guest(state, agent, queue, 1)
        if not fact.settings.chats:
            members.wait_no_more(state, agent, queue)
    state.relist(agent)
    members.tidy(state, agent)


def _agent_retired(state: State, fact: f.AgentRetired) -> None:
    agent = state.agents[fact.agent]
    for queue in agent.queues:
        members.count_member(state, agent, queue, -1)
        members.wait_no_more(state, agent, queue)
    agent.retired = True
    state.relist(agent)
    members.tidy(state, agent)


def _supervisor_configured(state: State, fact: f.SupervisorConfigured) -> None:
    state.supervisors[fact.settings.id] = Supervisor(fact.settings, dict.fromkeys(fact.settings.queues))


def _supervisor_retired(state: State, fact: f.SupervisorRetired) -> None:
    del state.supervisors[fact.supervisor]


APPLY: Table = {
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
}
