"""What everybody in a simulated day has in common: the clock, the phones, the engine's door, and chance."""

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from acd.core import Input
from acd.engine.clock import Alarm, VirtualClock
from acd.engine.loop import EngineStopped
from acd.model import RequestId
from acd.simulate.chance import Streams
from acd.simulate.scenario import HOUR_MS
from acd.telephony.port import Submit
from acd.telephony.simulated import SimulatedPhones


class World:
    """The surroundings of the engine, in virtual time. It began at a midnight. `phones` are those of the engine that
    runs, or ran last."""

    def __init__(self, clock: VirtualClock, submit: Submit, phones: SimulatedPhones, streams: Streams) -> None:
        self.clock = clock
        self.phones = phones
        self.streams = streams
        self.begin_ms = clock.now_ms()
        self._submit = submit
        self._requests = count(1)

    def after(self, delay_ms: int, callback: Callable[[], None]) -> Alarm:
        return self.clock.call_at(self.clock.now_ms() + delay_ms, callback)

    def ask(self, request: Input) -> None:
        """Say something to the engine that no phone says; while there is none nobody hears it."""
        with suppress(EngineStopped):
            self._submit(request)

    def new_request(self) -> RequestId:
        return RequestId(f"sim-{next(self._requests)}")


class Recurring:
    """Something that happens so often an hour, by chance and without memory, until it is stopped."""

    def __init__(self, world: World, per_hour: float, happen: Callable[[], None], chance: random.Random) -> None:
        self._world = world
        self._mean_ms = HOUR_MS / per_hour if per_hour > 0 else 0.0
        self._happen = happen
        self._chance = chance
        self._alarm: Alarm | None = None

    def start(self) -> None:
        if self._mean_ms and self._alarm is None:
            self._wait()

    def stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _wait(self) -> None:
        self._alarm = self._world.after(round(self._chance.expovariate(1.0) * self._mean_ms), self._ring)

    def _ring(self) -> None:
        self._wait()
        self._happen()
