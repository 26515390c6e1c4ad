"""Where no Docker engine can be had the end-to-end tests say so, and are skipped; in CI that is a failure."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from acd.lab.servers import LabUnavailable
from tests import needs
from tests.daemon import machine as daemon_machine
from tests.daemon.machine import not_up

ROOT = Path(__file__).parents[1]
REASON = "a Docker engine cannot run here."


def test_what_is_missing_skips_the_test_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=REASON), needs.the_lab():
        raise LabUnavailable(REASON)


def test_what_is_missing_in_ci_is_a_failure_that_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="a Docker engine cannot run here, and CI=true"), needs.the_lab():
        raise LabUnavailable(REASON)


def test_what_else_goes_wrong_with_the_lab_is_an_error_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(RuntimeError), needs.the_lab():
        raise RuntimeError("sip-lab/lab up failed")


SKIPS = {"skip", "skipif", "importorskip"}


def ways_to_skip(source: str) -> set[str]:
    """Where a test goes by CI, or skips by itself: `pytest.skip()`, `@pytest.mark.skipif()`, an import of them."""
    tree = ast.parse(source)
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pytest":
            found |= {name.name for name in node.names}
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return (found & SKIPS) | (words & {"CI"})


@pytest.mark.parametrize(
    "source",
    [
        "pytest.skip('no')",
        "@pytest.mark.skipif(True, reason='no')\ndef test(): ...",
        "from pytest import skip as leave",
        "pytest.importorskip('systemd')",
        "os.environ.get('CI')",
    ],
)
def test_every_way_to_skip_is_seen(source: str) -> None:
    assert ways_to_skip(source)


def test_the_rule_stands_in_one_place() -> None:
    own = {Path(__file__), Path(needs.__file__)}
    others = [path for path in ROOT.glob("tests/**/*.py") if path not in own]
    assert [path.name for path in others if ways_to_skip(path.read_text())] == []


def test_what_no_setup_could_change_is_a_skip_in_ci_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match="no cgroup"):
        needs.impossible("no cgroup")


def test_make_test_prints_why_tests_were_skipped() -> None:
    plan = subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    runs = re.findall(r"/pytest tests .*", plan)
    assert len(runs) == 2
    assert [run for run in runs if " -rs" not in run] == []


def test_systemd_that_is_refused_its_cgroup_is_a_skip_and_any_other_fault_a_failure() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"Failed to create /init\.scope control group: Read-only"):
        not_up("Welcome\nFailed to create /init.scope control group: Read-only file system\n", "")
    with pytest.raises(pytest.fail.Exception, match="no such file"):
        not_up("/entry: no such file", "container is not running")


def test_a_docker_that_refuses_a_container_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho broken >&2\nexit 125\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(daemon_machine, "SYSTEMD", docker)
    with pytest.raises(pytest.fail.Exception, match="docker import failed: broken"), daemon_machine.machine(tmp_path):
        raise AssertionError("it does not run")


@pytest.fixture
def without_docker(tmp_path: Path) -> dict[str, str]:
    return needs.without_docker(tmp_path)


def _tests_on_asterisk(environment: dict[str, str], where: str) -> tuple[int, str]:
    """Exit code and output."""
    words = "-m", "e2e", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rs", "--tb=line", where
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    return ended.returncode, ended.stdout


@pytest.mark.long
def test_without_docker_every_test_on_asterisk_is_skipped_with_the_reason(without_docker: dict[str, str]) -> None:
    code, said = _tests_on_asterisk(without_docker, "tests")
    assert code == 0, said
    skipped = re.search(r"(\d+) skipped", said)
    assert skipped is not None, said
    assert int(skipped[1]) > 100
    reasons = [line for line in said.splitlines() if line.startswith("SKIPPED")]
    assert reasons
    assert [line for line in reasons if "no Docker engine" not in line] == []


@pytest.mark.long
def test_without_docker_in_ci_a_test_on_asterisk_fails_with_the_reason(without_docker: dict[str, str]) -> None:
    """One module stands for all: by the test above they all ask for the lab in one way."""
    code, said = _tests_on_asterisk(without_docker | {"CI": "true"}, "tests/e2e/test_first_calls.py")
    assert code == 1, said
    assert "skipped" not in said.splitlines()[-1]
    assert re.search(r"no Docker engine .*, and CI=true", said)
