"""sd_notify(3), told to a listener of our own."""

import os
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.daemon.sd_notify import Notifier
from tests.daemon.recorded import Systemd


@pytest.mark.parametrize("abstract", [False, True])
async def test_what_systemd_hears(tmp_path: Path, abstract: bool) -> None:
    address = f"@acd-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    async with Systemd(address) as systemd:
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.ready("ready;\nall is well")
        notifier.alive()
        notifier.reloading()
        notifier.stopping()
        assert await systemd.hear() == ["READY=1", "STATUS=ready; all is well"]
        assert await systemd.hear() == ["WATCHDOG=1"]
        reloading, since, status = await systemd.hear()
        assert (reloading, status) == ("RELOADING=1", "STATUS=reloading")
        since_us = int(since.removeprefix("MONOTONIC_USEC="))
        assert 0 <= time.monotonic_ns() // 1_000 - since_us < 60_000_000
        assert await systemd.hear() == ["STOPPING=1", "STATUS=stopping"]
        notifier.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_systemd_nothing_is_told(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    with capture_logs() as logged:
        notifier.ready("ready")
    assert not logged


def test_a_socket_that_is_gone_is_logged_and_nothing_more(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    with capture_logs() as logged:
        notifier.ready("ready")
    notifier.close()
    assert [(entry["event"], entry["told"]) for entry in logged] == [("systemd cannot be told", "READY=1")]


async def test_a_socket_that_nobody_reads_does_not_block(tmp_path: Path) -> None:
    async with Systemd(str(tmp_path / "notify")) as systemd:
        notifier = Notifier({"NOTIFY_SOCKET": systemd.address})
        for _ in range(2_000):
            notifier.alive()
        notifier.close()


@pytest.mark.parametrize(
    ("environ", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_for_this_process_only(environ: dict[str, str], every_s: float | None) -> None:
    assert Notifier(environ).watchdog_s == every_s
