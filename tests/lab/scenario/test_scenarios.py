"""The scenarios of sip-lab/scenarios on a real Asterisk, with real phones; and one that does not come true."""

from html import escape
from pathlib import Path

import pytest

from acd.lab.scenario.command import FOLDER
from acd.lab.scenario.run import read_scenario, run
from acd.lab.servers import Lab
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def lab_with_a() -> Lab:
    lab = Lab()
    with needs.the_lab():
        await lab.up("a")
    return lab


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in FOLDER.glob("*/script.txt")), ids=lambda path: path.name
)
async def test_scenario_comes_true(folder: Path, tmp_path: Path) -> None:
    told: list[str] = []
    scenario = read_scenario(folder)
    outcome = await run(scenario, await lab_with_a(), tmp_path, lambda _at_s, text: told.append(text))
    assert not outcome.failure, outcome.failure
    assert told == [step.text for step in scenario.script.steps]
    page = outcome.page.read_text()
    assert all(escape(step.text) in page for step in scenario.script.steps)
    assert all(title in page for title in ("REGISTER", "ServerSettled", "Login"))


async def test_scenario_that_does_not_come_true_says_what_came_instead(tmp_path: Path) -> None:
    folder = tmp_path / "nobody-is-there"
    folder.mkdir()
    (folder / "script.txt").write_text(
        'queue sales\nagent ana: queues = ["sales"]\ncaller bob\nbob calls sales\nana\'s phone rings within 1 s\n'
    )
    outcome = await run(read_scenario(folder), await lab_with_a(), tmp_path, lambda _at_s, _text: None)
    assert outcome.failure.splitlines() == [
        f"{folder / 'script.txt'}:5: ana's phone rings within 1 s",
        "  expected: ana's phone rings within 1 s",
        "  came: it stays silent",
    ]
    assert "it stays silent" in outcome.page.read_text()
