"""The command line: what it prints, and its exit codes."""

import os
import pty
import socket
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from acd import __version__, cli
from acd.options import Number
from acd.sign_in import _matches, is_pin_hash

EXAMPLE = Path(__file__).parent.parent.parent / "config" / "acd.toml"
BAD = Path(__file__).parent.parent / "samples" / "bad-config"


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_the_version(runner: CliRunner) -> None:
    result = runner.invoke(cli.main, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"acd, version {__version__}\n")


def test_a_right_configuration_is_summed_up(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(EXAMPLE.read_text())
    path.chmod(0o600)
    result = runner.invoke(cli.main, ["check-config", str(path)])
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["queues", "2", "sales,", "support"] in rows
    assert ["servers", "1", "main", "(127.0.0.1:5038)"] in rows
    assert f"{path}: right" in result.stdout
    assert "change me" not in result.output


def test_warnings_do_not_make_it_wrong(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_text('[asterisk.main]\nusername = "acd"\nsecret = "not a real one"\n')
    path.chmod(0o644)
    result = runner.invoke(cli.main, ["check-config", str(path)])
    assert result.exit_code == 0
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["warning", "warning"]


def test_names_are_no_markup(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(
        '[asterisk.main]\nusername = "acd"\nsecret = "x"\n[pause.lunch]\nnumber = 1\nname = "[red]Lunch[/]"\n'
    )
    assert "1 [red]Lunch[/]" in runner.invoke(cli.main, ["check-config", str(path)]).stdout


@pytest.mark.parametrize("command", [["check-config"], ["run", "--config"]])
def test_a_wrong_configuration_is_one_line_and_exit_code_2(runner: CliRunner, command: list[str]) -> None:
    path = BAD / "port-too-large.toml"
    result = runner.invoke(cli.main, [*command, str(path)])
    wrong = "asterisk.main.port: 65536 is not allowed; allowed: a whole number, from 1 to 65535"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"acd: {path}: {wrong}\n")


@pytest.mark.parametrize("arguments", [["run"], ["check-config"], ["no-such-command"], ["run", "--log-level", "loud"]])
def test_a_wrong_command_is_exit_code_2(runner: CliRunner, arguments: list[str]) -> None:
    result = runner.invoke(cli.main, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_facts_file_that_cannot_be_written_is_exit_code_2(tmp_path: Path) -> None:
    facts = tmp_path / "no-such-folder" / "facts"
    command = [
        sys.executable,
        "-m",
        "acd",
        "run",
        "--config",
        str(EXAMPLE),
        "--facts",
        str(facts),
        "--log-level",
        "error",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"acd: the facts file {facts} cannot be written: No such file or directory\n"


def test_a_facts_file_that_is_a_pipe_is_exit_code_2_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    facts = tmp_path / "pipe"
    os.mkfifo(facts)
    config = ["--config", str(EXAMPLE), "--facts", str(facts), "--log-level", "error"]
    ended = subprocess.run(
        [sys.executable, "-m", "acd", "run", *config], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        f"acd: the facts file {facts} cannot be written: it is a pipe, a socket or a terminal, "
        "whose reader could keep the engine waiting; give a file\n"
    )


@pytest.mark.parametrize("command", [["check-config"], pytest.param(["run", "--config"], marks=pytest.mark.long)])
def test_a_configuration_that_is_no_file_is_exit_code_2_and_keeps_nobody_waiting(
    tmp_path: Path, command: list[str]
) -> None:
    pipe, listening = tmp_path / "pipe", tmp_path / "socket"
    os.mkfifo(pipe)
    told = {pipe: "cannot be read: it is a pipe or a device, not a file", tmp_path: "cannot be read: Is a directory"}
    told |= {Path("/dev/zero"): told[pipe], listening: "cannot be read: No such device or address"}
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(listening))
        for path, why in told.items():
            ended = subprocess.run(
                [sys.executable, "-m", "acd", *command, str(path)],
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
            assert ended.returncode == 2
            assert ended.stderr == f"acd: {path}: {why}; allowed: a file that this user can read\n"


def test_a_pin_from_standard_input_is_hashed(runner: CliRunner) -> None:
    result = runner.invoke(cli.main, ["hash-pin"], input="4711\n")
    assert result.exit_code == 0
    made = result.stdout.strip()
    assert is_pin_hash(made)
    assert _matches(made, "4711")


@pytest.mark.parametrize("given", ["", "123\n", "words\n", "1" * 5_000])
def test_what_is_no_pin_is_exit_code_2(runner: CliRunner, given: str) -> None:
    result = runner.invoke(cli.main, ["hash-pin"], input=given)
    assert (result.exit_code, result.stderr) == (2, "acd: a PIN is 4 to 12 digits\n")


def test_a_pin_is_never_an_argument(runner: CliRunner) -> None:
    result = runner.invoke(cli.main, ["hash-pin", "4711"])
    assert result.exit_code == 2


def test_on_a_terminal_the_pin_is_asked_for_twice_and_not_shown() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "acd", "hash-pin"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = ""
    for prompt in ("PIN: ", "Repeat for confirmation: "):
        while not seen.endswith(prompt):
            seen += os.read(ours, 1_000).decode()
        os.write(ours, b"4711\n")
    made, _ = process.communicate(timeout=50)
    os.close(ours)
    assert process.returncode == 0
    assert is_pin_hash(made.decode().strip())
    assert "4711" not in seen


def test_a_command_of_another_room_is_loaded_when_it_is_there(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = types.ModuleType("acd_demo_of_a_test")
    room.command = click.Command("demo", callback=lambda: click.echo("here"))  # type: ignore[attr-defined]
    room.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, room.__name__, room)
    monkeypatch.setattr(cli, "LAZY", {"demo": room.__name__, "gone": "acd.lab.no_such_module"})
    assert runner.invoke(cli.main, ["demo"]).stdout == "here\n"
    listed = runner.invoke(cli.main, ["--help"]).stdout
    assert "demo" in listed
    assert "gone" not in listed
    assert runner.invoke(cli.main, ["gone"]).exit_code == 2


def test_other_commands_load_neither_the_engine_nor_a_softphone() -> None:
    heavy = {"acd.engine", "acd.telephony", "panoramisk", "aiosipua"}
    code = f"import sys, acd.cli; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert loaded.stdout == "[]\n"


@pytest.mark.parametrize("words", [("check-config", str(EXAMPLE)), ("simulate", "--help"), ("--version",)])
def test_standard_output_on_a_full_disk_is_one_line_and_exit_code_2(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "acd", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
    said = [line for line in ended.stderr.splitlines() if not line.startswith("warning: ")]
    assert (ended.returncode, said) == (2, ["acd: standard output cannot be written: No space left on device"])


def test_every_number_that_a_command_takes_must_be_finite() -> None:
    context = click.Context(cli.main)
    commands = [cli.main.get_command(context, name) for name in cli.main.list_commands(context)]
    options = [option for command in commands if command is not None for option in command.params]
    floats = [option for option in options if isinstance(option.type, click.types.FloatParamType)]
    assert len(floats) >= 3
    assert [option.name for option in floats if not isinstance(option.type, Number)] == []
