"""`python -m acd` is `acd`. What takes signals needs a while to load; so little is imported here."""

import os
import signal
import sys

TAKEN_LATER = {"run", "demo"}
"""These commands take signals themselves: what comes earlier is kept by the kernel until they do."""
INTERRUPTED = 130


def main() -> None:
    """The command `acd`."""
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


if __name__ == "__main__":
    main()
