"""When Python looks for garbage in cycles: between inputs and never during one.

Left to itself the collector walks over every call that waits, in the middle of whatever is being decided: at 500,000
calls that took more than a second. So what lives at the start, and later whatever has lived through a few looks, is
frozen: never looked at again. What is new is looked at when the loop is idle; a loop that is never idle looks between
two commits. Nearly all that dies is freed without the collector, by its reference count: the core makes no cycles,
and a test says so. The price: a cycle that dies after it was frozen stays until the process ends.

How much is new is told by the inputs. The collector's own count falls when something old dies: at a steady level it
says that nothing is new, while everything has been replaced.
"""

import gc
from types import TracebackType
from typing import Final, Self

IDLE_INPUTS: Final = 20
"""After so many inputs an idle loop looks at what is new: some tens of microseconds."""
BUSY_INPUTS: Final = 200
"""After so many a loop that is never idle looks too: some hundreds."""
FREEZE_INPUTS: Final = 1_000
"""After so many, what is left of them is looked at once more and frozen: a few milliseconds after a burst of calls."""
NEW_OBJECTS: Final = 10_000
"""So many more objects are looked at whatever the inputs were: others than the core make them too."""
AUTOMATIC: Final = 200_000
"""So many more, and Python looks by itself after all, wherever that may be: nobody has called us."""


class Garbage:
    """The plan of one process: `with` begins it and ends it. Before and after, `tidy` does nothing."""

    def __init__(self) -> None:
        self._planned = False
        self._since_look = self._since_freeze = 0
        self._thresholds = gc.get_threshold()

    def __enter__(self) -> Self:
        self._thresholds = gc.get_threshold()
        gc.set_threshold(AUTOMATIC, *self._thresholds[1:])
        self._freeze()
        self._planned = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._planned = False
        gc.unfreeze()
        gc.set_threshold(*self._thresholds)

    def tidy(self, inputs: int, *, idle: bool) -> None:
        """Look at what is new, if that may be much: `inputs` were handled since the last call. Call it after every
        batch and whenever the loop has nothing to do; never while the core handles something."""
        if not self._planned:
            return
        self._since_look += inputs
        self._since_freeze += inputs
        if self._since_freeze >= FREEZE_INPUTS:
            self._freeze()
        elif self._since_look >= (IDLE_INPUTS if idle else BUSY_INPUTS) or gc.get_count()[0] >= NEW_OBJECTS:
            gc.collect(0)
            self._since_look = 0

    def _freeze(self) -> None:
        gc.collect()
        gc.freeze()
        self._since_look = self._since_freeze = 0
