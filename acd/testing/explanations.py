"""Explanations as text: a title, a story, a conversation with the core, and questions that are answered in it.

    # Ana is rung because she has been idle longest
    Who comes first ... (R61)

    given queue sales is configured
    given ana logs in
    10:00:00.000 > call C1 arrives in sales
    10:00:00.000 ? why ana/C1
                 | Call C1 in Sales, unknown: waits since 10:00:00.000 (0 s), priority 0
                 | ...

`? why ana/C1` asks for an offer, `? why C1` why the call waits now, `? why C1 for ben` tells of one agent only, and
`? why agent ana` why the agent has nothing to do. The answers (`|`) are written by `rewritten`, never by hand.
"""

import io
import re
from collections.abc import Iterator
from typing import TypeVar

import msgspec
from rich.console import Console, RenderableType

from acd.explain import refold, tables
from acd.explain.source import CannotExplain, Turn
from acd.journal.port import Entry
from acd.model import AgentId, CallId, OfferId
from acd.router import inputs as i
from acd.testing.names import Names
from acd.testing.playbook import Playbook
from acd.testing.sentences import NotUnderstood
from acd.testing.transcripts import INPUT, NO_TIME, WrongTranscript, clock

QUESTION = re.compile(
    r"(?P<time>\d\d:\d\d:\d\d\.\d\d\d) \? why "
    r"(?:agent (?P<of>\S+)|(?P<offered>[^\s/]+)/(?P<offer>\S+)|(?P<call>\S+?))(?: for (?P<agent>\S+))?"
)
ANSWER = re.compile(r"\s*\|.*")
ID = re.compile(r'"(t-\d+)"')
WIDTH = 120

T = TypeVar("T", bound=msgspec.Struct)


class Told:
    """The facts of a playbook, as a source."""

    gaps: tuple[str, ...] = ()

    def __init__(self, book: Playbook) -> None:
        self._book = book

    def turns(self) -> Iterator[Turn]:
        yield Turn(1, Entry(1, self._book.now_ms, i.PassTime(), tuple(self._book.facts)))


def rewritten(text: str) -> str:
    """The text as the core and its explanations speak today. Raises `WrongTranscript`, and whatever the playbook
    finds."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("given ")), len(lines))
    if start < 3 or not lines[0].startswith("# ") or not lines[1].strip():
        raise WrongTranscript("line 1: a title (`# What is asked`) and a story come first, then what is given")
    book = Playbook()
    told = lines[:start]
    for number, line in enumerate(lines[start:], start + 1):
        if ANSWER.fullmatch(line):
            continue
        told.append(line)
        try:
            told += _heard(book, line)
        except (NotUnderstood, CannotExplain, WrongTranscript) as error:
            raise WrongTranscript(f"line {number}: {error}") from None
    book.finish()
    return "\n".join(told).rstrip() + "\n"


def _heard(book: Playbook, line: str) -> Iterator[str]:
    """What is answered to the line; nothing unless it asks."""
    said, asked = INPUT.fullmatch(line), QUESTION.fullmatch(line)
    if line.startswith("given "):
        book.say(line.removeprefix("given "))
    elif said is not None:
        _wait_until(book, line[: len(NO_TIME)])
        book.say(said["sentence"])
    elif asked is not None:
        _wait_until(book, asked["time"])
        yield from _answer(book, asked)
    elif line.strip() and not line.startswith("-- "):
        raise WrongTranscript(f"{line!r} is neither given nor said nor asked")


def _wait_until(book: Playbook, time: str) -> None:
    hours, minutes, seconds = time.split(":")
    book.wait(until_ms=round((int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1_000))


def _answer(book: Playbook, asked: re.Match[str]) -> Iterator[str]:
    source = Told(book)
    if asked["of"] is not None:
        of_agent = refold.explain_agent(source, AgentId(asked["of"]), None)
        yield from _shown(tables.of_agent(_named(of_agent, book.names), clock, clock(of_agent.at_ms)))
        return
    story = None
    if asked["offer"] is not None:
        found = refold.explain_offer(source, _offer(book, asked["offered"], asked["offer"]))
    else:
        story = refold.find(source, asked["call"]).stories[-1]
        found = refold.explain_call(source, story, book.now_ms)
    about = None if asked["agent"] is None else AgentId(asked["agent"])
    if about is not None:
        found = refold.only(found, about)
    told = None if story is None else _named(story, book.names)
    yield from _shown(tables.of_call(_named(found, book.names), told, clock, about))


def _offer(book: Playbook, agent: str, call: str) -> OfferId:
    try:
        return book.names.offer(agent, call)
    except KeyError:
        raise WrongTranscript(f"{agent} was never offered {call}") from None


def _named(found: T, names: Names) -> T:
    """With names instead of ids; on the way it is seen that the JSON of it reads back."""
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found, f"{found} does not read back"
    text = msgspec.json.encode(found).decode()
    return msgspec.json.decode(ID.sub(lambda match: f'"{names.of(CallId(match[1]))}"', text), type=type(found))


def _shown(parts: Iterator[RenderableType]) -> Iterator[str]:
    page = io.StringIO()
    tables.show(Console(file=page, width=WIDTH - len(NO_TIME) - 3), parts)
    for line in page.getvalue().rstrip().splitlines():
        yield f"{NO_TIME} | {line}".rstrip()
