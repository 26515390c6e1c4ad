"""Where no Docker engine can be had the tests say so, and are skipped; in CI that is a failure."""

from pathlib import Path

import pytest

from tests.lab import server

REASON = "no Docker engine is installed here"


@pytest.fixture
def no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = tmp_path / "lab"
    lab.write_text(f"#!/bin/sh\necho '{REASON}' >&2\nexit {server.NO_ENGINE}\n")
    lab.chmod(0o755)
    monkeypatch.setattr(server, "LAB", lab)


def test_without_docker_tests_are_skipped_with_the_reason(no_docker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=REASON):
        server.bring_up()


def test_without_docker_tests_fail_in_ci(no_docker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=REASON):
        server.bring_up()
