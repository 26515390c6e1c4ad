"""The daemon in this process: start, stop, and what is left of it."""

import asyncio
import os
import signal
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.daemon import CannotStart, Daemon
from acd.daemon import service as service_module
from acd.daemon.sd_notify import Notifier
from acd.engine.facts_file import FactLine, parse_line
from acd.engine.loop import EngineStopped
from acd.journal.memory import MemoryJournal
from acd.journal.port import CommitFailed, Entry, JournalClosed
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings, QueueSettings
from acd.telephony.port import FeatureCode
from tests.certificates import make_authority
from tests.daemon.in_process import FIRST, LINE, alarms, make, server_goes_quiet, server_is_up
from tests.daemon.recorded import PATIENCE_S, SERVER, RecordedPhones, Systemd, write

pytestmark = pytest.mark.usefixtures("nothing_is_left")


# --- Start and stop -----------------------------------------------------------------------------------------------


async def test_the_phone_system_starts_once_the_core_knows_the_configuration(
    path: Path, phones: RecordedPhones
) -> None:
    async with make(path, phones):
        configured = f.JournalOpened, f.RouterConfigured, f.QueueConfigured, f.AgentConfigured
        assert sum(len(phones.of(kind)) for kind in configured) == 5
        assert phones.did == ["start after 5 facts"]
        assert phones.config.phones == {"1001", "1002", "1901"}


async def test_agents_are_logged_in_at_start(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        await daemon.engine.settled()
        assert [(fact.agent, fact.by) for fact in phones.of(f.AgentLoggedIn)] == [("ana", "configuration")]


async def test_nobody_is_logged_in_by_an_engine_that_comes_back(path: Path, phones: RecordedPhones) -> None:
    journal = MemoryJournal()
    await journal.append([Entry(1, 1, i.OpenJournal("t", 1, "0"), (f.JournalOpened(1, "t", 1, "0"),))])
    daemon = make(path, phones, journal=journal)
    daemon.engine._core.state.fact_count = 1
    async with daemon:
        await daemon.engine.settled()
        assert not phones.of(f.AgentLoggedIn)


async def test_what_a_journal_knows_and_the_file_does_not_have_is_retired_at_the_start(
    path: Path, phones: RecordedPhones
) -> None:
    daemon = make(path, phones)
    core = daemon.engine._core
    gone = QueueSettings(QueueId("gone"), "Gone")
    for told in (
        i.OpenJournal("t", 1, "0"),
        i.ConfigureQueue(gone),
        i.ConfigureAgent(AgentSettings(AgentId("cleo"), "Cleo", Phone("1009"), (gone.id,))),
    ):
        facts = core.handle(told, 1)
        await daemon._journal.append([Entry(core.state.fact_count, 1, told, tuple(facts))])
    async with daemon:
        assert [fact.agent for fact in phones.of(f.AgentRetired)] == ["cleo"]
        assert [fact.queue for fact in phones.of(f.QueueRetired)] == ["gone"]
        assert {agent.id for agent in daemon.engine.configured.agents} == {"ana", "ben"}


async def test_a_call_goes_through_the_daemon(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        phones.submit(i.ServerReported(LINE.server))
        phones.submit(i.CallArrived(LINE, QueueId("sales"), Caller("555")))
        await daemon.engine.settled()
        assert [fact.agent for fact in phones.of(f.OfferMade)] == ["ana"]


async def test_a_feature_code_goes_through_the_daemon(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones):
        answer = await phones.answer_code(FeatureCode(LINE, "login", "41", "4711", None, Phone("1002")))
        assert answer == "wrong"


async def test_a_stop_ends_the_phone_system_first_and_takes_its_last_reports(
    path: Path, phones: RecordedPhones
) -> None:
    async def last_report() -> None:
        phones.submit(i.ServerReported(LINE.server))

    phones.stops = last_report
    journal = MemoryJournal()
    async with make(path, phones, journal=journal):
        pass
    assert phones.did[-1] == "stop"
    assert phones.of(f.ServerRollCalled)
    with pytest.raises(EngineStopped):
        phones.submit(i.PassTime())
    with pytest.raises(JournalClosed):
        await journal.append([])


async def test_a_phone_system_that_does_not_stop_is_given_up(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "STOP_TELEPHONY_WITHIN_S", 0.05)
    phones.stops = lambda: asyncio.get_running_loop().create_future()
    journal = MemoryJournal()
    with capture_logs() as logged:
        async with make(path, phones, journal=journal):
            pass
    assert ("a part took too long", "telephony") in [(entry["event"], entry.get("part")) for entry in logged]
    assert journal._closed


async def test_a_phone_system_that_fails_to_stop_does_not_keep_the_rest_open(
    path: Path, phones: RecordedPhones
) -> None:
    async def fails() -> None:
        raise RuntimeError("no")

    phones.stops = fails
    journal = MemoryJournal()
    with capture_logs() as logged:
        async with make(path, phones, journal=journal):
            pass
    assert "a part failed" in [entry["event"] for entry in logged]
    assert journal._closed


async def test_an_engine_that_does_not_finish_is_given_up(
    path: Path, phones: RecordedPhones, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(MemoryJournal):
        stuck = False

        async def append(self, entries: Sequence[Entry]) -> None:
            if self.stuck:
                await asyncio.get_running_loop().create_future()
            await super().append(entries)

    monkeypatch.setattr(service_module, "STOP_ENGINE_WITHIN_S", 0.05)
    journal = Stuck()
    async with make(path, phones, journal=journal) as daemon:
        journal.stuck = True
        daemon.engine.submit(i.ServerReported(LINE.server))
    assert journal._closed


async def test_a_start_that_fails_undoes_what_was_started(path: Path, phones: RecordedPhones, tmp_path: Path) -> None:
    phones.start_fails = RuntimeError("no")
    journal = MemoryJournal()
    with pytest.raises(RuntimeError, match="no"):
        async with make(path, phones, journal=journal, facts_path=tmp_path / "facts"):
            pytest.fail("it did not start")
    assert phones.did[-1] == "stop"
    assert journal._closed


async def test_a_facts_file_that_cannot_be_written_is_the_operators_mistake(
    path: Path, phones: RecordedPhones, tmp_path: Path
) -> None:
    with pytest.raises(CannotStart, match=r"no-such-folder/facts cannot be written: No such file or directory"):
        async with make(path, phones, facts_path=tmp_path / "no-such-folder" / "facts"):
            pytest.fail("it did start")


@pytest.mark.parametrize("link", ["same", "symlink", "hard link"])
@pytest.mark.parametrize("name", ["acd.toml", "secret", "ca.pem"])
async def test_a_facts_file_that_is_a_file_of_the_configuration_is_refused_and_left_as_it_is(
    path: Path, phones: RecordedPhones, tmp_path: Path, name: str, link: str
) -> None:
    (tmp_path / "secret").write_text("from a file")
    make_authority(tmp_path)
    write(path, '[asterisk.main]\nusername = "acd"\nsecret_file = "secret"\ntls = true\nca_file = "ca.pem"\n')
    victim = tmp_path / name
    victim.chmod(0o640)
    before = victim.read_bytes()
    facts = victim if link == "same" else tmp_path / "facts"
    if link == "symlink":
        facts.symlink_to(victim)
    elif link == "hard link":
        facts.hardlink_to(victim)
    with pytest.raises(CannotStart, match=f"facts file {facts} is a file of the configuration, {victim}: give another"):
        async with make(path, phones, facts_path=facts):
            pytest.fail("it did start")
    assert (victim.read_bytes(), stat.S_IMODE(victim.stat().st_mode)) == (before, 0o640)


async def test_every_fact_is_in_the_facts_file_which_is_private(
    path: Path, phones: RecordedPhones, tmp_path: Path
) -> None:
    facts_path = tmp_path / "facts"
    async with make(path, phones, facts_path=facts_path):
        pass
    assert stat.S_IMODE(facts_path.stat().st_mode) == 0o600
    lines = [parse_line(line) for line in facts_path.read_bytes().splitlines()]
    assert [line.fact for line in lines if isinstance(line, FactLine)] == phones.facts


async def test_what_is_odd_in_the_configuration_is_said_at_the_start(path: Path, phones: RecordedPhones) -> None:
    write(path, SERVER)
    with capture_logs() as logged:
        async with make(path, phones):
            pass
    assert any("there is no queue" in entry.get("warning", "") for entry in logged)


async def test_a_flood_of_refused_calls_does_not_fill_the_log(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        with capture_logs() as logged:
            for number in range(200):
                phones.submit(
                    i.CallArrived(Line(LINE.server, ChannelId(f"c{number}")), QueueId("salse"), Caller("555"))
                )
            await daemon.engine.settled()
    refused = [entry for entry in logged if entry["event"] == "call refused"]
    more = [entry["so_far_this_minute"] for entry in refused if "so_far_this_minute" in entry]
    assert len(refused) - len(more) in {20, 40}, "40 where a minute begins meanwhile"
    assert not more or set(more) <= {32, 64, 128}
    assert more or len(refused) == 40


async def test_an_unknown_queue_in_the_dialplan_is_in_the_log(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        with capture_logs() as logged:
            phones.submit(i.CallArrived(LINE, QueueId("salse"), Caller("555")))
            await daemon.engine.settled()
    refused = [entry for entry in logged if entry["event"] == "call refused"]
    assert [(entry["queue"], entry["reason"]) for entry in refused] == [("salse", "unknown-queue")]
    assert "the configuration does not have" in refused[0]["mend"]


async def test_a_call_that_the_dialplan_hands_to_a_queue_for_chats_is_in_the_log(
    path: Path, phones: RecordedPhones
) -> None:
    write(path, FIRST.replace("[queue.support]", '[queue.support]\n[queue.web]\nchannel = "chat"'))
    async with make(path, phones) as daemon:
        with capture_logs() as logged:
            phones.submit(i.CallArrived(LINE, QueueId("web"), Caller("555")))
            await daemon.engine.settled()
    (refused,) = [entry for entry in logged if entry["event"] == "call refused"]
    assert (refused["queue"], refused["reason"]) == ("web", "wrong-channel")
    assert "for chats" in refused["mend"]


async def test_a_server_that_goes_quiet_is_an_alarm(path: Path, phones: RecordedPhones) -> None:
    async with make(path, phones) as daemon:
        await server_is_up(daemon, phones)
        with capture_logs() as logged:
            await server_goes_quiet(daemon, phones)
    assert alarms(logged) == ["server is not heard of"]


async def test_a_caller_whom_the_first_report_finds_is_no_alarm(path: Path, phones: RecordedPhones) -> None:
    """An engine that was started anew hears of the callers before the report is whole."""
    async with make(path, phones) as daemon:
        with capture_logs() as logged:
            phones.submit(i.CallArrived(LINE, QueueId("sales"), Caller("555"), waited_ms=5_000))
            await server_is_up(daemon, phones)
    assert alarms(logged) == []


async def test_an_ordinary_stop_is_no_alarm(path: Path, phones: RecordedPhones) -> None:
    """The links are closed by the daemon itself."""
    async with make(path, phones) as daemon:
        await server_is_up(daemon, phones)
        phones.stops = lambda: server_goes_quiet(daemon, phones)
        stopping = capture_logs()
        logged = stopping.__enter__()
    stopping.__exit__(None, None, None)
    assert phones.of(f.ServerWentQuiet)
    assert alarms(logged) == []


# --- As a process -------------------------------------------------------------------------------------------------


async def running(daemon: Daemon, systemd: Systemd, meanwhile: Callable[[], object]) -> int:
    """Run until ready, do something, and wait for the end: the exit code."""

    async def when_ready() -> None:
        await systemd.hear_until("READY=1")
        meanwhile()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(when_ready())
        code = group.create_task(daemon.run())
    return code.result()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_well(
    path: Path, phones: RecordedPhones, systemd: Systemd, notifier: Notifier, number: int
) -> None:
    daemon = make(path, phones, notifier=notifier)
    assert await running(daemon, systemd, lambda: os.kill(os.getpid(), number)) == 0
    assert phones.did[-1] == "stop"
    assert (await systemd.hear_until("STOPPING=1"))[1] == "STATUS=stopping"
    assert systemd.heard_all()


async def test_a_phone_system_that_fails_ends_it_with_an_error(
    path: Path, phones: RecordedPhones, systemd: Systemd, notifier: Notifier
) -> None:
    daemon = make(path, phones, notifier=notifier)
    with capture_logs() as logged:
        code = await running(daemon, systemd, lambda: phones.on_failure("asterisk/link", RuntimeError("broken")))
    assert code == 1
    assert [entry["task"] for entry in logged if entry["log_level"] == "critical"] == ["asterisk/link"]


class Failing(MemoryJournal):
    """Fails once told to; at first or later."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.fails = fails

    async def append(self, entries: Sequence[Entry]) -> None:
        if self.fails:
            raise CommitFailed("the disk is full")
        await super().append(entries)


async def test_a_journal_that_fails_ends_it_with_an_error(
    path: Path, phones: RecordedPhones, systemd: Systemd, notifier: Notifier
) -> None:
    journal = Failing(fails=False)
    daemon = make(path, phones, journal=journal, notifier=notifier)

    def fail() -> None:
        journal.fails = True
        phones.submit(i.ServerReported(LINE.server))

    assert await running(daemon, systemd, fail) == 1


async def test_a_journal_that_fails_at_the_start_is_never_ready(
    path: Path, phones: RecordedPhones, systemd: Systemd, notifier: Notifier
) -> None:
    assert await make(path, phones, journal=Failing(fails=True), notifier=notifier).run() == 1
    assert systemd.heard_all()


async def test_the_watchdog_is_silent_while_the_engine_stands_still(
    path: Path, phones: RecordedPhones, systemd: Systemd, notifier: Notifier
) -> None:
    free = asyncio.Event()
    free.set()

    class Slow(MemoryJournal):
        async def append(self, entries: Sequence[Entry]) -> None:
            await free.wait()
            await super().append(entries)

    async with make(path, phones, journal=Slow(), notifier=notifier) as daemon:
        await systemd.hear_until("WATCHDOG=1")
        free.clear()
        daemon.engine.submit(i.ServerReported(LINE.server))
        heard = await systemd.hear_for(0.5)
        assert len(heard) <= 1, "the one that was on its way"
        free.set()
        await systemd.hear_until("WATCHDOG=1")
