"""A scenario's page: all that happened on one time axis, in one file."""

import re
import time
from xml.etree import ElementTree as ET

from acd.lab.scenario.page import page
from acd.lab.scenario.trace import MOST, Trace
from acd.model import ServerId
from acd.router.facts import ServerSettled

NAME = "{http://www.w3.org/2000/svg}"


def drawing(text: str) -> ET.Element:
    found = re.search(r"<svg.*</svg>", text, re.DOTALL)
    assert found is not None
    return ET.fromstring(found[0])


def titles(text: str) -> list[str]:
    """Of the rows, from above."""
    return [row.findall(f"{NAME}text")[-1].text or "" for row in drawing(text).findall(f"{NAME}g")]


def test_messages_facts_and_steps_stand_in_the_order_of_their_times() -> None:
    trace = Trace()
    now_ns = time.monotonic_ns()
    trace.sip("bob", "->", now_ns + 5_000_000, "INVITE", "INVITE sip:q-sales SIP/2.0")
    trace.ami(False, "AcdCall", "Event: UserEvent")
    trace.fact(1, ServerSettled(time.time_ns() // 1_000_000 + 1_000, ServerId("a"), up=True))
    trace.step("bob calls sales")
    told = page("caller-is-lucky", "# Caller\n\nA story.", trace, ["bob"], "")
    assert titles(told) == ["AcdCall", "bob calls sales", "INVITE", "ServerSettled"]
    assert [lane.text for lane in drawing(told).findall(f"{NAME}text")] == ["bob", "Asterisk", "engine"]
    assert "All came true." in told
    assert "<p>A story.</p>" in told


def test_what_came_from_outside_is_no_markup() -> None:
    trace = Trace()
    trace.sip("bob", "<-", time.monotonic_ns(), "<script>", 'a"><script>alert(1)</script>')
    trace.step("bob calls sales", failed="<b>expected</b>")
    told = page("x", "<i>", trace, ["bob"], "<b>expected</b>")
    assert titles(told)[0] == "<script>"
    assert told.count("<script>") == 1, "its own"
    assert not re.search(r"<[bi]>", told)


def test_trace_has_an_end() -> None:
    trace = Trace()
    for _ in range(MOST + 3):
        trace.step("again")
    assert (len(trace.entries), trace.left_out) == (MOST, 3)
    assert "3 more entries are left out." in page("x", "", trace, [], "")
