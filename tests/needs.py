"""What a test needs and this machine may not have: without it the test is skipped and the reason printed.

With CI=true that is a failure: a run in which nothing was tested must not be green. Only what no set-up could change is
a skip there too (`impossible`). Nobody else skips: what is broken must fail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from acd.lab.servers import LabUnavailable


def missing(what: str) -> NoReturn:
    """Ends the test: `what` says in one sentence what is not here."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what.rstrip('.')}, and CI=true", pytrace=False)
    pytest.skip(what)


def impossible(what: str) -> NoReturn:
    """Skips the test, in CI too: `what` says why no set-up could let it run here. `make test` prints it."""
    pytest.skip(what)


HIDDEN = {"docker", "dockerd", "apt-get"}
"""Without these there is no Docker engine, and none can be installed."""


def without_docker(folder: Path) -> dict[str, str]:
    """The environment of this machine, as if it had no Docker engine. No lab of anybody's is touched.

    `folder` is filled with links to all other programs.
    """
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            if program.name not in HIDDEN and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "DOCKER_", "PYTEST_"))}
    return ours | {"PATH": str(folder)}


@contextmanager
def the_lab() -> Iterator[None]:
    """Around what starts the lab."""
    try:
        yield
    except LabUnavailable as why:
        missing(str(why))
