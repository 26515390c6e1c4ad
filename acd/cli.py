"""The command line. Its exit codes are in docs/operations.md.

Whoever starts `run` or `demo` has blocked the signals that these take (`acd.__main__`), or loses early ones.
"""

import asyncio
import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

import click

from acd import __version__, log
from acd.config import Config, ConfigError, read_config

MISTAKE: Final = 2
INTERRUPTED: Final = 130

LAZY: Final = {
    "demo": "acd.lab.demo.command",
    "explain": "acd.explain.command",
    "lab": "acd.lab.scenario.command",
    "simulate": "acd.simulate.command",
}
"""Commands that live elsewhere: the module holds a click command called `command`. It is loaded when it is used,
because what it needs is not installed where only the daemon runs."""


class _Commands(click.Group):
    """The commands of this module, and those of `LAZY` that are there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *filter(_exists, LAZY)])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in LAZY or not _exists(name):
            return super().get_command(ctx, name)
        command = import_module(LAZY[name]).command
        assert isinstance(command, click.Command), f"{LAZY[name]}.command is not a command"
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)


def _exists(name: str) -> bool:
    return find_spec(LAZY[name]) is not None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="acd")
def main() -> None:
    """Call distribution on Asterisk: decides who speaks with whom."""


_FILE = click.Path(path_type=Path)


@main.command()
@click.option("--config", "config_path", type=_FILE, required=True, help="The configuration (TOML).")
@click.option("--facts", "facts_path", type=_FILE, help="Append every input and fact to this file, as JSON lines.")
@click.option("--log-level", type=click.Choice(get_args(log.Level)), default="info", show_default=True)
@click.option(
    "--log-format", type=click.Choice(get_args(log.Format)), default="auto", help="auto: JSON where nobody watches."
)
def run(config_path: Path, facts_path: Path | None, log_level: log.Level, log_format: log.Format) -> None:
    """Run the engine until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    config = _read(config_path)
    log.configure(log_level, log_format, never_waits=True)
    log.protect(config.secrets)
    sys.exit(_run(config, config_path, facts_path))


def _run(config: Config, config_path: Path, facts_path: Path | None) -> int:
    """Serve in this process; the engine is loaded here, so that the other commands are quick."""
    from acd import daemon
    from acd.daemon.sd_notify import Notifier
    from acd.journal.memory import MemoryJournal

    if signal.sigpending() & {signal.SIGINT, signal.SIGTERM}:
        return 0  # asked to stop while this was loaded

    async def serve() -> int:
        journal = MemoryJournal()
        service = daemon.Daemon(
            config, config_path, journal, daemon.asterisk, facts_path=facts_path, notifier=Notifier()
        )
        return await service.run()

    try:
        return asyncio.run(serve())
    except daemon.CannotStart as error:
        _give_up(str(error))


@main.command("check-config")
@click.argument("config_path", metavar="FILE", type=_FILE)
def check_config(config_path: Path) -> None:
    """Check a configuration, and say in short what it holds."""
    config = _read(config_path)
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    _print_summary(config)
    click.echo(f"{config_path}: right")


def _print_summary(config: Config) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "how many", "which", box=None, padding=(0, 2, 0, 0))
    for title, names in _summary(config):
        table.add_row(title, str(len(names)), escape(_some(names)))
    Console().print(table)


def _summary(config: Config) -> list[tuple[str, list[str]]]:
    return [
        ("servers", [f"{server.id} ({server.host}:{server.port})" for server in config.servers]),
        ("queues", [queue.id for queue in config.queues]),
        ("agents", [agent.id for agent in config.agents]),
        ("… by phone", [known.agent for known in config.credentials]),
        ("… at start", list(config.logged_in_at_start)),
        ("pause reasons", [f"{reason.number} {reason.name}" for reason in config.router.pause_reasons]),
        ("phones", sorted(config.phones)),
    ]


def _some(names: list[str], limit: int = 8) -> str:
    """The first names; nobody reads a thousand."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


@main.command("hash-pin")
def hash_pin() -> None:
    """Read a PIN and print its hash, for pin_hash in the configuration.

    The PIN is asked for on a terminal, or read as one line from standard input. It is never an argument: those
    can be read by every user of the machine.
    """
    from acd import sign_in

    try:
        click.echo(sign_in.hash_pin(_pin()))
    except ValueError as error:
        _give_up(str(error))


def _pin() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline(1_000).rstrip("\r\n")
    pin: str = click.prompt("PIN", hide_input=True, confirmation_prompt=True, err=True)
    return pin


def _read(config_path: Path) -> Config:
    try:
        return read_config(config_path)
    except ConfigError as error:
        _give_up(str(error))


def _give_up(why: str) -> NoReturn:
    click.echo(f"acd: {why}", err=True)
    sys.exit(MISTAKE)
