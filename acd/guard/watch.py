"""Watches a simulated run from outside, commit after commit: what holds of the state, of the facts and of each choice.

The books are posted with every fact, and every fact is applied to a second state. That is cheap. The rest looks at
everything, so it is done after every so many commits, and for one in so many offers.
"""

from collections.abc import Sequence

from acd.core import Core
from acd.guard import invariants
from acd.guard.description import catch_up, differences
from acd.guard.ledger import Ledger
from acd.guard.line import Line
from acd.guard.passing import Passing
from acd.guard.tally import Tally
from acd.journal.port import Entry
from acd.router import facts as f
from acd.router import why
from acd.router.apply import apply
from acd.router.state import State

COMPARE_EVERY = 10
"""After so many looks at the state, the second state is compared with it, too."""


class Guard:
    """An observer for `acd.simulate`. What does not hold is an `AssertionError`."""

    def __init__(self, *, check_every: int = 50, choose_every: int = 10) -> None:
        """`check_every`: commits between two looks at the state; `choose_every`: offers between two that the oracle
        is asked about (G3)."""
        self.ledger = Ledger()
        self.tally = Tally()
        self.line = Line()
        self.passing = Passing()
        self.looks = 0
        self.choices = 0
        self._check_every = check_every
        self._choose_every = choose_every
        self._shadow = State()
        self._core = Core()
        self.commits = 0
        self.offers = 0
        self._left = False
        """Whether the last turn left something over: then the best of all need not be next."""

    def __call__(self, core: Core, entries: Sequence[Entry]) -> None:
        self._core = core
        whole = not (self._left or core.state.news)
        self._left = bool(core.state.news)
        for entry in entries:
            for fact in entry.facts:
                if type(fact) is f.OfferMade:
                    self._offer_made(fact, whole=whole)
                elif type(fact) is f.JournalOpened:
                    self._begin_anew()
                apply(self._shadow, fact)
                self.ledger.post(fact)
                self.tally.post(fact)
                self.line.post(fact)
        catch_up(self._shadow, core.state)
        self.commits += 1
        if self.commits % self._check_every == 0:
            self._look(core)

    def _begin_anew(self) -> None:
        """An engine begins with nothing: the books before it are closed. No id comes twice, and no choice is forgotten
        that was compared."""
        before, compared = self.ledger, self.line
        before.balance()
        self.ledger, self.tally, self.line, self._shadow = Ledger(), Tally(), Line(), State()
        self.ledger.now_ms, self.ledger.ids = before.now_ms, before.ids
        self.line.compared, self.line.bounded = compared.compared, compared.bounded

    def finish(self) -> None:
        """The last look, and the books."""
        self._look(self._core)
        self._compare(self._core)
        self.ledger.balance()

    def _offer_made(self, fact: f.OfferMade, *, whole: bool) -> None:
        """At the moment of the offer the pair is the best of all, and nobody's work after the call is cut short."""
        idle_since_ms = self._shadow.agents[fact.agent].free.free_since_ms
        worked_until_ms = self.ledger.worked_until_ms.get(fact.agent, 0)
        assert fact.kind == "chat" or idle_since_ms >= worked_until_ms, (
            f"{fact.agent} worked until {worked_until_ms}: {fact}"
        )
        if whole:
            self.line.offer(fact)
        self.offers += 1
        if self.offers % self._choose_every == 0 and whole:
            self.choices += 1
            self.passing.offer(self._shadow, fact.call, fact.agent, fact.at_ms)
            best = why.best_choice(self._shadow, fact.at_ms)
            assert best == (fact.call, fact.agent), f"{best} should have been chosen, not {fact}"

    def _look(self, core: Core) -> None:
        self.looks += 1
        due_ms = core.next_deadline_ms
        self.tally.compare(core.state)
        invariants.check(core.state, settled=due_ms is None or due_ms > core.state.now_ms)
        if self.looks % COMPARE_EVERY == 0:
            self._compare(core)

    def _compare(self, core: Core) -> None:
        apart = differences(self._shadow, core.state)
        assert not apart, f"applying the facts gives another state: {apart}"
