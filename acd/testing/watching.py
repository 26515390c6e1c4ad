"""Waiting for what was seen: a list that grows, and tests that wait until it holds what they expect."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")


class Watching(Generic[T]):
    """What was seen so far, in order."""

    def __init__(self) -> None:
        self.seen: list[T] = []
        self._more = asyncio.Event()

    def saw(self, *things: T) -> None:
        """Add to it."""
        self.seen.extend(things)
        self._more.set()

    def all(self, kind: type[K], **values: object) -> list[K]:
        """What was seen of a kind, with these values."""
        return [
            thing
            for thing in self.seen
            if isinstance(thing, kind) and all(getattr(thing, name) == value for name, value in values.items())
        ]

    async def sees(self, kind: type[K], count: int = 1, within_s: float = 5.0, **values: object) -> K:
        """The newest of (at least) `count` things of a kind with these values, once they were seen."""
        try:
            async with asyncio.timeout(within_s):
                while len(found := self.all(kind, **values)) < count:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            story = "\n".join(f"  {thing}" for thing in self.seen[-30:])
            raise AssertionError(f"no {count} x {kind.__name__} {values} within {within_s} s; last:\n{story}") from None
        return found[-1]
