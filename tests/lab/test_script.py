"""The lab's script: what it says where it cannot do what it was asked, and that "up" means reachable."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.server import LAB, NO_ENGINE, NUMBER
from tests.needs import missing

OTHER = 80 + NUMBER % 10
"""A lab that nobody else has: its ports can be taken beforehand."""
HOST = f"127.0.{OTHER}.1"
OURS = os.environ | {"ACD_LAB": str(OTHER)}


def ask(*words: str) -> tuple[int, str]:
    """Exit code, and what it says on standard error."""
    done = subprocess.run([LAB, *words], env=OURS, capture_output=True, text=True, check=False, timeout=540)
    return done.returncode, done.stderr


@contextmanager
def taken(kind: socket.SocketKind, port: int) -> Iterator[None]:
    """Somebody else listens there."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((HOST, port))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield


@pytest.fixture
def no_lab() -> Iterator[None]:
    """The other lab is down, before and after."""
    code, said = ask("check")
    if code == NO_ENGINE:
        missing(said.strip().removeprefix("lab: "))
    ask("down")
    yield
    ask("down")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kind", "name", "port"),
    [
        (socket.SOCK_DGRAM, "UDP", 5060),
        (socket.SOCK_STREAM, "TCP", 5060),
        (socket.SOCK_STREAM, "TCP", 5038),
        (socket.SOCK_STREAM, "TCP", 5039),
    ],
)
def test_a_taken_port_is_named_and_the_next_up_tries_again(
    no_lab: None, kind: socket.SocketKind, name: str, port: int
) -> None:
    with taken(kind, port):
        code, said = ask("up", "a")
    assert code == 1
    last = said.splitlines()[-1]
    assert last.startswith(
        f"lab: server a cannot have {name} port {HOST}:{port}: another program listens there; end it"
    )
    assert "is up" not in said
    code, said = ask("up", "a")
    assert (code, "server a is up" in said) == (0, True), said


@pytest.mark.e2e
def test_demo_where_a_port_is_taken_ends_with_that_sentence(no_lab: None) -> None:
    with taken(socket.SOCK_DGRAM, 5060):
        demo = [sys.executable, "-m", "acd", "demo", "--plain", "--seconds", "5"]
        done = subprocess.run(demo, env=OURS, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    told = [line for line in done.stdout.splitlines() if not re.match(r"\[ *\d", line)]
    assert len(told) == 1, done.stdout
    assert told[0].startswith(f"The demo has failed: server a cannot have UDP port {HOST}:5060: another program")


def test_a_word_is_missing_or_too_many_and_the_script_says_which() -> None:
    assert ask("cli", "a") == (2, 'lab: which command? For example: lab cli a "core show channels"\n')
    assert ask("cli") == (2, "lab: which server: a or b?\n")
    code, said = ask("down", "c")
    assert (code, "nothing is stopped" in said, len(said.splitlines())) == (2, True, 1)


def test_the_script_never_sleeps() -> None:
    """What it waits for it hears of."""
    assert re.findall(r"^[^#\n]*\bsleep\b.*", LAB.read_text(), re.MULTILINE) == []
