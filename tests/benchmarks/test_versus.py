"""The comparison with app_queue: what is made of the figures. The figures themselves need Asterisk (tests/e2e)."""

import argparse
import json
import os
import re
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from acd.telephony.ami.messages import AmiEvent
from benchmarks.cpu import ProcessClock
from benchmarks.report import Check
from benchmarks.sipp import FAILED
from benchmarks.versus import arrival, load, release, shift, waiting
from benchmarks.versus.outcome import Figures, Outcome
from benchmarks.versus.page import BINS, LEFT, LETTER, Axis, curve, drawing, page
from benchmarks.versus_app_queue import PARTS, chosen, keep


def verdicts(outcome: Outcome) -> dict[str, bool]:
    return {check.name: check.ok for check in outcome.checks}


def test_release_is_held_to_milliseconds_and_to_app_queue() -> None:
    good = {"acd": [5.0] * 99 + [19.0], "app_queue": [500.0] * 100}
    slow = {"acd": [9.0] * 98 + [30.0] * 2, "app_queue": [500.0] * 100}
    said = verdicts(release.outcome({3: good, 100: slow}))
    assert [ok for name, ok in said.items() if "3 waiting" in name] == [True, True, True]
    assert [ok for name, ok in said.items() if "100 waiting" in name] == [False, False, False]


def test_release_sixty_times_faster_is_fast_enough_and_less_is_not() -> None:
    (*_, times) = release.outcome({3: {"acd": [5.0], "app_queue": [300.0]}}).checks
    assert (times.value, times.ok) == (60.0, True)
    (*_, times) = release.outcome({3: {"acd": [5.0], "app_queue": [299.0]}}).checks
    assert not times.ok


def rows(dial: float, queue: float, ours: float) -> dict[str, list[float]]:
    return {"bare Dial": [dial], "app_queue": [queue], "acd": [ours]}


def test_large_queue_must_be_no_slower_than_app_queue_and_a_small_one_a_little() -> None:
    said = arrival.outcome({1: rows(1, 2, 2.7), 100: rows(1, 2, 2.5), 1000: rows(1, 4, 4.1), 2000: rows(1, 5, 2.6)})
    assert [check.ok for check in said.checks] == [False, True, False, True, True]


def test_growth_is_measured_on_ourselves() -> None:
    grown = arrival.outcome({1: rows(1, 2, 2.0), 2000: rows(1, 9, 2.3)}).checks[-1]
    assert grown.value == pytest.approx(1.15)
    assert not grown.ok


def test_client_that_decides_nothing_is_said_beside() -> None:
    one = rows(1.0, 2.0, 3.0) | {arrival.BARE: [2.6]}
    notes = arrival.outcome({1: one, 2000: rows(1.0, 2.0, 3.0)}).notes
    assert notes[-1] == "b. a client that decides nothing, by the same actions: 1.30 times app_queue's median"


def test_rounds_of_a_load_are_compared_each_by_itself() -> None:
    of = load.Used()
    for way, values in {"acd": [10.0, 40.0, 9.0], "app_queue": [10.0, 40.0, 10.0]}.items():
        of.asterisk[way] = values
    of.client["acd"], of.client["bare client"] = [0.0, 2.0, 3.0], [1.0, 1.0, 1.0]
    checks = {check.name: check.value for check in load.outcome({20: of}).checks}
    assert checks["c. 20 calls a second: Asterisk and engine as a multiple of app_queue"] == 1.05
    assert checks["c. 20 calls a second: the engine as a multiple of a bare client"] == 2.0


def test_what_is_asterisks_own_is_said_beside() -> None:
    (note,) = arrival.outcome({1: rows(1.5, 2.0, 3.0)}).notes
    assert note.endswith("1 agent: acd 1.50, app_queue 0.50")


def used(asterisk: dict[str, float], client: dict[str, float], failed: int = 0) -> load.Used:
    """Of one run in each way."""
    of = load.Used()
    for way in load.WAYS:
        of.asterisk[way].append(asterisk[way])
        of.client[way].append(client.get(way, 0.0))
    of.failed["app_queue"] = failed
    return of


ASTERISK = {"acd": 9.0, load.WITH_FACTS: 9.0, "bare client": 9.0, "app_queue": 10.0, "bare Dial": 5.0}


def test_our_two_processes_together_may_cost_what_app_queue_costs() -> None:
    within = load.outcome({20: used(ASTERISK, {"acd": 1.0, "bare client": 1.0})})
    beyond = load.outcome({20: used(ASTERISK, {"acd": 1.1, "bare client": 1.0})})
    assert [check.ok for check in within.checks] == [True, True, True]
    assert [check.ok for check in beyond.checks] == [False, True, True]


def test_engine_is_held_to_the_bare_client_and_no_call_may_fail() -> None:
    (_, engine, failed) = load.outcome({50: used(ASTERISK, {"acd": 0.9, "bare client": 0.5}, failed=1)}).checks
    assert (engine.value, engine.ok) == (1.8, False)
    assert (failed.value, failed.ok) == (1, False)


def test_share_of_each_process_is_shown() -> None:
    (figures,) = load.outcome({20: used(ASTERISK, {"acd": 1.0, load.WITH_FACTS: 1.5, "bare client": 0.7})}).figures
    assert {name: list(values) for name, values in figures.rows.items()} == {
        "acd": [10.0],
        "app_queue": [10.0],
        "acd: Asterisk": [9.0],
        "acd: engine": [1.0],
        "acd, facts in a file: engine": [1.5],
        "bare client: Asterisk": [9.0],
        "bare client: client": [0.7],
        "bare Dial": [5.0],
    }


def test_waiting_callers_cost_the_engine_what_it_uses_beyond_music_alone() -> None:
    asterisk = {"music alone": [500.0, 510.0], "acd": [520.0, 530.0], "app_queue": [515.0, 525.0]}
    within = waiting.outcome({"music alone": [1.0, 3.0], "acd": [2.0, 4.0], "app_queue": [9.0, 9.0]}, asterisk, 200)
    beyond = waiting.outcome({"music alone": [1.0, 3.0], "acd": [2.0, 5.0], "app_queue": [1.0, 1.0]}, asterisk, 200)
    assert [check.ok for check in (*within.checks, *beyond.checks)] == [True, False]
    assert "acd +20.0, app_queue +15.0" in within.notes[0]


def moments(*rows: tuple[float, str, str]) -> list[shift.Moment]:
    names = {"joined": "joined", "begins": "leg-begins", "ends": "leg-ends"}
    return [shift.Moment(at_ms, names[what], channel) for at_ms, what, channel in rows]  # type: ignore[arg-type]


def test_agent_who_is_idle_while_a_caller_waits_is_time_lost() -> None:
    """Two agents, 100 ms: one caller is served after 10 ms, and another one waits for 20 ms beside an idle agent."""
    seen = shift.Shift(
        moments(
            (0, "joined", "c1"),
            (10, "begins", "l1"),
            (40, "joined", "c2"),
            (60, "begins", "l2"),
            (70, "joined", "c3"),
            (90, "ends", "l1"),
            (90, "begins", "l3"),
            (100, "ends", "l2"),
        ),
        {"l1": "c1", "l2": "c2", "l3": "c3"},
    )
    assert seen.undone_share(agents=2) == pytest.approx(100 * (10 + 20) / (2 * 100))
    assert seen.waits_ms() == [10, 20, 20]


def test_leg_that_is_heard_of_before_its_caller_leaves_nobody_waiting() -> None:
    seen = shift.Shift(moments((0, "begins", "l1"), (1, "joined", "c1"), (100, "ends", "l1")), {"l1": "c1"})
    assert seen.undone_share(agents=2) == 0
    assert seen.waits_ms() == [0]


def test_caller_who_is_given_an_agent_before_an_older_one_has_passed() -> None:
    seen = shift.Shift()
    seen.order = [("joined", "c1"), ("joined", "c2"), ("joined", "c3"), ("offered", "c2"), ("offered", "c1")]
    assert seen.inversions() == 1
    seen.order += [("offered", "c1"), ("offered", "c3")]
    assert seen.inversions() == 1, "who is offered again has passed nobody"


def event(name: str, **headers: str) -> AmiEvent:
    return AmiEvent(name=name, headers={key.lower(): value for key, value in headers.items()})


def test_both_systems_are_seen_by_asterisks_own_events() -> None:
    ours, theirs = shift.Shift(), shift.Shift()
    ours.hear(event("UserEvent", UserEvent="AcdCall", Uniqueid="c1", Channel="PJSIP/sipp-00000001"))
    theirs.hear(event("QueueCallerJoin", Uniqueid="c1", Channel="PJSIP/sipp-00000001"))
    theirs.hear(event("AgentCalled", Uniqueid="c1", DestUniqueid="l1", Channel="PJSIP/sipp-00000001"))
    for seen in (ours, theirs):
        seen.hear(event("Newchannel", Uniqueid="c2", Channel="PJSIP/sipp-00000002"))
        seen.hear(event("Newchannel", Uniqueid="l1", Channel="PJSIP/30001-00000003"))
        seen.hear(event("Hangup", Uniqueid="l1", Channel="PJSIP/30001-00000003"))
        assert [moment[1:] for moment in seen.moments] == [("joined", "c1"), ("leg-begins", "l1"), ("leg-ends", "l1")]
    assert theirs.order == [("joined", "c1"), ("offered", "c1")]
    assert theirs.caller_of == {"l1": "c1"}


def test_shift_is_held_to_no_inversion_and_no_failed_call() -> None:
    bad = shift.Shift(moments((0, "begins", "l1"), (1, "joined", "c1"), (9, "ends", "l1")), {"l1": "c1"}, failed=2)
    bad.order = [("joined", "c1"), ("joined", "c2"), ("offered", "c2")]
    good = shift.Shift(bad.moments, bad.caller_of)
    assert [check.ok for check in shift.outcome({"acd": good, "app_queue": bad}).checks] == [True, True]
    assert [check.ok for check in shift.outcome({"acd": bad, "app_queue": good}).checks] == [False, False]


def test_clock_of_a_process_is_the_one_that_it_sees_itself() -> None:
    before = time.process_time_ns() / 1e6
    read = ProcessClock(os.getpid()).used_ms()
    assert before <= read <= time.process_time_ns() / 1e6


def test_failed_calls_are_the_whole_runs_not_the_last_seconds() -> None:
    screen = """
  Successful call      |        0                  |      197
  Failed call          |        1                  |        3
"""
    assert FAILED.findall(screen) == ["3"]


def test_summary_is_of_the_values_as_they_came() -> None:
    (summary,) = Figures("t", {"acd": [3.0, 1.0, 2.0]}).summary().values()
    assert summary == {"runs": 3, "best": 1.0, "median": 2.0, "p99": 3.0, "worst": 3.0}


def test_parts_are_run_in_their_own_order_and_an_unknown_one_is_named() -> None:
    assert chosen("b, a") == ["a", "b"]
    assert chosen(None) == [name for name, part in PARTS.items() if part.usual]
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape("no part 'x'")):
        chosen("a,x")


def test_files_hold_every_figure(tmp_path: Path) -> None:
    outcome = Outcome([Figures("a. Release", {"acd": [1.23456, 2.0]})], [Check("fast & early", 1, 2)], ["a note"])
    keep(
        [outcome], tmp_path / "r.json", tmp_path / "p.html", {"benchmark": "versus-app-queue", "machine": {"cores": 2}}
    )
    kept = json.loads((tmp_path / "r.json").read_text())
    assert kept["figures"][0]["values"] == {"acd": [1.235, 2.0]}
    assert kept["notes"] == ["a note"]
    drawn = (tmp_path / "p.html").read_text()
    assert "fast &amp; early" in drawn
    assert "a. Release, ms" in drawn


def test_missed_check_is_seen_on_the_page() -> None:
    drawn = page({}, [], [Check("slow", 3, 2)], [])
    assert '<td class="missed">missed</td>' in drawn


def test_drawing_has_a_curve_and_marks_for_each_system() -> None:
    svg = ET.fromstring(drawing(Figures("t", {"acd": [1.0] * 99 + [4.0, 5.0], "app_queue": [500.0, 900.0]})))
    words = ["".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"acd", "app_queue", "median 1", "99 % 4", "worst 5", "median 700", "worst 900"} <= set(words)
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}polygon"))) == 2


def test_axis_keeps_the_order_of_the_values_and_holds_them_all() -> None:
    axis = Axis(0.5, 900.0)
    shares = [axis.share(value) for value in (0.5, 1, 10, 900)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    assert {1, 2, 5, 10, 500} <= {round(value, 6) for value in axis.ticks()}


def test_every_name_has_room_before_its_curve() -> None:
    of = used(ASTERISK, {"acd": 1.0, "bare client": 1.0})
    names = [name for figures in load.outcome({20: of}).figures for name in figures.rows] + [*waiting.WAYS, *shift.WAYS]
    assert max(len(name) for name in names) * LETTER < LEFT - 12


def test_single_value_has_an_axis_too() -> None:
    axis = Axis(2.0, 2.0)
    assert 0 <= axis.share(2.0) <= 1
    assert max(curve([2.0], axis)) == 1


def test_curve_is_highest_where_most_values_lie() -> None:
    axis = Axis(1.0, 100.0)
    heights = curve([10.0] * 5 + [50.0], axis)
    assert max(heights) == 1
    assert heights.index(max(heights)) == int(axis.share(10.0) * BINS)
