"""What a phone system notes at the channel of a caller who was passed on, so that an engine that is restarted finds the
call where it stood (docs/routing.md R52). Every telephony adapter makes it here."""

from acd.router import facts as f
from acd.router.inputs import PassedOn


def passed_on(fact: f.CallQueued | f.CallMoved) -> PassedOn:
    """How the call came into the queue that the fact says."""
    return PassedOn(_waited_ms(fact), fact.at_ms - fact.since_ms, fact.hops)


def _waited_ms(fact: f.CallQueued | f.CallMoved) -> int:
    if isinstance(fact, f.CallMoved):
        return fact.waited_ms
    return fact.at_ms - (fact.since_ms if fact.came_ms is None else fact.came_ms)
