"""README.md: its commands are there, and do what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_one_end_to_end_test_is_one() -> None:
    (word,) = re.findall(r"pytest tests/e2e -k (\w+) +# one end-to-end test", README)
    sources = [path.read_text() for path in (ROOT / "tests" / "e2e").glob("test_*.py")]
    names = [name for source in sources for name in re.findall(r"def (test_\w+)", source)]
    assert len([name for name in names if word in name]) == 1


def test_every_target_is_in_the_makefile() -> None:
    named = set(re.findall(r"(?:^\$ |`)make ([a-z][a-z-]+)", README, re.MULTILINE))
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    benchmarks = {f"bench-{path.stem}".replace("_", "-") for path in (ROOT / "benchmarks").glob("*.py")}
    assert {"demo", "test", "check", "lab-up"} <= named
    assert named - targets - benchmarks == set()
