"""What the simulated phone system is set up with: its rules, how long each step takes, and what goes wrong.

All times are milliseconds. All chance comes from one seed, so that a run can be repeated.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec


class Alarm(Protocol):
    """Something that was set for later."""

    def cancel(self) -> None:
        """Let it not ring. Harmless when it has rung."""


class Clock(Protocol):
    """The engine's clock, real or virtual, as far as phones need it (this room does not know the engine)."""

    def now_ms(self) -> int:
        """The time, UTC."""

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        """Call back once the time has come."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the servers do without being told: the times of config/asterisk/acd.conf."""

    grace_ms: int = 2_000
    """A caller whom nobody has claimed by then returns to the dialplan: `unclaimed`."""
    stale_ms: int = 10_000
    """Of an engine not heard of for so long no caller waits at all: `no-engine`."""
    lost_after_ms: int = 60_000
    """When the engine has been silent for so long, its waiting callers return: `lost`."""
    hold_ms: int = 5_000
    """An agent who picked up and is not bridged by then is let go."""
    spoken_ms: int = 250
    """Two who were together for no longer have not spoken: the caller is in line again."""
    dropped_rest_ms: int = 2_000
    """How long a caller hears music first who is dropped so again."""
    direct_ring_ms: int = 60_000
    """How long one phone rings for another."""
    fallback_ms: int = 10_000
    """How long a returned caller stays in the operator's own dialplan."""


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """How long things take. `jitter_ms`: every step takes up to so much longer, by chance."""

    to_server_ms: int = 1
    """An action on its way."""
    to_engine_ms: int = 1
    """A report on its way."""
    ring_ms: int = 2
    """From the order to the phone."""
    bridge_ms: int = 2
    connect_ms: int = 5
    """From the wish for a connection to the connection."""
    retry_ms: int = 1_000
    """From a connection that the engine could not keep up with to the next one."""
    notice_ms: int = 10_000
    """Until a link that went silent is taken for lost."""
    part_ms: int = 1
    """Between the parts of a report."""
    jitter_ms: int = 0


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How often things go wrong, in so many of a thousand. The answers to a question, so the reports that follow
    a connection, come whole or not at all."""

    report_lost: int = 0
    report_doubled: int = 0
    report_delayed: int = 0
    """Those behind it wait too."""
    report_overtaken: int = 0
    """Later ones pass it, but for those about the same channel."""
    delay_ms: int = 200
    """By how much, at most."""
    action_lost: int = 0
    """The link is given up `notice_ms` later, because no answer came."""


Mishap = Literal["report lost", "report doubled", "report overtaken", "report delayed", "action lost"]


class Chance:
    """Dice from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  (to be repeatable, not secret)
        self.mishaps: Counter[Mishap] = Counter()
        """How often what went wrong."""

    def hits(self, per_mille: int, mishap: Mishap) -> bool:
        """Whether one of a thousand falls among so many. No dice are thrown for none."""
        if per_mille <= 0 or self._random.randrange(1_000) >= per_mille:
            return False
        self.mishaps[mishap] += 1
        return True

    def up_to(self, limit_ms: int) -> int:
        """Between nothing and the limit, both included."""
        return self._random.randrange(limit_ms + 1) if limit_ms > 0 else 0
