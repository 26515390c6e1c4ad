"""PURE. The rooms of the core as one machine: `handle(input, now_ms) -> facts`.

Today the one room is the router; callbacks and campaigns will stand beside it. Whoever owns a `Core` calls it from
one task only, and lets nothing act on the facts before they are committed.
"""

from collections.abc import Callable, Iterable
from typing import Any, get_args

from acd.router import (
    calls,
    configuration,
    links,
    matching,
    memberships,
    offers,
    phones,
    preferences,
    servers,
    staff,
    wrap_ups,
)
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.apply import apply
from acd.router.deadlines import Deadline, Kind
from acd.router.facts import Fact
from acd.router.inputs import Input
from acd.router.settings import Configured
from acd.router.state import State
from acd.router.turn import Turn

__all__ = ["Core", "Fact", "Input", "NotTaken", "fold"]


class NotTaken(Exception):
    """An input did not reach the core. Whoever reports drops its link: the next report mends what was missed."""


class Core:
    """The state and its one entrance."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self._turn = Turn(self.state)

    def handle(self, asked: Input, now_ms: int) -> list[Fact]:
        """Apply what is due, then the input, then match once. `now_ms` (UTC) never goes back.

        Of very many deadlines at one instant only a slice is taken: call again with `PassTime` while
        `next_deadline_ms` is not later than now.
        """
        state, turn = self.state, self._turn
        assert now_ms >= state.now_ms, f"time went back from {state.now_ms} to {now_ms}"
        turn.now_ms, turn.facts, turn.weight = now_ms, [], 0
        due_ms = state.deadlines.next_ms
        if due_ms is not None and due_ms <= now_ms:
            _apply_due(turn)
        if state.openings.next_ms is not None:
            matching.look_at_opened(turn)
        HANDLERS[type(asked)](turn, asked)
        news = state.news
        if news.absent or news.limits or news.unseen:
            _look_at_limits(turn)
        if news.agents or news.calls or news.queues or news.stuck:
            matching.match(turn)
        return turn.facts

    @property
    def configured(self) -> Configured:
        """The settings that hold now, queues and agents in the order in which they came."""
        return configuration.configured(self.state)

    @property
    def next_deadline_ms(self) -> int | None:
        """When something falls due next, or None. What a turn left over of a large effect is due at once."""
        if self.state.news:
            return self.state.now_ms
        due_ms, opening_ms = self.state.deadlines.next_ms, self.state.openings.next_ms
        return opening_ms if due_ms is None or (opening_ms is not None and opening_ms < due_ms) else due_ms


def fold(facts: Iterable[Fact]) -> State:
    """The state that these facts make, from the first fact of the journal on."""
    state = State()
    for fact in facts:
        apply(state, fact)
    # What the last turn left over no fact says. This is more, and to look in vain changes nothing.
    for agent in list(state.news.agents):
        state.enlist(state.agents[agent])
    news = state.news
    for left in (news.calls, news.queues, news.limits, news.stuck):
        left.clear()
    state.news.absent = {(id_, agent): None for id_, queue in state.queues.items() for agent in queue.waiting.named}
    state.news.look_at_all_queues()
    return state


def _apply_due(turn: Turn) -> None:
    """A deadline may itself be one slice of a large effect: so facts are counted, and what one fact says of many."""
    while not turn.is_full:
        deadline = turn.state.deadlines.first_due(turn.now_ms)
        if deadline is None:
            return
        said = len(turn.facts)
        FALL_DUE[deadline.kind](turn, deadline)
        assert len(turn.facts) > said, f"{deadline} fell due and nothing followed"


def _look_at_limits(turn: Turn) -> None:
    if turn.state.news.absent:
        preferences.wait_for_the_absent_no_more(turn)
    if turn.state.news.unseen:
        servers.look_at_queues(turn)
    if turn.state.news.limits:
        calls.look_at_limits(turn)


def _pass_time(_turn: Turn, _input: i.PassTime) -> None:
    """What was due is done already."""


HANDLERS: dict[type[Input], Callable[[Turn, Any], None]] = {
    i.CallArrived: calls.arrived,
    i.CallerLeft: calls.caller_left,
    i.LegAnswered: offers.leg_answered,
    i.LegBridged: offers.leg_bridged,
    i.LegEnded: offers.leg_ended,
    i.PassTime: _pass_time,
    i.PhoneInUse: phones.in_use,
    i.PhoneAnswered: phones.answered,
    i.PhoneServes: phones.serves,
    i.PhoneReleased: lambda turn, report: phones.released(turn, report.line),
    i.LogIn: staff.ask,
    i.LogOut: staff.ask,
    i.Pause: staff.ask,
    i.GetReady: staff.ask,
    i.EndWrapUp: staff.ask,
    i.ExtendWrapUp: staff.ask,
    i.SetDisposition: staff.ask,
    i.LinkLost: links.lost,
    i.ServerReported: servers.reported,
    i.OpenJournal: configuration.open_journal,
    i.ConfigureRouter: configuration.router,
    i.ConfigureQueue: configuration.queue,
    i.RetireQueue: configuration.retire_queue,
    i.ConfigureAgent: configuration.agent,
    i.RetireAgent: configuration.retire_agent,
    i.ConfigureSupervisor: configuration.supervisor,
    i.RetireSupervisor: configuration.retire_supervisor,
    i.BeginDay: configuration.begin_day,
    i.OpenQueue: configuration.open_queue,
    i.CloseQueue: configuration.close_queue,
}

FALL_DUE: dict[Kind, Callable[[Turn, Deadline], object]] = {
    "ring": lambda turn, due: offers.time_is_over(turn, due.subject),
    "connect": lambda turn, due: offers.time_is_over(turn, due.subject),
    "give-up": lambda turn, due: calls.wait_is_over(turn, due.subject),
    "named": lambda turn, due: preferences.lapses(turn, due.subject),
    "wrap-up": lambda turn, due: wrap_ups.time_is_over(turn, turn.state.agents[due.subject]),
    "pause": lambda turn, due: memberships.pause_limit(turn, turn.state.agents[due.subject], due.other),
    "refusal": lambda turn, due: turn.say(f.RefusalLapsed(turn.now_ms, due.subject, due.other)),
    "rest": lambda turn, due: turn.say(f.AgentRested(turn.now_ms, due.subject)),
    "server-lost": lambda turn, due: servers.is_lost(turn, due.subject),
    "settle": lambda turn, due: servers.settle(turn, due.subject),
    "announce": lambda turn, due: calls.announce(turn, due.subject),
    "leave": lambda turn, due: calls.let_some_leave(turn, due.subject),
    "retire": lambda turn, due: configuration.empty_retired_queue(turn, due.subject),
    "reorder": lambda turn, due: configuration.reorder(turn, due.subject),
    "recount": lambda turn, _due: configuration.recount(turn),
    "forget": lambda turn, _due: preferences.forget_some(turn),
}
"""What a deadline stands for: doing it removes the deadline or sets it anew."""
assert FALL_DUE.keys() == set(get_args(Kind)), "every kind of deadline stands for something"
