"""The distributions as a page: SVG in HTML, opened without a server.

Each row is one system: how its values lie along a logarithmic axis, with the median, the 99th percentile and the worst
marked. Rows under one heading share the axis; the height of a row's curve is its own.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from benchmarks.report import Check
from benchmarks.versus.outcome import Figures

LEFT: Final = 220
WIDTH: Final = 720
RIGHT: Final = 30
ROW: Final = 74
CURVE: Final = 44
TOP: Final = 30
BINS: Final = 120
SMOOTHED_OVER: Final = 2
"""Bins to each side into which a value spills: single values stay visible, and their crowd is a curve."""
COLOURS: Final = {"acd": "#1f6feb", "app_queue": "#bc4c00"}
OTHER: Final = "#57606a"
LETTER: Final = 6.6
"""The width of a letter, nearly."""

STYLE: Final = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #1f2328; background: #fff; max-width: 64em }
h1 { font-size: 1.3em } h2 { font-size: 1em; margin: 1.6em 0 0.3em }
svg { max-width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif }
table { border-collapse: collapse } td, th { padding: 0.2em 0.8em; border-bottom: 1px solid #d0d7de; text-align: left }
td.number { text-align: right } .missed { color: #cf222e; font-weight: 600 } p.machine { color: #57606a }
"""


def page(
    result: Mapping[str, object], figures: Sequence[Figures], checks: Sequence[Check], notes: Sequence[str]
) -> str:
    """The page, as HTML. `result`: what the run says of itself, with `date` and `machine`."""
    machine = result.get("machine")
    where = (
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
        if isinstance(machine, Mapping)
        else ""
    )
    drawn = "".join(f"<h2>{escape(one.title)}, {escape(one.unit)}</h2>{drawing(one)}" for one in figures)
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>acd beside app_queue</title>'
        f"<style>{STYLE}</style></head><body><h1>acd beside app_queue</h1>"
        f'<p class="machine">{escape(str(result.get("date", "")))} · {escape(where)}</p>'
        f"{verdicts(checks)}{drawn}{said}</body></html>\n"
    )


def verdicts(checks: Sequence[Check]) -> str:
    """The checks as a table."""
    rows = (
        f'<tr><td>{escape(check.name)}</td><td class="number">{check.value:.2f}</td>'
        f"<td>{'at most' if check.better == 'lower' else 'at least'} {check.limit:g}</td>"
        f'<td class="{"ok" if check.ok else "missed"}">{"ok" if check.ok else "missed"}</td></tr>'
        for check in checks
    )
    return f"<table><tr><th>check</th><th>value</th><th>limit</th><th></th></tr>{''.join(rows)}</table>"


def drawing(figures: Figures) -> str:
    """The rows of one heading on one axis."""
    values = [value for row in figures.rows.values() for value in row]
    axis = Axis(min(values), max(values))
    height = TOP + ROW * len(figures.rows) + 26
    summary = figures.summary()
    rows = "".join(
        _row(name, row, summary[name], axis, TOP + ROW * at) for at, (name, row) in enumerate(figures.rows.items())
    )
    ticks = "".join(_tick(value, axis, height) for value in axis.ticks())
    width = LEFT + WIDTH + RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img">{ticks}{rows}</svg>'
    )


class Axis:
    """Logarithmic, from a little below the least value to a little above the greatest."""

    def __init__(self, least: float, greatest: float) -> None:
        least = max(least, 1e-3)
        greatest = max(greatest, least * 1.5)
        self._from, self._to = math.log10(least / 1.08), math.log10(greatest * 1.08)

    def share(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        return (math.log10(max(value, 1e-3)) - self._from) / (self._to - self._from)

    def x(self, value: float) -> float:
        """Where it is drawn."""
        return LEFT + WIDTH * min(max(self.share(value), 0), 1)

    def ticks(self) -> list[float]:
        """Round values within: 1, 2 and 5 of each decade; where these are few, all nine."""
        decades = range(math.floor(self._from), math.ceil(self._to) + 1)
        few = self._within(10.0**decade * step for decade in decades for step in (1, 2, 5))
        return few if len(few) > 2 else self._within(10.0**decade * step for decade in decades for step in range(1, 10))

    def _within(self, values: Iterable[float]) -> list[float]:
        return [value for value in values if self._from <= math.log10(value) <= self._to]


def _tick(value: float, axis: Axis, height: int) -> str:
    x = axis.x(value)
    return (
        f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 22}" stroke="#d8dee4"/>'
        f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" fill="#57606a">{value:g}</text>'
    )


def _row(name: str, values: Sequence[float], summary: Mapping[str, float], axis: Axis, top: int) -> str:
    colour, base = COLOURS.get(name, OTHER), top + ROW - 20
    heights = curve(values, axis)
    points = " ".join(
        f"{LEFT + WIDTH * (at + 0.5) / BINS:.1f},{base - CURVE * height:.1f}" for at, height in enumerate(heights)
    )
    return (
        f'<text x="{LEFT - 12}" y="{base - 12}" text-anchor="end" font-weight="600" fill="{colour}">{escape(name)}'
        "</text>"
        f'<text x="{LEFT - 12}" y="{base + 3}" text-anchor="end" fill="#57606a">{len(values)} runs</text>'
        f'<polygon points="{LEFT},{base} {points} {LEFT + WIDTH},{base}" fill="{colour}" fill-opacity="0.25"'
        f' stroke="{colour}"/>{_marks(summary, axis, colour, base)}'
    )


def curve(values: Sequence[float], axis: Axis) -> list[float]:
    """How many values lie at each place of the axis; the highest place is 1."""
    counts = [0.0] * BINS
    for value in values:
        at = min(int(axis.share(value) * BINS), BINS - 1)
        for off in range(-SMOOTHED_OVER, SMOOTHED_OVER + 1):
            if 0 <= at + off < BINS:
                counts[at + off] += 1 - abs(off) / (SMOOTHED_OVER + 1)
    most = max(counts)
    return [count / most for count in counts]


def _marks(summary: Mapping[str, float], axis: Axis, colour: str, base: int) -> str:
    """The marks, their words below the curve, from the right: a word that would stand on the one before moves left."""
    drawn, free_to = [], float(LEFT + WIDTH + RIGHT)
    for key, word in reversed(marks(summary).items()):
        x, text = axis.x(summary[key]), f"{word} {summary[key]:.3g}"
        half = len(text) * LETTER / 2
        at = min(x, free_to - half)
        free_to = at - half - 2 * LETTER
        drawn.append(
            f'<line x1="{x:.1f}" y1="{base - CURVE}" x2="{x:.1f}" y2="{base + 4}" stroke="{colour}"'
            f' stroke-dasharray="{"none" if key == "median" else "3 3"}"/>'
            f'<text x="{at:.1f}" y="{base + 16}" text-anchor="middle" fill="{colour}">{text}</text>'
        )
    return "".join(drawn)


def marks(summary: Mapping[str, float]) -> dict[str, str]:
    """What is marked, and by which word; of few values the worst is the 99th percentile too."""
    if summary["p99"] == summary["worst"]:
        return {"median": "median", "worst": "worst"}
    return {"median": "median", "p99": "99 %", "worst": "worst"}
