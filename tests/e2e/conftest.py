"""The lab, for every end-to-end test. Without Docker they are skipped with the reason; under CI that is a failure."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.lab.servers import Lab, LabUnavailable


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """Both servers, up. They stay up: the next run is quicker, and `make lab-down` stops them."""
    lab = Lab()
    try:
        await lab.up()
    except LabUnavailable as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no lab, and CI=true: {missing}")
        pytest.skip(str(missing))
    yield lab
