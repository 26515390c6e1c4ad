"""Waiting for something to become true, with a deadline and without polling."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class NothingHappened(AssertionError):
    """What was waited for did not happen in time. The text says what happened instead."""


class Watch:
    """Wakes everyone who waits whenever its owner says that something has changed."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def changed(self) -> None:
        """Let all who wait look at their condition again."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, true: Callable[[], bool], within_s: float, otherwise: Callable[[], Exception]) -> None:
        """Return as soon as `true()`; after `within_s` raise what `otherwise()` makes."""
        try:
            async with asyncio.timeout(within_s):
                while not true():
                    await self._next_change()
        except TimeoutError:
            raise otherwise() from None

    async def _next_change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter


class Eventually(Generic[T]):
    """Something that was done already, and whose outcome can be awaited or left alone.

    A phone must put its datagram on the wire in the call itself, so that a test can time it; a coroutine would
    send only when awaited, and would warn when it is not.
    """

    def __init__(self, outcome: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._outcome = outcome

    def __await__(self) -> Generator[Any, None, T]:
        return self._outcome().__await__()
