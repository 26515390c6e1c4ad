"""Whom a call waits for alone, and how long: the agent whom it names, or who spoke with the caller last
(docs/routing.md R33, R39)."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final, Literal, NamedTuple

from acd.model import AgentId, Caller, CallId, QueueId
from acd.router import facts as f
from acd.router.last_agents import number_of
from acd.router.settings import QueueSettings
from acd.router.state import Call, Queue, State
from acd.router.turn import SLICE, Turn

CONVERSATION_LEAST_MS: Final = 5_000
"""In less nobody has said what the call is about; and a phone that answers by itself and falls would be rung again."""


class Awaited(NamedTuple):
    """Who alone is offered a call at first, and until when."""

    agent: AgentId | None = None
    until_ms: int | None = None
    last: bool = False
    """Because this agent spoke with the caller last, not because the call names the agent."""


NOBODY: Final = Awaited()


def awaited(state: State, queue: Queue, named: AgentId | None, caller: Caller, since_ms: int, now_ms: int) -> Awaited:
    """Whom a call that comes into the queue waits for: only who is there, and only for a time."""
    settings, age_ms = queue.settings, now_ms - since_ms
    if named is None and not settings.last_agent_ms:
        return NOBODY
    named_ms, last_ms = _while_others_have_time(settings, settings.named_agent_ms, settings.last_agent_ms)
    if named is not None and age_ms < named_ms and state.may_be_waited_for(named, queue):
        return Awaited(named, since_ms + named_ms)
    if age_ms < last_ms:
        number = number_of(caller)
        last = None if number is None else state.last_agents.find(number, now_ms)
        if last is not None and state.may_be_waited_for(last, queue, last=True):
            return Awaited(last, since_ms + last_ms, last=True)
    return NOBODY


def _while_others_have_time(settings: QueueSettings, *times_ms: int) -> Iterator[int]:
    """Half of the longest wait at most: else the caller might be sent away while somebody is free."""
    most_ms = settings.max_wait_ms
    return (time_ms if most_ms is None else min(time_ms, most_ms // 2) for time_ms in times_ms)


def lapses(turn: Turn, call_id: CallId, reason: Literal["time", "away", "refused"] = "time") -> None:
    """The agent had time enough, or is gone, or does not want to."""
    call = turn.state.calls[call_id]
    assert call.named is not None, f"call {call_id} waits for nobody alone"
    turn.say(f.PreferenceLapsed(turn.now_ms, call.id, call.queue, call.named, reason))


def wait_for_the_absent_no_more(turn: Turn) -> None:
    """Calls that wait for an agent who has left the queue may be anyone's: a slice of them, and the rest stays news."""
    absent, room = turn.state.news.absent, SLICE
    while absent:
        queue_id, agent = next(iter(absent))
        some = list(islice(_waiting_in_vain(turn.state, queue_id, agent), room))
        for call in some:
            lapses(turn, call, "away")
        room -= len(some)
        if not room:
            return
        del absent[queue_id, agent]


def _waiting_in_vain(state: State, queue_id: QueueId, agent: AgentId) -> Iterator[CallId]:
    queue = state.queues.get(queue_id)
    if queue is None or state.may_be_waited_for(agent, queue, last=True):
        return iter(())
    if state.may_be_waited_for(agent, queue):
        return (call for call in queue.returning.get(agent, ()) if state.calls[call].group is not None)
    groups = queue.waiting.named.get(agent, {}).values()
    return (place.call for place in chain.from_iterable(groups))


def remember(turn: Turn, call: Call, agent: AgentId, talked_ms: int) -> None:
    """The caller has spoken with this agent: where some queue asks for that, it is remembered, and those whose
    conversation is the longest ago are forgotten for it. While none does, of those who are remembered still: a reload
    may ask for it again."""
    number = None if talked_ms < CONVERSATION_LEAST_MS else number_of(call.caller)
    settings, known = turn.state.settings, turn.state.last_agents
    if number is None or not (turn.state.last_agent_queues or number in known):
        return
    too_many = len(known) + (number not in known) - settings.callers_remembered
    forgets = min(max(too_many, 0), SLICE)
    turn.weight += forgets
    until_ms = turn.now_ms + settings.last_agent_remembered_ms
    turn.say(f.CallerRemembered(turn.now_ms, number, agent, until_ms, forgets))


def forget_some(turn: Turn) -> None:
    """Of a slice of callers it is no more remembered with whom they spoke: their time is over."""
    count = turn.state.last_agents.over(turn.now_ms, SLICE)
    turn.weight += count
    turn.say(f.CallersForgotten(turn.now_ms, count))
