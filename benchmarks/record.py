"""Runs every benchmark, one after another, and writes what came of it into benchmarks/results.

For each: NAME.txt, as it was printed, and NAME.json, its last line with machine, versions and date; for the comparison
with app_queue also every single figure (versus-app-queue-figures.json) and the distributions, drawn (.html). From all
of it README.md, which explains each. It takes a quarter of an hour on a machine that does nothing else, and needs the
lab; --with-shift adds the shift of the comparison, eleven minutes. --only NAME,NAME runs these, and leaves the results
of the others as they are. --quick runs the short forms: to see that it works. --into names another folder.
"""

import argparse
import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from acd.lab.servers import Lab, LabUnavailable

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = Path(__file__).parent / "results"
MISSED: Final = 1
"""The exit code of a benchmark that ran, and of which a figure was not reached."""
TABLES_WIDTH: Final = 110


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One of them: the module of this folder, and what is measured in a few words."""

    module: str
    title: str
    needs_lab: bool = False

    @property
    def name(self) -> str:
        return self.module.replace("_", "-")


ALL: Final = (
    Benchmark("core", "The core by itself"),
    Benchmark("simulation", "Simulated days"),
    Benchmark("offer", "How fast a call is offered", needs_lab=True),
    Benchmark("versus_app_queue", "Beside app_queue", needs_lab=True),
)


def chosen(only: str) -> list[Benchmark]:
    """Those that --only names, in their own order."""
    known = {benchmark.name: benchmark for benchmark in ALL}
    named = [name.strip() for name in only.split(",")]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no benchmark {unknown[0]!r}: give some of {', '.join(known)}")
    return [benchmark for benchmark in ALL if benchmark.name in named]


def versions(lab: bool) -> dict[str, str]:
    """Of what no benchmark knows by itself."""
    found = {"commit": _said("git", "rev-parse", "--short=12", "HEAD") + _changed()}
    if lab:
        found["docker"] = _said("docker", "version", "--format", "{{.Server.Version}}")
        found["asterisk"] = asyncio.run(_asterisk())
    return found


def _changed() -> str:
    """Whether the tree is as it was committed, but for the results."""
    return " with changes" if _said("git", "status", "--porcelain", "--", ".", ":!benchmarks/results") else ""


async def _asterisk() -> str:
    lab = Lab()
    await lab.up("a")
    return " ".join((await lab.cli("a", "core show version")).split()[:2])


def _said(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def run(benchmark: Benchmark, arguments: Sequence[str], into: Path) -> bool:
    """Run it, printing as it goes, and write its two files. Returns whether every figure was reached."""
    words = [sys.executable, "-m", f"benchmarks.{benchmark.module}", *arguments]
    print(f"\n== {benchmark.title}: {' '.join(words[1:])}", flush=True)
    lines: list[str] = []
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it is a pipe"
        for line in process.stdout:
            lines.append(line)
            if not line.startswith("{"):  # the last line is for machines
                print(line, end="", flush=True)
    if process.returncode not in (0, MISSED) or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"{benchmark.name} did not come to its end: exit code {process.returncode}")
    result: dict[str, Any] = json.loads(lines[-1])
    result["machine"] |= versions(benchmark.needs_lab)
    kept = result | {"date": datetime.now(UTC).isoformat(timespec="seconds"), "arguments": shown(arguments)}
    (into / f"{benchmark.name}.txt").write_text("".join(lines[:-1]), encoding="utf-8")
    (into / f"{benchmark.name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return process.returncode == 0


def shown(arguments: Sequence[str]) -> str:
    """The arguments without the names of files."""
    return " ".join(word for word in arguments if "/" not in word and word not in ("--results", "--page"))


def readme(into: Path) -> str:
    """The page over all results that are there."""
    parts = [
        "# Results",
        (
            "`make bench` runs every benchmark and writes this folder; nothing here is written by hand. Checked are "
            "ratios, differences taken in one run, and counts: what is in seconds depends on the machine. How each is "
            "measured, and how to repeat it, stands above its tables."
        ),
    ]
    for benchmark in ALL:
        path = into / f"{benchmark.name}.json"
        if path.exists():
            parts += _chapter(benchmark, json.loads(path.read_text(encoding="utf-8")), into)
    return "\n\n".join(parts) + "\n"


def _chapter(benchmark: Benchmark, kept: dict[str, Any], into: Path) -> list[str]:
    explained = (importlib.import_module(f"benchmarks.{benchmark.module}").__doc__ or "").strip()
    where = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in kept["machine"].items())
    missed = [check["name"] for check in kept["checks"] if not check["ok"]]
    verdict = f"Not reached: {'; '.join(missed)}." if missed else "Every figure is reached."
    repeat = (
        f"make bench-{benchmark.name}{' ARGS=' + chr(34) + kept['arguments'] + chr(34) if kept['arguments'] else ''}"
    )
    printed = (into / f"{benchmark.name}.txt").read_text(encoding="utf-8").rstrip()
    files = [f"[{benchmark.name}{end}]({benchmark.name}{end})" for end in (".json", "-figures.json", ".html")]
    there = [link for link in files if (into / link.partition("]")[0].removeprefix("[")).exists()]
    return [
        f"## {benchmark.title}",
        f"`{repeat}` · {kept['date']} · {where}",
        explained,
        f"**{verdict}** Files: {', '.join(there)}.",
        f"```\n{printed}\n```",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the short forms")
    parser.add_argument("--only", type=chosen, default=list(ALL), metavar="NAME,NAME", help="these")
    parser.add_argument("--with-shift", action="store_true", help="the shift beside app_queue, too")
    parser.add_argument("--into", type=Path, default=RESULTS, metavar="FOLDER", help="where the results are written")
    given = parser.parse_args()
    into: Path = given.into.absolute()
    into.mkdir(parents=True, exist_ok=True)
    reached = []
    try:
        for benchmark in given.only:
            arguments = ["--quick"] if given.quick else []
            if benchmark.module == "versus_app_queue":
                arguments += ["--only", "a,b,c,d,e"] if given.with_shift else []
                stem = into / benchmark.name
                arguments += ["--results", f"{stem}-figures.json", "--page", f"{stem}.html"]
            reached.append(run(benchmark, arguments, into))
    except (RuntimeError, LabUnavailable) as error:
        sys.exit(f"benchmarks: {error}")
    finally:
        (into / "README.md").write_text(readme(into), encoding="utf-8")
    print(f"\n{sum(reached)} of {len(reached)} benchmarks reached every figure; written into {into}")
    sys.exit(0 if all(reached) else MISSED)


if __name__ == "__main__":
    main()
