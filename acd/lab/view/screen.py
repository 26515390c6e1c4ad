"""The screen of the demo: the board as it is drawn. PURE: what to draw, from the board, the time and the room there is.

In 80 columns everything stands below each other; from 116 on, queues and agents stand side by side.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from acd.lab.view.board import AgentRow, AgentState, Board, CallRow, QueueRow
from acd.lab.view.calls import lasting, steps_of
from acd.lab.view.sentences import sentence

WIDE: Final = 116
QUEUES: Final = 65
"""Columns of the queues, where the agents stand beside them."""
TALL: Final = 32
BAR: Final = 8
FACTS: Final = 2
FACTS_TALL: Final = 6
CALLS_LEAST: Final = 6
CALLS_LEAST_TALL: Final = 10
"""Rows; what is left goes to the calls."""
HEADING: Final = "bold grey85 on grey19"
QUIET: Final = "grey58"
NONE: Final = "·"
STYLES: Final[dict[AgentState, str]] = {
    "ready": "green3",
    "ringing": "yellow1",
    "talking": "deep_sky_blue1",
    "wrap-up": "medium_purple1",
    "paused": "orange3",
    "direct call": "dark_orange",
    "resting": "red1",
    "logged out": "grey42",
}


Side = Literal["left", "right"]


class Frame(msgspec.Struct, frozen=True):
    """What the screen shows besides the board, and how large it is."""

    width: int
    height: int
    title: str
    clock: str = ""
    """The time of day."""


def screen(board: Board, now_ms: int, frame: Frame) -> RenderableType:
    """All of it, in exactly the rows of the frame or fewer."""
    wide, tall = frame.width >= WIDE, frame.height >= TALL
    blank = [Text("")] if tall else []
    above = [*_header(board, now_ms, frame, wide=wide), *blank]
    facts = FACTS_TALL if tall else FACTS
    room = frame.height - len(above) - facts - 1 - (3 if tall else 0)  # for all but heading and facts
    teams, rows = _teams(board, now_ms, wide=wide, room=room - (CALLS_LEAST_TALL if tall else CALLS_LEAST))
    calls = _calls(board, now_ms, frame.width, max(1, room - rows))
    return Group(*above, *teams, *blank, calls, *blank, _ticker(board, facts, heading=tall))


# --- Header ---------------------------------------------------------------------------------------------------


def _header(board: Board, now_ms: int, frame: Frame, *, wide: bool) -> Iterator[RenderableType]:
    line = Table.grid(expand=True)
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right", no_wrap=True)
    left = Text.assemble((" acd ", "bold black on green3"), "  ", (frame.title, "bold"))
    up = minutes(now_ms - board.began_ms) if board.began_ms else "0:00"
    line.add_row(left, Text.assemble(f"{frame.clock}  up {up}", ("  Ctrl-C ends ", QUIET)))
    yield line
    figures = Text("  " if not wide else "    ", QUIET).join(_figures(board, wide=wide))
    yield Text(" ", no_wrap=True, overflow="ellipsis").append_text(figures)


def _figures(board: Board, *, wide: bool) -> Iterator[Text]:
    total, ring = board.total, board.ring_median_ms
    yield _figure("calls", total.arrived, "")
    if wide:
        yield _figure("waiting", sum(len(queue.waiting) for queue in board.queues.values()), "orange1")
        yield _figure("talking", board.count("talking"), "deep_sky_blue1")
    yield _figure("answered", total.answered, "green3")
    yield _figure("gave up", total.gave_up, "red3")
    yield _figure("in 20 s", percent(total.service_level), _grade(total.service_level))
    if ring is not None:
        yield _figure("rings in", f"{ring:.1f} ms", "yellow1")
    if board.listened:
        yield _figure("♪", f"{board.heard}/{board.listened}", "green3" if board.heard == board.listened else "red1")


def _figure(name: str, value: int | str, style: str) -> Text:
    return Text.assemble((f"{name} ", QUIET), (str(value), f"bold {style}" if value else QUIET))


# --- Queues and agents ----------------------------------------------------------------------------------------


def _teams(board: Board, now_ms: int, *, wide: bool, room: int) -> tuple[list[RenderableType], int]:
    """Queues and agents, and how many rows they take."""
    queues = _queues(board, now_ms)
    heads = 1 + len(board.queues)
    if not wide:
        agents, rows = _agents(board, now_ms, room - heads, phones=True)
        return [queues, agents], heads + rows
    agents, rows = _agents(board, now_ms, room, phones=False)
    both = Table.grid(expand=True, padding=(0, 1, 0, 0))
    both.add_column(width=QUEUES)
    both.add_column(ratio=1)
    both.add_row(queues, agents)
    return [both], max(heads, rows)


def _table(*columns: tuple[str, Side, int | None]) -> Table:
    """Name, side and width of each column; the one without a width takes what is left."""
    table = Table(box=None, expand=True, header_style=HEADING, padding=(0, 1, 0, 0), pad_edge=False)
    for name, side, width in columns:
        table.add_column(name, justify=side, width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
    return table


def _queues(board: Board, now_ms: int) -> Table:
    table = _table(
        (" QUEUES", "left", None),
        ("waiting", "right", 7),
        ("longest", "right", 7),
        ("ready", "right", 5),
        ("answered", "right", 8),
        ("gave up", "right", 7),
        ("avg wait", "right", 8),
        ("in 20 s", "right", 7),
    )
    for queue in board.queues.values():
        table.add_row(*_queue(board, queue, now_ms))
    return table


def _queue(board: Board, queue: QueueRow, now_ms: int) -> Iterator[Text]:
    tally, waiting, ready = queue.tally, len(queue.waiting), board.ready_in(queue.id)
    longest = queue.longest_since_ms
    wait = tally.average_wait_ms
    yield Text(f" {queue.name}", "bold")
    yield Text(str(waiting), "bold orange1" if waiting else QUIET)
    yield Text(NONE if longest is None else lasting(now_ms - longest, going_on=True), "orange1" if waiting else QUIET)
    yield Text(str(ready), "green3" if ready else QUIET)
    yield Text(str(tally.answered))
    yield Text(str(tally.gave_up), "red3" if tally.gave_up else QUIET)
    yield Text(NONE if wait is None else lasting(wait, going_on=False))
    yield Text(percent(tally.service_level), _grade(tally.service_level))


def _agents(board: Board, now_ms: int, room: int, *, phones: bool) -> tuple[Table, int]:
    table = _table(
        (" AGENTS", "left", 8),
        ("state", "left", 13),
        ("for", "right", 5),
        (" with", "left", None),
        ("taken", "right", 5),
    )
    agents = list(board.agents.values())
    shown = agents if len(agents) < room else agents[: max(1, room - 2)]
    for agent in shown:
        table.add_row(*_agent(board, agent, now_ms, phones=phones))
    if len(shown) < len(agents):
        table.add_row(Text(f" +{len(agents) - len(shown)}", QUIET))
    return table, 1 + table.row_count


def _agent(board: Board, agent: AgentRow, now_ms: int, *, phones: bool) -> Iterator[Text]:
    style = STYLES[agent.state]
    yield Text(f" {agent.name}", "bold")
    yield Text(f"● {agent.state}", style)
    yield Text(minutes(now_ms - agent.since_ms), QUIET)
    yield Text(" ").append_text(_occupation(board, agent, now_ms, phones=phones))
    yield Text(str(agent.taken))


def _occupation(board: Board, agent: AgentRow, now_ms: int, *, phones: bool) -> Text:
    """Whom the agent speaks with, how long the wrap-up lasts, why the agent pauses; and what comes after it."""
    to_come = ", ".join(dict.fromkeys(agent.to_come.values()))
    doing = _doing(board, agent, now_ms, phones=phones)
    return doing.append(f" then {to_come}", "orange3") if to_come else doing


def _doing(board: Board, agent: AgentRow, now_ms: int, *, phones: bool) -> Text:
    call = board.calls.get(agent.call) if agent.call is not None else None
    match agent.state:
        case "ringing" if call is not None:
            return Text(call.who, "yellow3")
        case "talking" if call is not None:
            return _conversation(call)
        case "wrap-up":
            return _wrap_up(agent, now_ms)
        case "paused":
            return Text(agent.pause, "orange3")
        case "direct call":
            return Text(_direct(board, agent), "orange3")
        case "ready":
            names = ", ".join(board.queues[queue].name for queue in agent.queues if queue in board.queues)
            return Text(f"phone {agent.phone}, {names}" if phones else names, "grey42")
        case _:
            return Text("")


def _direct(board: Board, agent: AgentRow) -> str:
    direct = next((direct for direct in board.direct.values() if direct.phone == agent.at_phone), None)
    if direct is None:
        return ""
    return "keys in a code" if direct.code else "dials out" if direct.direction == "out" else "is called"


def _conversation(call: CallRow) -> Text:
    text = Text(call.who)
    heard = call.heard_by_agent
    if heard is not None and heard.good:
        level = "" if heard.level_dbfs is None else f" {heard.level_dbfs:.0f} dBFS"
        text.append(f" ♪{level}", "green3")
    elif heard is not None:
        text.append(" not heard", "red1")
    return text


def _wrap_up(agent: AgentRow, now_ms: int) -> Text:
    """How much is left, as a bar and in seconds."""
    assert agent.until_ms is not None, f"{agent.name} wraps up without end"
    left_ms, whole_ms = max(0, agent.until_ms - now_ms), max(1, agent.until_ms - agent.since_ms)
    full = min(BAR, -(-BAR * left_ms // whole_ms))
    return Text.assemble(("━" * full, "medium_purple1"), ("━" * (BAR - full), "grey30"), f" {-(-left_ms // 1_000)} s")


# --- Calls and facts ------------------------------------------------------------------------------------------


def _calls(board: Board, now_ms: int, width: int, room: int) -> Table:
    table = _table(
        (" CALLS", "left", 7), ("caller", "left", 8), ("queue", "left", 8), ("from arrival to wrap-up", "left", None)
    )
    for call in _shown(board, room):
        over = call.state == "over"
        table.add_row(
            Text(f" {minutes(call.since_ms - board.began_ms)}", QUIET),
            Text(call.who, QUIET if over else "bold"),
            Text(board.queues[call.queue].name if call.queue in board.queues else call.queue, QUIET),
            steps_of(call, now_ms, width - 26),
        )
    return table


def _shown(board: Board, room: int) -> Sequence[CallRow]:
    """All that go on, the newest where there are too many; then the latest that are over. In order of arrival."""
    live = [call for call in board.calls.values() if call.state != "over"][-room:]
    over = [call for call in board.calls.values() if call.state == "over"]
    kept = over[max(0, len(over) - (room - len(live))) :]
    return sorted([*kept, *live], key=lambda call: call.since_ms)


def _ticker(board: Board, room: int, *, heading: bool) -> Table:
    table = _table((" FACTS", "left", 9), ("no.", "right", 5), ("", "left", 18), ("", "left", None))
    table.show_header = heading
    for number, fact in list(board.last_facts)[-room:]:
        at = f"{(fact.at_ms - board.began_ms) / 1_000:.3f}"
        table.add_row(
            Text(f" {at:>8}", "grey50"),
            Text(f"#{number}", "grey50"),
            Text(type(fact).__name__, "grey62"),
            Text(sentence(board, fact) or "", "grey50"),
        )
    return table


# --- Words and numbers ----------------------------------------------------------------------------------------


def minutes(ms: float) -> str:
    """Minutes and seconds, as a clock shows them."""
    whole = max(0, int(ms)) // 1_000
    return f"{whole // 60}:{whole % 60:02}"


def percent(share: float | None) -> str:
    """A share in whole percent; a dash where there is none yet."""
    return NONE if share is None else f"{100 * share:.0f} %"


def _grade(level: float | None) -> str:
    if level is None:
        return QUIET
    return "green3" if level >= 0.8 else "orange1" if level >= 0.6 else "red1"
