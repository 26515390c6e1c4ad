"""The benchmark of the core in its short form: its last line is for machines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_WORSE_THAN = {
    "1,000 agents: the core, in multiples of the bare loop": 14,
    "10,000 agents: the core, in multiples of the bare loop": 12,
}
"""About 10 and 7 were measured, in CPU time; the benchmark's own limits are 14 and 8. A machine that others use widens
the second, which is a matter of memory."""


@pytest.mark.long
@pytest.mark.timeout(120)
def test_quick_form_ends_with_one_line_of_json_and_exits_by_its_checks() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.core", "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["benchmark"] == "core", ran.stderr
    assert [check["name"] for check in told["checks"]] == [
        "1,000 agents: the core, in multiples of the bare loop",
        "10,000 agents: the core, in multiples of the bare loop",
        "growth of the core from small to large; limit: the bare loop's",
    ]
    assert all(check["value"] > 0 for check in told["checks"])
    value = {check["name"]: check["value"] for check in told["checks"]}
    assert {name: value[name] for name, bound in NO_WORSE_THAN.items() if value[name] > bound} == {}
    assert ran.returncode == (0 if all(check["ok"] for check in told["checks"]) else 1)
