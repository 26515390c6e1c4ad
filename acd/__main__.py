"""`python -m acd` is `acd`. What takes signals needs a while to load; so little is imported here."""

import errno
import os
import signal
import sys

TAKEN_LATER = {"run", "demo"}
"""These commands take signals themselves: what comes earlier is kept by the kernel until they do."""
MISTAKE = 2
INTERRUPTED = 130
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def main() -> None:
    """The command `acd`."""
    _open_what_is_closed()
    takes_signals = sys.argv[1:2] and sys.argv[1] in TAKEN_LATER
    interrupt = signal.getsignal(signal.SIGINT)  # a shell may have it ignored
    if takes_signals:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
    elif interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))  # nothing is begun yet
    from acd import cli

    signal.signal(signal.SIGINT, interrupt)
    try:
        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as why:
        if why.errno not in NO_ROOM or why.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        print(f"acd: standard output cannot be written: {why.strerror}", file=sys.stderr)  # noqa: T201
        sys.exit(MISTAKE)


def _open_what_is_closed() -> None:
    """Who closes an output (`2>&-`) does not want it. It goes nowhere, and no other file comes to stand there."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)
            if nowhere != number:
                os.close(nowhere)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
