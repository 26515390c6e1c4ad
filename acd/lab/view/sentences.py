"""What happened, as one says it: a sentence for each fact and observation that is worth one. PURE.

The board is the one to which the fact was applied already: it knows everybody's names.
"""

from collections.abc import Callable
from typing import Any, Final

from acd.core import Fact
from acd.lab.view.board import Board, Heard, Observation, Rang
from acd.model import CallId, Phone, QueueId
from acd.router import facts as f


def sentence(board: Board, fact: Fact) -> str | None:
    """What the fact says, or None where nobody wants to hear it."""
    say = _SAY.get(type(fact))
    return None if say is None else say(board, fact)


def observed(board: Board, seen: Observation) -> str:
    """What the phone tells."""
    agent = board.agent_at(seen.phone)
    who = agent.name if agent is not None else _caller_on(board, seen)
    match seen:
        case Rang():
            return f"{who}'s phone rings {moment(seen.after_ms)} after the caller's INVITE"
        case Heard():
            return f"{who} {heard(seen)}"


def heard(seen: Heard) -> str:
    """What is heard, in words."""
    if not seen.good:
        return "does not hear the other side"
    if seen.level_dbfs is None or seen.hz is None:
        return "hears the other side"
    return f"hears {seen.hz:.0f} Hz at {seen.level_dbfs:.0f} dBFS"


def moment(ms: float) -> str:
    """A time that is mostly short."""
    return f"{ms:.1f} ms" if ms < 1_000 else seconds(ms)


def seconds(ms: float) -> str:
    """A time that people can take in."""
    return f"{ms / 1_000:.1f} s" if ms < 100_000 else f"{ms / 60_000:.0f} min"


def summary(board: Board, title: str) -> str:
    """The whole demo in a few sentences; `title` says on what it ran."""
    total, level, wait, ring = board.total, board.total.service_level, board.total.average_wait_ms, board.ring_median_ms
    words = [f"{_many(total.arrived, 'call')} on {title}: {total.answered} answered, {total.gave_up} gave up"]
    if level is not None:
        words[0] += f", {100 * level:.0f} % answered within 20 s"
    if wait is not None:
        words[0] += f", average wait {seconds(wait)}"
    if ring is not None:
        words.append(f"A ready agent's phone rang {ring:.1f} ms after the caller's INVITE (median)")
    if board.listened:
        words.append(f"In {board.heard} of {_many(board.listened, 'conversation')} both sides heard each other")
    return ". ".join(words) + "."


def _at(phone: Phone | None) -> str:
    return "" if phone is None else f" at phone {phone}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _caller_on(board: Board, seen: Observation) -> str:
    calls = (call.who for call in reversed(board.calls.values()) if call.number == seen.phone)
    return next(calls, seen.phone)


def _who(board: Board, call: CallId) -> str:
    return board.calls[call].who if call in board.calls else "a caller"


def _queue(board: Board, queue: QueueId) -> str:
    return board.queues[queue].name if queue in board.queues else queue


def _queued(board: Board, fact: f.CallQueued) -> str:
    """How many stand before, those whose agent's phone rings already left aside."""
    waiting = board.queues[fact.queue].waiting if fact.queue in board.queues else {}
    before = sum(id_ in board.calls and board.calls[id_].state == "waiting" for id_ in waiting if id_ != fact.call)
    asks = board.calls[fact.call].asks_for if fact.call in board.calls else ""
    wish = f" for {asks}" if asks else ""
    behind = f", behind {before}" if before else ""
    return f"{_who(board, fact.call)} calls {_queue(board, fact.queue)}{wish}{behind}"


def _offer_ended(board: Board, fact: f.OfferEnded) -> str:
    agent, caller = board.name_of(fact.agent), _who(board, fact.call)
    words: dict[f.OfferOutcome, str] = {
        "declined": f"{agent} declines {caller}",
        "busy": f"{agent}'s phone is busy",
        "no-answer": f"{agent} does not answer {caller}",
        "unreachable": f"{agent}'s phone cannot be reached",
        "failed": f"{agent}'s phone could not be rung",
        "agent-left": f"{agent} leaves before {caller} is there",
        "caller-gone": f"{agent}'s phone stops ringing",
        "lost": f"nobody knows what became of {agent}'s phone",
        "withdrawn": f"{agent} is not rung any more",
        "taken": f"{agent}'s phone stops: somebody was quicker",
    }
    return words[fact.outcome]


def _ended(board: Board, fact: f.CallEnded) -> str:
    agent, caller = board.name_of(fact.agent), _who(board, fact.call)
    talked = seconds(fact.talked_ms)
    match fact.ended_by:
        case "caller":
            return f"{caller} hangs up after {talked} with {agent}"
        case "agent":
            return f"{agent} hangs up after {talked} with {caller}"
        case "system":
            return f"{caller} and {agent} are parted after {talked}"


def _direct_call_started(board: Board, fact: f.DirectCallStarted) -> str | None:
    if fact.agent is None:
        return None
    return f"{board.name_of(fact.agent)} {'dials' if fact.direction == 'out' else 'is called'}, past all queues"


def _direct_call_excluded(board: Board, fact: f.DirectCallExcluded) -> str | None:
    direct = board.direct.get(fact.line)
    agent = None if direct is None else board.agent_at(direct.phone)
    return None if agent is None else f"{agent.name} keys in a feature code"


def _direct_call_ended(board: Board, fact: f.DirectCallEnded) -> str | None:
    if fact.agent is None or not fact.counted:
        return None
    return f"{board.name_of(fact.agent)}'s direct call is over"


_SAY: Final[dict[type[Fact], Callable[[Board, Any], str | None]]] = {
    f.JournalOpened: lambda _board, fact: f"the engine opens its journal {fact.tag}",
    f.CallQueued: _queued,
    f.CallRefused: lambda board, fact: f"a call to {_queue(board, fact.queue)} is refused: {fact.reason}",
    f.CallMoved: lambda board, fact: (
        f"{_who(board, fact.call)} goes on waiting in {_queue(board, fact.to)}: {fact.via[-1].reason}"
    ),
    f.PreferenceLapsed: lambda board, fact: (
        f"{_who(board, fact.call)} waits for {board.name_of(fact.agent)} no more: anyone may take the call"
    ),
    f.CallbackOffered: lambda board, fact: (
        f"{fact.caller.name or fact.caller.number or 'a caller'} is to be called back by {_queue(board, fact.queue)}"
    ),
    f.QueueClosed: lambda board, fact: f"{_queue(board, fact.queue)} closes",
    f.QueueOpened: lambda board, fact: f"{_queue(board, fact.queue)} opens",
    f.CallConnected: lambda board, fact: (
        f"{board.name_of(fact.agent)} talks with {_who(board, fact.call)}, who waited {seconds(fact.waited_ms)}"
    ),
    f.CallEnded: _ended,
    f.CallAbandoned: lambda board, fact: f"{_who(board, fact.call)} gives up after {seconds(fact.waited_ms)}",
    f.CallTimedOut: lambda board, fact: f"{_who(board, fact.call)} has waited too long and goes back",
    f.CallReturned: lambda board, fact: f"{_who(board, fact.call)} goes back: {fact.reason}",
    f.CallLost: lambda board, fact: f"{_who(board, fact.call)} is gone: {fact.reason}",
    f.OfferMade: lambda board, fact: f"{board.name_of(fact.agent)}'s phone is to ring for {_who(board, fact.call)}",
    f.OfferAccepted: lambda board, fact: f"{board.name_of(fact.agent)} picks up",
    f.OfferEnded: _offer_ended,
    f.RefusalLapsed: lambda board, fact: f"{board.name_of(fact.agent)} may be offered {_who(board, fact.call)} again",
    f.AgentRested: lambda board, fact: f"{board.name_of(fact.agent)}'s phone is tried again",
    f.AgentLoggedIn: lambda board, fact: (
        f"{board.name_of(fact.agent)} logs in{_at(fact.phone)} for {_queues(board, fact.queues)}"
    ),
    f.AgentBecameReady: lambda board, fact: f"{board.name_of(fact.agent)} is back",
    f.AgentPaused: lambda board, fact: (
        f"{board.name_of(fact.agent)} pauses: {board.pauses.get(fact.reason, fact.reason)}"
    ),
    f.AgentLoggedOut: lambda board, fact: f"{board.name_of(fact.agent)} logs out",
    f.PauseOverdue: lambda board, fact: (
        f"{board.name_of(fact.agent)} should be back: {board.pauses.get(fact.reason, fact.reason)}"
    ),
    f.DispositionSet: lambda board, fact: f"{board.name_of(fact.agent)} says what came of it: {fact.disposition}",
    f.DispositionMissed: lambda board, fact: f"{board.name_of(fact.agent)} has not said what came of it",
    f.ChangePostponed: lambda board, fact: (
        f"{board.name_of(fact.agent)} will {_later(board, fact)} when the work in hand is done"
    ),
    f.WrapUpExtended: lambda board, fact: (
        f"{board.name_of(fact.agent)} wraps up for {seconds(fact.until_ms - fact.at_ms)} more"
    ),
    f.WrapUpStarted: lambda board, fact: (
        f"{board.name_of(fact.agent)} wraps up for {seconds(fact.until_ms - fact.at_ms)} at most"
    ),
    f.WrapUpEnded: lambda board, fact: f"{board.name_of(fact.agent)} has wrapped up",
    f.DirectCallStarted: _direct_call_started,
    f.DirectCallExcluded: _direct_call_excluded,
    f.DirectCallEnded: _direct_call_ended,
    f.ServerWentQuiet: lambda _board, fact: f"server {fact.server} is not heard of",
    f.ServerSettled: lambda _board, fact: f"server {fact.server} is up" if fact.up else None,
}


def _later(board: Board, fact: f.ChangePostponed) -> str:
    return "log out" if fact.reason is None else f"pause ({board.pauses.get(fact.reason, fact.reason)})"


def _queues(board: Board, queues: tuple[QueueId, ...]) -> str:
    return " and ".join(", ".join(_queue(board, queue) for queue in queues).rsplit(", ", 1))
