"""A core under watch, that tests speak to as in a conversation.

    book = Playbook()
    book.say("queue sales is configured: ring 15 s, wrap-up 10 s")
    book.say("agent ana is configured: phone 1001, queues sales")
    book.say("server a reports: nothing")
    book.say("ana logs in")
    book.say("call C1 arrives in sales from 555")
    book.wait(seconds=15)

After every input, what was said is applied to a second state that must be the same, the pair of every offer is
compared with the oracle's choice, and the invariants are checked; `finish` folds all facts anew. A test that ends
without an exception has thereby proved more than it asked.
"""

from acd.core import Core, Fact, Input, fold
from acd.guard import invariants
from acd.guard.description import catch_up, differences
from acd.guard.ledger import Ledger
from acd.guard.line import Line
from acd.guard.passing import Passing
from acd.guard.tally import Tally
from acd.router import facts as f
from acd.router import inputs as i
from acd.router import why
from acd.router.apply import apply
from acd.router.state import State
from acd.testing import sentences
from acd.testing.names import Names

TEN_O_CLOCK_MS = 10 * 60 * 60 * 1000
ALL_IS_OVER_S = 100
"""Longer than every ring, wait, wrap-up, rest and silence that a test sets."""
SLICES = 10_000
"""The most turns that one instant may take; more means that the core keeps itself busy."""


class Playbook:
    """A core, its clock, and all that watches it."""

    def __init__(self, *, tag: str = "t", start_ms: int = TEN_O_CLOCK_MS, check_every: int = 1) -> None:
        """`check_every`: the invariants are looked at after every so many inputs (the rest is always watched)."""
        self.core = Core()
        self.now_ms = start_ms
        self.facts: list[Fact] = []
        self.names = Names()
        self.ledger = Ledger()
        self.tally = Tally()
        self.line = Line()
        self.passing = Passing()
        self._shadow = State()
        self._check_every = check_every
        self._inputs = 0
        self.tell(i.OpenJournal(tag, seed=1, release="test"))

    @property
    def state(self) -> State:
        """The core's own state, to look at."""
        return self.core.state

    def say(self, sentence: str) -> list[Fact]:
        """Tell the core what the sentence says (acd/testing/sentences.py)."""
        return self.tell(sentences.parse(sentence, self.names))

    def tell(self, asked: Input) -> list[Fact]:
        """Give the core an input now, and time until nothing is due. Returns the facts."""
        facts = self.tell_once(asked)
        for _ in range(SLICES):
            if not self._is_due(self.now_ms):
                return facts
            facts += self.tell_once(i.PassTime())
        raise AssertionError(f"something stays due at {self.now_ms}: {self.state.deadlines.all()[:3]}")

    def tell_once(self, asked: Input) -> list[Fact]:
        """Give the core one input now, and leave what is due afterwards due."""
        facts = self._handle(asked)
        self._inputs += 1
        if self._inputs % self._check_every == 0:
            self.check()
        return facts

    def wait(self, *, seconds: float = 0, until_ms: int | None = None) -> list[Fact]:
        """Let time pass; what falls due meanwhile happens at its own moment. Returns the facts."""
        end_ms = self.now_ms + round(seconds * 1000) if until_ms is None else until_ms
        facts: list[Fact] = []
        while self._is_due(end_ms):
            due_ms = self.core.next_deadline_ms
            assert due_ms is not None, "something is due"
            self.now_ms = max(self.now_ms, due_ms)
            facts += self.tell(i.PassTime())
        self.now_ms = end_ms
        return facts

    def finish(self) -> None:
        """The last look: folding the facts gives the state, and the books balance."""
        self.check()
        refolded = differences(fold(self.facts), self.state)
        assert not refolded, f"folding the facts gives another state: {refolded}"
        self.ledger.balance()

    def outlast(self) -> None:
        """Let more time pass than anything may last, and see that what had to end by itself has ended (G5)."""
        before = invariants.passing(self.state)
        self.wait(seconds=ALL_IS_OVER_S)
        left = before & invariants.passing(self.state)
        assert not left, f"still there after {ALL_IS_OVER_S} s: {left}"

    def check(self) -> None:
        """Look at everything now."""
        invariants.check(self.state, settled=not self._is_due(self.now_ms))
        self.tally.compare(self.state)
        apart = differences(self._shadow, self.state)
        assert not apart, f"applying the facts gives another state: {apart}"

    def _is_due(self, now_ms: int) -> bool:
        due_ms = self.core.next_deadline_ms
        return due_ms is not None and due_ms <= now_ms

    def _handle(self, asked: Input) -> list[Fact]:
        left = bool(self.state.news)
        facts = self.core.handle(asked, self.now_ms)
        whole = not (left or self.state.news)
        for fact in facts:
            self._watch(fact, whole=whole)
        catch_up(self._shadow, self.state)
        return facts

    def _watch(self, fact: Fact, *, whole: bool) -> None:
        """G3: at the moment of an offer, the pair is the best of all; between slices, of those looked at."""
        if isinstance(fact, f.OfferMade) and whole:
            self.line.offer(fact)
            self.passing.offer(self._shadow, fact.call, fact.agent, self.now_ms)
            best = why.best_choice(self._shadow, self.now_ms)
            assert best == (fact.call, fact.agent), f"{best} should have been chosen, not {fact}"
            idle_since_ms = self._shadow.agents[fact.agent].free.free_since_ms
            worked_until_ms = self.ledger.worked_until_ms.get(fact.agent, 0)
            assert fact.kind == "chat" or idle_since_ms >= worked_until_ms, (
                f"{fact.agent} worked until {worked_until_ms}: {fact}"
            )
        apply(self._shadow, fact)
        assert fact.at_ms == self.now_ms, f"{fact} said at {self.now_ms}"
        self.facts.append(fact)
        self.ledger.post(fact)
        self.tally.post(fact)
        self.line.post(fact)
        self.names.learn(fact)
