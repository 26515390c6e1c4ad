"""A rush: SIPp, a third SIP stack, places ten calls a second, and eight agents serve them all."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from acd.lab.ears import no_channel_is_left
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router import inputs as i
from acd.testing.site import Site, agent, queue
from benchmarks import sipp
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CALLS = 100
CALLS_A_SECOND = 10
TALK_MS = 500
"""Twice what a conversation is at least: a machine at work elsewhere makes a bridge late."""
MOST_EVENTS_A_CALL = 20
AGENTS = [agent(f"agent-{number}", str(number), "sales") for number in range(1_011, 1_019)]


async def test_hundred_calls_at_ten_a_second_are_served_exactly_once(
    lab: Lab, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with needs.the_lab():
        sipp.need_sipp()
    async with Site(lab, queues=[queue("sales")], agents=AGENTS) as site:
        for one in AGENTS:
            assert one.phone is not None
            phone = await site.phone(one.phone, media=False)
            phone.attend(after_ms=20, talk_ms=TALK_MS)
            await site.ask(i.LogIn(request=site.request(), agent=one.id, by=one.id))
        heard = site.telephony._servers[site._servers[0].id].link.counters
        before = heard.events
        assert await sipp.call(lab.a, tmp_path, "q-sales", CALLS, CALLS_A_SECOND) == 0
        await site.fact(f.CallEnded, count=CALLS)
        _each_was_served_once(site)
        await no_channel_is_left(lab)
        a_call = (heard.events - before) / CALLS
        record_property("events_a_call", a_call)
        sys.stdout.write(f"events a call: {a_call:.2f} (at most {MOST_EVENTS_A_CALL})\n")
        assert a_call <= MOST_EVENTS_A_CALL
        assert (heard.handler_errors, heard.malformed, heard.timeouts, heard.reconnects) == (0, 0, 0, 0)


def _each_was_served_once(site: Site) -> None:
    queued = [fact.call for fact in site.all(f.CallQueued)]
    assert len(queued) == len(set(queued)) == CALLS
    once = Counter(queued)
    assert Counter(fact.call for fact in site.all(f.OfferMade)) == once, "nobody was rung twice"
    assert Counter(fact.call for fact in site.all(f.CallConnected)) == once
    assert Counter(fact.call for fact in site.all(f.CallEnded)) == once
    by_agent = Counter(fact.agent for fact in site.all(f.CallConnected))
    assert len(by_agent) == len(AGENTS), f"everybody has work: {by_agent}"
    assert site.core.state.calls == {}
