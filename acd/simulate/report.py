"""What became of a simulation, for people to read."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from acd.simulate.figures import QueueFigures
from acd.simulate.run import Result
from acd.simulate.scenario import SECOND_MS

LEFT_SHOWN = 10
NOTHING = "-"
"""In the place of a figure of no calls."""
WIDE = 10_000
"""Characters: no table is wider."""


def report(result: Result, answer_within_ms: int, took_s: float) -> RenderableType:
    """The table of the queues (waits are the median and the 90th percentile of the answered calls; `at work` is the
    occupancy of the queue's agents), what was endured, and what was left."""
    parts: list[RenderableType] = [_Queues(result, answer_within_ms), Text(_size(result, took_s))]
    if result.faults:
        parts.append(Text(f"went wrong: {_counts(result.faults)}"))
    parts.append(Text(f"offers that came to nothing: {_counts(result.offers) or 'none'}"))
    parts.append(Text(f"the callers lived it so: {_counts(result.outcomes)}"))
    parts.append(Text(_checked(result.checked)))
    parts.append(_left(result))
    if result.digest:
        parts.append(Text(f"digest of the facts: {result.digest}", style="dim"))
    return Group(*parts)


class _Queues:
    """One table, or several one under the other where the screen is too narrow: no figure is cut."""

    def __init__(self, result: Result, answer_within_ms: int) -> None:
        in_time = f"in {answer_within_ms // SECOND_MS} s"
        self._headings = ("offered", "answered", "abandoned", "other", "waited", "90 %", in_time, "at work")
        self._rows = [(str(queue), _row(figures)) for queue, figures in result.queues.items()]
        self._total = _row(result.total)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown: list[int] = []
        wide = options.update(width=WIDE)
        for column in range(len(self._headings)):
            if shown and console.measure(self._table([*shown, column]), options=wide).maximum > options.max_width:
                yield self._table(shown)
                shown = []
            shown.append(column)
        yield self._table(shown)

    def _table(self, columns: Sequence[int]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("queue", no_wrap=True)
        for column in columns:
            table.add_column(self._headings[column], justify="right", no_wrap=True)
        for queue, figures in self._rows:
            table.add_row(queue, *(figures[column] for column in columns))
        table.add_section()
        table.add_row("all", *(self._total[column] for column in columns), style="bold")
        return table


def _row(figures: QueueFigures) -> tuple[str, ...]:
    return (
        f"{figures.offered:,}",
        f"{figures.answered:,}",
        f"{figures.abandoned:,} {_percent(figures.abandoned, figures.offered):>4}",
        f"{figures.refused + figures.timed_out + figures.lost:,}",
        _seconds(figures.wait_ms(0.5)) if figures.answered else NOTHING,
        _seconds(figures.wait_ms(0.9)) if figures.answered else NOTHING,
        _percent(figures.answered_in_time, figures.offered),
        _percent(figures.worked_ms, figures.present_ms if figures.offered else 0),
    )


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else NOTHING


def _seconds(ms: int) -> str:
    return f"{ms / SECOND_MS:.1f} s"


def _size(result: Result, took_s: float) -> str:
    seeds = f"seed {result.seeds[0]}" if len(result.seeds) == 1 else f"{len(result.seeds)} seeds"
    return (
        f"{seeds}: {_days(result.days)}, {result.opening_hours} hours with {result.calls:,} calls; "
        f"{result.inputs:,} inputs, {result.facts:,} facts; in {took_s:.1f} s"
    )


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days:,} days"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _checked(checked: Mapping[str, int]) -> str:
    """What was looked at, and how often."""
    if not checked:
        return "checked: nothing but what was left in the end"
    facts, looks, commits, choices, offers = (
        f"{checked[name]:,}" for name in ("facts", "looks", "commits", "choices", "offers")
    )
    return (
        f"checked, and held: the books after each of {facts} facts; the whole state {looks} times in {commits} commits"
        f"; the choice of {choices} of {offers} offers"
    )


def _left(result: Result) -> Text:
    if not result.left:
        return Text("once the trouble was over everyone was served, and nothing was left", style="green")
    shown = "\n".join(f"  {what}" for what in result.left[:LEFT_SHOWN])
    more = len(result.left) - LEFT_SHOWN
    return Text(f"left over:\n{shown}" + (f"\n  and {more} more" if more > 0 else ""), style="bold red")
