"""`acd simulate`, as one types it."""

import io

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from acd import simulate
from acd.cli import main
from acd.simulate import Scenario, command, contact_centre
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
    assert "everyone was served, and nothing was left" in done.output


def test_same_seed_is_told_the_same() -> None:
    first, second = (_acd(*SMALL, "--seed", "4").output.splitlines()[-1] for _ in range(2))
    assert "digest of the facts" in first
    assert first == second


def test_without_faults_nothing_goes_wrong() -> None:
    done = _acd(*SMALL, "--no-faults")
    assert done.exit_code == 0
    assert "went wrong" not in done.output


def test_several_seeds_run_beside_each_other() -> None:
    done = _acd(*SMALL, "--seeds", "3", "--days", "2", "--jobs", "2")
    assert done.exit_code == 0
    assert "3 seeds: 6 days, 84 hours" in done.output
    assert "digest" not in done.output


def test_what_is_left_is_said_and_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(scenario: Scenario, seed: int, progress: Progress | None = None) -> simulate.Result:
        result = simulate.simulate(scenario, seed, progress=progress)
        result.left = tuple(f"channel {number}" for number in range(12))
        return result

    monkeypatch.setattr(command, "simulate", spoilt)
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


@pytest.mark.parametrize("option", [("--agents", "0"), ("--calls-per-hour", "0"), ("--seeds", "0"), ("--days", "many")])
def test_option_that_makes_no_sense_is_the_operators_mistake(option: tuple[str, str]) -> None:
    assert _acd("simulate", *option).exit_code == 2


@pytest.mark.parametrize("number", ["nan", "inf", "1e400"])
def test_what_is_no_finite_number_is_refused(number: str) -> None:
    done = _acd("simulate", "--calls-per-hour", number)
    assert done.exit_code == 2
    assert done.output.splitlines()[-1].endswith(f"'{number}' is no finite number.")
