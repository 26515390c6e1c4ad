"""The comparison with app_queue, in short: it measures both systems, keeps what it has measured, and leaves nothing."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from acd.lab.servers import Lab
from benchmarks.versus import shift
from tests import needs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 200


async def run_quickly(only: str, folder: Path) -> dict[str, dict[str, float]]:
    """The values of its checks by name, and what it keeps under each heading."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.versus_app_queue", "--quick", "--only", only,
        "--results", str(folder / "results.json"), "--page", str(folder / "page.html"),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()
    said = output.decode()
    assert process.returncode in {0, 1}, said
    result = json.loads(said.splitlines()[-1])
    kept = json.loads((folder / "results.json").read_text())
    assert kept["checks"] == result["checks"]
    assert (folder / "page.html").read_text().count("<svg") == len(kept["figures"])
    return {
        "checks": {check["name"]: check["value"] for check in result["checks"]},
        "runs": {f"{one['title']}: {row}": of["runs"] for one in kept["figures"] for row, of in one["summary"].items()},
    }


async def test_processor_time_is_told_apart_and_no_call_fails(lab: Lab, tmp_path: Path) -> None:
    if shutil.which("sipp") is None:
        needs.missing("SIPp is not installed (package sip-tester)")
    found = await run_quickly("c,d", tmp_path)
    for rate in (20, 50):
        assert found["checks"][f"c. {rate} calls a second: calls that failed, all ways"] == 0
        assert 0 < found["checks"][f"c. {rate} calls a second: the engine as a multiple of a bare client"] < 4
        assert found["checks"][f"c. {rate} calls a second: Asterisk and engine as a multiple of app_queue"] < 2
    assert found["checks"]["d. 200 waiting: the engine beyond music alone, ms a second"] < 100


async def test_short_shift_loses_no_call_and_lets_none_pass_another(lab: Lab, tmp_path: Path) -> None:
    if shutil.which("sipp") is None:
        needs.missing("SIPp is not installed (package sip-tester)")
    found = await run_quickly("e", tmp_path)
    assert found["checks"] == {"e. shift: calls that passed an older one": 0, "e. shift: calls that failed": 0}
    assert found["runs"]["e. Shift: a caller's wait until an agent's leg begins: acd"] == shift.QUICK.calls


async def test_arriving_call_is_offered_about_as_soon_however_many_agents_there_are(lab: Lab, tmp_path: Path) -> None:
    """Of ten calls each a median wanders; what scans the agents would be a hundred times slower with 2,000."""
    found = await run_quickly("b", tmp_path)
    for agents in ("1 agent", "100 agents", "1,000 agents", "2,000 agents"):
        assert found["checks"][f"b. arrival, {agents}: our median as a multiple of app_queue's"] < 6
    assert found["checks"]["b. arrival: our median with 2,000 agents as a multiple of 1"] < 4


async def test_released_agent_is_offered_sooner_than_by_app_queue(lab: Lab, tmp_path: Path) -> None:
    """Far from the limits of a quiet machine: noise only adds to our milliseconds."""
    found = await run_quickly("a", tmp_path)
    for waiting in (3, 100):
        times = found["checks"][f"a. release, {waiting} waiting: app_queue's median as a multiple of ours"]
        assert times >= 20
    assert set(found["runs"].values()) == {5}
