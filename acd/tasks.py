"""Named, kept and supervised asyncio tasks: the only place in the project that creates one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Tasks:
    """A family of tasks that live and end together.

    A task that fails is logged with its name and reported to `on_failure` once; what it means for the
    process is the owner's decision. `stop` cancels what still runs and waits for it, for a bounded time.
    """

    def __init__(self, name: str, on_failure: Callable[[str, BaseException], None] | None = None) -> None:
        self.name = name
        self._on_failure = on_failure
        self._running: dict[asyncio.Task[Any], str] = {}

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task called `<family>/<name>` and keep it until it ends."""
        full_name = f"{self.name}/{name}"
        task = asyncio.get_running_loop().create_task(work, name=full_name)
        self._running[task] = full_name
        task.add_done_callback(self._ended)
        return task

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks that run now: empty after `stop`."""
        return tuple(self._running.values())

    def cancel(self) -> None:
        """Cancel every task without waiting for its end."""
        for task in self._running:
            task.cancel()

    async def stop(self, grace_s: float = 5.0) -> None:
        """Cancel every task and wait until all have ended; a task that outlives the grace is an error."""
        tasks = [task for task in self._running if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            log.error("task did not stop", task=task.get_name(), grace_s=grace_s)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        name = self._running.pop(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        log.error("task failed", task=name, exc_info=error)
        if self._on_failure is not None:
            self._on_failure(name, error)
