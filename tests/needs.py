"""What a test needs and this machine may not have: without it the test is skipped and the reason printed.

With CI=true that is a failure: a run in which nothing was tested must not be green. Only what no set-up could change is
a skip there too (`impossible`). Nobody else skips: what is broken must fail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def the_lab() -> Iterator[None]:
    """Around what starts the lab."""
    try:
        yield
    except LabUnavailable as why:
        missing(str(why))
