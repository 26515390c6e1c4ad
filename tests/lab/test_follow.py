"""Following a file that grows: whole lines, in order, without asking again and again."""

import asyncio
from pathlib import Path

import pytest

from acd.lab import follow
from acd.lab.follow import Follower
from acd.testing.watching import Watching


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "facts"
    path.touch()
    return path


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


class Lines(Watching[bytes]):
    async def are(self, *lines: bytes) -> None:
        async with asyncio.timeout(5):
            while len(self.seen) < len(lines):
                await self.sees(bytes, len(self.seen) + 1)
        assert self.seen == list(lines)


async def test_what_was_there_comes_first_and_what_is_appended_follows(path: Path) -> None:
    lines = Lines()
    with path.open("ab") as file:
        file.write(b"one\n")
    async with Follower(path, lines.saw):
        await lines.are(b"one")
        with path.open("ab") as file:
            file.write(b"two\nthree\n")
        await lines.are(b"one", b"two", b"three")


async def test_line_in_pieces_comes_whole(path: Path) -> None:
    lines = Lines()
    async with Follower(path, lines.saw):
        with path.open("ab", buffering=0) as file:
            file.write(b"on")
            file.write(b"e\nt")
            await lines.are(b"one")
            file.write(b"wo\n")
            await lines.are(b"one", b"two")


async def test_lines_are_there_without_the_loop_when_they_are_asked_for(path: Path) -> None:
    lines = Lines()
    async with Follower(path, lines.saw) as follower:
        with path.open("ab", buffering=0) as file:
            file.write(b"one\n")
        follower.drain()
        assert lines.seen == [b"one"]


async def test_last_lines_come_before_the_end(path: Path) -> None:
    lines = Lines()
    async with Follower(path, lines.saw):
        with path.open("ab", buffering=0) as file:
            file.write(b"one\ntorn")
    assert lines.seen == [b"one"]


async def test_many_lines_at_once_come_in_order(path: Path) -> None:
    lines = Lines()
    many = [f"{number:07}".encode() * 20 for number in range(30_000)]
    async with Follower(path, lines.saw):
        with path.open("ab") as file:
            file.writelines(line + b"\n" for line in many)
        await lines.are(*many)


async def test_nothing_is_left_open(path: Path) -> None:
    before = open_files()
    async with Follower(path, lambda _line: None):
        pass
    assert open_files() == before


async def test_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(FileNotFoundError):
        async with Follower(tmp_path / "none", lambda _line: None):
            pass
    assert open_files() == before


async def test_kernel_without_a_watch_left_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> int:
        raise OSError(28, "inotify_add_watch: No space left on device")

    monkeypatch.setattr(follow, "_watch", refuse)
    before = open_files()
    with pytest.raises(OSError, match="inotify"):
        async with Follower(path, lambda _line: None):
            pass
    assert open_files() == before
