"""Plays scenarios in one place or several, in each one after another, and tells each step as it is done."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import msgspec

from acd.lab.scenario import page
from acd.lab.scenario.acts import SHAPES, play
from acd.lab.scenario.place import LAB_PHONES, Phones, Place
from acd.lab.scenario.script import Script, Step, read_script
from acd.lab.scenario.setting import Person, check
from acd.lab.scenario.stage import Failed, Stage
from acd.lab.scenario.trace import Trace

SCRIPT: Final = "script.txt"
STORY: Final = "story.md"
LONGEST_S: Final = 300.0
"""No scenario is played for longer."""

Tell = Callable[[float, str], None]
"""Gets what has just been done, with the seconds since the scenario began."""


class Watcher(Protocol):
    """Who is told what happens while several are played."""

    def begins(self, scenario: "Scenario", place: Place) -> None: ...

    def step(self, place: Place, at_s: float, text: str) -> None:
        """What has just been done, with the seconds since that scenario began."""

    def ended(self, outcome: "Outcome", place: Place) -> None: ...


class Scenario(msgspec.Struct, frozen=True):
    """One that can be played."""

    name: str
    """Its folder's, a sentence: `caller-abandons-while-the-agent-rings`."""
    story: str
    script: Script
    people: dict[str, Person]


class Outcome(msgspec.Struct, frozen=True):
    """What came of one."""

    name: str
    seconds: float
    page: Path
    failure: str = ""
    """Why it failed, in lines; empty where all came true."""


def read_scenario(folder: Path, phones: Phones = LAB_PHONES) -> Scenario:
    """The scenario in this folder, for people with these phones. Raises `Mistake`."""
    script = read_script(folder / SCRIPT, SHAPES)
    story = (folder / STORY).read_text(encoding="utf-8") if (folder / STORY).exists() else ""
    return Scenario(folder.name, story, script, check(script, phones))


async def run_all(
    scenarios: Sequence[Scenario], places: Sequence[Place], pages: Path, watcher: "Watcher"
) -> list[Outcome]:
    """Play them all, one at a time in each place. What came of them is in their order."""
    outcomes: dict[str, Outcome] = {}
    left = iter(scenarios)

    async def play_in(place: Place) -> None:
        for scenario in left:
            watcher.begins(scenario, place)
            outcome = await run(scenario, place, pages, partial(watcher.step, place))
            outcomes[scenario.name] = outcome
            watcher.ended(outcome, place)

    await asyncio.gather(*map(play_in, places))
    return [outcomes[scenario.name] for scenario in scenarios]


async def run(scenario: Scenario, place: Place, pages: Path, tell: Tell) -> Outcome:
    """Play it, and write its page into the folder `pages`, whatever becomes of it."""
    trace = Trace()
    failure = ""
    try:
        async with asyncio.timeout(LONGEST_S), Stage(scenario.script, scenario.people, place, trace) as stage:
            for step in scenario.script.steps:
                failure = await _played(stage, step, trace, tell)
                if failure:
                    break
    except TimeoutError:
        failure = f"{scenario.script.path}: it was not over after {LONGEST_S:.0f} s"
    except (Failed, AssertionError, RuntimeError) as error:  # before its first step, or in tidying up
        failure = failure or f"{scenario.script.path}: {error}"
    path = pages / f"{scenario.name}.html"
    seconds = trace.now_ms / 1_000
    path.write_text(page.page(scenario.name, scenario.story, trace, list(scenario.people), failure), encoding="utf-8")
    return Outcome(scenario.name, seconds, path, failure)


async def _played(stage: Stage, step: Step, trace: Trace, tell: Tell) -> str:
    """Why the step did not come true; empty where it did."""
    try:
        await play(stage, step)
    except Failed as failed:
        why = f"{stage.script.path}:{step.line}: {step.text}\n  expected: {failed.expected}\n  came: {failed.came}"
        trace.step(step.text, failed=why)
        return why
    trace.step(step.text)
    tell(trace.now_ms / 1_000, step.text)
    return ""


def scenarios_in(folder: Path, names: Sequence[str]) -> list[Path]:
    """The folders of these scenarios; all, where none is named. Raises `FileNotFoundError` with what is there."""
    known = sorted(path.parent for path in folder.glob(f"*/{SCRIPT}"))
    if not names:
        return known
    missing = [name for name in names if not (folder / name / SCRIPT).exists()]
    if missing:
        there = ", ".join(path.name for path in known) or "none"
        raise FileNotFoundError(f"there is no scenario {missing[0]} in {folder}; there are: {there}")
    return [folder / name for name in names]
