"""The benchmark of offers, guarded: what it measures on a noisy machine too, and that it leaves nothing behind.

Noise only adds to our milliseconds, so the limits of the benchmark itself are for a quiet machine: the bounds of our
medians are wider here, and only our best is held to the limit.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.lab.ears import Ears
from acd.lab.servers import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 120
STOPS_WITHIN_S = 20


@asynccontextmanager
async def quick_offer(temporary: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The short run, with its engines, as a process group of its own: of it nothing outlives this block."""
    bench = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.offer", "--quick",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        start_new_session=True, cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        yield bench
    finally:
        left = group_lives(bench)
        if left:
            os.killpg(bench.pid, signal.SIGKILL)
        await bench.communicate()
    assert not left, "the benchmark has ended, and so have its engines"
    assert names_in(temporary) == [], "no folder, pipe or socket is left"


def group_lives(bench: asyncio.subprocess.Process) -> bool:
    """Whether the benchmark or an engine of its still runs."""
    try:
        os.killpg(bench.pid, 0)
    except ProcessLookupError:
        return False
    return True


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def test_released_agent_is_offered_fifty_times_sooner_than_by_app_queue(lab: Lab, tmp_path: Path) -> None:
    async with quick_offer(tmp_path) as bench, asyncio.timeout(ENDS_WITHIN_S):
        output, complaints = await bench.communicate()
    said = output.decode() + complaints.decode()
    assert bench.returncode in {0, 1}, said
    result = json.loads(output.decode().splitlines()[-1])
    assert result["benchmark"] == "offer"
    value = {check["name"]: check["value"] for check in result["checks"]}
    assert value["release: app_queue's median as a multiple of our best"] >= 50, said
    assert value["release: app_queue's median as a multiple of ours"] >= 20, said
    assert value["arrival: median beyond app_queue's, ms"] <= 10, said
    assert 1 <= value["events of one call that reach the engine"] <= 20, said
    assert {name: count for name, count in value.items() if name.startswith("runs: ")} == {
        "runs: arrivals each way": 20,
        "runs: rounds of releases": 2,
        "runs: releases of each system": 10,
    }


async def test_benchmark_that_is_stopped_leaves_no_call_and_no_engine(lab: Lab, tmp_path: Path) -> None:
    async with quick_offer(tmp_path) as bench:
        async with Ears(lab.a, "call") as ears:
            await ears.hears("Newchannel", within_s=ENDS_WITHIN_S)
        bench.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOPS_WITHIN_S):
            _, complaints = await bench.communicate()
        assert (bench.returncode, complaints.decode()) == (128 + signal.SIGTERM, "")


def test_unknown_benchmark_is_answered_with_those_that_exist() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    made = subprocess.run(
        ["make", "bench-foo"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert made.returncode == 2
    assert made.stdout == ""
    said, _, names = made.stderr.splitlines()[0].rpartition(": ")
    assert said == 'there is no benchmark "foo": make bench-NAME runs one of these'
    assert "offer" in names.split()
    assert "report" not in names.split(), "it is what they have in common"
