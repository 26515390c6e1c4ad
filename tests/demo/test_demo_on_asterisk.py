"""The demo on the lab: people are served and heard, and nothing is left of it."""

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from acd.lab.ears import no_channel_is_left
from acd.lab.servers import SCRIPT, Lab, Name
from acd.router.facts import ServerSettled
from acd.testing.process import WatchedEngine
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DEMO = [sys.executable, "-m", "acd", "demo"]
ENGINE = '[asterisk.a]\nhost = "{host}"\nusername = "acd"\nsecret = "lab-acd"\n'
PATIENCE_S = 90.0
ENDS_WITHIN_S = 15.0
OTHER_LAB = str(int(os.environ.get("ACD_LAB") or "1") % 49 + 50)
"""One that no other test uses."""


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The lab is up before, so the demo leaves it up."""
    lab = Lab()
    with needs.the_lab():
        asyncio.run(lab.up())
    return lab


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path)}


def _engines(folder: Path) -> list[int]:
    """Processes that work in the folder."""
    return [process for process, line in _processes() if str(folder) in line]


def _processes() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def test_demo_serves_callers_who_are_heard_and_leaves_nothing(
    lab: Lab, environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*DEMO, "--seconds", "12"], check=False, env=environment, text=True, capture_output=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any("The demo runs on Asterisk 22" in line for line in lines)
    answered = re.search(r"(\d+) answered", lines[-1])
    heard = re.search(r"In (\d+) of (\d+) conversations", lines[-1])
    assert answered is not None, lines[-1]
    assert heard is not None, lines[-1]
    assert int(answered[1]) >= 3
    assert int(heard[1]) >= 3
    assert heard[1] == heard[2], "somebody was not heard"
    assert any(re.search(r"hears 5[0-9]0 Hz at -1\d dBFS", line) for line in lines)
    assert any(re.search(r"phone rings \d+\.\d ms after", line) for line in lines)
    _nothing_is_left(lab, tmp_path)


def test_ctrl_c_while_people_talk_ends_it_within_seconds_and_leaves_nothing(
    lab: Lab, environment: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(DEMO, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while "talks with" not in process.stdout.readline():
            assert process.poll() is None, process.communicate()
        assert len(_engines(tmp_path)) == 1
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - began < 10
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()
    _nothing_is_left(lab, tmp_path)


def test_second_demo_is_refused_in_one_sentence_and_the_first_goes_on(
    lab: Lab, environment: dict[str, str], tmp_path: Path
) -> None:
    first = subprocess.Popen(DEMO, env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert first.stdout is not None
        while "talks with" not in first.stdout.readline():
            assert first.poll() is None
        second = subprocess.run(DEMO, check=False, env=environment, text=True, capture_output=True, timeout=PATIENCE_S)
        assert (second.returncode, second.stdout) == (2, "")
        assert re.fullmatch(
            rf"acd: another demo plays on the lab at {re.escape(lab.a.host)}: end that one, "
            r"or take a lab of your own: ACD_LAB=\d+ make demo\n",
            second.stderr,
        )
        while "talks with" not in first.stdout.readline():
            assert first.poll() is None
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=PATIENCE_S)
        assert first.returncode == 0
    finally:
        first.kill()
        first.communicate()
    _nothing_is_left(lab, tmp_path)


async def test_demo_where_another_engine_serves_says_so_in_one_sentence(
    lab: Lab, environment: dict[str, str], tmp_path: Path
) -> None:
    async with WatchedEngine(tmp_path, ENGINE.format(host=lab.a.host)) as other:
        await other.saw.sees(ServerSettled, within_s=15, up=True)
        demo = await asyncio.create_subprocess_exec(
            *DEMO, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(PATIENCE_S):
            _, said = await demo.communicate()
    assert demo.returncode == 2
    assert said.decode().startswith(f"acd: another engine serves Asterisk at {lab.a.host}: end that one, or take")
    assert said.count(b"\n") == 1


def test_engine_goes_where_the_demo_is_killed(lab: Lab, environment: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(DEMO, env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while "talks with" not in process.stdout.readline():
            assert process.poll() is None
        (engine,) = _engines(tmp_path)
        handle = os.pidfd_open(engine)
    finally:
        process.kill()
        process.communicate()
    try:
        ended, _, _ = select.select([handle], [], [], ENDS_WITHIN_S)
    finally:
        os.close(handle)
    assert ended, "the engine has ended by itself"
    asyncio.run(lab.cli("a", "channel request hangup all"))  # no phone was left to say good-bye


@pytest.mark.parametrize(
    ("gone", "why"),
    [("engine", r"engine: the engine ended with -9"), ("server", r"the server at \S+ has gone: was the lab stopped\?")],
)
def test_demo_whose_engine_or_server_goes_fails_and_says_why_once(
    environment: dict[str, str], tmp_path: Path, gone: str, why: str
) -> None:
    lab = Lab({"ACD_LAB": OTHER_LAB})
    with needs.the_lab():
        asyncio.run(lab.up("a"))
    process = subprocess.Popen(
        DEMO, env=environment | {"ACD_LAB": OTHER_LAB}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        while "talks with" not in process.stdout.readline():
            assert process.poll() is None
        if gone == "engine":
            (engine,) = _engines(tmp_path)
            os.kill(engine, signal.SIGKILL)
        else:
            subprocess.run([SCRIPT, "down", "a"], env=environment | {"ACD_LAB": OTHER_LAB}, check=True)
        said, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
        subprocess.run([SCRIPT, "down"], env=environment | {"ACD_LAB": OTHER_LAB}, check=True)
    assert (process.returncode, errors) == (1, "")
    assert len(re.findall(why, said)) == 1, said


@pytest.mark.parametrize("found", [(), ("b",)], ids=["no lab", "the other server"])
def test_demo_that_finds_no_server_starts_one_and_leaves_what_it_found(
    environment: dict[str, str], tmp_path: Path, found: tuple[Name, ...]
) -> None:
    lab, number = Lab({"ACD_LAB": OTHER_LAB}), OTHER_LAB
    environment["ACD_LAB"] = number
    with needs.the_lab():
        asyncio.run(Lab().up("a"))  # so the Docker engine and the image are here: they are not the demo's to take away
    _lab("down", environment)
    assert _containers(number) == []
    if found:
        asyncio.run(lab.up(*found))
    before = _lab("status", os.environ), _containers(number)
    assert before[1] == [f"acd-lab{number}-{name}" for name in found]

    done = subprocess.run(
        [*DEMO, "--seconds", "5"], check=False, env=environment, text=True, capture_output=True, timeout=PATIENCE_S
    )
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(rf"The demo runs on Asterisk 22\S* at {re.escape(lab.a.host)}", done.stdout), done.stdout
        assert _engines(tmp_path) == []
        assert [path.name for path in tmp_path.iterdir()] == []
        assert _sockets_at(lab.a.host) == []
        assert (_lab("status", os.environ), _containers(number)) == before, "what was up before is up, and no more"
    finally:
        _lab("down", environment)


def _lab(command: str, environment: Mapping[str, str]) -> str:
    return subprocess.run([SCRIPT, command], env=environment, capture_output=True, text=True, check=True).stdout


def _containers(number: str) -> list[str]:
    """The containers of that lab, also such as do not run."""
    listed = subprocess.run(
        ["docker", "ps", "--all", "--filter", f"name=^acd-lab{number}-", "--format", "{{.Names}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return listed.stdout.split()


def _sockets_at(host: str) -> list[str]:
    """Who listens at that address, as the kernel lists it."""
    word = socket.inet_aton(host)[::-1].hex().upper()
    lines = [line for table in ("udp", "tcp") for line in Path("/proc/net", table).read_text().splitlines()[1:]]
    return [line for line in lines if line.split()[1].startswith(f"{word}:") and line.split()[3] in {"07", "0A"}]


def _nothing_is_left(lab: Lab, folder: Path) -> None:
    assert _engines(folder) == []
    assert not any(folder.iterdir())
    asyncio.run(no_channel_is_left(lab))
