"""One call as one line: its steps, with the time that each took. PURE: what to draw, from a row and the time."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from rich.text import Text

from acd.lab.view.board import CallRow, Step

WAIT_SHOWN_MS: Final = 100
"""A shorter wait was none: a phone rang at once."""

ARROW: Final = Text(" → ", "grey42")
CUT: Final = Text("… → ", "grey42")
_OUTCOMES: Final = {
    "declined": "declined",
    "busy": "busy",
    "no-answer": "no answer",
    "unreachable": "unreachable",
    "failed": "failed",
    "agent-left": "left",
    "lost": "lost",
    "withdrawn": "withdrawn",
}
_LEFT: Final = {"gave up": "gave up", "timeout": "waited too long"}


def steps_of(call: CallRow, now_ms: int, width: int) -> Text:
    """The steps in so many columns: where they don't fit, the newest are shown."""
    steps = list(call.steps)
    parts = [
        part
        for step, after in zip_longest(steps, steps[1:])
        for part in _parts(call, step, after, now_ms if after is None else after.at_ms)
    ]
    return _fitted(parts, width)


def _fitted(parts: Sequence[Text], width: int) -> Text:
    left = list(parts)
    while len(left) > 1 and _length(left, cut=len(left) < len(parts)) > width:
        left.pop(0)
    line = ARROW.join(left)
    return CUT + line if len(left) < len(parts) else line


def _length(parts: Sequence[Text], *, cut: bool) -> int:
    return sum(part.cell_len for part in parts) + len(ARROW) * (len(parts) - 1) + (len(CUT) if cut else 0)


def lasting(ms: float, *, going_on: bool) -> str:
    """A time that is over to a tenth of a second; of one that goes on, the seconds that tick."""
    return f"{max(0, int(ms)) // 1_000} s" if going_on else f"{ms / 1_000:.1f} s"


def _parts(call: CallRow, step: Step, after: Step | None, until_ms: int) -> Iterator[Text]:
    going_on = after is None
    time = lasting(until_ms - step.at_ms, going_on=going_on)
    match step.kind:
        case "arrived":
            yield from _waited(call, step, until_ms, time, going_on=going_on)
        case "rings":
            yield _rings(call, step, time, going_on=going_on)
        case "refused" | "moved" if step.what != "caller-gone":
            yield _turned_away(call, step)
            yield from _goes_on(call, step, until_ms, time, going_on=going_on)
        case "talks":
            yield _talks(call, step, time, going_on=going_on)
        case "ended":
            who = step.agent if step.what == "agent" else step.what
            yield Text("parted" if who == "system" else f"{who} hung up")
        case "wraps up":
            yield Text(f"wrap-up {time}", "medium_purple1" if going_on else "medium_purple3")
        case "done":
            yield Text("done", "green4")
        case "left":
            yield Text(_LEFT.get(step.what, f"back: {step.what}"), "red1")
        case "refused" | "moved" | "answers":
            return


def _goes_on(call: CallRow, step: Step, until_ms: int, time: str, *, going_on: bool) -> Iterator[Text]:
    """The call waits for another phone, or rings at others still."""
    if not step.ring:
        yield from _waited(call, step, until_ms, time, going_on=going_on)
    elif going_on:
        yield Text(f"{_phones(step.ring)} {time}", "yellow1")


def _turned_away(call: CallRow, step: Step) -> Text:
    if step.kind == "moved":
        return Text(f"to {step.what}", "orange3")
    outcome = _OUTCOMES.get(step.what, step.what)
    return Text(f"{step.agent} {outcome}" if _rang_at_several(call, step) else outcome, "red3")


def _rang_at_several(call: CallRow, until: Step) -> bool:
    """Whether several phones rang just before this step: then it is said who it was."""
    ring: tuple[str, ...] = ()
    for step in call.steps:
        if step is until:
            break
        if step.kind in {"rings", "refused"}:
            ring = step.ring
    return len(ring) > 1


def _phones(names: Sequence[str]) -> str:
    return f"{', '.join(names)} ring{'s' if len(names) == 1 else ''}"


def _waited(call: CallRow, step: Step, until_ms: int, time: str, *, going_on: bool) -> Iterator[Text]:
    if going_on:
        yield Text(f"waits {time}{f' for {call.asks_for}' if call.asks_for else ''}", "orange1")
    elif until_ms - step.at_ms >= WAIT_SHOWN_MS:
        yield Text(f"waited {time}")
    elif step.kind == "arrived":
        yield Text("arrived")


def _rings(call: CallRow, step: Step, time: str, *, going_on: bool) -> Text:
    if going_on:
        return Text(f"{_phones(step.ring)} {time}", "yellow1")
    measured = call.rang_after_ms if step is call.steps[1] else None
    return Text(_phones(step.ring) + (f" in {measured:.1f} ms" if measured is not None else ""), "yellow3")


def _talks(call: CallRow, step: Step, time: str, *, going_on: bool) -> Text:
    who = f"{step.agent} " if _rang_at_several(call, step) else ""
    verb = "talks" if going_on else "talked"
    text = Text(f"{who}{verb} {time}", "deep_sky_blue1" if going_on else "deep_sky_blue3")
    if call.was_heard:
        text.append(" ♪", "green3")
    return text
