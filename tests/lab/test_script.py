"""The lab's script: what it says where it cannot do what it was asked, and that "up" means reachable."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.lab.server import LAB, NO_ENGINE, NUMBER, ROOT
from tests.needs import missing

OTHER = 80 + NUMBER % 10
"""A lab that nobody else has: its ports can be taken beforehand."""
HOST = f"127.0.{OTHER}.1"
OURS = os.environ | {"ACD_LAB": str(OTHER)}


def ask(*words: str) -> tuple[int, str]:
    """Exit code, and what it says on standard error."""
    done = subprocess.run([LAB, *words], env=OURS, capture_output=True, text=True, check=False, timeout=540)
    return done.returncode, done.stderr


@contextmanager
def taken(kind: socket.SocketKind, port: int) -> Iterator[None]:
    """Somebody else listens there."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((HOST, port))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield


@pytest.fixture
def no_lab() -> Iterator[None]:
    """The other lab is down, before and after."""
    code, said = ask("check")
    if code == NO_ENGINE:
        missing(said.strip().removeprefix("lab: "))
    ask("down")
    yield
    ask("down")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kind", "name", "port"),
    [
        (socket.SOCK_DGRAM, "UDP", 5060),
        (socket.SOCK_STREAM, "TCP", 5060),
        (socket.SOCK_STREAM, "TCP", 5038),
        (socket.SOCK_STREAM, "TCP", 5039),
    ],
)
def test_a_taken_port_is_named_and_the_next_up_tries_again(
    no_lab: None, kind: socket.SocketKind, name: str, port: int
) -> None:
    with taken(kind, port):
        code, said = ask("up", "a")
    assert code == 1
    last = said.splitlines()[-1]
    assert last.startswith(
        f"lab: server a cannot have {name} port {HOST}:{port}: another program listens there; end it"
    )
    assert "is up" not in said
    code, said = ask("up", "a")
    assert (code, "server a is up" in said) == (0, True), said


@pytest.mark.e2e
def test_demo_where_a_port_is_taken_ends_with_that_sentence(no_lab: None) -> None:
    with taken(socket.SOCK_DGRAM, 5060):
        demo = [sys.executable, "-m", "acd", "demo", "--plain", "--seconds", "5"]
        done = subprocess.run(demo, env=OURS, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    told = [line for line in done.stdout.splitlines() if not re.match(r"\[ *\d", line)]
    assert len(told) == 1, done.stdout
    assert told[0].startswith(f"The demo has failed: server a cannot have UDP port {HOST}:5060: another program")


def test_a_word_is_missing_or_too_many_and_the_script_says_which() -> None:
    assert ask("cli", "a") == (2, 'lab: which command? For example: lab cli a "core show channels"\n')
    assert ask("cli") == (2, "lab: which server: a or b?\n")
    code, said = ask("down", "c")
    assert (code, "nothing is stopped" in said, len(said.splitlines())) == (2, True, 1)


def test_engine_that_is_named_and_does_not_answer_is_told_and_none_is_started() -> None:
    """Another one could not be reached by that name; and nobody is told to delete the files of one that runs."""
    environ = OURS | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    done = subprocess.run([LAB, "up", "a"], env=environ, capture_output=True, text=True, check=False, timeout=60)
    wanted = "lab: no Docker engine answers at DOCKER_HOST (tcp://127.0.0.1:1): start that one, or unset DOCKER_HOST.\n"
    assert (done.returncode, done.stderr) == (NO_ENGINE, wanted)


def test_the_script_never_sleeps() -> None:
    """What it waits for it hears of."""
    assert re.findall(r"^[^#\n]*\bsleep\b.*", LAB.read_text(), re.MULTILINE) == []


DOCKER = """#!/bin/sh
echo "$@" >>{log}
case "$*" in
version*) echo 1 ;;
images*) {images} ;;
run*) ;;
*) echo "no route to host"; exit 1 ;;
esac
"""
UBUNTU = """Types: deb
URIs: http://archive.ubuntu.com/ubuntu/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""


class Elsewhere:
    """A copy of the script on a machine of our making, with a docker that only writes down what it is asked."""

    def __init__(self, folder: Path, *, has_images: bool) -> None:
        self.folder, self.asked = folder, folder / "docker.log"
        shutil.copytree(ROOT / "sip-lab", folder / "sip-lab", ignore=shutil.ignore_patterns(".work"))
        shutil.copytree(ROOT / "config" / "asterisk", folder / "config" / "asterisk")
        self.tool("docker", DOCKER.format(log=self.asked, images="echo one" if has_images else ":"))
        self.tool("id", "#!/bin/sh\necho 0\n")
        self.tool("apt-helper", f'#!/bin/sh\necho "$2" >>{folder}/fetched\nexit 1\n')
        script = folder / "sip-lab" / "lab"
        text = script.read_text().replace("/etc/apt/", f"{folder}/apt/").replace("/usr/lib/apt/", f"{folder}/tools/")
        script.write_text(text)

    def tool(self, name: str, text: str) -> None:
        path = self.folder / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def ask(self, *words: str) -> tuple[int, str]:
        """Exit code, and what it says on standard error."""
        environ = {"PATH": f"{self.folder / 'tools'}:{os.environ['PATH']}", "LC_ALL": "C"}
        done = subprocess.run(
            [self.folder / "sip-lab" / "lab", *words],
            env=environ, capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
        return done.returncode, done.stderr


def test_ubuntu_without_a_registry_is_told_in_one_sentence_where_the_image_can_come_from(tmp_path: Path) -> None:
    machine = Elsewhere(tmp_path, has_images=False)
    sources = tmp_path / "apt" / "sources.list.d" / "ubuntu.sources"
    sources.parent.mkdir(parents=True)
    sources.write_text(UBUNTU)
    code, said = machine.ask("build")
    assert (tmp_path / "fetched").read_text() == "http://archive.ubuntu.com/ubuntu/dists/forky/InRelease\n"
    assert code == 1
    image = re.search(r"acd-lab:[0-9a-f]{12}", said)
    assert image is not None, said
    assert said.splitlines()[-1] == (
        "lab: no image registry is in reach, and none of this machine's apt sources has Debian forky (Ubuntu's have "
        f"not): run `lab build` where one of the two is, and bring {image[0]} here by `docker save` and `docker load`."
    )


def test_image_that_was_brought_here_is_taken(tmp_path: Path) -> None:
    machine = Elsewhere(tmp_path, has_images=True)
    assert machine.ask("build") == (0, "")


def test_compose_makes_the_same_servers_as_the_script(tmp_path: Path) -> None:
    machine = Elsewhere(tmp_path, has_images=True)
    machine.ask("up")
    made = [line.split()[1:] for line in machine.asked.read_text().splitlines() if line.startswith("run ")]
    assert len(made) == 2
    text = (ROOT / "sip-lab" / "compose.yaml").read_text()
    for name, words in zip("ab", made, strict=True):
        assert _composed(text, name, tmp_path / "sip-lab") == _run(words)
    assert "ports:" not in text, "the host's network has them all"
    assert re.findall(r"^ {2}image: (.*):", text, re.MULTILINE) == [made[0][-1].partition(":")[0]]


def _run(words: list[str]) -> dict[str, Any]:
    """What `docker run` is told of a server."""
    told: dict[str, list[str]] = defaultdict(list)
    for name, value in pairwise(words):
        if name.startswith("--"):
            told[name].append(value)
    return {
        "name": told["--name"][0],
        "hostname": told["--hostname"][0],
        "network": told["--network"][0],
        "hosts": set(told["--add-host"]),
        "tmpfs": set(told["--tmpfs"]),
        "log": set(told["--log-opt"]),
        "volumes": set(told["--volume"]),
        "environment": dict(each.split("=") for each in told["--env"]),
    }


def _composed(text: str, name: str, folder: Path) -> dict[str, Any]:
    """What compose.yaml says of it, as far as it is written today: one setting a line, but for the volumes."""
    both, _, services = text.partition("\nservices:\n")
    own = re.search(rf"^  {name}:\n((?: {{4}}.*\n)+)", services, re.MULTILINE)
    assert own is not None
    said = dict(re.findall(r"^ +(\w+): (.+)$", both + "\n" + own[1], re.MULTILINE))
    volumes = [each.split(":", 1) for each in re.findall(r"^ +- (\S+)$", both, re.MULTILINE)]
    return {
        "name": said["container_name"],
        "hostname": said["hostname"],
        "network": said["network_mode"],
        "hosts": set(re.findall(r'"(.+?)"', said["extra_hosts"])),
        "tmpfs": set(said["tmpfs"].strip("[]").split(", ")),
        "log": {f"max-size={size}" for size in re.findall(r"max-size: (\w+)", said["logging"])},
        "volumes": {f"{os.path.normpath(folder / source)}:{to}" for source, to in volumes},
        "environment": dict(re.findall(r"(\w+): ([\w.]+)", said["environment"])),
    }
