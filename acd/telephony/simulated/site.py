"""One server as its channels know it: its time, its channels, and who listens to it."""

from collections.abc import Callable
from typing import Protocol

from acd.core import Input
from acd.model import ChannelId, Line, ServerId
from acd.router.inputs import SeenCaller, SeenLeg, SeenPhone
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.telephony.simulated.timing import Alarm, Chance, Clock, Rules, Steps

Seen = SeenCaller | SeenLeg | SeenPhone
Reply = Callable[[CodeAnswer], None]


class Channel(Protocol):
    """A caller, an agent's leg, or one phone's side of a direct call."""

    def seen(self) -> Seen:
        """What a report says of it."""

    def engine_lost(self) -> None:
        """The engine has been silent for too long."""

    def vanish(self) -> None:
        """The server restarts: the channel is gone, and nothing is told."""


class Ear(Protocol):
    """A connection to the engine."""

    def hear(self, report: Input, behind: str = "") -> None:
        """Something happened. `behind`: the channel whose last report comes before this one, whatever happens."""

    def hear_code(self, code: FeatureCode, reply: Reply) -> None:
        """Somebody keyed in a feature code and waits for what is spoken."""


class Site:
    """What everything on one server has in common."""

    def __init__(
        self, name: ServerId, clock: Clock, rules: Rules, steps: Steps, chance: Chance, changed: Callable[[], None]
    ) -> None:
        self.name = name
        self.clock = clock
        self.rules = rules
        self.steps = steps
        self.chance = chance
        self.changed = changed
        self.channels: dict[str, Channel] = {}
        self._ear: Ear | None = None
        self._heard_ms = 0
        self._silence: Alarm | None = None
        self._lines = 0

    def after(self, delay_ms: int, callback: Callable[[], None]) -> Alarm:
        """Call back so much later."""
        return self.clock.call_at(self.clock.now_ms() + delay_ms, callback)

    def lag(self, step_ms: int) -> int:
        """How long a step takes this time."""
        return step_ms + self.chance.up_to(self.steps.jitter_ms)

    def new_line(self) -> Line:
        """A channel that never was."""
        self._lines += 1
        return Line(self.name, ChannelId(f"{self.name}.{self._lines}"))

    # --- The engine, as far as it is heard of -----------------------------------------------------------------

    def attach(self, ear: Ear) -> None:
        """A connection: from now on the engine is alive."""
        self._ear = ear
        if self._silence is not None:
            self._silence.cancel()

    def detach(self) -> None:
        """No connection: the engine's silence begins."""
        if self._ear is None:
            return
        self._ear = None
        self._heard_ms = self.clock.now_ms()
        self._silence = self.after(self.rules.lost_after_ms, self._engine_is_lost)

    def forget_engine(self) -> None:
        """The server restarted: it does not know that there ever was an engine."""
        self._heard_ms = 0
        if self._silence is not None:
            self._silence.cancel()

    def _engine_is_lost(self) -> None:
        for channel in list(self.channels.values()):
            channel.engine_lost()

    @property
    def silent_ms(self) -> int:
        """For how long nothing was heard of the engine."""
        return 0 if self._ear is not None else self.clock.now_ms() - self._heard_ms

    def tell(self, report: Input, behind: str = "") -> None:
        """Say what happened to whoever listens; after what was said of the channel `behind`."""
        self.changed()
        if self._ear is not None:
            self._ear.hear(report, behind)

    def ask(self, code: FeatureCode, reply: Reply) -> None:
        """Have a feature code answered; without a connection nobody can."""
        if self._ear is None:
            reply("unavailable")
        else:
            self._ear.hear_code(code, reply)
