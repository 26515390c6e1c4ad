"""`make test`: every half is run and heard, and one that fails makes it fail."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTEST = """#!/bin/sh
case "$*" in
*"not e2e"*) echo "the first half runs"; exit {first} ;;
*) echo "the second half runs"; exit {second} ;;
esac
"""


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def make_test(folder: Path, *, lab: int = 0, first: int = 0, second: int = 0) -> tuple[bool, str]:
    """Whether `make test` succeeds where its three steps end like this, and what it prints."""
    program(folder / "pytest", PYTEST.format(first=first, second=second))
    words = [f"BIN={folder}", f"LAB={program(folder / 'lab', f'#!/bin/sh{chr(10)}exit {lab}{chr(10)}')}"]
    made = subprocess.run(
        ["make", "--old-file=setup", "--old-file=lab-tools", "test", *words],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert made.stdout.count("half runs") == 2, made.stdout + made.stderr
    assert made.stdout.index("first half") < made.stdout.index("second half")
    return made.returncode == 0, made.stdout


def test_both_halves_that_pass_pass(tmp_path: Path) -> None:
    assert make_test(tmp_path)[0]


def test_first_half_that_fails_does_not_hide_the_second(tmp_path: Path) -> None:
    assert not make_test(tmp_path, first=1)[0]


def test_second_half_that_fails_fails(tmp_path: Path) -> None:
    assert not make_test(tmp_path, second=1)[0]


@pytest.mark.parametrize(("lab", "passes"), [(3, True), (1, False)])
def test_without_a_docker_engine_the_halves_decide_and_a_broken_lab_fails(
    tmp_path: Path, lab: int, passes: bool
) -> None:
    assert make_test(tmp_path, lab=lab)[0] is passes
