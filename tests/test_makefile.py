"""`make test`: what is missing is installed; every half is run and heard, and one that fails makes it fail."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import missing

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


APT_GET = """#!/bin/sh
echo "apt-get $*" >>{log}
case "$*" in update*) touch {folder}/updated ;; *) test -e {folder}/updated ;; esac
"""
"""Without `update` first it knows no package, as on a machine that was just made."""
PYTHON = """#!/bin/sh
echo "python $*" >>{log}
case "$1$2" in
-cimport*) exit 1 ;;
-mvenv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp {folder}/pytest "$3/bin/pytest" ;;
esac
"""
"""Without venv, until that was installed; then it only says what it was asked."""


def test_fresh_machine_is_given_venv_lab_tools_and_the_lab(tmp_path: Path) -> None:
    log, tools = tmp_path / "log", tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh", "touch", "mkdir", "cp", "test", "cat"):
        (tools / name).symlink_to(shutil.which(name) or f"{name} is not here")
    words = {"log": log, "folder": tmp_path}
    program(tools / "id", "#!/bin/sh\necho 0\n")
    program(tools / "apt-get", APT_GET.format(**words))
    program(tmp_path / "pytest", f"#!/bin/sh\necho pytest >>{log}\n")
    python = program(tmp_path / "python", PYTHON.format(**words))
    lab = program(tmp_path / "lab", f'#!/bin/sh\necho "lab $*" >>{log}\n')
    made = subprocess.run(
        ["make", "test", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}", f"LAB={lab}"],
        cwd=ROOT, env={"PATH": str(tools)}, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert log.read_text().splitlines() == [
        "python -c import ensurepip, venv",
        "apt-get install -yq python3-venv",
        "apt-get update -q",
        "apt-get install -yq python3-venv",
        f"python -m venv {tmp_path / 'venv'}",
        "python -m pip --version",
        "python -m pip install --quiet --disable-pip-version-check --editable .[dev]",
        "apt-get install -yq --no-install-recommends sip-tester iproute2 iptables",
        "lab up",
        "pytest",
        "pytest",
    ]


@pytest.mark.parametrize(("again", "said"), [("touch $3/whole", ""), ("true", "remove it, and do this again")])
def test_set_up_that_was_broken_off_is_made_whole_or_told(tmp_path: Path, again: str, said: str) -> None:
    """Ctrl-C while the virtual environment is made leaves one without pip."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    program(venv / "bin" / "python", f"#!/bin/sh\n[ -e {venv}/whole ]\n")
    python = program(tmp_path / "python", f'#!/bin/sh\ncase "$1$2" in -mvenv) {again} ;; esac\n')
    made = subprocess.run(
        ["make", "setup", f"VENV={venv}", f"PYTHON={python}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (made.returncode == 0, said in made.stdout) == (said == "", True), made.stdout + made.stderr


@pytest.mark.parametrize("target", ["demo", "check"])
def test_only_the_tests_are_given_sipp(target: str) -> None:
    plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "sip-tester" not in plan


def test_ctrl_c_is_kept_for_the_demo_from_its_first_moment(tmp_path: Path) -> None:
    """Python would end with a traceback of its own, until the demo takes the signals itself."""
    if subprocess.run(["env", "--block-signal=INT", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        missing("This env keeps no signals.")
    program(tmp_path / "acd", f"#!{sys.executable}\nprint(open('/proc/self/status').read())\n")
    made = subprocess.run(
        ["make", "--old-file=setup", "demo", f"BIN={tmp_path}"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    kept = int(made.stdout.partition("SigBlk:")[2].split()[0], 16)
    assert all(kept >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def test_lab_as_root_on_debian_installs_docker(tmp_path: Path) -> None:
    """With an apt-get that installs a dockerd which cannot run."""
    if not Path("/etc/debian_version").exists():
        missing("This is no Debian.")
    log, tools = tmp_path / "log", tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "env", "dirname", "mkdir", "cat", "cut", "tail", "head", "grep", "timeout", "flock"):
        (tools / name).symlink_to(shutil.which(name) or f"{name} is not here")
    program(tools / "id", "#!/bin/sh\necho 0\n")
    program(tools / "apt-get", f'#!/bin/sh\necho "apt-get $*" >>{log}\n')
    program(tools / "setsid", f'#!/bin/sh\necho "setsid $*" >>{log}\necho "failed to start daemon: no cgroup"\n')
    script = tmp_path / "sip-lab" / "lab"
    script.parent.mkdir()
    shutil.copy(ROOT / "sip-lab" / "lab", script)
    ended = subprocess.run(
        [script, "up"], env={"PATH": str(tools)}, capture_output=True, text=True, check=False, timeout=50
    )
    assert ended.returncode == 3, ended.stderr
    assert log.read_text().splitlines() == [
        "apt-get install --yes --no-install-recommends docker.io",
        "setsid nohup dockerd --bridge none --iptables=false",
    ]
    assert ended.stderr.splitlines()[-1].startswith(
        "lab: a Docker engine cannot run here: failed to start daemon: no cgroup (log: "
    )
