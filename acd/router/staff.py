"""Requests of people: log in, pause, get ready, log out, end or extend the wrap-up. Each is answered by exactly one
fact (docs/routing.md R12 to R15, R40 to R46)."""

from typing import assert_never

from acd.model import Phone, QueueId, RequestId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router import memberships, wrap_ups
from acd.router.rights import Rights, rights
from acd.router.settings import CLASSES_MOST
from acd.router.state import Agent, Queue, State
from acd.router.states import Membership, Work, may_move
from acd.router.turn import Turn

Refusal = f.RequestRefusal
Done = Refusal | tuple[QueueId, ...] | None
"""What became of a request: why not, or the queues in which it is still to come, if any."""


def ask(turn: Turn, request: i.Request) -> None:
    """Do as asked, or say why not."""
    done = _try(turn, request)
    if isinstance(done, str):
        turn.say(f.RequestRefused(turn.now_ms, RequestId(request.request), request.agent, done))
    else:
        turn.say(f.RequestAccepted(turn.now_ms, RequestId(request.request), request.agent, done or ()))


def _try(turn: Turn, request: i.Request) -> Done:
    agent = turn.state.agents.get(request.agent)
    if agent is None or agent.retired:
        return "unknown-agent"
    may = rights(turn.state, request.by, request.agent)
    return "not-allowed" if may is None else _do(turn, agent, request, may)


def _do(turn: Turn, agent: Agent, request: i.Request, may: Rights) -> Done:
    match request:
        case i.LogIn():
            return _log_in(turn, agent, request, may)
        case i.LogOut():
            return _log_out(turn, agent, request, may)
        case i.Pause():
            return _pause(turn, agent, request, may)
        case i.GetReady():
            return _get_ready(turn, agent, request, may)
        case i.EndWrapUp() | i.ExtendWrapUp():
            return _wrap_up(turn, agent, request, may)
        case i.SetDisposition():
            return _disposition(turn, agent, request, may)
        case _:
            assert_never(request)


def _wrap_up(turn: Turn, agent: Agent, request: i.EndWrapUp | i.ExtendWrapUp, may: Rights) -> Refusal | None:
    queue = turn.state.queue_at_work(agent)
    if queue is not None and not may.has(queue):
        return "not-allowed"
    if isinstance(request, i.EndWrapUp):
        return wrap_ups.end(turn, agent, request.by)
    return wrap_ups.extend(turn, agent, request.for_ms, request.by)


def _disposition(turn: Turn, agent: Agent, request: i.SetDisposition, may: Rights) -> Refusal | None:
    of = wrap_ups.meant(turn.state, agent, request.call)
    if of is not None and not may.has(of.queue):
        return "not-allowed"
    return wrap_ups.dispose(turn, agent, of, request.disposition, request.by)


def _log_in(turn: Turn, agent: Agent, request: i.LogIn, may: Rights) -> Refusal | None:
    queues = may.choose(request.queues, _open(turn, agent.settings.queues))
    if queues == "not-allowed":
        return "not-allowed"
    phone = agent.phone or agent.settings.phone
    if request.phone is not None and (agent.settings.hot_desking or agent.settings.phone is None):
        phone = request.phone
    refusal = _check_queues(turn, agent, queues) or _check_owed(turn, agent)
    if refusal is not None:
        return refusal
    if phone is not None and _is_taken(turn.state, agent, phone) and _are_chats(turn, queues):
        phone = agent.phone  # for chats the one in hand, or none, will do
    if phone != agent.phone and not all(map(may.has, memberships.logged_in(agent))):
        return "not-allowed"  # it is the phone of those queues, too
    refusal = _check_phone(turn, agent, phone, queues)
    if refusal is not None:
        return refusal
    joined = _joined(agent, queues)
    turn.say(f.AgentLoggedIn(turn.now_ms, agent.settings.id, queues, phone, request.by, joined))
    return None


def _joined(agent: Agent, queues: tuple[QueueId, ...]) -> tuple[QueueId, ...]:
    """Those to which the agent is not assigned."""
    return tuple(queue for queue in queues if queue not in agent.settings.queues)


def _open(turn: Turn, queues: tuple[QueueId, ...]) -> tuple[QueueId, ...]:
    """Those that exist and take calls: what is asked for all queues leaves out the others."""
    return tuple(queue for queue in dict.fromkeys(queues) if _is_open(turn, queue))


def _is_open(turn: Turn, queue: QueueId) -> bool:
    return queue in turn.state.queues and not turn.state.queues[queue].retired


def _check_queues(turn: Turn, agent: Agent, queues: tuple[QueueId, ...]) -> Refusal | None:
    for queue in queues:
        refusal = _check_queue(turn, agent, queue)
        if refusal is not None:
            return refusal
    return None if queues else "not-assigned"


def _check_queue(turn: Turn, agent: Agent, queue: QueueId) -> Refusal | None:
    if not _is_open(turn, queue):
        return "unknown-queue"
    if queue in agent.settings.queues or queue in agent.queues:
        return None
    return _check_guest(agent, turn.state.queues[queue])


def _check_guest(agent: Agent, queue: Queue) -> Refusal | None:
    """Whether an agent who is not assigned to the queue may join it. A match looks at the first agent of each set of
    skills there: of those who are assigned the configuration bounds them."""
    if not queue.settings.may_join:
        return "not-assigned"
    if len(queue.guests) >= CLASSES_MOST and agent.skills.skills not in queue.guests:
        return "too-many-skill-sets"
    return None


def _check_owed(turn: Turn, agent: Agent) -> Refusal | None:
    """Before all else it is said what came of the calls that are over."""
    return "no-disposition" if memberships.owes(turn.state, agent) else None


def _check_phone(turn: Turn, agent: Agent, phone: Phone | None, queues: tuple[QueueId, ...]) -> Refusal | None:
    if phone is None:
        return None if _are_chats(turn, queues) else "no-phone"
    if _is_taken(turn.state, agent, phone):
        return "phone-taken"
    if phone != agent.phone and (agent.work not in {Work.IDLE, Work.WRAP_UP} or _talks_directly(turn.state, agent)):
        return "at-work"
    return None


def _is_taken(state: State, agent: Agent, phone: Phone) -> bool:
    """Whether the phone is another agent's, or another one still talks on it who has logged out meanwhile."""
    talk = (state.direct_calls[line] for line in state.lines_of.get(phone, ()))
    others = {state.agent_at.get(phone), *(direct.agent for direct in talk if direct.counted)}
    return bool(others - {None, agent.settings.id})


def _talks_directly(state: State, agent: Agent) -> bool:
    """Whether a direct call is on the agent's phone; the feature code by which this is asked is none."""
    lines = () if agent.phone is None else state.lines_of.get(agent.phone, ())
    return any(state.direct_calls[line].counted for line in lines)


def _are_chats(turn: Turn, queues: tuple[QueueId, ...]) -> bool:
    """Whether no phone is needed in these queues."""
    return all(turn.state.queues[queue].settings.channel == "chat" for queue in queues)


def _get_ready(turn: Turn, agent: Agent, request: i.GetReady, may: Rights) -> Refusal | None:
    logged_in = memberships.logged_in(agent)
    queues = may.choose(request.queues, _open(turn, logged_in or agent.settings.queues), agent.settings.queues)
    if queues == "not-allowed":
        return "not-allowed"
    if logged_in and not queues:
        return "not-logged-in"
    refusal = _check_queues(turn, agent, queues) or _check_owed(turn, agent)
    if refusal is not None:
        return refusal
    if agent.phone is None and not (agent.logged_in and _are_chats(turn, queues)):
        log_in = i.LogIn(request=request.request, agent=request.agent, by=request.by, queues=queues)
        refusal = _log_in(turn, agent, log_in, may)
        if refusal is not None:
            return refusal
    turn.say(f.AgentBecameReady(turn.now_ms, agent.settings.id, queues, request.by, _joined(agent, queues)))
    return None


def _pause(turn: Turn, agent: Agent, request: i.Pause, may: Rights) -> Done:
    if all(reason.id != request.reason for reason in turn.state.settings.pause_reasons):
        return "unknown-reason"
    queues = may.choose(request.queues, memberships.logged_in(agent), agent.settings.queues)
    if queues == "not-allowed":
        return "not-allowed"
    if not _all_may(agent, queues, "pause"):
        return "not-logged-in"
    return memberships.pause(turn, agent, queues, request.reason, request.by)


def _log_out(turn: Turn, agent: Agent, request: i.LogOut, may: Rights) -> Done:
    queues = may.choose(request.queues, memberships.logged_in(agent), agent.settings.queues)
    if queues == "not-allowed":
        return "not-allowed"
    if not _all_may(agent, queues, "log out"):
        return "not-logged-in"
    return memberships.log_out(turn, agent, queues, request.by)


def _all_may(agent: Agent, queues: tuple[QueueId, ...], request: str) -> bool:
    """Whether the request is legal in every one of the queues, and there is at least one."""
    return bool(queues) and all(may_move(_state_in(agent, queue), request) for queue in queues)


def _state_in(agent: Agent, queue: QueueId) -> Membership:
    entry = agent.queues.get(queue)
    return Membership.LOGGED_OUT if entry is None else entry.state
