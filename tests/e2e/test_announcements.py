"""What callers hear while they wait, on a real Asterisk (docs/routing.md R54, R56)."""

import pytest
from msgspec import structs

from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router.settings import Announcements
from acd.telephony.sip import Call
from acd.telephony.sip.tone import FRAME_MS
from acd.testing.site import (
    AGENT_HZ,
    ANNOUNCEMENT,
    ANNOUNCEMENT_HZ,
    ANNOUNCEMENT_S,
    PATIENCE_S,
    Site,
    agent,
    converse,
    queue,
)

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("sound", ["queue-periodic-announce", "no-such-sound"])
async def test_caller_who_is_told_the_position_again_and_again_is_connected_in_the_middle_of_it(
    lab: Lab, sound: str
) -> None:
    told = Announcements(200, 1_000, position=True, sound=sound)
    async with Site(lab, queues=[structs.replace(queue("sales"), announcements=told)], agents=[
        agent("ana", "1001", "sales")
    ]) as site:  # fmt: skip
        callers = [await site.queues_up("sales"), await site.queues_up("sales")]
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


async def test_announcement_is_heard_to_its_end_and_an_answer_cuts_the_next_one(lab: Lab) -> None:
    told = Announcements(200, 7_000, sound=ANNOUNCEMENT)
    async with Site(lab, queues=[structs.replace(queue("sales"), announcements=told)], agents=[
        agent("ana", "1001", "sales")
    ]) as site:  # fmt: skip
        caller = await site.calls("sales")
        begun = await announcement_begins(caller)
        await caller.hears_no_more(ANNOUNCEMENT_HZ, within_s=2 * PATIENCE_S)
        assert heard_s_since(begun, caller) == pytest.approx(ANNOUNCEMENT_S, abs=0.4)
        await caller.hears_sound(PATIENCE_S, other_than=(ANNOUNCEMENT_HZ,))

        ana = await site.log_in("ana")
        ring = await ana.ring(within_s=PATIENCE_S)
        ring.send_tone(AGENT_HZ)
        begun = await announcement_begins(caller)
        await ring.answer()
        await caller.hears(AGENT_HZ, within_s=PATIENCE_S)
        await caller.hears_no_more(ANNOUNCEMENT_HZ, within_s=PATIENCE_S)
        assert heard_s_since(begun, caller) < ANNOUNCEMENT_S / 2
        await caller.hang_up()
        await site.fact(f.CallEnded)


async def announcement_begins(caller: Call) -> int:
    """How many frames the caller had heard when the lab's announcement began."""
    await caller.hears(ANNOUNCEMENT_HZ, within_s=2 * PATIENCE_S)
    return caller.ear.frames_heard


def heard_s_since(begun: int, caller: Call) -> float:
    """How much the caller has heard since then, counted in frames: of a phone that is late none is lost."""
    return (caller.ear.frames_heard - begun) * FRAME_MS / 1_000
