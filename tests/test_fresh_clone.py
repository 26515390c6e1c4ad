"""Two commands on a fresh machine (README.md): what they set up works from a clean clone, by python and make alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import missing

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
TOOLS = ("make", "bash", "sh", "env", "test", "touch", "sed", "grep", "tr", "id", "dirname", "mkdir", "git")
"""`git` only makes the clone. Whatever else the Makefile or the lab called would not be found: Docker, apt-get."""
HOW_TO_REACH_AN_INDEX = ("PIP_", "UV_", "http", "HTTP", "no_proxy", "NO_PROXY", "SSL_CERT", "REQUESTS_CA")
UNREACHABLE = ("No matching distribution found", "Failed to establish a new connection", "Could not fetch URL")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of this machine nothing but python, make, a shell, and the way to the package index."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        where = shutil.which(name)
        assert where is not None, f"{name} is not here"
        (tools / name).symlink_to(where)
    (tools / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3").resolve())
    home = tmp_path / "home"
    home.mkdir()
    index = {name: value for name, value in os.environ.items() if name.startswith(HOW_TO_REACH_AN_INDEX)}
    cache = {"PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip")}
    return {"PATH": str(tools), "HOME": str(home), "LANG": "C.UTF-8"} | cache | index


def test_fresh_clone_is_set_up_by_make_and_plays_the_demo(environment: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    origin = ["-c", "safe.directory=*", "clone", "--quiet", "--no-local", str(ROOT), str(clone)]
    assert run(["git", *origin], tmp_path, environment).returncode == 0

    made = run(["make", "setup"], clone, environment)
    said = made.stdout + made.stderr
    if made.returncode != 0 and any(word in said for word in UNREACHABLE):
        missing(f"No package index is in reach: {said.strip().splitlines()[-1]}")
    assert made.returncode == 0, said
    again = run(["make", "setup"], clone, environment)
    assert (again.returncode, again.stdout + again.stderr) == (0, "make: Nothing to be done for 'setup'.\n")

    played = run(["make", "demo", "ARGS=--seconds 2"], clone, environment)
    assert (played.returncode, played.stderr) == (0, ""), played.stdout
    assert played.stdout.startswith("The demo runs on simulated phones. No Docker engine "), played.stdout
    assert "calls" in played.stdout
    changed = run(["git", "status", "--porcelain"], clone, environment)
    assert changed.stdout == "", "what was set up is none of the sources"


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
