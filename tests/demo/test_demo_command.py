"""`acd demo` as people start it: on a terminal and into a pipe; it ends by itself, by Ctrl-C, and when nobody reads."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.testing.loading import Loading

pytestmark = pytest.mark.long

ACD = [sys.executable, "-m", "acd", "demo", "--simulated"]
PATIENCE_S = 30.0
LEAVE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The demo's folders go where the test can look."""
    ours = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    return {**ours, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ACD, *words], check=False, env=environment, text=True, capture_output=True, timeout=PATIENCE_S
    )


SHELL = 'trap : INT; "$@"; echo "[ended $?]"; read -r _'
"""Who owns the terminal stays until it is closed: what was written last would be lost with the owner."""


class Terminal:
    """The demo on a terminal of so many columns and rows."""

    def __init__(self, environment: dict[str, str], columns: int, rows: int, *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = b""
        self._news = asyncio.Event()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "sh", "-c", SHELL, "sh", *ACD, *words],
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def _readable(self) -> None:
        try:
            self.shown += os.read(self._master, 65_536)
        except OSError:  # it has ended
            asyncio.get_running_loop().remove_reader(self._master)
        self._news.set()

    async def shows(self, text: bytes) -> None:
        """Return once it was on the screen."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.shown:
                self._news.clear()
                await self._news.wait()

    def throws_away(self) -> bool:
        """Whether Ctrl-C loses what was written and not yet shown."""
        return not termios.tcgetattr(self._master)[3] & termios.NOFLSH

    def key(self, key: bytes) -> None:
        os.write(self._master, key)

    async def ended(self) -> int:
        """The exit code."""
        await self.shows(b"[ended ")
        return int(self.shown.rpartition(b"[ended ")[2].partition(b"]")[0])

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


def test_demo_without_a_terminal_tells_what_happens_and_ends_by_itself(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = _run(environment, "--seconds", "4")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "The demo runs on simulated phones." in done.stdout
    assert "Ana talks with Adams" in done.stdout
    assert "calls on simulated phones: " in done.stdout.splitlines()[-1]
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_picture_is_svg_without_paths_or_fonts_from_elsewhere(environment: dict[str, str], tmp_path: Path) -> None:
    done = _run(environment, "--seconds", "2", "--picture", str(tmp_path / "demo.svg"))
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "demo.svg").read_text()
    assert picture.startswith("<svg")
    assert "QUEUES" in picture
    assert str(Path.cwd()) not in picture
    assert "http" not in picture.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_simulated_phones_need_no_lab(environment: dict[str, str]) -> None:
    assert _run(environment | {"ACD_LAB": "abc"}, "--seconds", "1").returncode == 0


async def test_ctrl_c_puts_the_terminal_back_and_a_second_one_is_harmless(
    environment: dict[str, str], tmp_path: Path
) -> None:
    terminal = Terminal(environment, 80, 24)
    try:
        await terminal.shows(b"Adams")
        terminal.key(b"\x03")
        terminal.key(b"\x03")
        assert await terminal.ended() == 0
        await terminal.shows(b"Everybody hangs up.")
    finally:
        terminal.close()
    assert terminal.shown.rindex(LEAVE_SCREEN) < terminal.shown.rindex(b"Everybody hangs up.")
    assert SHOW_CURSOR in terminal.shown
    assert b"Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_terminal_throws_nothing_away_at_ctrl_c_while_the_demo_has_it(environment: dict[str, str]) -> None:
    """A slow one lost the sequence that leaves the screen, and the last words."""
    terminal = Terminal(environment, 80, 24)
    try:
        assert terminal.throws_away()
        await terminal.shows(b"Adams")
        assert not terminal.throws_away()
        terminal.key(b"\x03")
        await terminal.ended()
        assert terminal.throws_away()
    finally:
        terminal.close()


async def test_screen_ends_by_itself_and_says_the_whole(environment: dict[str, str]) -> None:
    terminal = Terminal(environment, 120, 40, "--seconds", "3")
    try:
        assert await terminal.ended() == 0
        await terminal.shows(b"calls on simulated phones: ")
    finally:
        terminal.close()
    assert b"CALLS" in terminal.shown
    assert b"Adams" in terminal.shown


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*ACD], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
)
def test_signals_end_it_in_good_order(started: subprocess.Popen[str], number: signal.Signals, tmp_path: Path) -> None:
    assert started.stdout is not None
    while "Adams calls" not in started.stdout.readline():
        assert started.poll() is None
    started.send_signal(number)
    output, errors = started.communicate(timeout=PATIENCE_S)
    assert (started.returncode, errors) == (0, "")
    assert "Everybody hangs up." in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("--simulated",)])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signal_that_comes_while_it_loads_ends_it_quietly(
    environment: dict[str, str], number: signal.Signals, words: tuple[str, ...], tmp_path: Path
) -> None:
    loading = Loading("demo", *words, environ=environment)
    loading.send(number, "click.core")
    assert (loading.ended(), loading.said) == (0, [])
    assert list(tmp_path.iterdir()) == []


def test_reader_who_goes_ends_it_without_a_complaint(started: subprocess.Popen[str], tmp_path: Path) -> None:
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.readline()
    started.stdout.close()
    assert started.wait(PATIENCE_S) == 0
    assert started.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("--plain",)])
def test_terminal_that_goes_ends_it_though_no_signal_comes(
    environment: dict[str, str], words: tuple[str, ...], tmp_path: Path
) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*ACD, *words], env=environment, stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        os.close(slave)
        assert process.stderr is not None
        shown = b""
        while b"Adams" not in shown:
            shown += os.read(master, 65_536)
        os.close(master)
        try:
            assert (process.wait(PATIENCE_S), process.stderr.read()) == (0, b"")
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_sentence_and_exit_code_2(environment: dict[str, str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*ACD, "--plain"], check=False, env=environment, text=True, stdout=full, stderr=subprocess.PIPE, timeout=30
        )
    assert done.stderr == "acd: standard output cannot be written: No space left on device\n"
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_picture_of_the_readme_holds_nothing_of_the_machine_that_made_it() -> None:
    picture = (Path(__file__).parents[2] / "docs" / "images" / "demo.svg").read_text()
    assert "Asterisk&#160;22" in picture
    for foreign in ("http", "/home", "/root", "/tmp", "/work", "@import", "<script"):
        assert foreign not in picture.replace('xmlns="http://www.w3.org/2000/svg"', "")
