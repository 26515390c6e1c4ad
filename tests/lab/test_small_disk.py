"""A disk that can be full."""

import errno
from contextlib import AsyncExitStack

import pytest

from acd.lab.small_disk import NoDisk, SmallDisk
from tests import needs


async def test_full_disk_takes_not_a_byte_and_then_has_room_again() -> None:
    async with AsyncExitStack() as stack:
        try:
            disk = await stack.enter_async_context(SmallDisk())
        except NoDisk as why:
            needs.missing(str(why))
        before = disk.folder / "before"
        before.write_bytes(b"x")
        disk.fill()
        with pytest.raises(OSError, match="No space") as told, (disk.folder / "facts").open("wb", buffering=0) as file:
            file.write(b"x" * 5_000)
        assert told.value.errno == errno.ENOSPC
        assert before.read_bytes() == b"x"
        disk.free()
        (disk.folder / "facts").write_bytes(b"x" * 5_000)
    assert not disk.folder.exists()
