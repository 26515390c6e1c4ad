"""`acd explain`: what it finds, what it prints, and one line where it cannot."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from acd import cli
from acd.core import Core, Input
from acd.engine.facts_file import FactsFile, lines_of
from acd.explain import refold
from acd.explain.source import CannotExplain, FactsFileSource
from acd.journal.port import Entry
from acd.model import AgentId, Skill
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.apply import apply
from acd.router.explanation import AgentExplanation, Explanation
from acd.router.objections import RingsEnough
from acd.router.since import Since
from acd.router.state import State
from acd.testing import sentences
from acd.testing.names import Names

DAY_MS = 1_700_000_000_000
"""2023-11-14, 22:13:20 UTC."""
SET_UP = (
    "queue sales is configured: ring 15 s, wrap-up 10 s",
    "agent ana is configured: phone 1001, queues sales",
    "agent ben is configured: phone 1002, queues sales",
    "agent cleo is configured: phone 1003, queues sales",
    "server a reports: nothing",
    "ana logs in",
    "ben logs in",
)
STORY = (
    'call C1 arrives in sales from 555 "Bob"',
    "ana's leg ends: declined",
    "call C2 arrives in sales from 555",
    "ben's leg answers",
    "ben's leg is bridged",
    "call C3 arrives in nowhere from 557",
    "caller C2 hangs up",
    "call C4 arrives in sales from 558",
    "caller C4 hangs up",
    "call C5 arrives in sales from 559",
)


class Book:
    """A core whose entries are kept: each input comes a second after the one before."""

    def __init__(self, tag: str, start_ms: int = DAY_MS) -> None:
        self.core = Core()
        self.entries: list[Entry] = []
        self._names = Names()
        self._times = itertools.count(start_ms, 1_000)
        self.hear(i.OpenJournal(tag, 1, "0.0.9"))

    def hear(self, asked: Input) -> None:
        now_ms, first = next(self._times), self.core.state.fact_count + 1
        facts = tuple(self.core.handle(asked, now_ms))
        for fact in facts:
            self._names.learn(fact)
        self.entries.append(Entry(first, now_ms, asked, facts))

    def say(self, *said: str) -> None:
        for sentence in said:
            self.hear(sentences.parse(sentence, self._names))

    def offer(self, agent: str, call: str) -> str:
        return self._names.offer(agent, call)


@pytest.fixture
def book() -> Book:
    book = Book("acdone")
    book.say(*SET_UP, *STORY)
    return book


@pytest.fixture
def path(tmp_path: Path, book: Book) -> Path:
    path = tmp_path / "facts.jsonl"
    _write(path, book.entries)
    return path


def _write(path: Path, entries: list[Entry]) -> None:
    file = FactsFile(path)
    file.read(entries)
    file.close()


Explain = Callable[..., Result]


@pytest.fixture
def explain(path: Path, monkeypatch: pytest.MonkeyPatch) -> Explain:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("ACD_FACTS", raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.main, ["explain", "--facts", str(path), *arguments])

    return run


def _parsed(result: Result) -> Explanation:
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout, type=Explanation)


def test_the_last_offer_of_a_call_is_explained(explain: Explain, book: Book) -> None:
    result = explain("C1")
    assert result.exit_code == 0, result.output
    assert f"offer {book.offer('ben', 'C1')}: ben, the only one who may be offered it" in result.stdout
    assert "ana        declined this call 0 s ago" in result.stdout
    assert "cleo       never logged in to the queue" in result.stdout


def test_a_call_is_found_by_its_id_too(explain: Explain, book: Book) -> None:
    call = next(fact.call for entry in book.entries for fact in entry.facts if isinstance(fact, f.CallQueued))
    assert _parsed(explain(call, "--json")).work.call == call


def test_an_earlier_offer_is_explained_by_its_id(explain: Explain, book: Book) -> None:
    found = _parsed(explain("--offer", book.offer("ana", "C1"), "--json"))
    assert (found.chosen, found.agrees, found.release) == ("ana", True, "0.0.9")
    assert [agent.agent for agent in found.agents if agent.place] == ["ana", "ben"]
    assert found == _parsed(explain("C1", "--offer", book.offer("ana", "C1"), "--json"))


def test_an_offer_of_another_call_is_named(explain: Explain, book: Book) -> None:
    result = explain("C2", "--offer", book.offer("ana", "C1"))
    assert result.exit_code == 2
    assert f"offer {book.offer('ana', 'C1')} is one of call" in result.stderr


def test_calls_of_one_number_are_listed(explain: Explain) -> None:
    result = explain("555")
    assert (result.exit_code, result.stdout) == (2, "")
    first, *listed = result.stderr.splitlines()
    assert first == "acd: there are 2 calls of 555; name one by its id:"
    assert ["Bob <555>" in line for line in listed] == [True, False]
    assert listed[0].endswith("2023-11-14 22:13:28.000  sales  Bob <555>  offered to ana, ben")


def test_at_a_time_it_is_told_why_the_call_waits(explain: Explain) -> None:
    found = _parsed(explain("C4", "--at", "22:13:35", "--json"))
    assert (found.chosen, found.offer) == (None, None)
    assert [reason.objection for reason in found.reasons] == [RingsEnough((AgentId("ana"),))]


def _refused(result: Result) -> str:
    """The one line of a question that is not answered."""
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line.removeprefix("acd: ")


@pytest.mark.parametrize("asked", ["22:13:55", "22:13:28", "2023-11-14T22:13:55+00:00", "2023-11-15T22:13:35", "09:00"])
def test_a_time_at_which_the_call_was_not_there_is_refused_with_when_it_was(explain: Explain, asked: str) -> None:
    told = _refused(explain("C4", "--at", asked))
    assert re.fullmatch(
        rf"call acdone-\d+ was not there at {re.escape(asked)}: it came at 2023-11-14 22:13:35.000, was over "
        r"\(CallAbandoned\) at 2023-11-14 22:13:36.000, and the facts reach from 2023-11-14 22:13:20.000 to "
        r"2023-11-14 22:13:37.000",
        told,
    )


def test_of_a_call_that_waits_nothing_is_told_beyond_the_last_fact(explain: Explain) -> None:
    assert _parsed(explain("C5", "--at", "22:13", "--json")).at_ms == DAY_MS + 17_000
    told = _refused(explain("C5", "--at", "22:13:38"))
    assert told.endswith(
        "it came at 2023-11-14 22:13:37.000, and the facts reach from 2023-11-14 22:13:20.000 to "
        "2023-11-14 22:13:37.000"
    )


def test_a_call_over_midnight_is_told_with_the_other_day_named(tmp_path: Path, explain: Explain) -> None:
    book = Book("acdnight", DAY_MS + (106 * 60 + 25) * 1_000)
    book.say(*SET_UP[:5], *(f"call C{n} arrives in sales" for n in range(1, 40)))
    (tmp_path / "facts.jsonl").unlink()
    _write(tmp_path / "facts.jsonl", book.entries)
    found = explain("C1", "--at", "00:00:05")
    assert (found.exit_code, "waits since 23:59:51.000 (14 s)" in found.stdout) == (0, True), found.output
    assert "2023-11-15 00:00:05.999: nobody who may be offered it is free" in found.stdout


def test_an_offer_has_its_own_moment(explain: Explain, book: Book) -> None:
    told = _refused(explain("--offer", book.offer("ana", "C1"), "--at", "22:13:30"))
    assert told == "an offer has its own moment: name --offer or --at"


def test_a_call_that_was_never_offered_is_told_just_before_its_end(tmp_path: Path) -> None:
    book = Book("acdtwo")
    book.say(*SET_UP[:5], "call C1 arrives in sales from 555", "caller C1 hangs up")
    _write(tmp_path / "facts", book.entries)
    source = FactsFileSource(tmp_path / "facts")
    (story,) = refold.find(source, "C1").stories
    found = refold.explain_call(source, story, None)
    assert (found.chosen, found.at_ms, story.over) == (None, book.entries[-1].at_ms, "CallAbandoned")


def test_a_call_that_waits_is_told_as_it_is_at_the_end(explain: Explain, path: Path, book: Book) -> None:
    path.unlink()
    book.say("call C6 arrives in sales from 560")
    _write(path, book.entries)
    found = _parsed(explain("C6", "--json"))
    assert (found.chosen, found.at_ms) == (None, book.entries[-1].at_ms)
    assert found.before_count == len(found.before) == 0 or found.before[-1].work.call != found.work.call


def test_calls_that_were_passed_on_are_listed_and_refused_with_their_way(explain: Explain, path: Path) -> None:
    path.unlink()
    book = Book("acdtwo")
    book.say(
        "queue sales is configured: longest wait 2 s, timeout to queue support",
        "queue support is configured: at most 1",
        "queue lobby is configured: at most 0, full to queue support",
        "server a reports: nothing",
        "call C1 arrives in sales from 555",
        "time passes",
        "time passes",
        "call C2 arrives in sales from 555",
        "call C3 arrives in lobby from 556",
    )
    _write(path, book.entries)
    assert "sales → support  555  offered to nobody" in explain("555").stderr
    assert _refused(explain("C3")) == (
        "the call on C3 was refused at 2023-11-14 22:13:29.000, in queue support: queue-full "
        "(passed on by lobby: queue-full)"
    )
    assert [left.queue for left in _parsed(explain("C1", "--json")).way] == ["sales"]


def test_one_agent_only(explain: Explain) -> None:
    found = _parsed(explain("C1", "--agent", "cleo", "--json"))
    assert [agent.agent for agent in found.agents] == ["ben", "cleo"]
    assert "cleo" in explain("C1", "--agent", "cleo").stdout
    assert explain("C1", "--agent", "zoe").stderr == "acd: there is no agent zoe at that time\n"


def test_why_an_agent_has_nothing_to_do(explain: Explain) -> None:
    result = explain("--agent", "cleo", "--json")
    found = msgspec.json.decode(result.stdout, type=AgentExplanation)
    assert (found.agent, found.doing.value, found.queues[0].state) == ("cleo", "idle", "logged out")
    assert "Agent cleo (Cleo)" in explain("--agent", "cleo", "--at", "22:13:36").stdout
    assert "talking with call acdone-12 (Sales, Bob <555>) since 22:13:32.000" in explain("--agent", "ben").stdout
    unknown = explain("--agent", "zoe")
    assert unknown.stderr == "acd: there is no agent zoe at that time; there are: ana, ben, cleo\n"
    found = msgspec.json.decode(explain("--agent", "ana", "--at", "22:13", "--json").stdout, type=AgentExplanation)
    assert found.at_ms == DAY_MS + 17_000


@pytest.mark.parametrize("asked", [str(DAY_MS - 1), "22:12", "09:00", "2023-11-14T22:13:38+00:00"])
def test_a_time_without_facts_is_refused_with_how_far_they_reach(explain: Explain, asked: str) -> None:
    assert _refused(explain("--agent", "ana", "--at", asked)) == (
        f"no engine wrote facts at {asked}: they reach from 2023-11-14 22:13:20.000 to 2023-11-14 22:13:37.000"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name a call, --offer or --agent"),
        (("C9",), "there is no call with the id, the number or the channel C9"),
        (("C3",), "the call on C3 was refused at 2023-11-14 22:13:33.000, in queue nowhere: unknown-queue"),
        (("C1", "--at", "soon"), "'soon' is no time: write 10:02:11, 2026-11-22T10:02:11 or milliseconds since 1970"),
        (("C1", "--at", "25:00"), "'25:00' is no time: write 10:02:11, 2026-11-22T10:02:11 or milliseconds since 1970"),
        (("--offer", "acdone-1"), "there is no offer acdone-1"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_exit_code_2(
    explain: Explain, arguments: tuple[str, ...], complaint: str
) -> None:
    result = explain(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"acd: {complaint}\n")


def test_each_start_of_an_engine_is_a_journal_of_its_own(path: Path, explain: Explain) -> None:
    second = Book("acdtwo", DAY_MS + 3_600_000)
    second.say(*SET_UP, "call C7 arrives in sales from 555")
    _write(path, second.entries)
    assert _parsed(explain("C7", "--json")).chosen == "ana"
    assert _parsed(explain("C1", "--json")).chosen == "ben"
    assert "there are 3 calls of 555" in explain("555").stderr
    later = msgspec.json.decode(explain("--agent", "ana", "--json").stdout, type=AgentExplanation)
    assert later.doing.value == "ringing"
    between = _refused(explain("--agent", "ana", "--at", "22:14"))
    assert between.endswith(
        "they reach from 2023-11-14 22:13:20.000 to 2023-11-14 22:13:37.000; "
        "from 2023-11-14 23:13:20.000 to 2023-11-14 23:13:28.000"
    )
    earlier = explain("--agent", "ben", "--at", "22:13:36", "--json")
    assert msgspec.json.decode(earlier.stdout, type=AgentExplanation).doing.value == "talking"


# --- Where this release would choose otherwise --------------------------------------------------------------------


def _tampered(path: Path, book: Book, change: Callable[[f.OfferMade], f.OfferMade]) -> None:
    """A file whose last offer is as another release might have made it."""
    *_, at = (n for n, entry in enumerate(book.entries) if any(isinstance(fact, f.OfferMade) for fact in entry.facts))
    entry = book.entries[at]
    facts = tuple(change(fact) if isinstance(fact, f.OfferMade) else fact for fact in entry.facts)
    path.unlink()
    _write(path, [*book.entries[:at], msgspec.structs.replace(entry, facts=facts)])


def test_it_is_said_where_this_release_would_choose_another_agent(tmp_path: Path, path: Path, explain: Explain) -> None:
    """R64."""
    book = Book("acdthree")
    book.say(*SET_UP, "call C1 arrives in sales")
    _tampered(path, book, lambda made: msgspec.structs.replace(made, agent=AgentId("ben")))
    result = explain("C1")
    assert "This release would choose otherwise: it would offer it to ana." in result.stdout
    found = _parsed(explain("C1", "--json"))
    assert found.best is not None
    assert (found.agrees, found.chosen, found.best.agent) == (False, "ben", "ana")
    assert [(agent.agent, agent.chosen) for agent in found.agents[:2]] == [("ana", False), ("ben", True)]


def test_it_is_said_where_this_release_would_offer_nothing(path: Path, explain: Explain) -> None:
    """R64."""
    book = Book("acdthree")
    book.say(*SET_UP[:5], "cleo logs in", "call C1 arrives in sales")
    call = next(entry for entry in book.entries if any(isinstance(fact, f.OfferMade) for fact in entry.facts))
    queued, made = call.facts
    assert isinstance(queued, f.CallQueued)
    path.unlink()
    asks = msgspec.structs.replace(queued, required=(Skill("german", 3),))
    _write(path, [*book.entries[:-1], msgspec.structs.replace(call, facts=(asks, made))])
    result = explain("C1")
    assert "This release would choose otherwise: it would make no offer at that moment." in result.stdout
    assert "→  cleo     german 0 < 3" in result.stdout


def test_facts_that_do_not_follow_are_named(path: Path, explain: Explain) -> None:
    book = Book("acdthree")
    book.say(*SET_UP, "call C1 arrives in sales", "ana's leg answers", "ana's leg is bridged")
    _tampered(path, book, lambda made: msgspec.structs.replace(made, agent=AgentId("zoe")))
    (path.parent / "more").unlink(missing_ok=True)
    result = explain("--agent", "ana")
    assert result.exit_code == 2
    assert "(OfferMade: 'zoe'): they were written by release 0.0.9" in result.stderr


# --- The file -----------------------------------------------------------------------------------------------------


def _lines(book: Book) -> list[bytes]:
    return [msgspec.json.encode(line) + b"\n" for entry in book.entries for line in lines_of(entry)]


def _gaps(path: Path) -> tuple[str, ...]:
    source = FactsFileSource(path)
    assert list(source.turns())
    return source.gaps


def test_a_file_reads_back_as_it_was_written(path: Path, book: Book) -> None:
    source = FactsFileSource(path)
    assert [turn.entry for turn in source.turns()] == book.entries
    assert {turn.journal for turn in source.turns()} == {1}
    assert source.gaps == ()


def test_a_last_line_that_is_being_written_is_left_out(path: Path, book: Book) -> None:
    path.write_bytes(path.read_bytes()[:-5])
    entries = [turn.entry for turn in FactsFileSource(path).turns()]
    assert entries[:-1] == book.entries[:-1]
    assert entries[-1].facts == book.entries[-1].facts[:-1]
    assert _gaps(path) == ()


def test_after_a_gap_a_journal_is_left_out_up_to_the_next_start(path: Path, book: Book) -> None:
    lines = _lines(book)
    del lines[next(at for at, line in enumerate(lines) if b'"number":9' in line)]
    second = Book("acdtwo", DAY_MS + 3_600_000)
    second.say(*SET_UP)
    path.write_bytes(b"".join([*lines, *_lines(second)]))
    turns = list(FactsFileSource(path).turns())
    assert [turn.entry for turn in turns if turn.journal == 2] == second.entries
    assert len([turn for turn in turns if turn.journal == 1]) < len(book.entries)
    (gap,) = _gaps(path)
    assert gap.startswith("line ")


def test_a_gap_is_told_with_what_was_not_found(path: Path, explain: Explain) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[20] = lines[20][:10] + b"\n"
    path.write_bytes(b"".join(lines))
    result = explain("C1")
    assert result.exit_code == 2
    assert "there is no call with the id, the number or the channel C1; line 21 cannot be read (" in result.stderr
    assert "was left out" in result.stderr
    warned = explain("--agent", "ana")
    assert (warned.exit_code, "acd: not everything could be read; line 21" in warned.stderr) == (0, True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "there is nothing in it yet"),
        (b'{"at_', "there is nothing in it yet"),
        (b'{"at_ms": 1, "inp', "there is nothing in it yet"),
        (b"[asterisk.main]", "line 1: this is no line of a facts file"),
        (b"\0" * 1_000, "line 1: this is no line of a facts file"),
        (b"[asterisk.main]\n", "line 1: this is no line of a facts file, as `acd run --facts FILE` writes it"),
        (b'{"at_ms": 1, "input": {"type": "Dance"}}\n', "line 1: this is no line of a facts file"),
    ],
)
def test_a_file_that_is_none_is_named(path: Path, explain: Explain, text: bytes, complaint: str) -> None:
    path.write_bytes(text)
    result = explain("C1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


@pytest.mark.parametrize("what", ["/dev/zero", "/dev/null", "pipe", "."])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / what
    ended = subprocess.run(
        [sys.executable, "-m", "acd", "explain", "C1", "--facts", str(path)],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    why = "Is a directory" if what == "." else "it is a pipe or a device, not a file"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"acd: {path}: {why}\n")


def test_a_file_whose_beginning_is_missing_says_so(path: Path, book: Book) -> None:
    path.write_bytes(b"".join(_lines(book)[2:]))
    source = FactsFileSource(path)
    assert list(source.turns()) == []
    assert source.gaps == ("line 1 is not the start of an engine",)


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("asked", [("C1",), ("--offer", "o"), ("--agent", "ana"), ("--agent", "ana", "--at", "9" * 20)])
def test_whatever_is_asked_of_a_file_without_a_beginning_that_is_said(
    path: Path, book: Book, asked: tuple[str, ...], cut: int
) -> None:
    path.write_bytes(b"".join(_lines(book)[cut:]))
    done = CliRunner().invoke(cli.main, ["explain", *asked, "--facts", str(path)])
    assert done.exit_code == 2
    assert "line 1 is not the start of an engine" in done.output
    assert len(done.output.splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotExplain, match="nowhere: No such file or directory"):
        list(FactsFileSource(tmp_path / "nowhere").turns())


# --- The times beside the state -----------------------------------------------------------------------------------


def _followed(*said: str) -> tuple[Since, dict[str, Any]]:
    book = Book("acdfour")
    book.say(*SET_UP, *said)
    state, since, at = State(), Since(), {}
    for entry in book.entries:
        for fact in entry.facts:
            apply(state, fact)
            since.follow(state, fact)
            at[type(fact).__name__] = fact.at_ms
    return since, at


def test_who_is_gone_has_no_times() -> None:
    since, _ = _followed("agent ana is retired")
    ana, sales = AgentId("ana"), "sales"
    asked = (since.at_work(ana), since.resting(ana), since.leaving(ana), since.in_queue(ana, sales))  # type: ignore[arg-type]
    assert asked == (None, None, None, None)
    assert since.last_offered(ana, sales) is None  # type: ignore[arg-type]


def test_times_of_calls_that_are_over_are_forgotten() -> None:
    since, _ = _followed(
        "call C1 arrives in sales", "ana's leg ends: declined", "ben's leg answers", "ben's leg is bridged"
    )
    assert (len(since.accepted), len(since.refusals), len(since.offers)) == (1, 1, 1)
    since, _ = _followed(
        "call C1 arrives in sales",
        "ana's leg ends: declined",
        "ben's leg answers",
        "ben's leg is bridged",
        "caller C1 hangs up",
        "phone 1001 dials on D1",
        "direct call D1 ends",
    )
    assert (since.accepted, since.refusals, since.offers, since.direct_calls) == ({}, {}, {}, {})
