"""An event loop whose time passes only while nobody has anything to do: a slow machine makes nothing late.

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(a_day_of_calls())

Sockets are real, on loopback: what one side has written, the other reads before time moves on. Whatever waits by
turning (`sleep(0)` until a condition holds) keeps time from passing; there `asyncio.sleep` moves the clock instead.
"""

import asyncio
import os
import selectors
from collections.abc import Callable

from acd.engine.clock import Alarm


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Selector(self._pass))

    def time(self) -> float:
        return self._now_s

    def _pass(self, seconds: float) -> None:
        self._now_s += seconds


class _Selector(selectors.DefaultSelector):
    """Tells by how much the loop would wait, instead of waiting."""

    def __init__(self, pass_: Callable[[float], None]) -> None:
        super().__init__()
        self._pass = pass_

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        os.sched_yield()  # the kernel may be about to hand over what was just written
        if (ready := super().select(0)) or timeout is None:
            return ready or super().select(None)
        self._pass(timeout)
        return []


class LoopClock:
    """The running loop's time as the engine's `Clock`."""

    def now_ms(self) -> int:
        return 1_700_000_000_000 + int(asyncio.get_running_loop().time() * 1_000)

    def call_at(self, when_ms: int, callback: Callable[[], None]) -> Alarm:
        return asyncio.get_running_loop().call_later(max(0, when_ms - self.now_ms()) / 1_000, callback)
