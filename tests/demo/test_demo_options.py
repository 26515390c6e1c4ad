"""What `acd demo` refuses before anything is started."""

import pytest
from click.testing import CliRunner

from acd.cli import main


@pytest.mark.parametrize("words", [("--agents", "0"), ("--agents", "41"), ("--rate", "0"), ("--seconds", "0")])
def test_what_cannot_be_is_refused(words: tuple[str, str]) -> None:
    done = CliRunner().invoke(main, ["demo", "--simulated", *words])
    assert done.exit_code == 2
    assert words[0] in done.stderr


@pytest.mark.parametrize("option", ["--rate", "--seconds"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400"])
def test_what_is_no_finite_number_is_refused(option: str, number: str) -> None:
    done = CliRunner().invoke(main, ["demo", "--simulated", f"{option}={number}"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert option in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", ["abc", "0", "100", "1x", "-1"])
def test_lab_that_cannot_be_is_one_sentence_and_exit_code_2(number: str) -> None:
    done = CliRunner(env={"ACD_LAB": number}).invoke(main, ["demo"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"Error: ACD_LAB is '{number}'; a lab has a number from 1 to 99."
