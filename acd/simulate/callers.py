"""Everyone who calls: when, for how long, with how much patience, and what became of them as they lived it."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from acd.simulate.arrivals import arrivals
from acd.simulate.chance import draw_ms, hits
from acd.simulate.scenario import Demand
from acd.simulate.world import World
from acd.telephony.simulated import SimulatedCall

URGENT: Final = 5
"""The priority of those who come with one."""
SWEEP_EVERY: Final = 1_000
"""After so many calls those who are gone are counted and forgotten: a long simulation must not grow."""


class Callers:
    """Calls come as the demands say. `placed` counts them all."""

    def __init__(self, world: World, demands: Sequence[Demand], servers: Sequence[str], end_ms: int) -> None:
        self.placed = 0
        self._world = world
        self._servers = servers
        self._lines = [_Line(world, demand, end_ms) for demand in demands]
        self._here: list[SimulatedCall] = []
        self._gone: Counter[str] = Counter()

    def start(self) -> None:
        for line in self._lines:
            self._await_next(line)

    def _await_next(self, line: "_Line") -> None:
        at_ms = next(line.moments, None)
        if at_ms is not None:
            self._world.clock.call_at(at_ms, partial(self._call, line))

    def _call(self, line: "_Line") -> None:
        self._await_next(line)
        self.place(line, patient=False)

    def place(self, line: "_Line", *, patient: bool) -> SimulatedCall:
        """Somebody calls now; who is `patient` never gives up."""
        if len(self._here) >= SWEEP_EVERY:
            self._sweep()
        self.placed += 1
        demand, chance = line.demand, line.chance
        server = self._servers[chance.randrange(len(self._servers))]
        talk_ms = draw_ms(demand.talk, chance)
        patience_ms = None if demand.patience is None else draw_ms(demand.patience, chance)
        call = self._world.phones.place_call(
            demand.queue.id,
            str(5_550_000_000 + self.placed),
            priority=URGENT if demand.urgent and hits(demand.urgent, chance) else 0,
            server=server,
            patience_ms=None if patient else patience_ms,
            talk_ms=talk_ms,
        )
        self._here.append(call)
        return call

    def last_ones(self, of_each: int) -> list[SimulatedCall]:
        """So many more for each queue, who wait until they are served."""
        return [self.place(line, patient=True) for line in self._lines for _ in range(of_each)]

    @property
    def are_gone(self) -> bool:
        """Whether nobody is on the line any more."""
        self._sweep()
        return not self._here

    @property
    def outcomes(self) -> Counter[str]:
        """What became of those who are gone: `spoke`, `hung up`, or what the operator's dialplan read."""
        self._sweep()
        return self._gone

    def _sweep(self) -> None:
        self._gone.update(_outcome(call) for call in self._here if call.place == "gone")
        self._here = [call for call in self._here if call.place != "gone"]


class _Line:
    """One demand, with its chance."""

    def __init__(self, world: World, demand: Demand, end_ms: int) -> None:
        queue = demand.queue.id
        self.demand = demand
        self.chance = world.stream(f"callers of {queue}")
        self.moments = arrivals(demand.calls_by_hour, world.begin_ms, end_ms, world.stream(f"arrivals at {queue}"))


def _outcome(call: SimulatedCall) -> str:
    if call.spoke:
        return "spoke"
    return call.result or "hung up"
