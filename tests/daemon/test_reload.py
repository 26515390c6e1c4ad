"""The configuration is read again while the daemon runs: the difference takes effect, a wrong file changes nothing."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.daemon import service as service_module
from acd.daemon.sd_notify import Notifier
from acd.engine import loop as loop_module
from acd.engine.loop import Engine
from acd.model import AgentId, Caller, Phone, QueueId
from acd.router import facts as f
from acd.router import inputs as i
from acd.telephony.port import FeatureCode
from tests.certificates import make_authority
from tests.daemon.in_process import FIRST, LINE, WITHOUT_BEN, alarms, make, server_goes_quiet, server_is_up
from tests.daemon.recorded import SERVER, RecordedPhones, Systemd, write

pytestmark = pytest.mark.usefixtures("nothing_is_left")


async def test_a_reload_tells_the_core_what_differs(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        write(path, WITHOUT_BEN.replace("[queue.sales]", "[queue.sales]\nring_timeout_s = 20"))
        phones.facts.clear()
        assert await daemon.reload()
        assert [type(fact) for fact in phones.facts] == [f.QueueConfigured, f.AgentRetired]


async def test_a_reload_that_meets_a_full_inbox_waits_for_its_turn(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon would end, and with its journal in memory everybody would be logged out."""
    async with make(path, phones) as daemon:
        more = "".join(f"[queue.q{number}]\n" for number in range(30))
        write(path, FIRST + more)
        monkeypatch.setattr(loop_module, "INBOX_LIMIT", 4)
        with capture_logs() as logs:
            assert await daemon.reload()
        told = [fact.settings.id for fact in phones.facts if isinstance(fact, f.QueueConfigured)]
        assert told[-30:] == [f"q{number}" for number in range(30)], "all of them, in their order"
        assert not daemon.failed
        assert any(entry["event"] == "a change waits until the engine keeps up" for entry in logs)


async def test_a_reload_without_a_change_changes_nothing(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        await daemon.engine.settled()
        phones.facts.clear()
        assert await daemon.reload()
        assert (phones.facts, phones.asked) == ([], None)


async def test_a_reload_that_gives_a_server_another_name_is_refused(path: Path, phones: RecordedPhones) -> None:
    """Who talks there would be held for a minute, as on a server that is gone."""
    async with make(path, phones) as daemon:
        write(path, FIRST.replace("[asterisk.main]", "[asterisk.other]"))
        with capture_logs() as logged:
            assert not await daemon.reload()
        assert [server.id for server in daemon.config.servers] == ["main"]
    (said,) = [entry["error"] for entry in logged if entry["log_level"] == "error"]
    assert "asterisk.other: the engine knows the server at 127.0.0.1:5038 as main; allowed: asterisk.main; or" in said


async def test_a_reload_tells_the_phone_system_of_servers_and_phones(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        more = '[asterisk.second]\nhost = "127.0.0.2"\nusername = "acd"\nsecret = "not a real one"\n'
        write(path, more + WITHOUT_BEN)
        assert await daemon.reload()
        assert phones.asked == (daemon.config.servers, frozenset({Phone("1001"), Phone("1901")}))
        assert [server.id for server in daemon.config.servers] == ["second", "main"]


@pytest.mark.parametrize("fault", ["fails", "hangs"])
async def test_a_reload_that_telephony_did_not_follow_is_told_and_made_good_by_the_next(
    path: Path,
    phones: RecordedPhones,
    systemd: Systemd,
    notifier: Notifier,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    async def stuck(*_: object) -> None:
        if fault == "fails":
            raise OSError("no route")
        await asyncio.Event().wait()

    monkeypatch.setattr(service_module, "RECONFIGURE_WITHIN_S", 0.05)
    async with make(path, phones, notifier=notifier) as daemon:
        await systemd.hear_until("READY=1")
        write(path, WITHOUT_BEN)
        with monkeypatch.context() as patched, capture_logs() as logged:
            patched.setattr(phones, "reconfigure", stuck)
            assert await daemon.reload()
        assert [entry["part"] for entry in logged if entry["log_level"] == "error"] == ["telephony"]
        assert f"STATUS={service_module.NOT_FOLLOWED}" in await systemd.hear_until("READY=1")
        assert await daemon.reload()
        assert phones.asked == (daemon.config.servers, frozenset({Phone("1001"), Phone("1901")}))
        assert "STATUS=ready" in await systemd.hear_until("READY=1")


async def test_a_link_that_a_reload_closes_is_no_alarm_and_its_next_fall_is_one(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make(path, phones) as daemon:
        await server_is_up(daemon, phones)

        async def reconfigure(*_: object) -> None:
            await server_goes_quiet(daemon, phones)
            await server_is_up(daemon, phones)

        monkeypatch.setattr(phones, "reconfigure", reconfigure)
        write(path, FIRST.replace("[queue.sales]", "port = 5039\n[queue.sales]"))
        with capture_logs() as logged:
            assert await daemon.reload()
        assert phones.of(f.ServerWentQuiet)
        assert alarms(logged) == []
        with capture_logs() as logged:
            await server_goes_quiet(daemon, phones)
        assert alarms(logged) == ["server is not heard of"]


async def test_a_reload_by_which_the_facts_file_becomes_a_file_of_the_configuration_is_refused(
    path: Path, phones: RecordedPhones, tmp_path: Path
) -> None:
    facts = make_authority(tmp_path).rename(tmp_path / "facts")
    async with make(path, phones, facts_path=facts) as daemon:
        write(path, FIRST.replace("[queue.sales]", 'tls = true\nca_file = "facts"\n[queue.sales]'))
        with capture_logs() as logged:
            assert not await daemon.reload()
    (said,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert f"{facts} is the facts file" in said["error"]


async def test_a_reload_that_makes_chats_of_a_queue_for_calls_is_refused(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        old = daemon.config
        write(path, FIRST.replace("[queue.support]", '[queue.support]\nchannel = "chat"'))
        with capture_logs() as logged:
            assert not await daemon.reload()
        assert daemon.config == old
    (said,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert 'queue.support.channel: the engine has this queue as "voice", not "chat"' in said["error"]


async def test_a_wrong_file_changes_nothing_and_says_why(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        await daemon.engine.settled()
        old = daemon.config
        phones.facts.clear()
        write(path, WITHOUT_BEN.replace('"sales", "support"', '"sales", "suport"'))
        with capture_logs() as logged:
            assert not await daemon.reload()
        await daemon.engine.settled()
        assert (phones.facts, phones.asked, daemon.config) == ([], None, old)
    (said,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert said["event"] == "configuration is wrong, nothing was changed"
    assert 'agent.ana.queues[1]: there is no queue "suport"; allowed: sales, support' in said["error"]


async def test_a_file_that_is_gone_changes_nothing(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        await asyncio.to_thread(path.unlink)
        assert not await daemon.reload()
        assert daemon.config.queues


async def test_a_fault_while_reading_changes_nothing(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_path: Path) -> None:
        raise ZeroDivisionError

    async with make(path, phones) as daemon:
        monkeypatch.setattr(service_module, "read_config", fails)
        assert not await daemon.reload()
        assert not daemon.failed


async def test_a_call_in_progress_does_not_notice_a_reload(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        phones.submit(i.ServerReported(LINE.server))
        phones.submit(i.CallArrived(LINE, QueueId("sales"), Caller("555")))
        await daemon.engine.settled()
        (offer,) = phones.of(f.OfferMade)
        phones.submit(i.LegAnswered(offer.offer))
        phones.submit(i.LegBridged(offer.offer))
        await daemon.engine.settled()
        write(path, SERVER + '[queue.support]\n[agent.ben]\nphone = "1002"\nqueues = ["support"]\n')
        assert await daemon.reload()
        assert phones.of(f.CallConnected)
        assert not phones.of(f.CallEnded)
        phones.submit(i.LegEnded(offer.offer, "hung-up"))
        await daemon.engine.settled()
        assert [fact.agent for fact in phones.of(f.CallEnded)] == [AgentId("ana")]


async def test_new_pins_and_pause_reasons_hold_after_a_reload(path: Path, phones: RecordedPhones) -> None:
    from acd.sign_in import hash_pin

    async with make(path, phones) as daemon:
        known = FIRST.replace("[agent.ana]", f'[agent.ana]\nnumber = "41"\npin_hash = "{hash_pin("4711")}"')
        write(path, known + "[pause.lunch]\nnumber = 1\n")
        assert await daemon.reload()
        answer = await phones.answer_code(FeatureCode(LINE, "pause", "41", "4711", 1, Phone("1001")))
        assert answer == "paused"


async def test_what_a_reload_cannot_change_is_said(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        write(path, FIRST + "[telephony]\nping_every_s = 9\n")
        with capture_logs() as logged:
            assert await daemon.reload()
    assert "[telephony] has changed: that takes effect at the next start" in [entry["event"] for entry in logged]


async def test_a_large_reload_lets_calls_have_their_turn(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[int] = []
    settled = Engine.settled

    async def watched(engine: Engine) -> None:
        waiting.append(engine.backlog)
        await settled(engine)

    async with make(path, phones) as daemon:
        agents = "".join(f'[agent.a{number}]\nqueues = ["sales"]\n' for number in range(1_700))
        write(path, FIRST + agents)
        monkeypatch.setattr(Engine, "settled", watched)
        assert await daemon.reload()
    assert waiting == [500, 500, 500, 200]
    assert len(phones.of(f.AgentConfigured)) == 1_702
