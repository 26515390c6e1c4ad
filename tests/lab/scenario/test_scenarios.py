"""The scenarios of sip-lab/scenarios on a real Asterisk, with real phones; and one that does not come true."""

import asyncio
from html import escape
from pathlib import Path

import pytest

from acd.lab.scenario.command import FOLDER
from acd.lab.scenario.place import InLab, Place
from acd.lab.scenario.run import Outcome, Scenario, read_scenario, run, run_all
from acd.lab.servers import Lab
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FOLDERS = sorted(path.parent for path in FOLDER.glob("*/script.txt"))


class Played:
    """What was told of the scenarios that were played."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.told: dict[str, list[str]] = {}
        self._on: dict[str, str] = {}
        """What each server plays."""

    def begins(self, scenario: Scenario, place: Place) -> None:
        self._on[place.name] = scenario.name
        self.told[scenario.name] = []

    def step(self, place: Place, _at_s: float, text: str) -> None:
        self.told[self._on[place.name]].append(text)

    def ended(self, outcome: Outcome, place: Place) -> None:
        assert outcome.name == self._on.pop(place.name), "one at a time on each server"
        self.outcomes[outcome.name] = outcome


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All scenarios that this run asks for, played at once on both servers before the first of them is looked at."""
    asked = [item.callspec.params.get("folder") for item in request.session.items if hasattr(item, "callspec")]
    folders = [folder for folder in FOLDERS if folder in asked]
    played = Played()
    asyncio.run(play_all([read_scenario(folder) for folder in folders], tmp_path_factory.mktemp("pages"), played))
    return played


async def play_all(scenarios: list[Scenario], pages: Path, played: Played) -> None:
    lab = Lab()
    with needs.the_lab():
        await lab.up("a", "b")
    await run_all(scenarios, [InLab(lab, lab.a), InLab(lab, lab.b)], pages, played)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_scenario_comes_true(folder: Path, played: Played) -> None:
    scenario, outcome = read_scenario(folder), played.outcomes[folder.name]
    assert not outcome.failure, outcome.failure
    assert played.told[folder.name] == [step.text for step in scenario.script.steps]
    page = outcome.page.read_text()
    assert all(escape(step.text) in page for step in scenario.script.steps)
    assert all(title in page for title in ("REGISTER", "ServerSettled", "Login"))


async def test_scenario_that_does_not_come_true_says_what_came_instead(tmp_path: Path) -> None:
    folder = tmp_path / "nobody-is-there"
    folder.mkdir()
    (folder / "script.txt").write_text(
        'queue sales\nagent ana: queues = ["sales"]\ncaller bob\nbob calls sales\nana\'s phone rings within 1 s\n'
    )
    lab = Lab()
    with needs.the_lab():
        await lab.up("a")
    outcome = await run(read_scenario(folder), InLab(lab, lab.a), tmp_path, lambda _at_s, _text: None)
    assert outcome.failure.splitlines() == [
        f"{folder / 'script.txt'}:5: ana's phone rings within 1 s",
        "  expected: ana's phone rings within 1 s",
        "  came: it stays silent",
    ]
    assert "it stays silent" in outcome.page.read_text()
