"""What is kept of the benchmarks: files and one page over all of them."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks import record

ROOT = Path(__file__).parents[2]


def kept(folder: Path, name: str, *, ok: bool) -> None:
    """As a run leaves it."""
    check = {"name": "twice as fast", "value": 2.5, "limit": 2.0, "better": "higher", "ok": ok}
    told = {"benchmark": name, "machine": {"cores": 2, "commit": "abc"}, "checks": [check], "date": "2026-01-02"}
    (folder / f"{name}.json").write_text(json.dumps(told | {"arguments": "--quick"}))
    (folder / f"{name}.txt").write_text("a table\n")


def test_every_benchmark_of_the_folder_is_run() -> None:
    programs = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text()}
    assert {benchmark.module for benchmark in record.ALL} == programs - {"record"}


def test_page_tells_what_was_missed_where_and_how_to_repeat_it(tmp_path: Path) -> None:
    kept(tmp_path, "core", ok=True)
    kept(tmp_path, "versus-app-queue", ok=False)
    (tmp_path / "versus-app-queue.html").write_text("<svg>")
    page = record.readme(tmp_path)
    core, versus = page.partition("## Beside app_queue")[::2]
    assert "Every figure is reached." in core
    assert '`make bench-core ARGS="--quick"` · 2026-01-02 · cores 2, commit abc' in core
    assert "Not reached: twice as fast." in versus
    assert "[versus-app-queue.html](versus-app-queue.html)" in versus
    assert "figures.json" not in versus, "there is none"
    assert "## Simulated days" not in page, "it was not run"


def test_unknown_benchmark_is_answered_with_those_that_exist() -> None:
    assert [one.name for one in record.chosen("offer, core")] == ["core", "offer"]
    with pytest.raises(argparse.ArgumentTypeError, match="there is no benchmark 'cor': give some of core, simulation"):
        record.chosen("cor")


def test_benchmark_is_run_and_kept_as_it_was_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    fake = record.Benchmark("fake", "A fake")
    with pytest.raises(RuntimeError, match="fake did not come to its end: exit code 1"):
        record.run(fake, [], folder)
    assert "No module named benchmarks.fake" in capfd.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(120)
def test_simulation_in_short_is_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    simulation = record.chosen("simulation")[0]
    reached = record.run(simulation, ["--quick"], tmp_path)
    printed = capfd.readouterr().out
    told = json.loads((tmp_path / "simulation.json").read_text())
    assert reached == all(check["ok"] for check in told["checks"])
    assert told["arguments"] == "--quick"
    assert {"cores", "commit", "python"} <= told["machine"].keys()
    assert (tmp_path / "simulation.txt").read_text() in printed
