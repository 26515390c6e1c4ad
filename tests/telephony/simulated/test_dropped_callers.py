"""Whole days on which many an agent hangs up right after answering: nobody is lost by it."""

from collections import Counter

import pytest

from acd.router import facts as f
from acd.telephony.simulated import Answer, Behaviour
from tests.engine.day import Day

ENDS = f.CallEnded | f.CallAbandoned | f.CallTimedOut | f.CallReturned | f.CallLost


class RashDay(Day):
    """Two answers of five end within 300 ms, before the bridge, while it is made, or after it."""

    def _behaviour(self) -> Behaviour:
        if self._chance.random() < 0.4:
            return Answer(self._chance.randrange(500, 3_000), self._chance.randrange(300))
        return super()._behaviour()


@pytest.mark.parametrize("faults", [False, True], ids=["without-faults", "with-faults"])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
async def test_dropped_callers_are_served_or_leave_by_themselves(seed: int, faults: bool) -> None:
    day = RashDay(seed, 300, faults=faults)
    await day.run()
    assert day.broken == []
    assert max(day.exchange.invites.values()) == 1, "a phone was rung twice for one offer"
    assert (day.exchange.channels, dict(day.core.state.calls), day.core.state.offers) == ([], {}, {})
    ended = Counter(fact.call for fact in day.facts if isinstance(fact, ENDS))
    assert ended == Counter(fact.call for fact in day.facts if isinstance(fact, f.CallQueued))
    again = len([fact for fact in day.facts if isinstance(fact, f.CallEnded) and fact.talked_ms <= 250])
    assert again > 50, "callers dropped without a word"
    if not faults:
        assert not [fact for fact in day.facts if isinstance(fact, f.CallLost)]
        assert set(day.outcomes()) <= {"spoke", "hung up", "timeout", "refused"}
