"""How facts and observations change the board. PURE: the same facts give the same board.

A fact about something unknown changes nothing: somebody may begin to watch in the middle of a day.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from acd.core import Fact
from acd.lab.view.board import (
    CALLS_KEPT,
    IN_TIME_MS,
    STEPS_KEPT,
    AgentRow,
    AgentState,
    Board,
    CallRow,
    DirectRow,
    Heard,
    Observation,
    QueueRow,
    Rang,
    Step,
    StepKind,
    Tally,
    Work,
)
from acd.model import AgentId, Caller, CallId, OfferId, QueueId
from acd.router import facts as f
from acd.router.states import MEMBERSHIP_MOVES, Membership

AT_ONCE_MS: Final = 5
"""A call that waited no longer than this found a ready agent."""


def apply(board: Board, number: int, fact: Fact) -> None:
    """Take in the next fact of the journal; `number` is its own."""
    board.facts = number
    board.began_ms = board.began_ms or fact.at_ms
    board.last_ms = fact.at_ms
    board.last_facts.append((number, fact))
    change = _APPLY.get(type(fact))
    if change is not None:
        change(board, fact)
        _restate(board)


def note(board: Board, seen: Observation) -> None:
    """Take in what a phone tells. It belongs to the call in which that phone is now; without one it is nothing."""
    call = _call_at(board, seen)
    if call is None:
        return
    match seen:
        case Rang():
            _rang(board, call, seen)
        case Heard():
            _heard(board, call, seen)


# --- Observations ---------------------------------------------------------------------------------------------


def _call_at(board: Board, seen: Observation) -> CallRow | None:
    agent = board.agent_at(seen.phone)
    if agent is not None:
        return board.calls.get(agent.call) if agent.call is not None else None
    live = (call for call in reversed(board.calls.values()) if call.state != "over")
    return next((call for call in live if call.number == seen.phone), None)


def _rang(board: Board, call: CallRow, rang: Rang) -> None:
    """Only the first offer, made at once, says something about us; later ones waited for an agent."""
    kinds = [step.kind for step in call.steps]
    first = kinds == ["arrived", "rings"] and call.rang_after_ms is None
    if not first or call.steps[1].at_ms - call.since_ms > AT_ONCE_MS:
        return
    call.rang_after_ms = rang.after_ms
    board.rang_after_ms.append(rang.after_ms)


def _heard(board: Board, call: CallRow, heard: Heard) -> None:
    if board.agent_at(heard.phone) is not None:
        call.heard_by_agent = heard
    else:
        call.heard_by_caller = heard
    if call.heard_by_agent is not None and call.heard_by_caller is not None:
        board.listened += 1
        board.heard += call.was_heard


# --- Settings -------------------------------------------------------------------------------------------------


def _router_configured(board: Board, fact: f.RouterConfigured) -> None:
    board.pauses = {reason.id: reason.name for reason in fact.settings.pause_reasons}


def _queue_configured(board: Board, fact: f.QueueConfigured) -> None:
    queue = board.queues.setdefault(fact.settings.id, QueueRow(fact.settings.id, fact.settings.name))
    queue.name = fact.settings.name


def _queue_removed(board: Board, fact: f.QueueRemoved) -> None:
    board.queues.pop(fact.queue, None)


def _agent_configured(board: Board, fact: f.AgentConfigured) -> None:
    settings = fact.settings
    agent = board.agents.setdefault(settings.id, AgentRow(settings.id, settings.name, settings.phone))
    agent.name, agent.own_phone, agent.retired = settings.name, settings.phone, False
    kept = {*settings.queues, *agent.joined}
    agent.joined = {queue: None for queue in agent.joined if queue not in settings.queues}
    agent.queues = {queue: state for queue, state in agent.queues.items() if queue in kept}
    agent.to_come = {queue: what for queue, what in agent.to_come.items() if queue in kept}


def _agent_retired(board: Board, fact: f.AgentRetired) -> None:
    if fact.agent in board.agents:
        board.agents[fact.agent].retired = True


# --- Calls ----------------------------------------------------------------------------------------------------


def _tallies(board: Board, queue: QueueId) -> list[Tally]:
    return [board.total, *([board.queues[queue].tally] if queue in board.queues else [])]


def _step(board: Board, call: CallId, kind: StepKind, at_ms: int, agent: AgentId | None = None, what: str = "") -> None:
    row = board.calls.get(call)
    if row is not None:
        row.steps.append(Step(kind, at_ms, "" if agent is None else board.name_of(agent), what))


def _call_queued(board: Board, fact: f.CallQueued) -> None:
    steps = deque([Step("arrived", fact.since_ms)], maxlen=STEPS_KEPT)
    board.calls[fact.call] = CallRow(
        fact.call,
        fact.queue,
        fact.caller.number,
        _name_of(board, fact.caller),
        fact.since_ms,
        steps,
        skills=" and ".join(skill.name for skill in fact.required),
    )
    _names(board, fact)
    if fact.queue in board.queues:
        board.queues[fact.queue].waiting[fact.call] = fact.since_ms
    for tally in _tallies(board, fact.queue):
        tally.arrived += 1
    _forget_the_oldest(board)


def _call_moved(board: Board, fact: f.CallMoved) -> None:
    """It has arrived once, and in the end leaves the queue in which it then is."""
    _waits_no_more(board, fact.queue, fact.call)
    _step(board, fact.call, "moved", fact.at_ms, what=board.queue_name(fact.to))
    if fact.to in board.queues:
        board.queues[fact.to].waiting[fact.call] = fact.since_ms
        board.queues[fact.to].tally.arrived += 1
    if fact.call in board.calls:
        board.calls[fact.call].queue = fact.to
    _names(board, fact)


def _names(board: Board, fact: f.CallQueued | f.CallMoved) -> None:
    if fact.call in board.calls:
        board.calls[fact.call].named = "" if fact.named is None else board.name_of(fact.named)


def _preference_lapsed(board: Board, fact: f.PreferenceLapsed) -> None:
    if fact.call in board.calls:
        board.calls[fact.call].named = ""


def _name_of(board: Board, caller: Caller) -> str:
    return board.names.get(caller.number) or caller.name or caller.number or "unknown"


def _forget_the_oldest(board: Board) -> None:
    over = [id_ for id_, call in board.calls.items() if call.state == "over"] if len(board.calls) > CALLS_KEPT else []
    for id_ in over[: len(board.calls) - CALLS_KEPT]:
        del board.calls[id_]


def _waits_no_more(board: Board, queue: QueueId, call: CallId) -> None:
    if queue in board.queues:
        board.queues[queue].waiting.pop(call, None)


def _call_connected(board: Board, fact: f.CallConnected) -> None:
    _waits_no_more(board, fact.queue, fact.call)
    _step(board, fact.call, "talks", fact.at_ms, fact.agent)
    if fact.call in board.calls:
        board.calls[fact.call].heard_by_agent = board.calls[fact.call].heard_by_caller = None
    if fact.offer not in board.chats:
        _work(board, fact.agent, "talking", fact.call)
    if fact.agent in board.agents:
        board.agents[fact.agent].taken += 1
    for tally in _tallies(board, fact.queue):
        tally.answered += 1
        tally.waited_ms += fact.waited_ms
        tally.in_time += fact.waited_ms <= IN_TIME_MS


def _call_ended(board: Board, fact: f.CallEnded) -> None:
    _step(board, fact.call, "ended", fact.at_ms, fact.agent, fact.ended_by)
    _over(board, fact.offer, fact.agent)


def _call_abandoned(board: Board, fact: f.CallAbandoned) -> None:
    _call_left(board, fact, "gave up")
    for tally in _tallies(board, fact.queue):
        tally.gave_up += 1


def _call_given_back(board: Board, fact: f.CallTimedOut | f.CallReturned | f.CallLost) -> None:
    _call_left(board, fact, "timeout" if isinstance(fact, f.CallTimedOut) else fact.reason)
    for tally in _tallies(board, fact.queue):
        tally.returned += 1


def _call_left(board: Board, fact: f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost, what: str) -> None:
    _waits_no_more(board, fact.queue, fact.call)
    _step(board, fact.call, "left", fact.at_ms, what=what)


def _over(board: Board, offer: OfferId, agent: AgentId) -> None:
    """The work in hand is done, unless it was a chat."""
    if offer in board.chats:
        board.chats.remove(offer)
    else:
        _work(board, agent, None)


# --- Offers ---------------------------------------------------------------------------------------------------


def _offer_made(board: Board, fact: f.OfferMade) -> None:
    board.offers += 1
    if fact.call in board.calls:
        _rings(board, board.calls[fact.call], fact)
    if fact.kind == "chat":
        board.chats.add(fact.offer)  # the agent's row shows what the voice does
    else:
        _work(board, fact.agent, "ringing", fact.call, fact.ring_until_ms)


def _rings(board: Board, call: CallRow, fact: f.OfferMade) -> None:
    """Phones that begin to ring in one breath are one step, and one that joins others names them all."""
    call.rings_at[fact.agent] = board.name_of(fact.agent)
    step = Step("rings", fact.at_ms, board.name_of(fact.agent), ring=tuple(call.rings_at.values()))
    if call.steps[-1].kind == "rings" and call.steps[-1].at_ms == fact.at_ms:
        call.steps[-1] = step
    else:
        call.steps.append(step)


def _offer_accepted(board: Board, fact: f.OfferAccepted) -> None:
    row = board.calls.get(fact.call)
    if row is not None and row.steps[-1].kind != "answers":  # it may be said twice
        _step(board, fact.call, "answers", fact.at_ms, fact.agent)


def _offer_ended(board: Board, fact: f.OfferEnded) -> None:
    if fact.call in board.calls:
        board.calls[fact.call].rings_at.pop(fact.agent, None)
    if fact.outcome != "taken":  # another agent was quicker: that one's step tells more
        board.refusals += fact.outcome != "caller-gone"
        _refused(board, fact)
    _over(board, fact.offer, fact.agent)
    if fact.rest_until_ms is not None and fact.agent in board.agents:
        board.agents[fact.agent].rests = True


def _refused(board: Board, fact: f.OfferEnded) -> None:
    call = board.calls.get(fact.call)
    if call is not None:
        left = tuple(call.rings_at.values())
        call.steps.append(Step("refused", fact.at_ms, board.name_of(fact.agent), fact.outcome, left))


def _agent_rested(board: Board, fact: f.AgentRested) -> None:
    if fact.agent in board.agents:
        board.agents[fact.agent].rests = False


# --- Agents ---------------------------------------------------------------------------------------------------


def _work(
    board: Board, agent: AgentId, work: Work | None, call: CallId | None = None, until_ms: int | None = None
) -> None:
    row = board.agents.get(agent)
    if row is not None:
        row.work, row.call, row.until_ms = work, call, until_ms


def _wrap_up_started(board: Board, fact: f.WrapUpStarted) -> None:
    _step(board, fact.call, "wraps up", fact.at_ms, fact.agent)
    _work(board, fact.agent, "wrap-up", fact.call, fact.until_ms)


def _wrap_up_extended(board: Board, fact: f.WrapUpExtended) -> None:
    row = board.agents.get(fact.agent)
    if row is not None and row.work == "wrap-up":
        row.until_ms = fact.until_ms


def _change_postponed(board: Board, fact: f.ChangePostponed) -> None:
    if fact.agent in board.agents:
        what = "off" if fact.reason is None else board.pauses.get(fact.reason, fact.reason)
        board.agents[fact.agent].to_come[fact.queue] = what


def _wrap_up_ended(board: Board, fact: f.WrapUpEnded) -> None:
    _step(board, fact.call, "done", fact.at_ms, fact.agent, fact.by)
    _work(board, fact.agent, None)


_REQUESTS: Final[dict[type[Fact], str]] = {
    f.AgentLoggedIn: "log in",
    f.AgentBecameReady: "get ready",
    f.AgentPaused: "pause",
    f.AgentLoggedOut: "log out",
}


def _membership(board: Board, fact: f.AgentLoggedIn | f.AgentBecameReady | f.AgentPaused | f.AgentLoggedOut) -> None:
    agent = board.agents.get(fact.agent)
    if agent is None:
        return
    for queue in fact.queues:
        before = agent.queues.get(queue, Membership.LOGGED_OUT)
        agent.queues[queue] = MEMBERSHIP_MOVES.get((before, _REQUESTS[type(fact)]), before)
        if not isinstance(fact, f.AgentLoggedIn) or agent.to_come.get(queue) == "off":
            agent.to_come.pop(queue, None)
    if isinstance(fact, f.AgentLoggedIn | f.AgentBecameReady):
        agent.joined.update(dict.fromkeys(fact.joined))
    if isinstance(fact, f.AgentLoggedIn):
        agent.at_phone = fact.phone
    if isinstance(fact, f.AgentLoggedOut):
        agent.joined = {queue: None for queue in agent.joined if queue not in fact.queues}
    if isinstance(fact, f.AgentPaused):
        agent.pause = board.pauses.get(fact.reason, fact.reason)


def _direct_call_started(board: Board, fact: f.DirectCallStarted) -> None:
    board.direct[fact.line] = DirectRow(fact.phone, fact.direction)


def _direct_call_excluded(board: Board, fact: f.DirectCallExcluded) -> None:
    direct = board.direct.get(fact.line)
    if direct is not None:
        board.direct[fact.line] = replace(direct, code=True)


def _direct_call_ended(board: Board, fact: f.DirectCallEnded) -> None:
    board.direct.pop(fact.line, None)


def _restate(board: Board) -> None:
    """What agents are may have changed by anything: some dozen agents are looked at quickly."""
    busy = {direct.phone for direct in board.direct.values()}
    for agent in list(board.agents.values()):
        state = _state_of(agent, agent.at_phone in busy)
        if state != agent.state:
            agent.state, agent.since_ms = state, board.last_ms
        if state == "logged out":
            agent.at_phone = None
        if agent.retired and agent.work is None:
            del board.agents[agent.id]


def _state_of(agent: AgentRow, on_direct_call: bool) -> AgentState:
    states = set(agent.queues.values())
    if agent.work is not None:
        return agent.work
    if states <= {Membership.LOGGED_OUT}:
        return "logged out"
    if on_direct_call:
        return "direct call"
    if Membership.READY not in states:
        return "paused"
    return "resting" if agent.rests else "ready"


# --- Servers --------------------------------------------------------------------------------------------------


def _server_went_quiet(board: Board, fact: f.ServerWentQuiet) -> None:
    board.servers[fact.server] = False


def _server_settled(board: Board, fact: f.ServerSettled) -> None:
    board.servers[fact.server] = fact.up


_APPLY: Final[dict[type[Fact], Callable[[Board, Any], None]]] = {
    f.RouterConfigured: _router_configured,
    f.QueueConfigured: _queue_configured,
    f.QueueRemoved: _queue_removed,
    f.AgentConfigured: _agent_configured,
    f.AgentRetired: _agent_retired,
    f.CallQueued: _call_queued,
    f.CallMoved: _call_moved,
    f.PreferenceLapsed: _preference_lapsed,
    f.CallConnected: _call_connected,
    f.CallEnded: _call_ended,
    f.CallAbandoned: _call_abandoned,
    f.CallTimedOut: _call_given_back,
    f.CallReturned: _call_given_back,
    f.CallLost: _call_given_back,
    f.OfferMade: _offer_made,
    f.OfferAccepted: _offer_accepted,
    f.OfferEnded: _offer_ended,
    f.AgentRested: _agent_rested,
    f.AgentLoggedIn: _membership,
    f.AgentBecameReady: _membership,
    f.AgentPaused: _membership,
    f.AgentLoggedOut: _membership,
    f.ChangePostponed: _change_postponed,
    f.WrapUpStarted: _wrap_up_started,
    f.WrapUpExtended: _wrap_up_extended,
    f.WrapUpEnded: _wrap_up_ended,
    f.DirectCallStarted: _direct_call_started,
    f.DirectCallExcluded: _direct_call_excluded,
    f.DirectCallEnded: _direct_call_ended,
    f.ServerWentQuiet: _server_went_quiet,
    f.ServerSettled: _server_settled,
}
