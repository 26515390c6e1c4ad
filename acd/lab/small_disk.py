"""A disk of its own for one engine, which can be full: a file system in memory."""

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SIZE_MIB: Final = 8
BLOCK: Final = bytes(64 * 1024)


class NoDisk(RuntimeError):
    """This machine gives none; the text says why in one sentence."""


class SmallDisk:
    """`async with` makes it, at `folder`, and takes it away. Raises `NoDisk`."""

    folder: Path

    async def __aenter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="acd-disk-"))
        options = f"size={SIZE_MIB}m,mode=0700"
        try:
            await _command("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        except BaseException:
            self.folder.rmdir()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _command("umount", "--lazy", str(self.folder))
        self.folder.rmdir()

    def fill(self) -> None:
        """Until nothing has room any more, but for what is left of the last block of files that are there."""
        filler = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size in (len(BLOCK), 1):
                with contextlib.suppress(OSError):  # it is full
                    while True:
                        os.write(filler, BLOCK[:size])
        finally:
            os.close(filler)

    def free(self) -> None:
        """There is room again."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"


async def _command(*words: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError:
        raise NoDisk(f"a disk can be full only where the command `{words[0]}` is installed") from None
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise NoDisk(f"a disk that can be full needs root: {output.decode(errors='replace').strip()}")
