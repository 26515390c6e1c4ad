"""What happened on the way, from everywhere, on one time axis: SIP, AMI, facts, and the steps of the script."""

import time
from typing import Final, Literal

import msgspec

from acd.core import Fact

Lane = str
"""Who sends or receives: a person's name, `asterisk` or `engine`."""
ASTERISK: Final = "Asterisk"
ENGINE: Final = "engine"
Kind = Literal["sip", "ami", "fact", "step", "failure"]
MOST: Final = 5_000
"""Entries of one scenario: more are only counted."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at_ms: float
    """Since the scenario began."""
    kind: Kind
    title: str
    whole: str
    """All of it, as it stood on the wire or in the facts."""
    from_: Lane
    to: Lane
    """The same as `from_` for what happens in one place."""


class Trace:
    """All of one scenario."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.left_out = 0
        self._began_ns = time.monotonic_ns()
        self._began_ms = time.time_ns() / 1e6  # noqa: DTZ  facts tell wall-clock time

    @property
    def now_ms(self) -> float:
        """Since the beginning."""
        return (time.monotonic_ns() - self._began_ns) / 1e6

    def sip(self, person: str, arrow: str, at_ns: int, title: str, whole: str) -> None:
        """A SIP message at a phone; `arrow` is `->` for one that it has sent."""
        lanes = (person, ASTERISK) if arrow == "->" else (ASTERISK, person)
        self._add(Entry((at_ns - self._began_ns) / 1e6, "sip", title, whole, *lanes))

    def ami(self, sent_by_engine: bool, title: str, whole: str) -> None:
        lanes = (ENGINE, ASTERISK) if sent_by_engine else (ASTERISK, ENGINE)
        self._add(Entry(self.now_ms, "ami", title, whole, *lanes))

    def fact(self, number: int, fact: Fact) -> None:
        """At the time that it tells itself."""
        whole = f"{number}: {fact}"
        self._add(Entry(fact.at_ms - self._began_ms, "fact", type(fact).__name__, whole, ENGINE, ENGINE))

    def step(self, text: str, *, failed: str = "") -> None:
        """A step of the script that is done, or why it is not."""
        self._add(Entry(self.now_ms, "failure" if failed else "step", text, failed or text, "", ""))

    def _add(self, entry: Entry) -> None:
        if len(self.entries) < MOST:
            self.entries.append(entry)
        else:
            self.left_out += 1
