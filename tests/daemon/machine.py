"""A machine with systemd and nothing else: a container whose first process is this machine's own systemd.

It sees this machine's /usr, Python and checkout, read-only, has no network but loopback, and is gone afterwards. The
engine is installed as docs/operations.md says, under /opt/acd, with the unit of config/systemd as it is.
"""

import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest

from tests import needs

ROOT: Final = Path(__file__).parents[2]
SYSTEMD: Final = Path("/usr/lib/systemd/systemd")
UNITS: Final = Path("/usr/lib/systemd/system")
CONFIG: Final = "/etc/acd/acd.toml"
PATIENCE_S: Final = 30.0
REFUSED: Final = re.compile(
    r"^.*Failed to (mount|create|allocate|attach|determine|set up|open)\b"
    r".*(cgroup|control group|namespace|manager object|API).*$",
    re.MULTILINE | re.IGNORECASE,
)
"""What systemd says as the first process where it may not have its cgroup or its mounts, before it gives up."""

BASIC: Final = (
    *("sysinit.target", "basic.target", "multi-user.target", "shutdown.target", "local-fs.target", "slices.target"),
    *("sockets.target", "paths.target", "timers.target", "network.target", "network-online.target"),
    *("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"),
)
"""All that this machine starts: no unit of the real one runs here a second time."""

ENTRY: Final = """#!/bin/sh
for own in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
    ! mountpoint -q "$own" || mount -o remount,bind,rw "$own" || true
done
exec /usr/lib/systemd/systemd --unit=multi-user.target --log-target=console --show-status=no
"""

ACD: Final = f"""#!/bin/sh
export PYTHONPATH=/opt/acd/source:/opt/acd/libraries PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=/opt/python/lib
exec /opt/python/bin/python{sys.version_info[0]}.{sys.version_info[1]} -m acd "$@"
"""


class Machine:
    """The machine, running. `folder` is where its files are made."""

    def __init__(self, container: str) -> None:
        self._container = container

    def run(self, *command: str, text: str | None = None) -> str:
        """What a command says there; it must succeed."""
        done = _docker("exec", "--interactive", self._container, *command, text=text)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.journal()}"
        return done.stdout

    def write(self, path: str, content: str) -> None:
        self.run("sh", "-c", f"cat > {path}", text=content)

    def of_unit(self, name: str) -> str:
        """A property of the engine's unit, as systemd tells it."""
        return self.run("systemctl", "show", "acd", "--value", "--property", name).strip()

    def until(self, what: Callable[[], bool]) -> None:
        """Return once it is so. systemd tells what changes to whoever is on D-Bus, which this machine has not."""
        if not _seen(what):
            status = self.run("sh", "-c", "systemctl status --no-pager acd || true")
            raise AssertionError(f"not within {PATIENCE_S} s: {status}{self.journal()}")

    def journal(self) -> str:
        return _docker("exec", self._container, "journalctl", "--no-pager", "--unit", "acd").stdout

    def install(self, config: str) -> None:
        """As docs/operations.md says, but that /usr cannot be written here."""
        self.run("systemd-sysusers", "/opt/acd/config/systemd/acd.sysusers.conf")
        self.run("install", "-d", "-m", "0750", "-o", "root", "-g", "acd", "/etc/acd")
        self.write("/tmp/acd.toml", config)
        self.run("install", "-m", "0640", "-o", "root", "-g", "acd", "/tmp/acd.toml", CONFIG)
        self.run("install", "-m", "0644", "/opt/acd/config/systemd/acd.service", "/etc/systemd/system/acd.service")
        self.run("systemctl", "daemon-reload")


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Skips the test where systemd cannot be started in a container; whatever else goes wrong is a failure."""
    if not SYSTEMD.exists() or not Path("/bin").is_symlink():
        needs.impossible(f"{SYSTEMD} is not here, or /bin is not in /usr")
    name = f"acd-systemd-{os.getpid()}"
    image = _checked("import", "-", f"{name}:test", binary=_skeleton()).strip()
    try:
        _checked("run", "--detach", "--name", name, *_options(folder), image, "/entry")
        _wait_until_up(name)
        yield Machine(name)
    finally:
        _docker("rm", "--force", name)
        _docker("rmi", image)


def _seen(what: Callable[[], bool]) -> bool:
    """Whether it is so in time: the one way here to wait for what systemd does. Each look is a command in the
    container, and takes the time that Docker needs."""
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := what()) and time.monotonic() < deadline:
        pass
    return seen


def _wait_until_up(name: str) -> None:
    said: list[subprocess.CompletedProcess[str]] = []

    def is_decided() -> bool:
        said[:] = [_docker("exec", name, "systemctl", "is-system-running")]
        return said[0].stdout.strip() == "running" or "is not running" in said[0].stderr

    if not _seen(is_decided) or said[0].stdout.strip() != "running":
        log = _docker("logs", name)
        not_up(log.stdout + log.stderr, said[0].stdout + said[0].stderr)


def not_up(log: str, said: str) -> NoReturn:
    """Ends the test. A kernel or a Docker engine that refuses systemd what it cannot do without is told by systemd."""
    refused = REFUSED.search(log)
    if refused is not None:
        needs.impossible(f"systemd cannot run in a container here: {refused[0].strip()}")
    pytest.fail(f"the machine does not start: {said.strip()}\n{log[-2_000:]}", pytrace=False)


def _skeleton() -> bytes:
    """The root of the machine, as an image: folders, links into /usr, and root as the only user."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for folder in ("etc/systemd/system", "usr", "var/lib", "var/log", "run", "tmp", "proc", "sys", "dev", "root"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for link in ("bin", "sbin", "lib", "lib64"):
            entry = tarfile.TarInfo(link)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{link}"
            tar.addfile(entry)
        for path, text in {
            "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
            "etc/group": "root:x:0:\n",
            "etc/nsswitch.conf": "passwd: files\ngroup: files\n",
            "etc/machine-id": "",
        }.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def _options(folder: Path) -> list[str]:
    mounts = {
        "/usr": "/usr",
        str(_units(folder / "units")): str(UNITS),
        sys.base_prefix: "/opt/python",
        sysconfig.get_path("purelib"): "/opt/acd/libraries",
        str(ROOT / "acd"): "/opt/acd/source/acd",
        str(ROOT / "config"): "/opt/acd/config",
        str(_program(folder / "acd", ACD)): "/opt/acd/bin/acd",
        str(_program(folder / "entry", ENTRY)): "/entry",
    }
    # systemd mounts what it promises to its services; it gets no other right than that, and no device.
    rights = ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
    own = [
        "--cgroupns",
        "private",
        "--network",
        "none",
        "--tmpfs",
        "/run",
        "--tmpfs",
        "/tmp",
        "--env",
        "container=docker",
    ]
    return [*rights, *own, *(f"--volume={here}:{there}:ro" for here, there in mounts.items())]


def _units(folder: Path) -> Path:
    folder.mkdir()
    for unit in BASIC:
        if (UNITS / unit).exists():  # the next release may name one otherwise
            (folder / unit).write_bytes((UNITS / unit).read_bytes())
    wanted = folder / "sysinit.target.wants"
    wanted.mkdir()
    (wanted / "systemd-journald.service").symlink_to("../systemd-journald.service")
    return folder


def _program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def _checked(*words: str, binary: bytes | None = None) -> str:
    done = subprocess.run(["docker", *words], input=binary, capture_output=True, check=False, timeout=PATIENCE_S)
    if done.returncode != 0:
        pytest.fail(f"docker {words[0]} failed: {done.stderr.decode(errors='replace').strip()}", pytrace=False)
    return done.stdout.decode()


def _docker(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *words], input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
