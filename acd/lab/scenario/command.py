"""`acd lab`: scenarios for people who test, played on the dockerised Asterisk with real phones."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from acd import log
from acd.lab.scenario.acts import ACTS, only_in_the_lab
from acd.lab.scenario.place import LAB_PHONES, InLab, NotForTests, OwnPbx, Place
from acd.lab.scenario.run import SCRIPT, STORY, Outcome, Scenario, read_scenario, run_all, scenarios_in
from acd.lab.scenario.script import Mistake
from acd.lab.servers import SCRIPT as LAB_SCRIPT
from acd.lab.servers import Lab, LabMisnamed, LabServer, LabUnavailable

FAILED: Final = 1
MISTAKE: Final = 2
FOLDER: Final = LAB_SCRIPT.parent / "scenarios"
PAGES: Final = LAB_SCRIPT.parent / ".work" / "pages"
FIRST: Final = """# Who is there. Settings are those of docs/configuration.md.
queue sales: wrap_up_s = 2
agent ana: queues = ["sales"], logged_in_at_start = true
caller bob

# What happens, a sentence a line: `acd lab words` lists all of them.
bob calls sales
ana's phone rings
ana answers
bob and ana hear each other
bob hangs up
ana is in wrap-up
after 2 s: ana is idle
"""

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group("lab")
def command() -> None:
    """Scenarios on the lab's Asterisk, with real phones."""


@command.command("run")
@click.argument("names", nargs=-1)
@click.option("--folder", type=_FOLDER, default=FOLDER, help="Where the scenarios are.")
@click.option("--pages", type=_FOLDER, default=PAGES, help="Where each one's page is written.")
@click.option("--one-by-one", is_flag=True, help="On server a alone, instead of two at once on both servers.")
@click.option(
    "--pbx", type=click.Path(dir_okay=False, path_type=Path), help="On the Asterisk that this file describes."
)
def run_command(names: tuple[str, ...], folder: Path, pages: Path, one_by_one: bool, pbx: Path | None) -> None:
    """Play the scenarios of these names, or all of them. Exit code 1: one has failed, 2: a script is wrong."""
    try:
        own = OwnPbx.read(pbx) if pbx else None
        lab = Lab()
        scenarios = [read_scenario(path, own.phones if own else LAB_PHONES) for path in scenarios_in(folder, names)]
        if own is not None:
            scenarios = _spared(scenarios, named=bool(names))
    except (Mistake, FileNotFoundError, LabMisnamed, NotForTests) as error:
        click.echo(f"acd: {error}", err=True)
        sys.exit(MISTAKE)
    if not scenarios:
        click.echo(f"acd: there are no scenarios in {folder}: `acd lab new NAME` writes a first one", err=True)
        sys.exit(MISTAKE)
    log.configure("error", "console")
    pages.mkdir(parents=True, exist_ok=True)
    servers = [lab.a] if one_by_one or len(scenarios) == 1 else [lab.a, lab.b]
    prepared = _own(own) if own else _of_the_lab(lab, servers)
    sys.exit(asyncio.run(_play(scenarios, prepared, pages)))


def _spared(scenarios: list[Scenario], *, named: bool) -> list[Scenario]:
    """Those that an operator's own Asterisk may be asked for. Raises `Mistake` for another one that was named."""
    left = []
    for scenario in scenarios:
        step = next(filter(only_in_the_lab, scenario.script.steps), None)
        if step is None:
            left.append(scenario)
        elif named:
            raise Mistake(
                scenario.script.path, step.line, f"{step.text!r} is for the lab alone", "a scenario without it"
            )
        else:
            click.echo(f"left out, for the lab alone: {scenario.name}")
    return left


async def _own(pbx: OwnPbx) -> list[Place]:
    await pbx.check()
    return [pbx]


async def _of_the_lab(lab: Lab, servers: list[LabServer]) -> list[Place]:
    await lab.up(*(server.name for server in servers))
    return [InLab(lab, server) for server in servers]


async def _play(scenarios: list[Scenario], prepared: Coroutine[None, None, list[Place]], pages: Path) -> int:
    try:
        places = await prepared
    except (LabUnavailable, NotForTests) as why:
        click.echo(f"acd: {why}", err=True)
        return MISTAKE
    console = Console(highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        outcomes = await run_all(scenarios, places, pages, _Told(console, progress, len(scenarios)))
    failed = [outcome.name for outcome in outcomes if outcome.failure]
    console.print(
        f"\n{len(outcomes) - len(failed)} of {len(outcomes)} scenarios came true.", markup=False, soft_wrap=True
    )
    for name in failed:
        console.print(f"  failed: {name}", markup=False, soft_wrap=True)
    return FAILED if failed else 0


class _Told:
    """On the console, a line for each thing that happens. The place stands before it: two play at once."""

    def __init__(self, console: Console, progress: Progress, count: int) -> None:
        self._console = console
        self._progress = progress
        self._bar = progress.add_task("scenarios", total=count)

    def begins(self, scenario: Scenario, place: Place) -> None:
        self._say(place, scenario.name)

    def step(self, place: Place, at_s: float, text: str) -> None:
        self._say(place, f"  {at_s:7.2f} s  {text}")

    def ended(self, outcome: Outcome, place: Place) -> None:
        for line in _told(outcome).splitlines():
            self._say(place, line)
        self._progress.advance(self._bar)

    def _say(self, place: Place, text: str) -> None:
        self._console.print(f"{place.name}  {text}", markup=False, soft_wrap=True)


def _told(outcome: Outcome) -> str:
    if outcome.failure:
        return f"FAILED after {outcome.seconds:.1f} s: {outcome.name}\n{outcome.failure}\npage: {outcome.page}"
    return f"ok, {outcome.seconds:.1f} s: {outcome.name}; page: {outcome.page}"


@command.command("new")
@click.argument("name")
@click.option("--folder", type=_FOLDER, default=FOLDER, help="Where the scenarios are.")
def new_command(name: str, folder: Path) -> None:
    """Write a first scenario, to be changed: NAME is a sentence-with-dashes."""
    path = folder / name
    if not name.replace("-", "").isalnum() or path.exists():
        click.echo(
            f"acd: {name} cannot be the name of a new scenario: allowed are letters, digits and -, once", err=True
        )
        sys.exit(MISTAKE)
    path.mkdir(parents=True)
    (path / SCRIPT).write_text(FIRST, encoding="utf-8")
    title = name.replace("-", " ").capitalize()
    (path / STORY).write_text(f"# {title}\n\nWhat happens, and why it matters, in a paragraph.\n", encoding="utf-8")
    click.echo(f"{path / SCRIPT} is written: `acd lab run {name}` plays it")


@command.command("words")
def words_command() -> None:
    """List all sentences that a script may use."""
    chapter = ""
    for act in ACTS:
        if act.chapter != chapter:
            chapter = act.chapter
            click.echo(f"\n{chapter}")
        click.echo(f"  {act.shape}")
    click.echo("\nBefore each may stand how long somebody waits first: `after 2 s: bob hangs up`.")
