"""An engine as a process: its facts come, it stops, and it leaves nothing."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from acd.core import Fact
from acd.lab import engine as lab_engine
from acd.lab.demo.cast import PIN, agents
from acd.lab.demo.config import config_text
from acd.lab.engine import EngineFailed, EngineProcess
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.sign_in import hash_pin
from acd.testing.watching import Watching

# Nobody listens there: the engine starts all the same, and keeps trying.
CONFIG = config_text(Lab({"ACD_LAB": "98"}).a, agents(2), hash_pin(PIN))
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def modes(folder: Path) -> list[int]:
    """Of what is in the folder."""
    return [path.stat().st_mode & 0o777 for path in folder.iterdir()]


async def test_facts_come_while_it_runs_and_nothing_is_left(folder: Path) -> None:
    told: Watching[Fact] = Watching()
    async with EngineProcess(CONFIG, lambda _number, fact: told.saw(fact)) as engine:
        await told.sees(f.AgentLoggedIn, 2, PATIENCE_S)
        pid = engine.process.pid
        assert modes(folder) == [0o700]
    assert engine.process.returncode == 0
    assert modes(folder) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_engine_that_is_to_write_no_facts_tells_none() -> None:
    told: Watching[Fact] = Watching()
    async with EngineProcess(CONFIG, lambda _number, fact: told.saw(fact), writes_facts=False) as engine:
        await engine.says("ready", PATIENCE_S)
    assert engine.process.returncode == 0
    assert told.seen == []


async def test_facts_have_their_numbers() -> None:
    told: Watching[int] = Watching()
    async with EngineProcess(CONFIG, lambda number, _fact: told.saw(number)):
        await told.sees(int, 8, PATIENCE_S)
    assert told.seen == list(range(1, len(told.seen) + 1))


async def test_engine_that_ends_is_a_failure_with_its_last_words() -> None:
    async with EngineProcess("[asterisk.a]\n", lambda _number, _fact: None) as engine:
        with pytest.raises(EngineFailed, match=r"ended with 2(.|\n)*username"):
            await asyncio.wait_for(engine.failed(), PATIENCE_S)


async def test_engine_that_does_not_stop_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_engine, "STOP_WITHIN_S", 0.2)
    told: Watching[Fact] = Watching()
    async with EngineProcess(CONFIG, lambda _number, fact: told.saw(fact)) as engine:
        await told.sees(f.JournalOpened, 1, PATIENCE_S)
        engine.process.send_signal(signal.SIGSTOP)
    assert engine.process.returncode == -signal.SIGKILL
    assert modes(folder) == []


async def test_engine_that_is_started_again_goes_on_in_the_same_files() -> None:
    told: Watching[Fact] = Watching()
    async with EngineProcess(CONFIG, lambda _number, fact: told.saw(fact)) as engine:
        await told.sees(f.JournalOpened, 1, PATIENCE_S)
        engine.signal(signal.SIGKILL)
        assert await engine.ended(PATIENCE_S) == -signal.SIGKILL
        await engine.start()
        await told.sees(f.JournalOpened, 2, PATIENCE_S)
        engine.config.write_text("[queue.sales]\nwrap_up_s = 'long'\n")
        engine.signal(signal.SIGHUP)
        assert "wrap_up_s" in await engine.says("configuration is wrong", PATIENCE_S)
        assert [line for line in engine.log if line.startswith("{")] == [], "it is for people"


def test_engine_has_one_class_that_starts_it() -> None:
    """Two that do the same drift apart."""
    sources = Path(lab_engine.__file__).parents[1].rglob("*.py")
    assert [path.name for path in sources if '"acd", "run"' in path.read_text()] == ["engine.py"]
