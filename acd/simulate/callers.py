"""Everyone who calls: when, for how long, with how much patience, and what became of them as they lived it."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import partial
from random import Random
from typing import Final, NamedTuple

from acd.model import Kind
from acd.router import facts as f
from acd.simulate.arrivals import arrivals
from acd.simulate.chance import PER_MILLE, Streams, draw_ms, hits
from acd.simulate.scenario import Demand
from acd.simulate.world import World
from acd.telephony.simulated import SimulatedCall

URGENT: Final = 5
"""The priority of those who come with one."""
SWEEP_EVERY: Final = 1_000
"""After so many calls those who are gone are counted and forgotten: a long simulation must not grow."""


RECENT: Final = 200
"""So many of those who called may be the ones who call again."""


class Visit(NamedTuple):
    """A caller, before anything has become of the call."""

    at_ms: int
    server: str
    talk_ms: int
    patience_ms: int | None
    priority: int
    wishes: tuple[str, ...] = ()
    kind: Kind = "inbound"
    waited_ms: int = 0


def visits(demand: Demand, servers: Sequence[str], begin_ms: int, end_ms: int, streams: Streams) -> Iterator[Visit]:
    """All callers of a queue, in order, as the seed has it. Nobody else has a say in it."""
    queue = demand.queue.id
    chance = streams.stream(f"callers of {queue}")
    for at_ms in arrivals(demand.calls_by_hour, begin_ms, end_ms, streams.stream(f"arrivals at {queue}")):
        yield Visit(
            at_ms,
            servers[chance.randrange(len(servers))],
            draw_ms(demand.talk, chance),
            None if demand.patience is None else draw_ms(demand.patience, chance),
            URGENT if demand.urgent and hits(demand.urgent, chance) else 0,
            _wishes(demand, chance),
        )


def _wishes(demand: Demand, chance: Random) -> tuple[str, ...]:
    if not demand.wishes:
        return ()
    at = chance.randrange(PER_MILLE)
    for share, wishes in demand.wishes:
        if at < share:
            return wishes
        at -= share
    return ()


class Callers:
    """Calls come as the demands say. `placed` counts them."""

    def __init__(self, world: World, demands: Sequence[Demand], servers: Sequence[str], end_ms: int) -> None:
        self.placed = 0
        self._world = world
        self._servers = servers
        self._demands = demands
        self._demand_of = {demand.queue.id: demand for demand in demands}
        self._callbacks = {queue: world.streams.stream(f"callbacks of {queue}") for queue in self._demand_of}
        self._end_ms = end_ms
        self._again = {queue: world.streams.stream(f"who comes again to {queue}") for queue in self._demand_of}
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._called_back = 0
        self._here: list[SimulatedCall] = []
        self._gone: Counter[str] = Counter()

    def start(self) -> None:
        for demand in self._demands:
            begin_ms = self._world.begin_ms
            self._await_next(demand, visits(demand, self._servers, begin_ms, self._end_ms, self._world.streams))

    def _await_next(self, demand: Demand, coming: Iterator[Visit]) -> None:
        visit = next(coming, None)
        if visit is not None:
            self._world.clock.call_at(visit.at_ms, partial(self._call, demand, coming, visit))

    def _call(self, demand: Demand, coming: Iterator[Visit], visit: Visit) -> None:
        self._await_next(demand, coming)
        self.placed += 1
        self._place(demand, visit)

    def _place(self, demand: Demand, visit: Visit) -> SimulatedCall:
        if len(self._here) >= SWEEP_EVERY:
            self._sweep()
        call = self._world.phones.place_call(
            demand.queue.id,
            self._number(demand, visit),
            priority=visit.priority,
            skills=visit.wishes,
            kind=visit.kind,
            waited_ms=visit.waited_ms,
            server=visit.server,
            patience_ms=visit.patience_ms,
            talk_ms=visit.talk_ms,
        )
        self._here.append(call)
        return call

    def _number(self, demand: Demand, visit: Visit) -> str:
        """Of somebody who has called before, or a new one. Who is called back has a say in nobody else's."""
        if visit.kind == "callback":
            self._called_back += 1
            return str(5_560_000_000 + self._called_back)
        chance = self._again[demand.queue.id]
        if demand.comes_again and self._recent and hits(demand.comes_again, chance):
            return self._recent[chance.randrange(len(self._recent))]
        number = str(5_550_000_000 + self.placed)
        self._recent.append(number)
        return number

    def hear(self, facts: Sequence[f.Fact]) -> None:
        """Those to whom it was promised are called back, and some of those who hung up, while it is day."""
        for fact in facts:
            if type(fact) is f.CallAbandoned:
                self._gave_up(self._demand_of[fact.queue], fact.at_ms - fact.waited_ms)
            elif type(fact) is f.CallbackOffered:
                self._owe_a_call(self._demand_of[fact.queue], fact.since_ms)

    def _gave_up(self, demand: Demand, since_ms: int) -> None:
        if demand.called_back and hits(demand.called_back, self._callbacks[demand.queue.id]):
            self._owe_a_call(demand, since_ms)

    def _owe_a_call(self, demand: Demand, since_ms: int) -> None:
        chance = self._callbacks[demand.queue.id]
        after_ms = draw_ms(demand.called_back_after, chance)
        server, talk_ms = self._servers[chance.randrange(len(self._servers))], draw_ms(demand.talk, chance)
        self._world.after(after_ms, partial(self._call_back, demand, server, talk_ms, since_ms))

    def _call_back(self, demand: Demand, server: str, talk_ms: int, since_ms: int) -> None:
        now_ms = self._world.clock.now_ms()
        if now_ms < self._end_ms:
            visit = Visit(now_ms, server, talk_ms, None, 0, kind="callback", waited_ms=now_ms - since_ms)
            self._place(demand, visit)

    def last_ones(self, of_each: int) -> list[SimulatedCall]:
        """So many more for each queue, who wait until they are served. They are not among the placed."""
        chance, now_ms = self._world.streams.stream("last callers"), self._world.clock.now_ms()
        return [
            self._place(demand, Visit(now_ms, server, draw_ms(demand.talk, chance), None, 0, _wishes(demand, chance)))
            for demand in self._demands
            for server in self._servers
            for _ in range(of_each)
        ]

    @property
    def are_gone(self) -> bool:
        """Whether nobody is on the line any more."""
        self._sweep()
        return not self._here

    @property
    def outcomes(self) -> Counter[str]:
        """What became of those who are gone: `spoke`, `hung up`, `called back`, or what the operator's dialplan
        read."""
        self._sweep()
        return self._gone

    def _sweep(self) -> None:
        self._gone.update(_outcome(call) for call in self._here if call.place == "gone")
        self._here = [call for call in self._here if call.place != "gone"]


def _outcome(call: SimulatedCall) -> str:
    if call.spoke:
        return "called back" if call.asked.kind == "callback" else "spoke"
    return call.result or "hung up"
