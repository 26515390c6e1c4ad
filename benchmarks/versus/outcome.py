"""What a part of the comparison hands back: figures by name, and the checks on them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.report import Check, percentile


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured under one heading: single values for each row, in the order in which they came."""

    title: str
    rows: Mapping[str, Sequence[float]]
    unit: str = "ms"

    def summary(self) -> dict[str, dict[str, float]]:
        """Runs, best, median, 99 % and worst of each row."""
        return {name: _summary(values) for name, values in self.rows.items()}

    def table(self) -> Table:
        """The same for people."""
        title = f"{self.title}, {self.unit}"
        table = Table(title=title, title_justify="left", min_width=len(title))
        table.add_column("")
        for heading in ("runs", "best", "median", "99 %", "worst"):
            table.add_column(heading, justify="right")
        for name, of in self.summary().items():
            table.add_row(name, f"{of['runs']:g}", *(f"{of[key]:.2f}" for key in ("best", "median", "p99", "worst")))
        return table


def _summary(values: Sequence[float]) -> dict[str, float]:
    return {
        "runs": len(values),
        "best": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "p99": round(percentile(values, 0.99), 3),
        "worst": round(max(values), 3),
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a part has measured, and whether it is within its limits. `notes` are sentences for people."""

    figures: Sequence[Figures]
    checks: Sequence[Check]
    notes: Sequence[str] = ()
