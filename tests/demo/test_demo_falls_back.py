"""Where there is no Docker, and where something breaks."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acd.lab.demo.command import SIGNALS, Demo, Options
from acd.lab.demo.host import LabHost
from acd.lab.demo.stage import StageFailed
from acd.lab.view import fold as board_fold
from tests import needs

OPTIONS = Options(seconds=1.5, seed=1, agents=3, rate=60, simulated=False, plain=True, picture=None)
WHY = {
    "No Docker engine is installed: install Docker (on Debian and Ubuntu the lab can do that itself).",
    "No Docker engine answers, and starting one needs root: start Docker, or run this as root.",
}
"""As root, and as anybody else."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The demo's process ends with the demo; this one does not."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _refuse(error: Exception) -> Any:
    async def start(_self: LabHost) -> None:
        raise error

    return start


@pytest.mark.long
def test_without_docker_the_demo_says_why_and_plays_on_simulated_phones(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "acd", "demo", "--seconds", "1.5", "--agents", "3", "--rate", "60"],
        env=needs.without_docker(tmp_path), text=True, capture_output=True, timeout=50, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert first in {f"The demo runs on simulated phones. {why}" for why in WHY}
    assert [line for line in others if "simulated phones" in line and "runs" in line] == []
    assert any("calls" in line for line in others)


async def test_lab_that_does_not_start_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LabHost, "start", _refuse(StageFailed("server a cannot have UDP port 5060")))
    assert await Demo(OPTIONS).run() == 1
    assert capsys.readouterr().out == "The demo has failed: server a cannot have UDP port 5060\n"


@pytest.mark.long
async def test_installed_package_without_the_lab_plays_on_simulated_phones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr("acd.lab.demo.host.SCRIPT", tmp_path / "none")
    assert await Demo(OPTIONS).run() == 0
    assert "source tree" in capsys.readouterr().out.splitlines()[0]


async def test_fault_while_it_starts_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LabHost, "start", _refuse(RuntimeError("a fault")))
    assert await Demo(OPTIONS).run() == 1
    assert "calls" not in capsys.readouterr().out


async def test_board_that_breaks_ends_it_as_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of ours must not show a board that stands still."""

    def break_down(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(board_fold, "apply", break_down)
    demo = Demo(Options(**{**_as_dict(OPTIONS), "simulated": True, "seconds": 20}))
    assert await demo.run() == 1
    capsys.readouterr()


def _as_dict(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__struct_fields__}
