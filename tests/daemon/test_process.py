"""`acd run` as a process of its own, with Asterisk's real adapter and no Asterisk: what systemd and operators see."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from acd.engine.facts_file import FactLine, InputLine, parse_line
from acd.testing.loading import Loading
from tests.daemon.recorded import PATIENCE_S, Systemd, write

QUEUES = '[queue.sales]\n[agent.ana]\nphone = "1001"\nqueues = ["sales"]\nlogged_in_at_start = true\n'


@contextmanager
def no_asterisk() -> Iterator[int]:
    """A port of this machine at which nobody listens while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with no_asterisk() as port:
        server = f'[asterisk.main]\nport = {port}\nusername = "acd"\nsecret = "not a real one"\n'
        yield write(tmp_path / "acd.toml", server + QUEUES)


@pytest.fixture
async def systemd(tmp_path: Path) -> AsyncIterator[Systemd]:
    async with Systemd(str(tmp_path / "notify")) as systemd:
        yield systemd


class Engine:
    """The process, and what it said when it had ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            _, logged = await self.process.communicate()
        self.lines = [json.loads(line) for line in logged.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode

    def events(self, level: str) -> list[str]:
        return [line["event"] for line in self.lines if line["level"] == level]


@asynccontextmanager
async def engine(path: Path, systemd: Systemd, *options: str) -> AsyncIterator[Engine]:
    environ = os.environ | {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}
    environ.pop("WATCHDOG_PID", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "acd", "run", "--config", str(path), *options),
        env=environ,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Engine(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def change(path: Path, old: str, new: str) -> None:
    write(path, path.read_text().replace(old, new))


def facts_in(path: Path) -> list[str]:
    lines = [parse_line(line) for line in path.read_bytes().splitlines()]
    return [type(line.fact).__name__ for line in lines if isinstance(line, FactLine)]


def inputs_in(path: Path) -> list[str]:
    lines = [parse_line(line) for line in path.read_bytes().splitlines()]
    return [type(line.input).__name__ for line in lines if isinstance(line, InputLine)]


async def test_a_service_from_start_to_stop(path: Path, systemd: Systemd, tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    async with engine(path, systemd, "--facts", str(facts)) as running:
        assert await systemd.hear_until("READY=1") == ["READY=1", "STATUS=ready"]
        for _ in range(3):
            assert await systemd.hear() == ["WATCHDOG=1"]
        running.process.send_signal(signal.SIGTERM)
        assert await systemd.hear_until("STOPPING=1") == ["STOPPING=1", "STATUS=stopping"]
        assert await running.ended() == 0
    assert running.events("error") == []
    assert [event for event in running.events("info") if event in {"ready", "stopping", "stopped"}] == [
        "ready",
        "stopping",
        "stopped",
    ]
    assert facts_in(facts) == [
        "JournalOpened",
        "QueueConfigured",
        "AgentConfigured",
        "AgentLoggedIn",
        "RequestAccepted",
    ]


@pytest.mark.parametrize("reads_in_the_end", [True, pytest.param(False, marks=pytest.mark.long)])
async def test_log_that_nobody_reads_costs_lines_and_nothing_else(
    path: Path, systemd: Systemd, tmp_path: Path, *, reads_in_the_end: bool
) -> None:
    """The pipe is full before the engine starts: whoever writes to it waits for a reader."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += os.write(writer, b"x" * 4_096)
    os.set_blocking(writer, True)
    facts = tmp_path / "facts"
    command = [sys.executable, "-m", "acd", "run", "--config", str(path), "--facts", str(facts)]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"NOTIFY_SOCKET": systemd.address}, stderr=writer
    )
    os.close(writer)
    try:
        await systemd.hear_until("READY=1")
        change(path, "[queue.sales]", "[queue.support]\n[queue.sales]")
        process.send_signal(signal.SIGHUP)
        await systemd.hear_until("READY=1")
        process.send_signal(signal.SIGTERM)
        await systemd.hear_until("STOPPING=1")
        said = b""
        if reads_in_the_end:
            said = (await asyncio.to_thread(_read_all, reader))[filled:]
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(reader)
    assert facts_in(facts).count("QueueConfigured") == 2
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert not reads_in_the_end or events[-1] == "stopped"


def _read_all(fd: int) -> bytes:
    with os.fdopen(os.dup(fd), "rb") as file:
        return file.read()


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
async def test_closed_standard_error_costs_the_log_and_nothing_else(
    path: Path, systemd: Systemd, tmp_path: Path, closed: str
) -> None:
    facts = tmp_path / "facts"
    command = [sys.executable, "-m", "acd", "run", "--config", str(path), "--facts", str(facts)]
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'exec "$@" {closed}', "sh", *command), env=os.environ | {"NOTIFY_SOCKET": systemd.address}
    )
    try:
        await systemd.hear_until("READY=1")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
    assert facts_in(facts)[0] == "JournalOpened"


async def test_a_server_that_cannot_be_reached_is_told_and_does_not_keep_it_from_starting(
    path: Path, systemd: Systemd
) -> None:
    async with engine(path, systemd) as running:
        await systemd.hear_until("READY=1")
        await systemd.hear_until("WATCHDOG=1")
        await systemd.hear_until("WATCHDOG=1")
        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0
    told = [line for line in running.lines if line["event"] == "no AMI link"]
    assert told
    assert "cannot be reached" in told[0]["reason"]


async def test_hup_becomes_what_the_file_says(path: Path, systemd: Systemd, tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    async with engine(path, systemd, "--facts", str(facts)) as running:
        await systemd.hear_until("READY=1")
        change(path, "[queue.sales]", "[queue.support]\n[pause.lunch]\nnumber = 1\n[queue.sales]")
        running.process.send_signal(signal.SIGHUP)
        reloading = await systemd.hear_until("RELOADING=1")
        assert reloading[1].startswith("MONOTONIC_USEC=")
        assert await systemd.hear_until("READY=1") == ["READY=1", "STATUS=ready"]
        assert inputs_in(facts)[-2:] == ["ConfigureRouter", "ConfigureQueue"]
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    assert "configuration reloaded" in running.events("info")


async def test_hup_with_a_wrong_file_changes_nothing_and_says_why(path: Path, systemd: Systemd, tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    async with engine(path, systemd, "--facts", str(facts)) as running:
        await systemd.hear_until("READY=1")
        before = inputs_in(facts)
        change(path, 'queues = ["sales"]', 'queues = ["salse"]')
        running.process.send_signal(signal.SIGHUP)
        await systemd.hear_until("RELOADING=1")
        _, status = await systemd.hear_until("READY=1")
        wrong = 'agent.ana.queues[0]: there is no queue "salse"; allowed: sales'
        assert status.startswith("STATUS=ready; the last reload was refused: ")
        assert wrong in status
        assert inputs_in(facts) == before
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    said = [line for line in running.lines if line["event"] == "configuration is wrong, nothing was changed"]
    assert wrong in said[0]["error"]


async def test_a_wrong_file_at_the_start_is_exit_code_2_in_one_line(path: Path, systemd: Systemd) -> None:
    write(path, "[queue.sales]\n")
    async with engine(path, systemd) as running, asyncio.timeout(PATIENCE_S):
        _, said = await running.process.communicate()
    assert running.process.returncode == 2
    wrong = f"{path}: asterisk: it is missing; allowed: at least one server, [asterisk.NAME]"
    assert said.decode() == f"acd: {wrong}\n"
    assert systemd.heard_all()


async def test_the_secret_is_in_nothing_that_is_said(path: Path, systemd: Systemd) -> None:
    async with engine(path, systemd, "--log-level", "debug") as running:
        await systemd.hear_until("READY=1")
        await systemd.hear_until("WATCHDOG=1")
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    assert running.lines
    assert "not a real one" not in str(running.lines)


EARLY = ["click.core", "acd.daemon"]
"""Among the first modules that are loaded, and among the last."""


@pytest.mark.parametrize("module", EARLY)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_that_comes_while_it_loads_is_a_stop(path: Path, number: signal.Signals, module: str) -> None:
    loading = Loading("run", "--config", str(path), "--log-level", "error")
    loading.send(number, module)
    assert (loading.ended(), loading.said) == (0, [])


@pytest.mark.parametrize("module", EARLY)
async def test_hup_that_comes_while_it_loads_is_a_reload(path: Path, systemd: Systemd, module: str) -> None:
    environ = os.environ | {"NOTIFY_SOCKET": systemd.address}
    loading = Loading("run", "--config", str(path), "--log-level", "error", environ=environ)
    await asyncio.to_thread(loading.send, signal.SIGHUP, module)
    await systemd.hear_until("RELOADING=1")
    await systemd.hear_until("READY=1")
    loading.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(loading.ended) == 0


@pytest.mark.parametrize("words", [("simulate",), ("hash-pin",), ("check-config", "no-such-file")])
def test_other_commands_end_quietly_when_interrupted_while_they_load(words: tuple[str, ...]) -> None:
    loading = Loading(*words)
    loading.send(signal.SIGINT, "click.core")
    assert (loading.ended(), loading.said) == (130, [])
