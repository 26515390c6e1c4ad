"""The lab for the demo: what ran before stays, what the demo started goes. Against a script that only keeps count."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.lab.demo import host as demo_host
from acd.lab.demo.host import LabHost, run_script
from acd.lab.demo.stage import StageFailed, StageTaken
from acd.lab.servers import LabUnavailable
from acd.tasks import Tasks

SCRIPT = """#!/usr/bin/env bash
echo "$*" >>"{folder}/asked"
case $1 in
    check) {check} ;;
    status) printf 'a  127.0.1.1  {a}\\nb  127.0.1.2  {b}\\n' ;;
    up) echo "[  0.1 s] starting" >&2; {up} ;;
    down) echo "server a is down" ;;
esac
"""
DOWN, UP = "down", "0 active channels"


class Desk:
    """A lab whose servers are as the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self.said: list[str] = []

    def is_found(
        self,
        *,
        a: str = DOWN,
        b: str = DOWN,
        engine: bool = True,
        others: bool = False,
        deaf: bool = False,
        up: str = ":",
        check: str = ":",
    ) -> None:
        """So it is when the demo comes; `up` and `check` are what these do."""
        path = self._folder / "lab"
        path.write_text(SCRIPT.format(folder=self._folder, a=a, b=b, up=up, check=check))
        path.chmod(0o755)
        self._monkeypatch.setattr(demo_host, "SCRIPT", path)
        answers = {("version",): "26.1" if engine else None, ("ps", "--quiet"): None if deaf else "abc" * others}
        self._monkeypatch.setattr(demo_host, "_docker", _answering(answers))
        self._monkeypatch.setattr(demo_host, "PROCESSES", self._folder)

    def host(self) -> LabHost:
        return LabHost(self.said.append, self._folder.name)

    @property
    def asked(self) -> list[str]:
        """After `check`, with which it begins."""
        first, *others = (self._folder / "asked").read_text().splitlines()
        assert first == "check"
        return others


def _answering(answers: dict[tuple[str, ...], str | None]) -> Callable[..., Awaitable[str | None]]:
    """The docker command, which these tests never call."""

    async def docker(*words: str) -> str | None:
        return answers[words]

    return docker


@asynccontextmanager
async def up(host: LabHost) -> AsyncIterator[None]:
    """As the stage does it."""
    try:
        await host.start()
        yield
    finally:
        await host.restore()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


async def test_lab_that_was_down_goes_down_again_and_its_engine_stays(desk: Desk) -> None:
    desk.is_found()
    async with up(desk.host()):
        assert desk.asked == ["status", "up a"]
    assert desk.asked == ["status", "up a", "down a"]
    assert desk.said == ["[  0.1 s] starting", "server a is down"]


async def test_lab_that_was_up_stays_up(desk: Desk) -> None:
    desk.is_found(a=UP, b=UP)
    async with up(desk.host()):
        pass
    assert desk.asked == ["status", "up a"]


async def test_other_server_that_was_up_is_not_stopped(desk: Desk) -> None:
    desk.is_found(b=UP)
    async with up(desk.host()):
        pass
    assert desk.asked == ["status", "up a", "down a"]


async def test_docker_engine_that_was_started_is_stopped(desk: Desk) -> None:
    desk.is_found(engine=False)
    async with up(desk.host()):
        pass
    assert desk.asked[2:] == ["down a", "down --engine"]


async def test_docker_engine_that_others_use_by_now_is_left(desk: Desk) -> None:
    desk.is_found(engine=False, others=True)
    async with up(desk.host()):
        pass
    assert desk.asked[2:] == ["down a"]


async def test_docker_engine_that_says_nothing_is_left(desk: Desk) -> None:
    desk.is_found(engine=False, deaf=True)
    async with up(desk.host()):
        pass
    assert desk.asked[2:] == ["down a"]


async def test_docker_engine_that_was_there_but_did_not_answer_is_left(desk: Desk, tmp_path: Path) -> None:
    """It is somebody's, and may be busy."""
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "comm").write_text("dockerd\n")
    desk.is_found(engine=False)
    async with up(desk.host()):
        pass
    assert desk.asked[2:] == ["down a"]


async def test_no_docker_is_said_by_the_script_s_last_line(desk: Desk) -> None:
    desk.is_found(up='echo "lab: no Docker engine is installed."; exit 3')
    with pytest.raises(LabUnavailable, match=r"^no Docker engine is installed\.$"):
        async with up(desk.host()):
            pass
    assert desk.said == ["[  0.1 s] starting", "server a is down"]  # it is said once, by who catches it


async def test_where_no_docker_can_be_had_nothing_is_touched(desk: Desk) -> None:
    desk.is_found(check='echo "lab: no Docker engine is installed." >&2; exit 3')
    with pytest.raises(LabUnavailable, match=r"^no Docker engine is installed\.$"):
        async with up(desk.host()):
            pass
    assert desk.asked == []


async def test_second_demo_on_a_lab_is_refused_and_touches_nothing(desk: Desk) -> None:
    desk.is_found()
    async with up(desk.host()):
        with pytest.raises(StageTaken, match="another demo plays on the lab at"):
            async with up(desk.host()):
                pass
        assert desk.asked == ["status", "up a", "check"]
    assert desk.asked == ["status", "up a", "check", "down a"]
    async with up(desk.host()):
        pass


async def test_start_that_fails_is_tidied_up(desk: Desk) -> None:
    desk.is_found(up='echo "lab: server a did not start"; exit 1')
    with pytest.raises(StageFailed, match=r"^server a did not start"):
        async with up(desk.host()):
            pass
    assert desk.asked == ["status", "up a", "down a"]


async def test_start_that_is_broken_off_is_interrupted_and_tidied_up(desk: Desk) -> None:
    desk.is_found(up="echo waiting; sleep 600")
    begun = asyncio.Event()
    host = LabHost(lambda line: begun.set() if line == "waiting" else desk.said.append(line), "test of a start")

    async def stay() -> None:
        async with up(host):
            raise AssertionError("it never starts")

    tasks = Tasks("test")
    tasks.start("demo", stay())
    async with asyncio.timeout(20):
        await begun.wait()
        await tasks.stop(15)
    assert desk.asked == ["status", "up a", "down a"]


async def test_script_that_heeds_nothing_is_killed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_host, "GIVE_UP_S", 0.1)
    desk.is_found(up="trap '' INT TERM; echo waiting; while :; do read -rt 600 <> <(:); done")
    begun = asyncio.Event()

    async def stay() -> None:
        await run_script(lambda line: begun.set() if line == "waiting" else None, "up", "a")

    tasks = Tasks("test")
    tasks.start("script", stay())
    async with asyncio.timeout(20):
        await begun.wait()
        await tasks.stop(15)
    assert tasks.names == ()
