"""Files that others have named: opened without waiting for anybody, and only where they are files."""

import errno
import os
import stat
from pathlib import Path


def open_at_once(path: Path) -> int:
    """A descriptor to read from. A pipe to which nobody writes would keep us for ever, a device has no end.

    Raises `OSError`, also where it is no file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")
