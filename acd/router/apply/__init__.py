"""Where the state changes: one function for each fact, in tables.

These functions take everything from the fact, read no settings and decide nothing; applying a journal's facts in
order to an empty `State` gives the state that wrote them.
"""

from acd.router import facts as f
from acd.router.apply import agents, calls, configuration, offers, servers
from acd.router.apply.table import Table
from acd.router.state import State


def apply(state: State, fact: f.Fact) -> None:
    """Change the state as the fact says. The fact is the next one: its number is `state.fact_count` after this."""
    state.fact_count += 1
    state.now_ms = fact.at_ms
    APPLY[type(fact)](state, fact)


def _nothing(state: State, fact: f.Fact) -> None:
    """The fact only tells."""


APPLY: Table = {
    **configuration.APPLY,
    **calls.APPLY,
    **offers.APPLY,
    **agents.APPLY,
    **servers.APPLY,
    f.CallRefused: _nothing,
    f.CallbackOffered: _nothing,
    f.RequestAccepted: _nothing,
    f.RequestRefused: _nothing,
    f.StrayLegFound: _nothing,
}
