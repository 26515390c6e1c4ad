"""The ordinary contact centre, of whatever size: it can serve what it asks for."""

from collections import Counter
from collections.abc import Sequence

import pytest

from acd.core import Core
from acd.journal.port import Entry
from acd.router import facts as f
from acd.router.settings import AgentSettings
from acd.simulate import contact_centre, simulate
from acd.simulate.centre import WISHES
from acd.telephony.wishes import wishes_of


def _level(agent: AgentSettings, name: str) -> int:
    return next((skill.level for skill in agent.skills if skill.name == name), 0)


@pytest.mark.parametrize("queues", [1, 2, 3, 5, 10, 17])
@pytest.mark.parametrize("agents", [1, 2, 3, 4, 7, 10, 50])
def test_every_queue_has_somebody_for_whatever_its_callers_require(agents: int, queues: int) -> None:
    centre = contact_centre(agents=agents, queues=queues)
    everyone = [employee.settings for employee in centre.employees]
    for demand in centre.demands:
        serving = [agent for agent in everyone if demand.queue.id in agent.queues]
        for _, asked in WISHES:
            required = wishes_of(asked).required
            able = [agent for agent in serving if all(_level(agent, skill.name) >= skill.level for skill in required)]
            assert able, f"nobody serves {demand.queue.id} for {asked}"


@pytest.mark.long
def test_days_meet_every_end_of_waiting() -> None:
    """R50 to R53, R56."""
    met: Counter[str] = Counter()

    def look(_core: Core, entries: Sequence[Entry]) -> None:
        for fact in (fact for entry in entries for fact in entry.facts):
            match fact:
                case f.CallQueued() | f.CallMoved():
                    met.update(hop.reason for hop in fact.via)
                case f.CallTimedOut() | f.CallRefused() if fact.destination is not None:
                    met["sent elsewhere"] += 1
                case f.QueueClosed() | f.QueueOpened() | f.CallbackOffered() | f.AnnouncementMade() | f.LeavingBegan():
                    met[type(fact).__name__] += 1
                case _:
                    pass

    centre = contact_centre(agents=10, queues=10, calls_per_hour=300, faults=False)
    assert simulate(centre, 1, observers=[look]).left == ()
    ends = {"timeout", "queue-full", "no-agents", "queue-closed", "sent elsewhere", "CallbackOffered"}
    assert met.keys() >= ends | {"QueueClosed", "QueueOpened", "LeavingBegan", "AnnouncementMade"}


@pytest.mark.parametrize(("agents", "queues", "calls_per_hour"), [(2, 1, 100), (1, 5, 3), (3, 2, 20)])
def test_small_centre_serves_everyone(agents: int, queues: int, calls_per_hour: float) -> None:
    centre = contact_centre(agents=agents, queues=queues, calls_per_hour=calls_per_hour, faults=False)
    assert simulate(centre, 1).left == ()
