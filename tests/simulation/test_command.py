"""`acd simulate`, as one types it."""

import io
import re

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from acd import simulate
from acd.cli import main
from acd.guard import Guard
from acd.simulate import Scenario, command, contact_centre
from acd.simulate.guarded import Checks, guarded
from acd.simulate.report import report
from acd.simulate.run import Progress

SMALL = ("simulate", "--agents", "3", "--queues", "2", "--calls-per-hour", "15")


def _acd(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "140"}).invoke(main, arguments)


def test_day_is_told_in_a_table() -> None:
    done = _acd(*SMALL)
    assert done.exit_code == 0
    for words in ("sales", "support", "offered", "abandoned", "in 20 s", "at work", "seed 1: 1 day, 14 hours"):
        assert words in done.output
    assert "went wrong: " in done.output
    assert re.search(
        r"checked, and held: the books after each of [\d,]+ facts; the whole state [1-9]\d* times in [\d,]+ commits; "
        r"the choice of [1-9]\d* of [\d,]+ offers",
        " ".join(done.output.split()),
    )
    assert "everyone was served, and nothing was left" in done.output


def test_same_seed_is_told_the_same() -> None:
    first, second = (_acd(*SMALL, "--seed", "4").output.splitlines()[-1] for _ in range(2))
    assert "digest of the facts" in first
    assert first == second


def test_everything_or_nothing_is_checked_on_demand() -> None:
    small = ("simulate", "--agents", "2", "--queues", "1", "--calls-per-hour", "3", "--no-faults")
    whole = " ".join(_acd(*small, "--check", "all").output.split())
    told = re.search(r"([\d,]+) times in ([\d,]+) commits; the choice of ([\d,]+) of ([\d,]+) offers", whole)
    assert told is not None, whole
    looks, commits, choices, offers = (int(count.replace(",", "")) for count in told.groups())
    assert (looks, choices) == (commits + 1, offers)
    assert "checked: nothing but what was left in the end" in _acd(*small, "--check", "none").output


def test_in_a_small_run_every_choice_is_compared() -> None:
    told = re.search(r"the choice of ([\d,]+) of ([\d,]+) offers", " ".join(_acd(*SMALL).output.split()))
    assert told is not None
    assert told[1] == told[2] != "0"


def test_queue_without_calls_has_no_figures() -> None:
    done = _acd("simulate", "--agents", "2", "--queues", "4", "--calls-per-hour", "0.1", "--no-faults")
    rows = [line.split() for line in done.output.splitlines() if line.startswith((" sales", " support", " billing"))]
    assert [row[1:] for row in rows if row[1] == "0"] == [["0", "0", "0", "-", "0", "-", "-", "-", "-"]] * 2
    assert all("-" not in row[3:] for row in rows if row[2] != "0")


def test_what_does_not_hold_ends_the_command_with_an_error_that_names_the_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def finish(_guard: Guard) -> None:
        raise AssertionError("two agents at one phone")

    monkeypatch.setattr(Guard, "finish", finish)
    done = _acd(*SMALL)
    assert (done.exit_code, str(done.exception)) == (1, "two agents at one phone")
    assert done.exception is not None
    assert done.exception.__notes__ == ["seed 1, at the end"]


def test_without_faults_nothing_goes_wrong() -> None:
    done = _acd(*SMALL, "--no-faults")
    assert done.exit_code == 0
    assert "went wrong" not in done.output


@pytest.mark.long
def test_several_seeds_run_beside_each_other() -> None:
    done = _acd(*SMALL, "--seeds", "3", "--days", "2", "--jobs", "2")
    assert done.exit_code == 0
    assert "3 seeds: 6 days, 84 hours" in done.output
    assert "digest" not in done.output


def test_what_is_left_is_said_and_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(scenario: Scenario, seed: int, checks: Checks, progress: Progress) -> simulate.Result:
        result = guarded(scenario, seed, checks, progress)
        result.left = tuple(f"channel {number}" for number in range(12))
        return result

    monkeypatch.setattr(command, "guarded", spoilt)
    done = _acd(*SMALL)
    assert done.exit_code == 1
    assert "left over:" in done.output
    assert "and 2 more" in done.output


def _shown(width: int) -> str:
    result = simulate.simulate(contact_centre(agents=4, queues=3, calls_per_hour=60, faults=False), 1)
    page = io.StringIO()
    Console(file=page, width=width).print(report(result, 20_000, 1.0), highlight=False)
    return page.getvalue()


def test_figures_are_whole_on_a_narrow_screen_and_in_a_pipe() -> None:
    narrow, wide = _shown(80), _shown(140)
    assert max(len(line.rstrip()) for line in narrow.splitlines()) <= 80
    assert "…" not in narrow + wide + _acd(*SMALL).stdout
    assert sum("queue" in line.split() for line in wide.splitlines()) == 1
    figures = {word for line in wide.splitlines() if line.startswith((" sales", " all")) for word in line.split()}
    assert figures <= set(narrow.split())


@pytest.mark.parametrize(
    "option",
    [("--agents", "0"), ("--calls-per-hour", "0"), ("--calls-per-hour", "1e300"), ("--seeds", "0"), ("--days", "many")],
)
def test_option_that_makes_no_sense_is_the_operators_mistake(option: tuple[str, str]) -> None:
    assert _acd("simulate", *option).exit_code == 2


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("nan", "'nan' is no finite number."),
        ("inf", "inf is not in the range 0<x<=100000."),
        ("1e400", "inf is not in the range 0<x<=100000."),
    ],
)
def test_what_is_no_finite_number_is_refused(number: str, why: str) -> None:
    done = _acd("simulate", "--calls-per-hour", number)
    assert done.exit_code == 2
    assert done.output.splitlines()[-1].endswith(why)
