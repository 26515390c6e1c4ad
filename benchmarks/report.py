"""How every benchmark runs, and what it prints: tables for people and, last, one line of JSON for machines."""

import asyncio
import json
import os
import platform
import signal
import statistics
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from rich.console import Console
from rich.table import Table

from acd import log
from acd.lab.servers import LabUnavailable

LOAD_AT_START: Final = os.getloadavg()[0]
"""How busy the machine was without us: the mean number of running tasks in the last minute."""


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


def machine() -> dict[str, str | int | float]:
    """Where the figures come from."""
    return {
        "python": platform.python_version(),
        "acd": version("acd"),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "load_at_start": round(LOAD_AT_START, 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def run_benchmark(work: Coroutine[None, None, None]) -> None:
    """Run it. Ctrl-C and SIGTERM end it too by its own way out, which leaves no engine and no call behind."""
    log.configure("warning")
    try:
        asyncio.run(_until_terminated(work))
    except LabUnavailable as missing:
        sys.exit(f"this benchmark needs the lab: {missing}")
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


async def _until_terminated(work: Coroutine[None, None, None]) -> None:
    task = asyncio.current_task()
    assert task is not None, "asyncio.run made one"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await work


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


def finish(
    name: str,
    checks: Sequence[Check],
    tables: Sequence[Table],
    *,
    notes: Sequence[str] = (),
    keep: Callable[[dict[str, object]], None] = lambda _result: None,
) -> None:
    """Print it all; exit with 1 if a check is not ok. `notes` are sentences below the tables; `keep` gets what the
    last line says before it is printed."""
    console = Console(width=110 if not sys.stdout.isatty() else None)
    where = machine()
    console.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in where.items()), highlight=False)
    for table in tables:
        console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    verdicts = Table(title="Checks", title_justify="left")
    for heading in ("check", "value", "limit", ""):
        verdicts.add_column(heading, justify="right" if heading in {"value", "limit"} else "left")
    for check in checks:
        bound = f"{'at most' if check.better == 'lower' else 'at least'} {check.limit:g}"
        verdicts.add_row(check.name, f"{check.value:.2f}", bound, "ok" if check.ok else "[bold red]missed[/]")
    console.print(verdicts)
    result: dict[str, object] = {
        "benchmark": name,
        "machine": where,
        "checks": [{**asdict(check), "value": round(check.value, 3), "ok": check.ok} for check in checks],
    }
    keep(result)
    print(json.dumps(result))
    if not all(check.ok for check in checks):
        sys.exit(1)
