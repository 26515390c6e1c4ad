"""A picture of the demo's screen, for README.md: an SVG that needs no font from elsewhere."""

import io
import re
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType

WIDTH: Final = 120
HEIGHT: Final = 40
TITLE: Final = "make demo"

_FONT: Final = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)
_TEXT: Final = re.compile(r'( x="([0-9.]+)" y="[0-9.]+" textLength=")([0-9.]+)("[^>]*>)([^<]*)')
_SPACE: Final = "&#160;"


def picture(drawing: RenderableType) -> str:
    """The drawing as SVG."""
    console = Console(
        width=WIDTH, height=HEIGHT, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(drawing)
    return _TEXT.sub(_without_spaces, console.export_svg(title=TITLE, code_format=_FORMAT, unique_id="demo"))


def save(drawing: RenderableType, path: Path) -> None:
    """Write it to a file."""
    path.write_text(picture(drawing), encoding="utf-8")


def _without_spaces(match: re.Match[str]) -> str:
    """Spaces at the ends are dropped by some programs that show SVG, and then the text stands elsewhere."""
    before, x, length, between, text = match.groups()
    cells = text.replace(_SPACE, " ")
    cell = float(length) / max(1, len(_plain(cells)))
    begin = len(cells) - len(cells.lstrip(" "))
    inner = cells.strip(" ")
    left = before.replace(f'x="{x}"', f'x="{float(x) + begin * cell:.1f}"', 1)
    return f"{left}{len(_plain(inner)) * cell:.1f}{between}{inner.replace(' ', _SPACE)}"


def _plain(text: str) -> str:
    """Each entity is one character."""
    return re.sub(r"&[#a-z0-9]+;", "x", text)
