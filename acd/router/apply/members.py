"""An agent's standing in the queues, the phone, the refusals: what several facts about agents change."""

from acd.model import Phone, QueueId
from acd.router.ready import IdlePlace
from acd.router.settings import AgentSettings, Standing
from acd.router.state import REFUSALS_KEPT, Agent, Call, State
from acd.router.states import Membership, Work


def tidy_order(state: State, queue_id: QueueId) -> None:
    """All agents of the queue stand in their places again, if none is left to be put in order."""
    if not state.queues[queue_id].unordered:
        state.deadlines.drop("reorder", queue_id)
        state.news.queues[queue_id] = None


def standing(settings: AgentSettings, queue: QueueId) -> Standing:
    """The agent's standing in a queue; the usual one where the settings name none."""
    return next((standing for standing in settings.standings if standing.queue == queue), Standing(queue))


def count_member(state: State, agent: Agent, queue_id: QueueId, step: int) -> None:
    """One more (or less) who is on duty there, or on a break. Whoever is leaving counts no more, and who holds no chats
    is nobody in a queue for them."""
    entry, queue = agent.queues[queue_id], state.queues.get(queue_id)
    if agent.retired or queue is None or (queue.settings.channel == "chat" and not agent.settings.chats):
        return
    queue.on_duty += step if entry.state is Membership.READY else 0
    queue.on_break += step if entry.state is Membership.PAUSED else 0
    if not queue.on_duty:
        state.news.limits[queue_id] = None


def count_guest(state: State, agent: Agent, queue_id: QueueId, step: int) -> None:
    """One more (or less) is there without being assigned."""
    if not agent.queues[queue_id].joined:
        return
    guests, skills = state.queues[queue_id].guests, agent.skills.skills
    guests[skills] = guests.get(skills, 0) + step
    if not guests[skills]:
        del guests[skills]


def leave(state: State, agent: Agent, queue: QueueId) -> None:
    """The agent belongs to the queue no more."""
    count_member(state, agent, queue, -1)
    count_guest(state, agent, queue, -1)
    del agent.queues[queue]
    forget_limits(state, agent)
    state.relist(agent)
    if queue in state.queues:
        leave_queue(state, agent, queue)


def forget_limits(state: State, agent: Agent) -> None:
    """Of pauses that have ended."""
    for reason in list(agent.limits):
        if all(entry.reason != reason for entry in agent.queues.values()):
            del agent.limits[reason]
            state.deadlines.drop("pause", agent.settings.id, reason)


def leave_queue(state: State, agent: Agent, queue_id: QueueId) -> None:
    """The agent is not logged in there any more."""
    queue = state.queues[queue_id]
    if queue.members.pop(agent.settings.id, False) is None:
        agent.logged_in -= 1
        wait_no_more(state, agent, queue_id)
    if agent.settings.id in queue.unordered:
        del queue.unordered[agent.settings.id]
        tidy_order(state, queue_id)


def wait_no_more(state: State, agent: Agent, queue_id: QueueId) -> None:
    """The agent takes no more calls there, or none for a while: what waits for nobody else is looked at."""
    queue = state.queues.get(queue_id)
    if queue is not None and agent.settings.id in queue.waiting.named:
        state.news.absent[queue_id, agent.settings.id] = None


def tidy(state: State, agent: Agent) -> None:
    """A logged-out agent's phone is let go once no offer or conversation is on it, a retired agent with the last
    work."""
    if not agent.logged_in and (agent.work is Work.IDLE or agent.work is Work.WRAP_UP):
        move_to_phone(state, agent, None)
    if agent.retired and agent.work is Work.IDLE and not agent.chats:
        _forget_agent(state, agent)


def _forget_agent(state: State, agent: Agent) -> None:
    for call in list(agent.refusals):
        forget_refusal(state, agent, state.calls[call])
    for queue in list(agent.queues):
        leave(state, agent, queue)
    state.deadlines.drop("rest", agent.settings.id)
    move_to_phone(state, agent, None)
    state.news.agents.pop(agent.settings.id, None)
    state.leave_skill_set(agent.skills)
    del state.agents[agent.settings.id]


def free_again(state: State, agent: Agent) -> None:
    """Work has ended: from now on the agent is idle."""
    agent.free = IdlePlace(state.now_ms, state.fact_count)


def remember_refusal(state: State, agent: Agent, call: Call, until_ms: int) -> None:
    """Till then the agent is not offered this call."""
    agent.refusals[call.id] = None
    call.refusers[agent.settings.id] = None
    state.deadlines.set(until_ms, "refusal", agent.settings.id, call.id)


def forget_refusal(state: State, agent: Agent, call: Call) -> None:
    """The agent may be offered this call again; and others, if so many refusals had kept those away."""
    had_too_many = len(agent.refusals) >= REFUSALS_KEPT
    del agent.refusals[call.id]
    del call.refusers[agent.settings.id]
    state.deadlines.drop("refusal", agent.settings.id, call.id)
    if call.group is not None:
        state.news.calls[call.id] = None
    if had_too_many:
        state.relist(agent)


def forget_refusals(state: State, call: Call) -> None:
    """Everybody may be offered this call again."""
    for agent in list(call.refusers):
        forget_refusal(state, state.agents[agent], call)


def move_to_phone(state: State, agent: Agent, phone: Phone | None) -> None:
    """Let this phone ring for the agent, in place of the one before; None: no phone."""
    if agent.phone is not None and state.agent_at.get(agent.phone) == agent.settings.id:
        del state.agent_at[agent.phone]
    agent.phone = phone
    if phone is not None:
        state.agent_at[phone] = agent.settings.id
