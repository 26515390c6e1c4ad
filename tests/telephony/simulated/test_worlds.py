"""The worlds of the contract suite say what was missing, and end clean."""

import pytest

from acd.core import Input
from acd.daemon.phone_systems import PhoneSystem
from acd.engine.clock import VirtualClock
from acd.router.inputs import CallArrived, LegAnswered, ServerReported
from acd.telephony.simulated import SimulatedPhones
from acd.testing.simulated_world import real_time, virtual_time
from acd.testing.worlds import OpenWorld


def test_simulated_phones_are_all_that_the_daemon_asks_for() -> None:
    reports: list[Input] = []
    system: PhoneSystem = SimulatedPhones(reports.append, VirtualClock())
    assert isinstance(system, SimulatedPhones)


@pytest.mark.parametrize("open_world", [virtual_time, real_time])
async def test_report_that_does_not_come_fails_with_what_came_instead(open_world: OpenWorld) -> None:
    async with open_world(1) as world:
        await world.caller("sales")
        arrived = await world.reported(CallArrived)
        with pytest.raises(AssertionError, match="no report LegAnswered within") as failure:
            await world.reported(LegAnswered, within_s=0.05)
        assert str(arrived) in str(failure.value)


@pytest.mark.parametrize("open_world", [virtual_time, real_time])
async def test_world_begins_with_every_server_reported_and_ends_empty(open_world: OpenWorld) -> None:
    async with open_world(2) as world:
        reported = [report.server for report in world.reports if isinstance(report, ServerReported)]
        assert sorted(reported) == sorted(world.servers)
        await world.caller("sales")
        phone, outsider = await world.phone(), await world.outside_phone()
        await outsider.dial(phone.number)
        await phone.rings()
    assert list(await world.channels()) == []
    assert list(world.tasks) == []


async def test_worlds_have_tags_of_their_own() -> None:
    async with virtual_time(1) as one, virtual_time(1) as other:
        assert one.tag != other.tag
