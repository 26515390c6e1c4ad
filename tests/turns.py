"""The one way to wait for what nobody is told of: a look at each turn of the event loop, until a deadline.

For states that raise no event on this side: what code under test keeps to itself, and the kernel's list of sockets.
Whatever is told of (facts, AMI events, a process that ends, a file that grows) is waited for by that.
"""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 5.0) -> None:
    """Return once it holds. Raises `TimeoutError`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  see above
            await asyncio.sleep(0)
