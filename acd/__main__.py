"""`python -m acd` is `acd`. What takes signals needs a while to load; so little is imported here."""

import signal
import sys

TAKEN_LATER = {"run", "demo"}
"""These commands take signals themselves: what comes earlier is kept by the kernel until they do."""
INTERRUPTED = 130


def main() -> None:
    """The command `acd`."""
    if TAKEN_LATER.intersection(sys.argv[1:2]):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGINT, signal.SIGTERM})
    try:
        from acd import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
