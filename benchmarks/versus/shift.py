"""e. A shift: 50 agents, 20 calls a second, five minutes of each system, one after the other.

SIPp calls, and SIPp answers at the lab's lines; talks last 1.3 to 3.3 s, so that 46 of 50 agents would be busy if
none ever waited for a call. What happened is read from Asterisk's own events, as one account gets them, in the same
way for both: a caller joins (AcdCall, QueueCallerJoin), an agent's leg begins and ends. An agent without a leg is idle;
a caller for whom none was begun waits. Where agents are idle and callers wait at the same moment, the fewer of the two
are work that is not done: its time is shown as a share of the agents' time. The order is that of the decisions: our
facts, and app_queue's AgentCalled.

At most `AT_ONCE` calls are alive: a system that falls behind gets its calls later, and does not drown the machine.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

from acd.core import Fact
from acd.lab.ears import Ears
from acd.lab.servers import Lab
from acd.router import facts as f
from acd.telephony.ami.messages import AmiEvent
from benchmarks.report import Check
from benchmarks.sipp import answering, call, need_sipp
from benchmarks.site import bench, line_agents
from benchmarks.versus.outcome import Figures, Outcome

AGENTS: Final = 50
A_SECOND: Final = 20
AT_ONCE: Final = 200
TALK_MS: Final = (1_300, 3_300)
WAYS: Final = {"acd": "bench-acd", "app_queue": f"lines-{AGENTS}"}
JOINED: Final = frozenset({"AcdCall", "QueueCallerJoin"})
LINE: Final = "PJSIP/3"
"""How the channels of lines begin, and no caller's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long calls come, in each system."""

    seconds: int

    @property
    def calls(self) -> int:
        return self.seconds * A_SECOND

    @property
    def steps(self) -> int:
        return len(WAYS)


FULL = Plan(seconds=300)
QUICK = Plan(seconds=10)


class Moment(NamedTuple):
    """Something that changed who waits or who is idle; `channel` is the caller's, or the leg's."""

    at_ms: float
    what: Literal["joined", "leg-begins", "leg-ends"]
    channel: str


@dataclass(slots=True)
class Shift:
    """What was seen of one system."""

    moments: list[Moment] = field(default_factory=list)
    caller_of: dict[str, str] = field(default_factory=dict)
    """The caller for whom a leg was begun."""
    order: list[tuple[Literal["joined", "offered"], str]] = field(default_factory=list)
    """Who joined and who was given to an agent, as it was decided."""
    failed: int = 0

    def hear(self, event: AmiEvent) -> None:
        """Take an event of Asterisk's."""
        name = event.get("UserEvent") if event.name == "UserEvent" else event.name
        channel, now_ms = event.get("Uniqueid"), time.monotonic_ns() / 1e6
        if name in JOINED:
            self.moments.append(Moment(now_ms, "joined", channel))
            if name == "QueueCallerJoin":
                self.order.append(("joined", channel))
        elif name == "AgentCalled":
            self.caller_of[event.get("DestUniqueid")] = channel
            self.order.append(("offered", channel))
        elif name in {"Newchannel", "Hangup"} and event.get("Channel").startswith(LINE):
            self.moments.append(Moment(now_ms, "leg-begins" if name == "Newchannel" else "leg-ends", channel))

    def take(self, facts: Iterable[Fact]) -> None:
        """Take what our engine decided."""
        for fact in facts:
            if isinstance(fact, f.CallQueued):
                self.order.append(("joined", fact.line.channel))
            elif isinstance(fact, f.OfferMade):
                self.caller_of[fact.offer] = fact.line.channel
                self.order.append(("offered", fact.line.channel))

    def waits_ms(self) -> list[float]:
        """From joining to the first agent's leg, of each caller who was given one."""
        joined = {moment.channel: moment.at_ms for moment in self.moments if moment.what == "joined"}
        begun: dict[str, float] = {}
        for moment in self.moments:
            if moment.what == "leg-begins" and (caller := self.caller_of.get(moment.channel)) is not None:
                begun.setdefault(caller, moment.at_ms)
        return [max(at_ms - joined[caller], 0.0) for caller, at_ms in begun.items() if caller in joined]

    def undone_share(self, agents: int) -> float:
        """The share of the agents' time, in percent, in which they were idle while a caller waited for one."""
        waiting: dict[str, None] = {}
        begun: set[str] = set()
        legs: dict[str, None] = {}
        undone, last_ms = 0.0, self.moments[0].at_ms
        for at_ms, what, channel in self.moments:
            undone += min(agents - len(legs), len(waiting)) * (at_ms - last_ms)
            last_ms = at_ms
            if what == "leg-begins":
                legs[channel] = None
                caller = self.caller_of.get(channel, "")
                begun.add(caller)
                waiting.pop(caller, None)
            elif what == "leg-ends":
                legs.pop(channel, None)
            elif channel not in begun:
                waiting[channel] = None
        return 100 * undone / (agents * (last_ms - self.moments[0].at_ms))

    def inversions(self) -> int:
        """How many callers were given an agent while one who joined before was not yet given any."""
        line: dict[str, None] = {}
        passed = 0
        for what, caller in self.order:
            if what == "joined":
                line[caller] = None
            elif caller in line:
                passed += next(iter(line)) != caller
                del line[caller]
        return passed


async def measure(lab: Lab, plan: Plan, step: Callable[[], None]) -> Outcome:
    """One shift of each system."""
    need_sipp()
    shifts: dict[str, Shift] = {}
    for way in WAYS:
        shifts[way] = await _work(lab, way, plan)
        step()
    return outcome(shifts)


async def _work(lab: Lab, way: str, plan: Plan) -> Shift:
    shift = Shift()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            _distributed(lab, way, shift),
            answering(lab.a, folder, TALK_MS),
            Ears(lab.a, "call,user,agent", on_event=shift.hear) as ears,
        ):
            shift.failed = await call(lab.a, folder, WAYS[way], plan.calls, A_SECOND, AT_ONCE)
            await ears.no_channel_is_left()
    return shift


@asynccontextmanager
async def _distributed(lab: Lab, way: str, shift: Shift) -> AsyncIterator[None]:
    """By our engine, or by app_queue alone."""
    if way != "acd":
        yield
        return
    async with bench(lab, line_agents(AGENTS)) as site:
        yield
        site.engine.drain()
        shift.take(site.engine.saw.seen)


def outcome(shifts: Mapping[str, Shift]) -> Outcome:
    """The figures, and the checks on ours."""
    ours = shifts["acd"]
    shares = {way: [shift.undone_share(AGENTS)] for way, shift in shifts.items()}
    said = (f"{way} {shift.inversions()} and {shift.failed}" for way, shift in shifts.items())
    return Outcome(
        [
            Figures("e. Shift: a caller's wait until an agent's leg begins", _waits(shifts)),
            Figures("e. Shift: agents idle while a call waited", shares, "% of their time"),
        ],
        [
            Check("e. shift: calls that passed an older one", ours.inversions(), 0),
            Check("e. shift: calls that failed", ours.failed, 0),
        ],
        [f"e. calls that passed an older one, and calls that failed: {', '.join(said)}"],
    )


def _waits(shifts: Mapping[str, Shift]) -> Mapping[str, Sequence[float]]:
    return {way: shift.waits_ms() for way, shift in shifts.items()}
