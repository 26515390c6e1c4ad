"""The screen, as text: reviewed as a diff, rewritten by `--rewrite-transcripts`."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from acd.lab.view.board import Board
from acd.lab.view.screen import Frame, screen
from tests.demo.told import played, two_agents

SCREENS = Path(__file__).parent / "screens"


def _drawn(board: Board, now_ms: int, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), record=True, color_system=None)
    console.print(screen(board, now_ms, Frame(width, height, "simulated phones", "14:03:22")))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
async def test_screen_after_a_minute_and_a_half(width: int, height: int, rewrite: bool) -> None:
    board, now_ms = await played(92)
    lines = [line.rstrip() for line in _drawn(board, now_ms, width, height)]
    path = SCREENS / f"{width}x{height}.txt"
    if rewrite:
        path.write_text("\n".join(lines) + "\n")
    assert lines == path.read_text().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (116, 31), (115, 32), (60, 15), (30, 5)])
@pytest.mark.parametrize("count", [1, 7, 40])
async def test_screen_stays_within_the_terminal(size: tuple[int, int], count: int) -> None:
    board, now_ms = await played(45, count=count)
    lines = _drawn(board, now_ms, *size)
    assert max(len(line) for line in lines) <= size[0]
    assert len(lines) <= max(size[1], 14)


def test_empty_board_can_be_drawn() -> None:
    assert "acd" in _drawn(Board(), 1_700_000_000_000, 80, 24)[0]


def test_what_real_phones_tell_is_at_the_top() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555")
    told.rang("1001", 4.2)
    told.say("ana's leg answers", "ana's leg is bridged")
    told.heard("1001")
    told.heard("555")
    top = _drawn(told.board, told.now_ms, 80, 24)[1]
    assert "rings in 4.2 ms" in top
    assert "♪ 1/1" in top


def test_wrap_up_counts_down() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555", "ana's leg answers", "ana's leg is bridged", "caller C1 hangs up")
    began_ms = told.now_ms
    shown = [_row(told.board, began_ms + 1_000 * second, "Ana") for second in (0, 4, 9)]
    assert [row.split("━ ")[1].split()[0] for row in shown] == ["10", "6", "1"]


def test_wait_ticks_without_a_fact() -> None:
    told = two_agents()
    told.say("ana logs out", "ben logs out", "call C1 arrives in sales from 555")
    shown = [_row(told.board, told.now_ms + 1_000 * second, "Bob") for second in (0, 7)]
    assert [row.split("waits ")[1] for row in shown] == ["0 s", "7 s"]


def test_call_that_waits_beside_ready_agents_says_for_whom() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555, asking for german:2 billing")
    assert _row(told.board, told.now_ms + 6_000, "Bob").endswith("waits 6 s for billing and german")


def test_call_says_for_which_agent_it_waits_until_anyone_may_take_it() -> None:
    told = two_agents()
    told.say("ana logs out", "call C0 arrives in sales from 556", "ben's leg answers", "ben's leg is bridged")
    told.say("call C1 arrives in sales from 555, asking for @ben")
    assert _row(told.board, told.now_ms + 2_000, "Bob").endswith("waits 2 s for Ben")
    told.wait(40)
    assert _row(told.board, told.now_ms, "Bob").endswith("waits 40 s")
    assert told.said[-2:] == ["Bob calls Sales for Ben", "Bob waits for Ben no more: anyone may take the call"]


def test_steps_that_do_not_fit_give_way_to_the_newest() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555")
    for _ in range(6):
        told.say("ana's leg ends: declined", "ben's leg ends: declined", "ana gets ready", "ben gets ready")
        told.wait(5)
    row = _row(told.board, told.now_ms, "Bob")
    assert "… → " in row
    assert row.endswith("Ana rings 0 s")


def test_silent_conversation_is_seen() -> None:
    told = two_agents()
    told.say("call C1 arrives in sales from 555", "ana's leg answers", "ana's leg is bridged")
    told.heard("1001", good=False)
    assert "not heard" in _row(told.board, told.now_ms, "Ana")


def _row(board: Board, now_ms: int, word: str) -> str:
    return next(
        line.rstrip() for line in _drawn(board, now_ms, 80, 24) if word in line and (word != "Bob" or "Sales" in line)
    )
