"""What the days of a contact centre are like: who calls, who works, what goes wrong. A value, apart from any run.

Times of the day are milliseconds after midnight; shares are in so many of a thousand.
"""

from typing import Final

import msgspec

from acd.router.settings import AgentSettings, QueueSettings, RouterSettings
from acd.simulate.chance import Distribution, Exponential, Fixed, Lognormal
from acd.telephony.simulated import Faults, Steps

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
HOURS: Final = 24


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, and who calls it."""

    queue: QueueSettings
    calls_by_hour: tuple[float, ...]
    """How many calls are expected in each of the 24 hours of a day. When they come is chance (a Poisson process)."""
    talk: Distribution
    patience: Distribution | None = None
    """How long a caller waits for an agent before hanging up. None: as long as it takes."""
    closed: tuple[tuple[int, int], ...] = ()
    """From when to when the queue's hours are over, every day. Callers come all the same."""
    comes_again: int = 0
    """Share of calls of somebody who has called of late, whatever the queue was."""
    urgent: int = 0
    """Share of calls that come with priority."""
    called_back: int = 0
    """Share of those who hang up whom the queue calls back: the callback stands where they stood, by its age. Who was
    promised it is called back always."""
    called_back_after: Distribution = Exponential(5 * MINUTE_MS)
    wishes: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """What callers ask for, as the dialplan says it (`acd/telephony/wishes.py`), and which share of them."""


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A pause that is planned. It begins up to `leeway_ms` later, by chance."""

    reason: str
    at_ms: int
    lasts_ms: int
    leeway_ms: int = 0


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody works, every day."""

    begin_ms: int
    end_ms: int
    breaks: tuple[Break, ...] = ()


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent and the phone behave. Of a thousand rings so many are not answered, for each reason."""

    answers_after: Distribution = Fixed(0)
    declines: int = 0
    ignores: int = 0
    is_busy: int = 0
    fails: int = 0
    is_unreachable: int = 0
    hangs_up: int = 0
    """Share of conversations that the agent ends, where the caller has not done so before."""
    hangs_up_after: Distribution = Exponential(120_000)
    finishes_early: int = 0
    """Share of wrap-ups that are ended before their time."""
    extends: int = 0
    """Share of the other wrap-ups that are extended, where the queue allows it."""
    forgets: int = 0
    """Share of the dispositions that are asked for which are given only after the wrap-up."""
    direct_calls_per_hour: float = 0
    """Calls past all queues, from and to the agent's phone."""
    direct_talk: Distribution = Exponential(60_000)


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """An agent, with a phone of the agent's own."""

    settings: AgentSettings
    shift: Shift | None = None
    """None: always there."""
    habits: Habits = Habits()
    home: str | None = None
    """The server at which the phone is registered. None: every server reaches it by itself."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong: so often an hour, at each server or phone. Links come back by themselves, with a report."""

    link_cuts: float = 0
    """The engine knows at once that the link is lost."""
    link_cut: Distribution = Lognormal(20_000, 40_000)
    link_silences: float = 0
    """The engine notices only after a while."""
    restarts: float = 0
    """All calls of the server are gone."""
    restart: Distribution = Lognormal(5_000, 5_000)
    phone_outages: float = 0
    phone_outage: Distribution = Lognormal(120_000, 120_000)
    reloads: float = 0
    """Of all servers together: a queue or an agent is changed or taken out, and put back after a while."""
    kills: float = 0
    """The engine is killed, and starts again with an empty core; the calls stay where they are."""
    kill: Distribution = Lognormal(20_000, 30_000)
    """Until it starts again."""
    reports: Faults = Faults()
    """Of a thousand reports and actions, what becomes of how many."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. The same scenario and the same seed give the same journal."""

    demands: tuple[Demand, ...]
    employees: tuple[Employee, ...]
    days: int = 1
    servers: tuple[str, ...] = ("north",)
    router: RouterSettings = RouterSettings(misses_before_pause=None)
    """Who declines here has not gone without a word: nobody would come back from that pause."""
    steps: Steps = Steps()
    """How long the phone system takes for what it does."""
    trouble: Trouble | None = None
    answer_within_ms: int = 20_000
    """What the service level counts."""

    @property
    def opening_hours(self) -> int:
        """In how many hours calls are expected, all days together."""
        return self.days * sum(any(demand.calls_by_hour[hour] > 0 for demand in self.demands) for hour in range(HOURS))

    @property
    def closing_ms(self) -> int:
        """When the last day's last hour with calls is over, after the first midnight."""
        last = max(hour for demand in self.demands for hour in range(HOURS) if demand.calls_by_hour[hour] > 0)
        return (self.days - 1) * DAY_MS + (last + 1) * HOUR_MS
