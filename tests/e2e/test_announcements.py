"""What callers hear while they wait, on a real Asterisk (docs/routing.md R54, R56)."""

import pytest
from msgspec import structs

from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router.settings import Announcements
from acd.testing.site import Site, agent, converse, queue

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("sound", ["queue-periodic-announce", "no-such-sound"])
async def test_caller_who_is_told_the_position_again_and_again_is_connected_in_the_middle_of_it(
    lab: Lab, sound: str
) -> None:
    told = Announcements(200, 1_000, position=True, sound=sound)
    async with Site(lab, queues=[structs.replace(queue("sales"), announcements=told)], agents=[
        agent("ana", "1001", "sales")
    ]) as site:  # fmt: skip
        callers = [await site.calls("sales"), await site.calls("sales")]
        await site.fact(f.AnnouncementMade, count=3)
        assert {1, 2} == {fact.position for fact in site.all(f.AnnouncementMade)}
        ana = await site.log_in("ana")
        for caller in callers:
            ring = await ana.ring(within_s=5)
            await ring.answer()
            await converse(caller, ring)
            await caller.hang_up()
        await site.fact(f.CallEnded, count=2)
        assert not site.all(f.CallLost)
