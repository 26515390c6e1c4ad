"""Doing something at an exact moment, for tests that let two datagrams cross."""

import asyncio
import time

_COARSE_NS = 3_000_000


async def at(moment_ns: int) -> None:
    """Return at this moment of `time.monotonic_ns()`, late by tens of microseconds at most on an idle loop.

    The event loop's own timers round up to a whole millisecond. The last three milliseconds are therefore
    spent in turns of the loop that wait for nothing: sockets are still served, and one core is busy.
    """
    coarse_s = (moment_ns - _COARSE_NS - time.monotonic_ns()) / 1e9
    if coarse_s > 0:
        await asyncio.sleep(coarse_s)
    while time.monotonic_ns() < moment_ns:  # noqa: ASYNC110 (nothing happens that could set an event)
        await asyncio.sleep(0)
