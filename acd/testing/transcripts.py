"""Scenarios as text: a title, a story, and a conversation with the core that is reviewed as a diff.

    # Ana declines, Ben answers
    The caller keeps the place in line, and ...

    given queue sales is configured: ring 15 s
    given ana logs in

    10:00:00.000 > call C1 arrives in sales from 555 "Bob"
                 < CallQueued C1 queue=sales caller="Bob" <555>
                 < OfferMade ana/C1 phone=1001 ring_until=10:00:15.000
    10:00:15.000 < OfferEnded ana/C1 outcome=no-answer

`given` lines prepare what the story takes for granted: they happen at ten o'clock and their facts are not shown.
Lines with `>` are inputs, in the language of `sentences`; lines with `<` are what followed, and are written by
`rewritten`, never by hand. A line with `--` comments.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from acd.core import Fact
from acd.model import Caller, CallId, Line, OfferId, Skill
from acd.router.facts import Hop
from acd.router.settings import Destination
from acd.testing.names import FIRST_SERVER, Names
from acd.testing.playbook import TEN_O_CLOCK_MS, Playbook
from acd.testing.sentences import NotUnderstood

INPUT = re.compile(r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)\.(?P<ms>\d\d\d) > (?P<sentence>.+)")
FACT = re.compile(r"(\d\d:\d\d:\d\d\.\d\d\d)?\s*< .*")
SHAPES = "`given <sentence>`, `10:00:00.000 > <sentence>`, `-- <comment>`, an empty line, or a fact's line with `<`"
NO_TIME = " " * len("10:00:00.000")


class WrongTranscript(ValueError):
    """A line that says nothing; the text names it and says what is allowed."""


def rewritten(text: str) -> str:
    """The transcript as the core speaks it today. Raises `WrongTranscript`, and whatever the playbook finds."""
    head, body = _parted(text)
    book = Playbook()
    lines = [*head]
    for number, line in body:
        try:
            lines += _told(book, line)
        except (NotUnderstood, WrongTranscript) as error:
            raise WrongTranscript(f"line {number}: {error}") from None
        except AssertionError as error:
            raise AssertionError(f"line {number}: {line}: {error}") from error
    book.finish()
    return "\n".join(lines).rstrip() + "\n"


def _parted(text: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The title and the story; then the numbered lines of the conversation, without the facts."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("# "):
        raise WrongTranscript("line 1: a transcript begins with its title: `# What happens`")
    start = next((at for at, line in enumerate(lines) if _is_said(line)), len(lines))
    if not any(line.strip() for line in lines[1:start]):
        raise WrongTranscript("line 2: after the title comes the story, in a sentence or more")
    body = [(at + 1, line.rstrip()) for at, line in enumerate(lines) if at >= start and not FACT.fullmatch(line)]
    return lines[:start], body


def _is_said(line: str) -> bool:
    return line.startswith(("given ", "-- ")) or INPUT.fullmatch(line) is not None


def _told(book: Playbook, line: str) -> Iterator[str]:
    """The line again, after what fell due before it and before what followed it."""
    said = INPUT.fullmatch(line)
    if said is not None:
        at_ms = _at_ms(said)
        if at_ms < book.now_ms:
            raise WrongTranscript(f"time does not go back from {clock(book.now_ms)}")
        yield from _shown(book.wait(until_ms=at_ms), book.names, None)
        yield line
        yield from _shown(book.say(said["sentence"]), book.names, at_ms)
    elif line.startswith("given "):
        if book.now_ms != TEN_O_CLOCK_MS:
            raise WrongTranscript("what is given comes before all else")
        book.say(line.removeprefix("given "))
        yield line
    elif line == "" or line.startswith("-- "):
        yield line
    else:
        raise WrongTranscript(f"{line!r} is not understood; allowed are {SHAPES}")


def _at_ms(said: re.Match[str]) -> int:
    minutes = int(said["hour"]) * 60 + int(said["minute"])
    return (minutes * 60 + int(said["second"])) * 1000 + int(said["ms"])


def clock(at_ms: int) -> str:
    """The time of day of the first day: tests know no other."""
    seconds, ms = divmod(at_ms, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}.{ms:03}"


def _shown(facts: Sequence[Fact], names: Names, at_ms: int | None) -> Iterator[str]:
    for fact in facts:
        time = NO_TIME if fact.at_ms == at_ms else clock(fact.at_ms)
        at_ms = fact.at_ms
        yield f"{time} < {shown(fact, names)}"


# --- Facts as text --------------------------------------------------------------------------------------------

OF_AN_OFFER = frozenset({"call", "agent", "queue", "queue_name", "line", "server", "caller"})
OF_A_CALL = frozenset({"line", "queue_name"})


def shown(fact: Fact, names: Names) -> str:
    """A fact in one line: what it is about, then its fields; what is empty or follows from the rest is left out."""
    fields = {field: getattr(fact, field) for field in fact.__struct_fields__ if field != "at_ms"}
    subject, implied = _subject(fields, names)
    words = [type(fact).__name__, *subject]
    for field, value in fields.items():
        if field not in implied and not _is_usual(field, value, fact):
            words.append(_field(field, value, names))
    return " ".join(words)


def _is_usual(field: str, value: object, fact: Fact) -> bool:
    usual = {
        ("priority", 0),
        ("since_ms", fact.at_ms),
        ("ring", 0),
        ("kind", "inbound"),
        ("ring_at_most", 1),
        ("reorders", False),
        ("at_limit", "ready"),
        ("productive", False),
        ("needs_disposition", False),
        ("misses", 0),
        ("misses", 1),
        ("last_agent", False),
        ("reason", "time"),
        ("forgets", 0),
        ("hops", len(getattr(fact, "via", ()))),
        ("asks_for", getattr(fact, "named", None)),
    }
    return value in (None, (), "", Caller()) or field == "rings" or (field, value) in usual


def _subject(fields: dict[str, object], names: Names) -> tuple[list[str], frozenset[str]]:
    if "offer" in fields:
        return [names.of(OfferId(str(fields["offer"])))], OF_AN_OFFER | {"offer"}
    if fields.get("call") is not None and "agent" not in fields:
        return [names.of(CallId(str(fields["call"])))], OF_A_CALL | {"call"}
    if isinstance(line := fields.get("line"), Line):
        return [_line(line)], frozenset({"line"})
    subject = next((field for field in ("agent", "server", "queue") if field in fields), None)
    if subject is None:
        return [], frozenset()
    return [str(fields[subject])], frozenset({subject, "request"})


def _field(field: str, value: object, names: Names) -> str:
    if field.endswith(("until_ms", "at_ms", "since_ms", "came_ms")) and isinstance(value, int):
        return f"{field.removesuffix('_ms')}={clock(value)}"
    if field.endswith("_ms") and isinstance(value, int):
        return f"{field.removesuffix('_ms')}={value / 1000:g}s"
    if field == "call":
        return f"call={names.of(CallId(str(value)))}"
    if field == "offers" and isinstance(value, tuple):
        return f"offers={','.join(names.of(offer) for offer in value)}"
    return f"{field}={_value(value)}"


def _value(value: object) -> str:
    match value:
        case Caller():
            return f'"{value.name}" <{value.number}>' if value.name else value.number
        case Line():
            return _line(value)
        case Destination():
            return f"{value.context},{value.extension},{value.priority}"
        case Hop():
            return f"{value.queue}:{value.reason}"
        case Skill():
            return f"{value.name}:{value.level}"
        case tuple():
            return ",".join(_value(part) for part in value)
        case msgspec.Struct():
            return str(getattr(value, "id", "settings"))
        case _:
            return str(value)


def _line(line: Line) -> str:
    return str(line.channel) if line.server == FIRST_SERVER else f"{line.channel}@{line.server}"
