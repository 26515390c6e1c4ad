"""Drives the engine's real loop by the virtual clock: time moves only when the engine has nothing left to do."""

from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine


async def run_until_idle(engine: Engine, clock: VirtualClock, until_ms: int) -> int:
    """Let engine and clock take turns, alarm by alarm, until none is set before `until_ms`; return how many rang.

    The clock then stands where the last alarm rang. The engine's `run` must be a running task. Raises
    `EngineStopped` where it is not any more.
    """
    rang = 0
    await _settle(engine)
    while (next_ms := clock.next_ms) is not None and next_ms <= until_ms:
        clock.step()
        rang += 1
        await _settle(engine)
    return rang


async def run_until(engine: Engine, clock: VirtualClock, until_ms: int) -> int:
    """As `run_until_idle`; then the clock moves on to `until_ms`."""
    rang = await run_until_idle(engine, clock, until_ms)
    clock.advance(max(0, until_ms - clock.now_ms()))
    await _settle(engine)
    return rang


async def _settle(engine: Engine) -> None:
    """What readers submit while they read is new work, too."""
    await engine.settled()
    while engine.backlog:
        await engine.settled()
