"""A caller, and the dialplan's rules of the hand-over (config/asterisk/acd.conf) that the caller runs through."""

from collections.abc import Callable
from typing import Literal

import msgspec

from acd.model import Caller, Kind, OfferId, QueueId
from acd.router.inputs import CallArrived, CallerLeft, CallerPlace, PassedOn, SeenCaller
from acd.router.settings import Destination
from acd.telephony.simulated.site import Site
from acd.telephony.simulated.timing import Alarm
from acd.telephony.wishes import wishes_of

Place = Literal["grace", "waiting", "talking", "elsewhere", "gone"]
"""`grace`: music already, but the engine has yet to claim. `elsewhere`: back in the operator's dialplan."""

Sound = Literal["music", "voice", "fallback", "silence"]

SOUNDS: dict[Place, Sound] = {
    "grace": "music",
    "waiting": "music",
    "talking": "voice",
    "elsewhere": "fallback",
    "gone": "silence",
}
SEEN: dict[Place, CallerPlace] = {
    "grace": "waiting",
    "waiting": "waiting",
    "talking": "talking",
    "elsewhere": "elsewhere",
    "gone": "elsewhere",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the dialplan hands over, and how the caller behaves."""

    queue: QueueId
    caller: Caller
    priority: int = 0
    skills: tuple[str, ...] = ()
    patience_ms: int | None = None
    """The caller hangs up after so long without an agent. None: never."""
    talk_ms: int | None = None
    """The caller hangs up after so long a conversation. None: leaves that to the agent."""
    kind: Kind = "inbound"
    waited_ms: int = 0
    """Before the hand-over: a callback brings its age along."""


class SimulatedCall:
    """A caller from the hand-over to the end."""

    def __init__(self, site: Site, asked: Asked) -> None:
        self.site = site
        self.asked = asked
        self.queue = asked.queue
        """Where the caller waits, as the channel says ..."""
        self.passed_on: PassedOn | None = None
        """... and how the caller came there, if from another queue."""
        self.line = site.new_line()
        self.since_ms = site.clock.now_ms()
        self.place: Place = "grace"
        self.claimed = False
        self.spoke = False
        """Whether the caller ever reached an agent."""
        self.result: str | None = None
        """What the operator's dialplan reads once the call is back there: `served`, `timeout`, …"""
        self.reason = ""
        self.told = 0
        """How often the caller was told something while waiting."""
        self.destination: Destination | None = None
        """Where in the operator's dialplan the engine sent the caller; None: to where the call came from."""
        self.met_ms = 0
        """Since when the caller and an agent are together; of the last one, where they are no more."""
        self._drops = 0
        """How often an agent's side was gone before a word was said."""
        self._spoke_before = False
        self._alarms: dict[str, Alarm] = {}
        self._let_agent_go: Callable[[], None] | None = None
        site.channels[self.line.channel] = self
        self._arrive()

    @property
    def hears(self) -> Sound:
        """What is on the line for the caller."""
        return SOUNDS[self.place]

    # --- The dialplan -----------------------------------------------------------------------------------------

    def _arrive(self) -> None:
        if self.site.silent_ms > self.site.rules.stale_ms:
            self.leave("no-engine", "stale-heartbeat")
            return
        self._after("grace", self.site.rules.grace_ms, self._grace_is_over)
        if self.asked.patience_ms is not None:
            self._after("patience", self.asked.patience_ms, self._patience_is_over)
        self.site.tell(self._arrived(self.asked.waited_ms))

    def still_waits(self) -> CallArrived:
        """The hand-over, as it is told again after a connection."""
        return self._arrived(self.asked.waited_ms + self._waited_ms)

    @property
    def _waited_ms(self) -> int:
        return self.site.clock.now_ms() - self.since_ms

    def _arrived(self, waited_ms: int) -> CallArrived:
        asked, wishes = self.asked, wishes_of(self.asked.skills)
        return CallArrived(
            self.line,
            self.queue,
            asked.caller,
            asked.priority,
            wishes.required,
            wishes.wanted,
            waited_ms,
            asked.kind,
            named=wishes.named,
            passed_on=self.passed_on,
            unreadable=not wishes.readable,
        )

    def _grace_is_over(self) -> None:
        if self.place != "grace":
            return
        if self.claimed:
            self.place = "waiting"
        else:
            self.leave("unclaimed", "nobody-claimed")

    def engine_lost(self) -> None:
        if self.place == "waiting":
            self.leave("lost", "engine-silent")

    def leave(self, result: str, reason: str = "", destination: Destination | None = None) -> None:
        """Back to the operator's dialplan, which takes over from here."""
        self._silence_alarms()
        self.destination = destination
        self.place, self.result, self.reason = "elsewhere", result, reason
        self._after("fallback", self.site.rules.fallback_ms, self.hang_up)
        self.site.tell(CallerLeft(self.line, hung_up=False))

    # --- The conversation -------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether the caller may be connected or given back."""
        return self.place in {"grace", "waiting"}

    def talk(self, let_agent_go: Callable[[], None]) -> None:
        """Caller and agent hear each other."""
        assert self.waits, f"{self.line} is connected while {self.place}"
        self._silence_alarms()
        self.place, self._let_agent_go = "talking", let_agent_go
        self.met_ms, self._spoke_before, self.spoke = self.site.clock.now_ms(), self.spoke, True
        if self.asked.talk_ms is not None:
            self._after("talk", self.asked.talk_ms, self.hang_up)

    def agent_left(self, offer: OfferId) -> None:
        """The agent ended the conversation."""
        if self.place != "talking":
            return
        self._let_agent_go = None
        if self.site.clock.now_ms() - self.met_ms > self.site.rules.spoken_ms:
            self.leave("served")
            return
        self._silence_alarms()
        self.spoke = self._spoke_before
        if self.asked.patience_ms is not None:
            self._after("patience", max(0, self.asked.patience_ms - self._waited_ms), self._patience_is_over)
        self.back(offer)

    def back(self, offer: OfferId) -> None:
        """No word was said: the caller is in line again, at once or, dropped so again, after a moment."""
        self.place = "waiting"
        self._drops += 1
        if self.site.silent_ms >= self.site.rules.lost_after_ms:
            self.leave("lost", "engine-silent")
        elif self._drops == 1:
            self.site.tell(self.still_waits(), behind=offer)
        else:
            self._after("back", self.site.rules.dropped_rest_ms, lambda: self.site.tell(self.still_waits()))

    def transfer(self, queue: QueueId) -> None:
        """The agent's phone passes the caller on: out of our place, and handed over anew on the same channel."""
        self._silence_alarms()
        self._let_agent_go = None
        self.site.tell(CallerLeft(self.line, hung_up=False))
        self.asked = msgspec.structs.replace(self.asked, queue=queue, priority=0, skills=())
        self.queue, self.passed_on = queue, None
        self.place, self.claimed, self.since_ms, self._drops = "grace", False, self.site.clock.now_ms(), 0
        self._arrive()

    # --- The caller -------------------------------------------------------------------------------------------

    def _patience_is_over(self) -> None:
        if self.waits:
            self.hang_up()

    def hang_up(self) -> None:
        """The caller hangs up. Doing it twice is harmless."""
        was, let_agent_go = self.place, self._let_agent_go
        if was == "gone":
            return
        self.vanish()
        if was != "elsewhere":
            self.site.tell(CallerLeft(self.line, hung_up=True))
        if let_agent_go is not None:
            let_agent_go()

    # --- The channel ------------------------------------------------------------------------------------------

    def seen(self) -> SeenCaller:
        return SeenCaller(self.line.channel, SEEN[self.place])

    def vanish(self) -> None:
        self._silence_alarms()
        self.place, self._let_agent_go = "gone", None
        del self.site.channels[self.line.channel]
        self.site.changed()

    def _after(self, name: str, delay_ms: int, callback: Callable[[], None]) -> None:
        self._alarms[name] = self.site.after(delay_ms, callback)

    def _silence_alarms(self) -> None:
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
