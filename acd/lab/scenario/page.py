"""One scenario as a page: the ladder of SIP and AMI messages, the engine's facts and the steps, on one time axis.

The page is whole in itself: it is opened without a server, and a click on a message shows all of it.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from acd.lab.scenario.trace import ASTERISK, ENGINE, Entry, Trace

LEFT: Final = 330
"""Where the first lane stands; the time and the steps are before it."""
BETWEEN: Final = 170
AMI_WIDTH: Final = 270
TOP: Final = 46
ROW: Final = 19
GAP_MOST: Final = 40
MS_A_PIXEL: Final = 12.0
"""A pause between two rows is as long as it was, up to `GAP_MOST`."""
FACTS_WIDTH: Final = 230
COLOURS: Final = {"sip": "#1f6feb", "ami": "#8250df", "fact": "#1a7f37", "step": "#57606a", "failure": "#cf222e"}

STYLE: Final = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #1f2328; background: #fff }
h1 { font-size: 1.3em } .failed { color: #cf222e; white-space: pre-wrap; font-family: monospace }
svg text { font: 12px system-ui, sans-serif } .entry { cursor: pointer } .entry:hover text { font-weight: 600 }
pre { position: fixed; right: 0; bottom: 0; max-width: 48em; max-height: 60vh; overflow: auto; margin: 0;
      padding: 1em; background: #f6f8fa; border: 1px solid #d0d7de; white-space: pre-wrap }
pre:empty { display: none }
"""
SCRIPT: Final = """
document.querySelectorAll('.entry').forEach(e => e.addEventListener('click', () => {
  document.querySelector('pre').textContent = e.dataset.whole }));
document.querySelector('pre').addEventListener('click', e => { e.currentTarget.textContent = '' });
"""


def page(name: str, story: str, trace: Trace, people: Sequence[str], failure: str) -> str:
    """The page, as HTML."""
    title = escape(name.replace("-", " ").capitalize())
    told = "".join(f"<p>{escape(part)}</p>" for part in _paragraphs(story))
    failed = f'<p class="failed">{escape(failure)}</p>' if failure else "<p>All came true.</p>"
    left_out = f"<p>{trace.left_out} more entries are left out.</p>" if trace.left_out else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>{told}{failed}{left_out}"
        f"{ladder(trace.entries, people)}<pre></pre><script>{SCRIPT}</script></body></html>\n"
    )


def _paragraphs(story: str) -> list[str]:
    parts = [part.strip() for part in story.split("\n\n")]
    return [" ".join(part.split()) for part in parts if part and not part.startswith("#")]


def ladder(entries: Sequence[Entry], people: Sequence[str]) -> str:
    """The drawing."""
    lanes = {lane: LEFT + BETWEEN * at for at, lane in enumerate((*people, ASTERISK))}
    lanes[ENGINE] = lanes[ASTERISK] + AMI_WIDTH
    rows: list[str] = []
    y, before_ms = float(TOP), 0.0
    for entry in sorted(entries, key=lambda entry: entry.at_ms):
        y += ROW + min(max(entry.at_ms - before_ms, 0) / MS_A_PIXEL, GAP_MOST)
        before_ms = entry.at_ms
        rows.append(_row(entry, y, lanes))
    width, height = lanes[ENGINE] + FACTS_WIDTH, y + ROW
    heads = "".join(_lane(lane, x, height) for lane, x in lanes.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" role="img">'
        '<defs><marker id="tip" orient="auto" markerWidth="7" markerHeight="7" refX="6" refY="3">'
        '<path d="M0,0 L6,3 L0,6 z" fill="context-stroke"/></marker></defs>'
        f"{heads}{''.join(rows)}</svg>"
    )


def _lane(lane: str, x: float, height: float) -> str:
    return (
        f'<text x="{x:.0f}" y="20" text-anchor="middle" font-weight="600">{escape(lane)}</text>'
        f'<line x1="{x:.0f}" y1="28" x2="{x:.0f}" y2="{height:.0f}" stroke="#d0d7de"/>'
    )


def _row(entry: Entry, y: float, lanes: dict[str, int]) -> str:
    colour = COLOURS[entry.kind]
    time = f'<text x="4" y="{y:.0f}" fill="#57606a">{entry.at_ms / 1_000:.3f} s</text>'
    whole = escape(entry.whole, quote=True)
    if entry.kind in {"step", "failure"}:
        drawn = f'<text x="64" y="{y:.0f}" fill="{colour}" font-style="italic">{escape(entry.title)}</text>'
    elif entry.from_ == entry.to:
        x = lanes[entry.from_]
        drawn = (
            f'<circle cx="{x}" cy="{y - 4:.0f}" r="4" fill="{colour}"/>'
            f'<text x="{x + 10}" y="{y:.0f}" fill="{colour}">{escape(entry.title)}</text>'
        )
    else:
        one, other = lanes[entry.from_], lanes[entry.to]
        drawn = (
            f'<line x1="{one}" y1="{y:.0f}" x2="{other}" y2="{y:.0f}" stroke="{colour}" marker-end="url(#tip)"/>'
            f'<text x="{(one + other) / 2:.0f}" y="{y - 4:.0f}" fill="{colour}" text-anchor="middle">'
            f"{escape(_short(entry.title))}</text>"
        )
    return f'<g class="entry" data-whole="{whole}">{time}{drawn}</g>'


def _short(title: str) -> str:
    return title if len(title) <= 34 else f"{title[:33]}…"
