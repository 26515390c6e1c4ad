"""The facts file: private, whole, and never in the way of a call."""

import os
import pty
import resource
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from acd.engine.facts_file import FactLine, FactsFile, InputLine, lines_of, parse_line
from acd.testing.journals import working_day
from tests.engine.running import arrival, make_engine, running, set_up

DAY = working_day("acdday")
LINES = [line for entry in DAY for line in lines_of(entry)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.jsonl"


def _written(path: Path) -> list[InputLine | FactLine]:
    return [parse_line(line) for line in path.read_bytes().splitlines()]


def _facts_in(path: Path) -> list[int]:
    """The numbers of the facts that stand there whole."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    lines = [parse_line(line) for line in whole.splitlines() if line]
    return [line.number for line in lines if isinstance(line, FactLine)]


def test_new_file_is_its_owners_alone(path: Path) -> None:
    FactsFile(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.touch(mode=0o644)
    path.chmod(0o644)
    FactsFile(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_input_and_fact_reads_back_equal_and_in_order(path: Path) -> None:
    file = FactsFile(path)
    file.read(DAY[:7])
    file.read(DAY[7:])
    file.close()
    assert _written(path) == LINES


def test_facts_carry_their_numbers_in_the_journal(path: Path) -> None:
    file = FactsFile(path)
    file.read(DAY)
    file.close()
    numbers = [line.number for line in _written(path) if isinstance(line, FactLine)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_what_was_there_stays(path: Path) -> None:
    for part in (DAY[:3], DAY[3:]):
        file = FactsFile(path)
        file.read(part)
        file.close()
    assert _written(path) == LINES


@pytest.mark.parametrize("line", [b"", b"{", b"{}", b'{"number": 1}', b'{"at_ms": 1, "input": {"type": "Nonsense"}}'])
def test_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        parse_line(line)


async def test_full_disk_stops_no_call() -> None:
    file = FactsFile(Path("/dev/full"))
    engine, reading = make_engine()
    engine.add_reader("facts file", file.read)
    async with running(engine):
        for asked in [*set_up(), arrival(1)]:
            engine.submit(asked)
        await engine.settled()
    file.close()
    assert arrival(1) in reading.inputs


def test_mode_of_a_device_is_left_alone() -> None:
    before = Path("/dev/full").stat().st_mode
    FactsFile(Path("/dev/full")).close()
    assert Path("/dev/full").stat().st_mode == before


def test_named_pipe_is_refused_with_and_without_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="it is a pipe"):
        FactsFile(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="it is a pipe"):
            FactsFile(path)
    finally:
        os.close(reader)


def test_socket_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        with pytest.raises(OSError, match="a socket"):
            FactsFile(path)


def test_terminal_is_refused() -> None:
    ours, theirs = pty.openpty()
    try:
        with pytest.raises(OSError, match="a terminal"):
            FactsFile(Path(os.ttyname(theirs)))
    finally:
        os.close(ours)
        os.close(theirs)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        FactsFile(tmp_path)


@pytest.fixture
def small_disk() -> Iterator[int]:
    """Files end in the middle of a line."""
    size = 1_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield size
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_line_that_the_disk_did_not_take_whole_does_not_spoil_the_next(path: Path, small_disk: int) -> None:
    file = FactsFile(path)
    file.read(DAY)
    assert path.stat().st_size == small_disk
    path.write_bytes(path.read_bytes()[: small_disk // 2 + 1])  # somebody made room
    file.read(DAY[:1])
    file.close()
    *_, torn, first, second = path.read_bytes().splitlines()
    with pytest.raises(msgspec.DecodeError):
        parse_line(torn)
    assert [parse_line(first), parse_line(second)] == list(lines_of(DAY[0]))


def test_log_says_when_the_disk_is_back_and_which_facts_are_missing(path: Path, small_disk: int) -> None:
    file = FactsFile(path)
    with capture_logs() as logged:
        file.read(DAY[:10])
        file.read(DAY[10:20])
        there = _facts_in(path)
        os.truncate(path, 0)  # somebody made room
        file.read(DAY[20:22])
        file.read(DAY[22:23])
        file.close()
    assert [line["event"] for line in logged] == [
        "the facts file cannot be written; calls go on",
        "the facts file is written again",
    ]
    told = {name: logged[1][name] for name in ("first", "last", "missing_facts", "missing_inputs")}
    assert there[-1] == 2
    assert _facts_in(path)[0] == DAY[20].first == 23
    assert told == {"first": 3, "last": 22, "missing_facts": 20, "missing_inputs": 18}


def test_disk_that_stays_full_is_told_at_the_end(path: Path, small_disk: int) -> None:
    file = FactsFile(path)
    with capture_logs() as logged:
        file.read(DAY)
        file.close()
    last = LINES[-1]
    assert isinstance(last, FactLine)
    assert logged[-1]["event"] == "the facts file could not be written to the end"
    assert logged[-1]["last"] == last.number


def test_line_that_an_engine_before_could_not_end_does_not_spoil_the_first_of_the_next(path: Path) -> None:
    path.write_bytes(b'{"at_ms": 1, "inp')
    file = FactsFile(path)
    file.read(DAY[:1])
    file.close()
    torn, *lines = path.read_bytes().splitlines()
    assert torn == b'{"at_ms": 1, "inp'
    assert [parse_line(line) for line in lines] == list(lines_of(DAY[0]))


def test_file_that_somebody_removed_is_begun_anew_and_told(path: Path) -> None:
    file = FactsFile(path)
    file.read(DAY[:3])
    path.unlink()
    with capture_logs() as logged:
        file.read(DAY[3:])
    file.close()
    assert _written(path) == [line for entry in DAY[3:] for line in lines_of(entry)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(line["event"], line["first"]) for line in logged] == [
        ("the facts file was removed and is begun anew", DAY[3].first)
    ]


def test_file_that_was_removed_with_its_folder_is_missed_until_that_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "facts"
    folder.mkdir()
    path = folder / "facts.jsonl"
    file = FactsFile(path)
    path.unlink()
    folder.rmdir()
    with capture_logs() as logged:
        file.read(DAY[:3])
        file.read(DAY[3:5])
        folder.mkdir()
        file.read(DAY[5:])
    file.close()
    assert _written(path) == [line for entry in DAY[5:] for line in lines_of(entry)]
    assert [line["event"] for line in logged] == [
        "the facts file cannot be written; calls go on",
        "the facts file was removed and is begun anew",
        "the facts file is written again",
    ]
    assert logged[-1]["missing_facts"] == sum(len(entry.facts) for entry in DAY[:5])


def test_file_that_was_moved_away_is_written_on(path: Path) -> None:
    file = FactsFile(path)
    file.read(DAY[:3])
    moved = path.rename(path.with_suffix(".old"))
    file.read(DAY[3:])
    file.close()
    assert _written(moved) == LINES
    assert not path.exists()
