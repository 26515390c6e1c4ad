"""The demo on the lab: people are served and heard, and nothing is left of it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.lab.servers import Lab
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DEMO = [sys.executable, "-m", "acd", "demo"]
PATIENCE_S = 90.0


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


def _engines(folder: Path) -> list[str]:
    """Processes that work in the folder."""
    return [line for line in _processes() if str(folder) in line]


def _processes() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
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


def test_engine_goes_where_the_demo_is_killed(lab: Lab, environment: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(DEMO, env=environment, text=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while "talks with" not in process.stdout.readline():
            assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 15
    while _engines(tmp_path):
        assert time.monotonic() < deadline, _engines(tmp_path)
    asyncio.run(lab.cli("a", "channel request hangup all"))  # no phone was left to say good-bye


def _nothing_is_left(lab: Lab, folder: Path) -> None:
    assert _engines(folder) == []
    assert not any(folder.iterdir())
    deadline = time.monotonic() + 10
    while (channels := asyncio.run(lab.channels("a"))) > 0:
        assert time.monotonic() < deadline, f"{channels} channels are left"
