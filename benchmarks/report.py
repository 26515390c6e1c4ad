"""What every benchmark prints: a table for people and, last, one line of JSON for machines."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Check:
    """A figure with a limit. Only ratios, differences taken in one run, and counts are checked."""

    name: str
    value: float
    limit: float
    better: Literal["lower", "higher"] = "lower"

    @property
    def ok(self) -> bool:
        return self.value <= self.limit if self.better == "lower" else self.value >= self.limit


def machine() -> dict[str, str | int]:
    """Where the figures come from."""
    return {
        "python": platform.python_version(),
        "acd": version("acd"),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def times_table(title: str, rows: Mapping[str, Sequence[float]], unit: str = "ms") -> Table:
    """Median, 90th and 99th percentile, best and worst of each row."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("runs", "best", "median", "90 %", "99 %", "worst"):
        table.add_column(f"{heading} {unit}" if heading != "runs" else heading, justify="right")
    for name, values in rows.items():
        figures = (
            min(values),
            statistics.median(values),
            percentile(values, 0.9),
            percentile(values, 0.99),
            max(values),
        )
        table.add_row(name, str(len(values)), *(f"{figure:.2f}" for figure in figures))
    return table


def finish(name: str, checks: Sequence[Check], tables: Sequence[Table]) -> None:
    """Print it all; exit with 1 if a check is not ok."""
    console = Console(width=110 if not sys.stdout.isatty() else None)
    for table in tables:
        console.print(table)
    verdicts = Table(title="Checks", title_justify="left")
    for heading in ("check", "value", "limit", ""):
        verdicts.add_column(heading, justify="right" if heading in {"value", "limit"} else "left")
    for check in checks:
        bound = f"{'at most' if check.better == 'lower' else 'at least'} {check.limit:g}"
        verdicts.add_row(check.name, f"{check.value:.2f}", bound, "ok" if check.ok else "[bold red]missed[/]")
    console.print(verdicts)
    print(
        json.dumps(
            {
                "benchmark": name,
                "machine": machine(),
                "checks": [{**asdict(check), "value": round(check.value, 3), "ok": check.ok} for check in checks],
            }
        )
    )
    if not all(check.ok for check in checks):
        sys.exit(1)
