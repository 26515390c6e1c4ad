"""Requests: log in, pause, get ready, log out, end the wrap-up. Each is answered by exactly one fact
(docs/routing.md R12 to R15)."""

from typing import assert_never

from acd.model import Phone, QueueId, RequestId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.state import Agent
from acd.router.states import Membership, Work, may_move
from acd.router.turn import Turn

Refusal = f.RequestRefusal


def ask(turn: Turn, request: i.Request) -> None:
    """Do as asked, or say why not."""
    agent = turn.state.agents.get(request.agent)
    if agent is None or agent.retired:
        _answer(turn, request, "unknown-agent")
        return
    match request:
        case i.LogIn():
            refusal = _log_in(turn, agent, request)
        case i.LogOut():
            refusal = _log_out(turn, agent, request)
        case i.Pause():
            refusal = _pause(turn, agent, request)
        case i.GetReady():
            refusal = _get_ready(turn, agent, request)
        case i.EndWrapUp():
            refusal = end_wrap_up(turn, agent, request.by)
        case _:
            assert_never(request)
    _answer(turn, request, refusal)


def _answer(turn: Turn, request: i.Request, refusal: Refusal | None) -> None:
    if refusal is None:
        turn.say(f.RequestAccepted(turn.now_ms, RequestId(request.request), request.agent))
    else:
        turn.say(f.RequestRefused(turn.now_ms, RequestId(request.request), request.agent, refusal))


def _log_in(turn: Turn, agent: Agent, request: i.LogIn) -> Refusal | None:
    queues = _once(request.queues) or _open(turn, agent.settings.queues)
    refusal = _check_queues(turn, agent, queues)
    if refusal is not None:
        return refusal
    phone = agent.phone or agent.settings.phone
    if request.phone is not None and (agent.settings.hot_desking or agent.settings.phone is None):
        phone = request.phone
    refusal = _check_phone(turn, agent, phone)
    if refusal is not None:
        return refusal
    assert phone is not None, "checked just now"
    turn.say(f.AgentLoggedIn(turn.now_ms, agent.settings.id, queues, phone, request.by))
    return None


def _once(queues: tuple[QueueId, ...]) -> tuple[QueueId, ...]:
    """Each queue once: nobody can log out of the same queue twice."""
    return tuple(dict.fromkeys(queues))


def _open(turn: Turn, queues: tuple[QueueId, ...]) -> tuple[QueueId, ...]:
    """Those that exist and take calls: what is asked for all queues leaves out the others."""
    return tuple(queue for queue in _once(queues) if _is_open(turn, queue))


def _is_open(turn: Turn, queue: QueueId) -> bool:
    return queue in turn.state.queues and not turn.state.queues[queue].retired


def _check_queues(turn: Turn, agent: Agent, queues: tuple[QueueId, ...]) -> Refusal | None:
    for queue in queues:
        if not _is_open(turn, queue):
            return "unknown-queue"
        if queue not in agent.settings.queues:
            return "not-assigned"
    return None if queues else "not-assigned"


def _check_phone(turn: Turn, agent: Agent, phone: Phone | None) -> Refusal | None:
    if phone is None:
        return "no-phone"
    if turn.state.agent_at.get(phone, agent.settings.id) != agent.settings.id:
        return "phone-taken"
    if phone != agent.phone and agent.work not in {Work.IDLE, Work.WRAP_UP}:
        return "at-work"
    return None


def _get_ready(turn: Turn, agent: Agent, request: i.GetReady) -> Refusal | None:
    queues = _once(request.queues) or _open(turn, _logged_in(agent) or agent.settings.queues)
    refusal = _check_queues(turn, agent, queues)
    if refusal is not None:
        return refusal
    if agent.phone is None:
        refusal = _log_in(
            turn, agent, i.LogIn(request=request.request, agent=request.agent, by=request.by, queues=queues)
        )
        if refusal is not None:
            return refusal
    turn.say(f.AgentBecameReady(turn.now_ms, agent.settings.id, queues, request.by))
    return None


def _pause(turn: Turn, agent: Agent, request: i.Pause) -> Refusal | None:
    if all(reason.id != request.reason for reason in turn.state.settings.pause_reasons):
        return "unknown-reason"
    queues = _once(request.queues) or _logged_in(agent)
    if not _all_may(agent, queues, "pause"):
        return "not-logged-in"
    turn.say(f.AgentPaused(turn.now_ms, agent.settings.id, queues, request.reason, request.by))
    return None


def _log_out(turn: Turn, agent: Agent, request: i.LogOut) -> Refusal | None:
    queues = _once(request.queues) or _logged_in(agent)
    if not _all_may(agent, queues, "log out"):
        return "not-logged-in"
    turn.say(f.AgentLoggedOut(turn.now_ms, agent.settings.id, queues, request.by))
    return None


def _logged_in(agent: Agent) -> tuple[QueueId, ...]:
    return tuple(queue for queue, entry in agent.queues.items() if entry.state is not Membership.LOGGED_OUT)


def _all_may(agent: Agent, queues: tuple[QueueId, ...], request: str) -> bool:
    """Whether the request is legal in every one of the queues, and there is at least one."""
    return bool(queues) and all(may_move(_state_in(agent, queue), request) for queue in queues)


def _state_in(agent: Agent, queue: QueueId) -> Membership:
    entry = agent.queues.get(queue)
    return Membership.LOGGED_OUT if entry is None else entry.state


def end_wrap_up(turn: Turn, agent: Agent, by: str) -> Refusal | None:
    """The work after the call is done; `by` is `time` where nobody ended it."""
    if agent.wrap_up is None:
        return "not-in-wrap-up"
    wrap_up = agent.wrap_up
    turn.say(f.WrapUpEnded(turn.now_ms, agent.settings.id, wrap_up.call, wrap_up.queue, by))
    return None
