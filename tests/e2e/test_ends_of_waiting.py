"""Where calls go that their queue does not keep: another queue, a place in the operator's dialplan, or back. On a real
Asterisk (docs/routing.md R50 to R52)."""

import pytest
from msgspec import structs

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.servers import Lab
from acd.model import QueueId
from acd.router import facts as f
from acd.router.settings import Destination, Ends, NextQueue
from acd.testing.site import Site, agent, converse, queue

pytestmark = pytest.mark.e2e

MAILBOX = Destination("lab-mailbox", "601")
NOWHERE = Destination("no-such-context", "601")


async def test_call_whose_longest_wait_is_over_goes_on_waiting_and_is_served_in_the_next_queue(lab: Lab) -> None:
    sales = structs.replace(queue("sales", max_wait_ms=1_000), ends=Ends(timeout=NextQueue(QueueId("everybody"))))
    async with Site(lab, queues=[sales, queue("everybody")], agents=[agent("ana", "1001", "everybody")]) as site:
        caller = await site.calls("sales")
        moved = await site.fact(f.CallMoved)
        assert (moved.to, moved.waited_ms >= 1_000) == ("everybody", True)
        ana = await site.log_in("ana")
        ring = await ana.ring(within_s=5)
        await ring.answer()
        await converse(caller, ring)
        assert (await site.fact(f.CallConnected)).queue == "everybody"
        await caller.hang_up()
        await site.fact(f.CallEnded)


@pytest.mark.parametrize("place", [MAILBOX, NOWHERE], ids=["voicemail", "nowhere"])
async def test_call_is_sent_to_the_operators_place_or_back_where_there_is_none(lab: Lab, place: Destination) -> None:
    """Both are heard by the fallback's tone; who was sent to the voicemail is past the dialplan that handed over."""
    sales = structs.replace(queue("sales"), ends=Ends(no_agents=place))
    async with Site(lab, queues=[sales], agents=[]) as site:
        caller = await site.calls("sales")
        refused = await site.fact(f.CallRefused)
        assert (refused.reason, refused.destination) == ("no-agents", place)
        await caller.hears(FALLBACK_HZ, within_s=5)
        await caller.hang_up()
