"""Opening hours: queues close and open, every day at the same times, as the daemon's calendar would say it."""

from collections.abc import Sequence
from functools import partial

from acd.model import QueueId
from acd.router import inputs as i
from acd.simulate.scenario import DAY_MS, Demand
from acd.simulate.world import World


class Hours:
    """Those of all queues. They are open at first."""

    def __init__(self, world: World, demands: Sequence[Demand], days: int) -> None:
        self._world = world
        self._demands = [demand for demand in demands if demand.closed]
        self._days = days
        self._over = False
        self._closed: dict[QueueId, None] = {}

    def start(self) -> None:
        """Plan every day."""
        for demand in self._demands:
            for from_ms, until_ms in demand.closed:
                for day in range(self._days):
                    midnight_ms = self._world.begin_ms + day * DAY_MS
                    self._world.clock.call_at(midnight_ms + from_ms, partial(self._close, demand.queue.id))
                    self._world.clock.call_at(midnight_ms + until_ms, partial(self._open, demand.queue.id))

    def stop(self) -> None:
        """All are open, and stay so."""
        self._over = True
        for demand in self._demands:
            self._open(demand.queue.id)

    def _close(self, queue: QueueId) -> None:
        if not self._over:
            self._closed[queue] = None
            self._world.ask(i.CloseQueue(queue))

    def tell(self) -> None:
        """To an engine that begins anew all queues are open."""
        for queue in self._closed:
            self._world.ask(i.CloseQueue(queue))

    def _open(self, queue: QueueId) -> None:
        self._closed.pop(queue, None)
        self._world.ask(i.OpenQueue(queue))
