"""Reloads while it is day: somebody leaves for a while, loses a queue, or a queue is set up otherwise. All of it is put
back after a time, and at the latest when the trouble ends."""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Final

import msgspec

from acd.router import inputs as i
from acd.router.settings import Strategy
from acd.simulate.scenario import MINUTE_MS, Demand
from acd.simulate.staff import AtWork, Staff
from acd.simulate.world import World

LASTS_MS: Final = 10 * MINUTE_MS
OTHERWISE: Final[dict[Strategy, Strategy]] = {
    "longest-idle": "round-robin",
    "round-robin": "fewest-calls-today",
    "linear": "longest-idle",
    "fewest-calls-today": "least-talk-today",
    "least-talk-today": "weighted-random",
    "weighted-random": "most-skilled",
    "most-skilled": "least-skilled",
    "least-skilled": "linear",
}
"""What a queue's strategy is changed to."""


class Reloads:
    """One after the other, as chance has it."""

    def __init__(self, world: World, demands: Sequence[Demand], staff: Staff, chance: Random) -> None:
        self._world = world
        self._demands = demands
        self._staff = list(staff.agents.values())
        self._chance = chance
        self._put_back: dict[str, Callable[[], None]] = {}
        """By the name of what was changed."""

    def reload(self) -> None:
        """Change something, for a time."""
        change = self._chance.choice((self._change_queue, self._take_queue, self._retire))
        name, put_back = change()
        if name not in self._put_back:
            self._put_back[name] = put_back
            self._world.after(LASTS_MS, partial(self._restore, name))

    def restore(self) -> None:
        """All is as it was."""
        for name in list(self._put_back):
            self._restore(name)

    def _restore(self, name: str) -> None:
        put_back = self._put_back.pop(name, None)
        if put_back is not None:
            put_back()

    def _change_queue(self) -> tuple[str, Callable[[], None]]:
        queue = self._chance.choice(self._demands).queue
        other = msgspec.structs.replace(
            queue, strategy=OTHERWISE[queue.strategy], weight=queue.weight + 1, wrap_up_ms=queue.wrap_up_ms // 2
        )
        self._world.ask(i.ConfigureQueue(other))
        return f"queue {queue.id}", partial(self._world.ask, i.ConfigureQueue(queue))

    def _take_queue(self) -> tuple[str, Callable[[], None]]:
        agent = self._chance.choice(self._staff)
        fewer = msgspec.structs.replace(agent.settings, queues=agent.settings.queues[:-1], standings=(), skills=())
        self._world.ask(i.ConfigureAgent(fewer))
        return f"agent {agent.id}", partial(self._is_back, agent)

    def _retire(self) -> tuple[str, Callable[[], None]]:
        agent = self._chance.choice(self._staff)
        self._world.ask(i.RetireAgent(agent.id))
        return f"agent {agent.id}", partial(self._is_back, agent)

    def _is_back(self, agent: AtWork) -> None:
        self._world.ask(i.ConfigureAgent(agent.settings))
        agent.is_back()
