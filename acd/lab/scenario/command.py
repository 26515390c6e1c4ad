"""`acd lab`: scenarios for people who test, played on the dockerised Asterisk with real phones."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from acd import log
from acd.lab.scenario.acts import ACTS
from acd.lab.scenario.run import SCRIPT, STORY, Outcome, Scenario, read_scenario, run, scenarios_in
from acd.lab.scenario.script import Mistake
from acd.lab.servers import SCRIPT as LAB_SCRIPT
from acd.lab.servers import Lab, LabMisnamed, LabUnavailable

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
def run_command(names: tuple[str, ...], folder: Path, pages: Path) -> None:
    """Play the scenarios of these names, or all of them. Exit code 1: one has failed, 2: a script is wrong."""
    try:
        scenarios = [read_scenario(path) for path in scenarios_in(folder, names)]
        lab = Lab()
    except (Mistake, FileNotFoundError, LabMisnamed) as error:
        click.echo(f"acd: {error}", err=True)
        sys.exit(MISTAKE)
    if not scenarios:
        click.echo(f"acd: there are no scenarios in {folder}: `acd lab new NAME` writes a first one", err=True)
        sys.exit(MISTAKE)
    log.configure("error", "console")
    pages.mkdir(parents=True, exist_ok=True)
    sys.exit(asyncio.run(_play(scenarios, lab, pages)))


async def _play(scenarios: list[Scenario], lab: Lab, pages: Path) -> int:
    try:
        await lab.up("a")
    except LabUnavailable as why:
        click.echo(f"acd: {why}", err=True)
        return MISTAKE
    console = Console(highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    outcomes: list[Outcome] = []
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("scenarios", total=len(scenarios))
        for scenario in scenarios:
            console.print(f"\n{scenario.name}", markup=False, soft_wrap=True)
            outcome = await run(
                scenario,
                lab,
                pages,
                lambda at_s, text: console.print(f"  {at_s:7.2f} s  {text}", markup=False, soft_wrap=True),
            )
            outcomes.append(outcome)
            console.print(_told(outcome), markup=False, soft_wrap=True)
            progress.advance(bar)
    failed = [outcome.name for outcome in outcomes if outcome.failure]
    console.print(
        f"\n{len(outcomes) - len(failed)} of {len(outcomes)} scenarios came true.", markup=False, soft_wrap=True
    )
    return FAILED if failed else 0


def _told(outcome: Outcome) -> str:
    if outcome.failure:
        return f"FAILED after {outcome.seconds:.1f} s\n{outcome.failure}\npage: {outcome.page}"
    return f"ok, {outcome.seconds:.1f} s; page: {outcome.page}"


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
