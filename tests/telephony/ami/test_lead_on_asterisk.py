"""What only a real Asterisk can prove of engines that come and go, and of an Asterisk that does."""

import contextlib
import signal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.core import Input
from acd.lab.dialling import FALLBACK_HZ
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.ami import lead
from acd.telephony.ami.lead import STALE_AFTER_S
from acd.telephony.ami.server import AsteriskServer, ServerOptions
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.telephony.sip import Phone
from acd.testing.process import ONE_AGENT, WatchedEngine
from acd.testing.site import Site, agent, ami, queue
from acd.testing.watching import Watching
from tests import needs
from tests.turns import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

AGENTS = [agent("ana", "1001", "sales")]
QUEUES = [queue("sales", wrap_up_ms=0)]


@pytest.fixture
async def lab() -> Lab:
    lab = Lab()
    with needs.the_lab():
        await lab.up("a")
    return lab


async def unavailable(_: FeatureCode) -> CodeAnswer:
    return "unavailable"


async def test_second_engine_waits_for_the_first_and_takes_its_callers_over(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Site(lab, queues=QUEUES, agents=[]) as first:
        caller = await first.calls("sales")
        await first.claimed(count=1)
        (waiting,) = first.all(f.CallQueued)
        monkeypatch.setattr(lead, "_HERE", "standby")  # the same process could not be another engine
        told: Watching[Input] = Watching()
        standby = AsteriskServer(ami(lab.a), frozenset(), told.saw, unavailable, ServerOptions(heartbeat_s=0.2))
        with capture_logs() as logs:
            standby.start()
            await until(lambda: any("another engine serves this server" in entry["event"] for entry in logs))
        another = await first.calls("sales")
        await first.claimed(count=2)
        assert not told.seen
        await first.stop_engine()
        await told.sees(i.ServerReported, within_s=5)
        assert {found.line for found in told.all(i.CallArrived)} >= {waiting.line}
        assert len(told.all(i.CallArrived)) == 2
        await caller.hang_up()
        await another.hang_up()
        await told.sees(i.CallerLeft, count=2)
        await standby.stop()


async def test_shutdown_of_asterisk_ends_calls_for_its_own_reason_and_offers_nothing(lab: Lab) -> None:
    async with Site(lab, queues=QUEUES, agents=AGENTS) as site:
        ana = await site.log_in("ana")
        talking = await site.calls("sales")
        conversation = await ana.ring()
        await conversation.answer()
        await site.fact(f.CallConnected)
        waiting = await site.calls("sales")
        await site.claimed(count=2)
        with contextlib.suppress(RuntimeError):  # the console may go down with the server
            await lab.cli("a", "core restart now")
        await site.fact(f.ServerWentQuiet)
        for call in (talking, waiting, conversation):
            await call.ended(within_s=5)
        assert (await site.fact(f.CallEnded, within_s=30)).ended_by == "system"
        assert (await site.fact(f.CallLost)).reason == "gone"
        assert len(site.all(f.OfferMade)) == 1


def phone(lab: Lab, number: str) -> Phone:
    return Phone(number, f"lab-{number}", (lab.a.host, lab.a.sip_port))


async def test_engine_that_stood_still_rings_nobody_for_a_caller_who_has_left_meanwhile(
    lab: Lab, tmp_path: Path
) -> None:
    async with (
        WatchedEngine(tmp_path, ONE_AGENT.format(host=lab.a.host)) as engine,
        phone(lab, "1001") as ana,
        phone(lab, "2001") as ada,
        phone(lab, "2002") as bob,
    ):
        await engine.saw.sees(f.ServerSettled, within_s=15)
        for one in (ana, ada, bob):
            await one.register()
        engine.signal(signal.SIGSTOP)
        try:
            early = await ada.place("q-sales")
            await early.hears(FALLBACK_HZ, within_s=5)
        finally:
            engine.signal(signal.SIGCONT)
        await engine.saw.sees(f.CallLost, reason="left")
        await early.hang_up()
        late = await bob.place("q-sales")
        ring = await ana.ring()
        await ring.answer()
        connected = await engine.saw.sees(f.CallConnected)
        queued = await engine.saw.sees(f.CallQueued, count=2)
        assert connected.call == queued.call, "hers was the first ring"
        await late.hang_up()
        await engine.saw.sees(f.CallEnded)


async def test_killed_engine_is_back_at_once(lab: Lab, tmp_path: Path) -> None:
    """Though the heartbeat of the process before it is fresh."""
    async with WatchedEngine(tmp_path, ONE_AGENT.format(host=lab.a.host)) as engine:
        await engine.saw.sees(f.ServerSettled, within_s=15)
        engine.signal(signal.SIGKILL)
        await engine.ended()
        await engine.start()
        await engine.saw.sees(f.ServerSettled, count=2, within_s=STALE_AFTER_S / 2)
