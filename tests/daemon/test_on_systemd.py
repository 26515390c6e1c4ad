"""The unit of config/systemd under a real systemd, on a machine of its own. No Asterisk is there: no obstacle."""

import asyncio
from collections.abc import Iterator

import pytest

from acd.lab.servers import Lab
from tests import needs
from tests.daemon.machine import CONFIG, Machine, machine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RIGHT = """
[asterisk.main]
username = "acd"
secret = "not a real one"
[queue.sales]
[agent.ana]
phone = "1001"
queues = ["sales"]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The lab knows how to have a Docker engine."""
    with needs.the_lab():
        asyncio.run(Lab().up("a"))
    with machine(tmp_path_factory.mktemp("machine")) as host:
        host.install(RIGHT)
        yield host


@pytest.fixture
def service(host: Machine) -> Iterator[Machine]:
    """The engine, started and ready."""
    host.write(CONFIG, RIGHT)
    host.run("systemctl", "start", "acd")
    yield host
    host.run("systemctl", "stop", "acd")
    host.run("systemctl", "reset-failed")


def test_it_is_ready_as_a_user_without_any_right(service: Machine) -> None:
    told = {name: service.of_unit(name) for name in ("ActiveState", "SubState", "StatusText", "User", "NRestarts")}
    assert told == {
        "ActiveState": "active",
        "SubState": "running",
        "StatusText": "ready",
        "User": "acd",
        "NRestarts": "0",
    }
    status = service.run("cat", f"/proc/{service.of_unit('MainPID')}/status").splitlines()
    of = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    assert int(of["CapEff"], 16) == int(of["CapBnd"], 16) == 0
    assert of["Uid"].split()[0] != "0"
    assert of["NoNewPrivs"] == "1"
    assert of["Seccomp"] == "2", "system calls are filtered"
    assert service.run("stat", "-c", "%U %a", "/var/lib/acd").strip() == "acd 700"


def test_a_reload_is_taken_in_by_the_same_process(service: Machine) -> None:
    process = service.of_unit("MainPID")
    service.write(CONFIG, RIGHT + "[queue.support]\n")
    service.run("systemctl", "reload", "acd")
    service.until(lambda: '"changes":1,' in service.journal())
    service.until(lambda: service.of_unit("StatusText") == "ready")
    assert service.of_unit("MainPID") == process


def test_a_reload_that_is_refused_is_in_the_status_and_changes_nothing(service: Machine) -> None:
    process = service.of_unit("MainPID")
    service.write(CONFIG, RIGHT.replace('["sales"]', '["salse"]'))
    service.run("systemctl", "reload", "acd")
    service.until(lambda: "the last reload was refused" in service.of_unit("StatusText"))
    assert 'there is no queue "salse"' in service.of_unit("StatusText")
    assert (service.of_unit("ActiveState"), service.of_unit("MainPID")) == ("active", process)


def test_a_stop_is_done_within_its_time_and_a_success(service: Machine) -> None:
    service.run("systemctl", "stop", "acd")
    assert [service.of_unit(name) for name in ("ActiveState", "Result", "ExecMainStatus")] == [
        "inactive",
        "success",
        "0",
    ]


def test_an_engine_that_dies_is_started_again(service: Machine) -> None:
    process = service.of_unit("MainPID")
    service.run("systemctl", "kill", "--signal=KILL", "acd")
    service.until(lambda: service.of_unit("NRestarts") == "1" and service.of_unit("SubState") == "running")
    assert service.of_unit("MainPID") != process


def test_a_wrong_configuration_is_not_started_again(host: Machine) -> None:
    host.write(CONFIG, RIGHT.replace('["sales"]', '["salse"]'))
    host.run("sh", "-c", "! systemctl start acd")
    told = [host.of_unit(name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")]
    host.run("systemctl", "reset-failed")
    assert told == ["failed", "2", "0"]
    assert 'there is no queue "salse"' in host.journal()


@pytest.fixture
def short_watchdog(host: Machine) -> Iterator[None]:
    """Nobody wants to wait 20 seconds."""
    folder = "/etc/systemd/system/acd.service.d"
    host.run("mkdir", folder)
    host.write(f"{folder}/watchdog.conf", "[Service]\nWatchdogSec=2\n")
    host.run("systemctl", "daemon-reload")
    yield
    host.run("rm", "-r", folder)
    host.run("systemctl", "daemon-reload")


def test_an_engine_that_stands_still_is_killed_and_started_again(short_watchdog: None, service: Machine) -> None:
    process = service.of_unit("MainPID")
    service.run("systemctl", "kill", "--signal=STOP", "acd")
    service.until(lambda: service.of_unit("NRestarts") == "1" and service.of_unit("SubState") == "running")
    assert service.of_unit("MainPID") != process
