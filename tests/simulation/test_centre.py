"""The ordinary contact centre, of whatever size: it can serve what it asks for."""

import pytest

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


@pytest.mark.parametrize(("agents", "queues", "calls_per_hour"), [(2, 1, 100), (1, 5, 3), (3, 2, 20)])
def test_small_centre_serves_everyone(agents: int, queues: int, calls_per_hour: float) -> None:
    centre = contact_centre(agents=agents, queues=queues, calls_per_hour=calls_per_hour, faults=False)
    assert simulate(centre, 1).left == ()
