"""The core under anything: whatever comes in whatever order, the guarantees hold after every input.

The playbook looks after each input: the invariants (acd/guard/invariants.py), the choice of every pair against an
oracle that scans everything, the ledger that is kept from the facts alone, and a second state to which the facts are
applied. So the rules here only act.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from acd.core import Input
from acd.testing.adversary import AGENTS, LONG_STEPS_MS, QUEUES, STEPS_MS, Adversary, Chooser, Finding
from acd.testing.playbook import Playbook

pytestmark = pytest.mark.timeout(300)
"""A minute on a machine of its own, several where others work too."""

Data = st.DataObject


def _chooser(data: Data) -> Chooser:
    def choose(options: Sequence[object]) -> object:
        return data.draw(st.sampled_from(options))

    return Chooser(choose)


def _rule(kind: Callable[[Any, Chooser], Input]) -> Any:
    """A rule that lets a little time pass and gives the core one input of this kind."""

    @rule(data=st.data(), step_ms=st.sampled_from(STEPS_MS))
    def act(self: "CoreUnderAnything", data: Data, step_ms: int) -> None:
        self.book.wait(until_ms=self.book.now_ms + step_ms)
        self.tell(kind(self.adversary, _chooser(data)))

    return act


class CoreUnderAnything(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.book = Playbook()
        self.adversary = Finding(self.book.state)

    def tell(self, asked: Input) -> None:
        self.adversary.hear(self.book.tell(asked))

    @initialize(data=st.data())
    def somebody_is_there(self, data: Data) -> None:
        """Two queues, two agents and both servers, so that short sequences lead somewhere."""
        for queue in QUEUES[:2]:
            self.book.say(f"queue {queue} is configured")
        for number, agent in enumerate(AGENTS[:2]):
            self.book.say(f"agent {agent} is configured: phone {1001 + number}, queues {' '.join(QUEUES[:2])}")
            self.book.say(f"{agent} logs in")
        self.book.say("server a reports: nothing")
        self.book.say("server b reports: nothing")

    @rule(step_ms=st.sampled_from(LONG_STEPS_MS))
    def much_time_passes(self, step_ms: int) -> None:
        self.book.wait(until_ms=self.book.now_ms + step_ms)

    call_arrives = _rule(Adversary.call_arrives)
    caller_is_found_again = _rule(Finding.call_arrives)
    caller_leaves = _rule(Adversary.caller_leaves)
    leg_answers = _rule(Adversary.leg_answers)
    leg_is_bridged = _rule(Adversary.leg_is_bridged)
    leg_ends = _rule(Adversary.leg_ends)
    any_leg_ends = _rule(Adversary.any_leg_ends)
    phone_is_used = _rule(Adversary.phone_is_used)
    direct_call_changes = _rule(Adversary.direct_call_changes)
    link_is_lost = _rule(Adversary.link_is_lost)
    server_reports_all = _rule(Adversary.server_reports_all)
    server_reports_anything = _rule(Adversary.server_reports_anything)
    log_in = _rule(Adversary.log_in)
    log_out = _rule(Adversary.log_out)
    pause = _rule(Adversary.pause)
    get_ready = _rule(Adversary.get_ready)
    end_wrap_up = _rule(Adversary.end_wrap_up)
    extend_wrap_up = _rule(Adversary.extend_wrap_up)
    set_disposition = _rule(Adversary.set_disposition)
    router_is_configured = _rule(Adversary.router_is_configured)
    queue_is_configured = _rule(Finding.queue_is_configured)
    queue_opens_or_closes = _rule(Adversary.queue_opens_or_closes)
    queue_is_retired = _rule(Adversary.queue_is_retired)
    agent_is_configured = _rule(Adversary.agent_is_configured)
    agent_is_retired = _rule(Adversary.agent_is_retired)
    supervisor_is_configured = _rule(Adversary.supervisor_is_configured)
    supervisor_is_retired = _rule(Adversary.supervisor_is_retired)
    day_begins = _rule(Adversary.day_begins)

    def teardown(self) -> None:
        """Whatever was left standing ends by itself, and the facts tell the whole story."""
        self.book.outlast()
        self.book.finish()


class ManySequences(CoreUnderAnything):
    """The same, more of it."""


SETTINGS = settings(max_examples=40, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
CoreUnderAnything.TestCase.settings = SETTINGS
ManySequences.TestCase.settings = settings(SETTINGS, max_examples=400)
TestAnySequenceOfInputs = CoreUnderAnything.TestCase
TestManySequencesOfInputs = pytest.mark.long(ManySequences.TestCase)
