"""The daemon as a process on a real Asterisk: reload, stop, kill; calls go on."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from acd.lab.dialling import FALLBACK_HZ
from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.sip import Call, OutgoingCall, Phone
from acd.testing.process import ONE_AGENT, WatchedEngine
from acd.testing.site import AGENT_HZ, CALLER_HZ, converse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LOST_AFTER_S = 6
HEARTBEAT_S = 3


class Centre:
    """An engine process on the lab, and people with phones."""

    def __init__(self, lab: Lab, engine: WatchedEngine, stack: AsyncExitStack) -> None:
        self.lab, self.engine, self._stack = lab, engine, stack

    async def phone(self, number: str) -> Phone:
        phone = Phone(number, f"lab-{number}", (self.lab.a.host, self.lab.a.sip_port))
        await self._stack.enter_async_context(phone)
        await phone.register()
        return phone

    async def calls(self, number: str, queue: str = "sales") -> OutgoingCall:
        return await (await self.phone(number)).place(f"q-{queue}")


@pytest_asyncio.fixture
async def centre(lab: Lab, tmp_path: Path) -> AsyncIterator[Centre]:
    async with WatchedEngine(tmp_path, ONE_AGENT.format(host=lab.a.host)) as engine, AsyncExitStack() as stack:
        await engine.saw.sees(f.ServerSettled, within_s=15)
        yield Centre(lab, engine, stack)


async def test_reload_with_a_call_in_progress_changes_only_what_changed(centre: Centre) -> None:
    engine = centre.engine
    ana = await centre.phone("1001")
    caller = await centre.calls("2001")
    ring = await ana.ring(within_s=5)
    await ring.answer()
    await engine.saw.sees(f.CallConnected)

    changed = engine.config.read_text().replace("wrap_up_s = 0", "wrap_up_s = 30")
    engine.config.write_text(changed + '\n[queue.support]\nname = "Support"\n')
    engine.signal(signal.SIGHUP)
    await engine.saw.sees(f.QueueConfigured, count=3)
    caller.send_tone(CALLER_HZ)
    ring.send_tone(AGENT_HZ)
    await ring.hears(CALLER_HZ, within_s=3)
    await caller.hears(AGENT_HZ, within_s=3)
    await caller.hang_up()
    await engine.saw.sees(f.WrapUpStarted)
    assert len(engine.saw.all(f.AgentConfigured)) == 1, "nothing was said about what did not change"


async def test_reload_of_a_wrong_file_changes_nothing_for_those_who_talk_and_says_why(centre: Centre) -> None:
    engine = centre.engine
    ana = await centre.phone("1001")
    caller = await centre.calls("2001")
    ring = await ana.ring(within_s=5)
    await ring.answer()
    await engine.saw.sees(f.CallConnected)
    await converse(caller, ring)
    said = len(engine.saw.seen)

    engine.config.write_text(engine.config.read_text().replace("wrap_up_s = 0", 'wrap_up_s = "long"'))
    engine.signal(signal.SIGHUP)
    line = await engine.says("configuration is wrong")
    assert "queue.sales.wrap_up_s" in line
    await falls_silent(caller, ring)
    await converse(caller, ring)
    assert engine.saw.seen[said:] == [], "nothing was decided by the wrong file"
    await caller.hang_up()
    await engine.saw.sees(f.CallEnded)
    assert not engine.saw.all(f.WrapUpStarted)

    again = await centre.calls("2002")
    await (await ana.ring(within_s=5)).answer()
    await engine.saw.sees(f.CallConnected, count=2)
    await again.hang_up()
    await engine.saw.sees(f.CallEnded, count=2)


async def falls_silent(*sides: Call) -> None:
    """Both stop speaking, and hear it: what they hear from now on was said from now on."""
    for side in sides:
        side.send_silence()
    for side in sides:
        await side.hears_silence(for_s=0.1, within_s=3)


async def test_conversation_outlives_a_graceful_stop(centre: Centre) -> None:
    ana = await centre.phone("1001")
    caller = await centre.calls("2001")
    ring = await ana.ring(within_s=5)
    await ring.answer()
    await centre.engine.saw.sees(f.CallConnected)
    centre.engine.signal(signal.SIGTERM)
    assert await centre.engine.ended() == 0
    await converse(caller, ring)
    await falls_silent(caller, ring)  # by then they have been together for long enough to have spoken
    await ring.hang_up()
    await caller.ended(within_s=10)


async def test_caller_of_an_engine_that_is_stopped_for_good_returns_as_lost(lab: Lab, tmp_path: Path) -> None:
    """So many seconds after the last heartbeat as the file says, and it is up to three seconds older than the stop."""
    config = ONE_AGENT.format(host=lab.a.host) + f"\n[telephony]\nwaiting_lost_after_s = {LOST_AFTER_S}\n"
    async with (
        WatchedEngine(tmp_path, config) as engine,
        AsyncExitStack() as stack,
        Ears(lab.a, "user") as ears,
    ):
        await engine.saw.sees(f.ServerSettled, within_s=15)
        caller = await Centre(lab, engine, stack).calls("2001")
        await ears.hears("AcdStay")
        stopped = time.monotonic()
        engine.signal(signal.SIGTERM)
        assert await engine.ended() == 0
        await caller.hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
        assert not ears.all("AcdLeft"), "the stop sends nobody away"
        left = await ears.hears("AcdLeft", within_s=LOST_AFTER_S + 3)
        assert LOST_AFTER_S - HEARTBEAT_S - 1 < time.monotonic() - stopped < LOST_AFTER_S + 1.5
        assert (left.get("Result"), left.get("Reason")) == ("lost", "engine-silent")
        fallback = await ears.hears("LabFallback")
        assert (fallback.get("Result"), fallback.get("Reason")) == ("lost", "engine-silent")
        await caller.hears(FALLBACK_HZ, within_s=3)
        await caller.hang_up()


async def test_killed_engine_takes_its_callers_up_again_when_it_is_back(centre: Centre) -> None:
    """mod_callcenter marks every waiting member abandoned on load; app_queue keeps them on a thread's stack."""
    callers = [await centre.calls(number) for number in ("2001", "2002")]
    await centre.engine.saw.sees(f.OfferMade)  # the agent's phone is not registered: the offer fails
    await centre.engine.saw.sees(f.CallQueued, count=2)
    for caller in callers:
        await caller.hears_sound(within_s=3, other_than=(FALLBACK_HZ,))
    centre.engine.signal(signal.SIGKILL)
    assert await centre.engine.ended() == -signal.SIGKILL
    ana = await centre.phone("1001")
    await centre.engine.start()
    for count, caller in enumerate(callers, start=1):
        ring = await ana.ring(within_s=15)
        await ring.answer()
        await centre.engine.saw.sees(f.CallConnected, count=count)
        await converse(caller, ring)
        await ring.hang_up()
    numbers = [fact.caller.number for fact in centre.engine.saw.all(f.CallQueued)]
    assert numbers == ["2001", "2002", "2001", "2002"], "in the order in which they came"
