"""Agents without a panel: log in, pause, ready, end wrap-up, log out from a phone, with number, PIN and a voice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from acd.config import read_config
from acd.core import Fact
from acd.daemon import Daemon, asterisk
from acd.engine.loop import facts_of
from acd.journal.memory import MemoryJournal
from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.model import RequestId
from acd.router import facts as f
from acd.router.inputs import Pause
from acd.sign_in import hash_pin
from acd.telephony.sip import Phone
from acd.testing.process import WatchedEngine
from acd.testing.watching import Watching

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CONFIG = """
[asterisk.a]
host = "{host}"
username = "acd"
secret = "lab-acd"

[queue.sales]
name = "Sales"
wrap_up_s = 60

[pause.lunch]
number = 1
name = "Lunch"

[disposition.sold]
number = 1

[disposition.called-again]
number = 12

[queue.support]
wrap_up_s = 60
disposition_required = true

[agent.ana]
name = "Ana"
number = "41"
pin_hash = "{pin_hash}"
hot_desking = true
queues = ["sales"]

[agent.ben]
name = "Ben"
number = "42"
pin_hash = "{pin_hash}"
hot_desking = true
queues = ["support"]

[phones]
hot_desk = ["1901", "1902"]

[sign_in]
tries = 3
"""


class Desk:
    """A daemon on the lab, the phone on a hot desk, and ears for what Asterisk plays."""

    def __init__(self, daemon: Daemon, phone: Phone, watching: Watching[Fact], lab: Lab, ears: Ears) -> None:
        self.daemon, self.phone, self.watching, self.lab, self.ears = daemon, phone, watching, lab, ears

    async def key(self, code: str, pin: str, number: str = "41#") -> str:
        """As `keyed`, at this desk."""
        return await keyed(self.phone, self.ears, code, pin, number)


async def keyed(phone: Phone, ears: Ears, code: str, pin: str, number: str = "41#") -> str:
    """Dial the code, key in number and PIN, listen to the answer until Asterisk hangs up. Returns which sound the
    answer was (config/asterisk/acd.conf says what each means)."""
    ears.heard.clear()
    call = await phone.place(code)
    await call.answered(within_s=5)
    await call.hears_sound(within_s=3)
    await call.press(number)
    await call.press(pin)
    await call.hears_sound(within_s=5)
    await call.ended(within_s=15)
    played = await ears.hears("Newexten", Application="Playback")
    return played.get("AppData")


@pytest_asyncio.fixture
async def desk(lab: Lab, tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "acd.toml"
    path.write_text(CONFIG.format(host=lab.a.host, pin_hash=hash_pin("4711")))
    watching: Watching[Fact] = Watching()
    daemon = Daemon(read_config(path), path, MemoryJournal(), asterisk)
    daemon.engine.add_reader("test", lambda entries: watching.saw(*facts_of(entries)))
    async with (
        Ears(lab.a, "dialplan") as ears,
        daemon,
        Phone("1901", "lab-1901", (lab.a.host, lab.a.sip_port)) as phone,
    ):
        await phone.register()
        await watching.sees(f.ServerSettled)
        yield Desk(daemon, phone, watching, lab, ears)


async def test_agent_works_a_whole_shift_by_feature_codes(desk: Desk) -> None:
    saw = desk.watching
    assert await desk.key("*40", "4711#") == "agent-loginok"
    logged_in = await saw.sees(f.AgentLoggedIn)
    assert (logged_in.agent, logged_in.phone) == ("ana", "1901"), "the phone is hers now"

    async with Phone("2001", "lab-2001", (desk.lab.a.host, desk.lab.a.sip_port)) as customer:
        caller = await customer.place("q-sales")
        await (await desk.phone.ring(within_s=5)).answer()
        await saw.sees(f.CallConnected)
        await caller.hang_up()
    await saw.sees(f.WrapUpStarted)
    assert await desk.key("*44", "4711#") == "auth-thankyou"
    assert (await saw.sees(f.WrapUpEnded)).by == "ana"

    assert await desk.key("*431", "4711#") == "do-not-disturb&activated"
    assert (await saw.sees(f.AgentPaused)).reason == "lunch"
    assert await desk.key("*42", "4711#") == "do-not-disturb&de-activated"
    await saw.sees(f.AgentBecameReady)
    assert await desk.key("*41", "4711#") == "agent-loggedoff"
    await saw.sees(f.AgentLoggedOut)
    counted = [fact for fact in saw.all(f.DirectCallEnded) if fact.counted]
    assert not counted, "a feature code is no direct call"


async def test_pause_during_a_call_takes_effect_after_the_wrap_up(desk: Desk) -> None:
    """docs/routing.md R13: asked for while the wrap-up of the call lasts, it begins when that ends."""
    saw = desk.watching
    await desk.key("*40", "4711#")
    async with Phone("2001", "lab-2001", (desk.lab.a.host, desk.lab.a.sip_port)) as customer:
        caller = await customer.place("q-sales")
        await (await desk.phone.ring(within_s=5)).answer()
        connected = await saw.sees(f.CallConnected)
        pause = Pause(request=RequestId("panel"), agent=connected.agent, by=connected.agent, reason="lunch")
        answer = await desk.daemon.engine.ask(pause)
        assert isinstance(answer, f.RequestAccepted)
        assert answer.pending == ("sales",), "she talks, so it is still to come"
        await caller.hang_up()
    await saw.sees(f.WrapUpStarted)
    await desk.key("*431", "4711#")
    assert not saw.all(f.AgentPaused), "the wrap-up lasts"
    assert len(saw.all(f.ChangePostponed)) == 2, "asked for by the panel while she talked, by the phone afterwards"
    await desk.key("*44", "4711#")
    ended, paused = await saw.sees(f.WrapUpEnded), await saw.sees(f.AgentPaused)
    assert (paused.at_ms, paused.reason) == (ended.at_ms, "lunch")


async def test_wrap_up_ends_when_it_was_said_what_came_of_the_call(desk: Desk) -> None:
    """docs/routing.md R42: the queue requires a disposition; the phone says it, and says another one instead."""
    saw = desk.watching
    await desk.key("*40", "4711#", number="42#")
    assert await desk.key("*461", "4711#", number="42#") == "pm-invalid-option", "there was no call"
    async with Phone("2001", "lab-2001", (desk.lab.a.host, desk.lab.a.sip_port)) as customer:
        caller = await customer.place("q-support")
        await (await desk.phone.ring(within_s=5)).answer()
        await saw.sees(f.CallConnected)
        await caller.hang_up()
    await saw.sees(f.WrapUpStarted)
    assert await desk.key("*44", "4711#", number="42#") == "pm-invalid-option", "nobody has said what came of it"
    assert await desk.key("*462", "4711#", number="42#") == "pm-invalid-option", "there is no disposition 2"
    assert await desk.key("*461", "4711#", number="42#") == "auth-thankyou"
    assert await desk.key("*4612", "4711#", number="42#") == "auth-thankyou"
    assert await desk.key("*44", "4711#", number="42#") == "auth-thankyou"
    ended = await saw.sees(f.WrapUpEnded)
    said = [(fact.call, fact.disposition, fact.by) for fact in saw.all(f.DispositionSet)]
    assert said == [(ended.call, "sold", "ben"), (ended.call, "called-again", "ben")]


async def test_wrong_pin_changes_nothing_and_is_locked_in_the_end(desk: Desk) -> None:
    answers = [await desk.key("*4041", pin, number="") for pin in ("9999#", "9999#", "9999#", "4711#")]
    assert answers == ["vm-incorrect"] * 3 + ["im-sorry&please-try-call-later"]
    assert len(desk.watching.all(f.DirectCallExcluded)) == 4, "all four were asked for and answered"
    assert not desk.watching.all(f.AgentLoggedIn), "locked: the right PIN comes too late"
    text = str(desk.watching.seen)
    assert "9999" not in text
    assert "4711" not in text


async def test_code_that_cannot_be_done_now_is_answered_otherwise_than_a_wrong_pin(desk: Desk) -> None:
    assert await desk.key("*44", "4711#") == "pm-invalid-option", "nobody is in wrap-up"
    assert await desk.key("*40", "0000#") == "vm-incorrect"
    assert not desk.watching.all(f.AgentLoggedIn)


async def test_codes_are_taken_from_any_phone_and_calls_come_where_the_agent_logged_in(desk: Desk) -> None:
    saw, registrar = desk.watching, (desk.lab.a.host, desk.lab.a.sip_port)
    await desk.key("*40", "4711#")
    async with Phone("1902", "lab-1902", registrar) as second, Phone("2001", "lab-2001", registrar) as customer:
        await second.register()
        assert await keyed(second, desk.ears, "*431", "4711#") == "do-not-disturb&activated"
        assert (await saw.sees(f.AgentPaused)).agent == "ana", "who sits at the first desk"
        assert await keyed(second, desk.ears, "*41", "4711#") == "agent-loggedoff"
        assert await keyed(second, desk.ears, "*40", "4711#") == "agent-loginok"
        assert [fact.phone for fact in saw.all(f.AgentLoggedIn)] == ["1901", "1902"]
        caller = await customer.place("q-sales")
        await (await second.ring(within_s=5)).answer()
        await saw.sees(f.CallConnected)
        await caller.hang_up()
        await saw.sees(f.WrapUpStarted)
    assert desk.phone.rings_waiting == 0


RIGHT, WRONG = "471193", "480266"


async def test_pins_stand_in_nothing_that_the_engine_writes(lab: Lab, tmp_path: Path) -> None:
    registrar = (lab.a.host, lab.a.sip_port)
    config = CONFIG.format(host=lab.a.host, pin_hash=hash_pin(RIGHT))
    async with (
        WatchedEngine(tmp_path, config, log_level="debug") as engine,
        Ears(lab.a, "dialplan") as ears,
        Phone("1901", "lab-1901", registrar) as phone,
    ):
        await phone.register()
        await engine.saw.sees(f.ServerSettled, within_s=15)
        assert await keyed(phone, ears, "*40", f"{WRONG}#") == "vm-incorrect"
        assert await keyed(phone, ears, "*40", f"{RIGHT}#") == "agent-loginok"
        await engine.saw.sees(f.AgentLoggedIn)
    log, facts = ((tmp_path / name).read_text() for name in ("engine.log", "facts.jsonl"))
    assert "sign-in with a wrong number or PIN" in log
    assert "AgentLoggedIn" in facts
    for hidden in (RIGHT, WRONG, "argon2"):
        assert hidden not in log
        assert hidden not in facts
