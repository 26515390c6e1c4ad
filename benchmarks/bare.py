"""The bare loop to which benchmarks/core.py compares the core: what any implementation of this kind must do at least.

One sorted list of waiting keys for each queue, one of ready agents for each queue, six frozen slotted facts a
lifecycle, appended to a list. It refuses nothing, checks nothing, remembers no caller and can lose everything.
`LeanBare` does the same with facts as the core makes them.
"""

import random
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from sortedcontainers import SortedList

from benchmarks.centre import START_MS, Case, Draw


class Key(NamedTuple):
    """A call's place in line."""

    rank: int
    since_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Queued:
    at_ms: int
    call: int
    queue: int
    priority: int


@dataclass(frozen=True, slots=True)
class Offered:
    at_ms: int
    call: int
    agent: int


@dataclass(frozen=True, slots=True)
class Answered:
    at_ms: int
    call: int
    agent: int


@dataclass(frozen=True, slots=True)
class Connected:
    at_ms: int
    call: int
    agent: int


@dataclass(frozen=True, slots=True)
class Ended:
    at_ms: int
    call: int
    agent: int


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    at_ms: int
    agent: int


class Bare:
    """The same centre, bare. Its facts are the frozen, slotted ones that Python itself has."""

    _Queued, _Offered, _Answered = Queued, Offered, Answered
    _Connected, _Ended, _WrapUpEnded = Connected, Ended, WrapUpEnded

    def __init__(self, case: Case) -> None:
        self.case = case
        self.now_ms = START_MS
        self.facts: list[object] = []
        self._queues_of = case.memberships()
        self._draws = case.draws()
        self._waiting: list[SortedList[Key]] = [SortedList() for _ in range(case.queues)]
        self._ready: list[SortedList[tuple[int, int]]] = [SortedList() for _ in range(case.queues)]
        self._talking: deque[tuple[int, int]] = deque()
        """Agents and their calls."""
        self._free_since = [0] * case.agents
        self._prepared: deque[Draw] = deque()
        self._number = 0

    # --- Setting up -----------------------------------------------------------------------------------------------

    def log_in(self) -> None:
        """Every agent is ready."""
        for agent in range(self.case.agents):
            self._list(agent)

    def get_busy(self) -> None:
        """Every agent talks."""
        for agent in range(self.case.agents):
            self._unlist(agent)
            self._talking.append((agent, 0))
        random.Random(self.case.name).shuffle(self._talking)

    def fill(self) -> None:
        """As many wait as the case says."""
        for _ in range(self.case.waiting):
            draw = next(self._draws)
            self._number += 1
            self._waiting[draw.queue].add(Key(-draw.priority, self.now_ms - draw.waited_ms, self._number))

    # --- At work --------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Let go of the facts: nobody reads them here."""
        self.facts.clear()

    def prepare(self, count: int) -> None:
        """Draw the next calls."""
        self._prepared.extend(next(self._draws) for _ in range(count))

    def lifecycles(self, count: int) -> None:
        """So many of those that are prepared, every agent being busy."""
        for _ in range(count):
            self.now_ms += self.case.step_ms
            self._arrive(self._prepared.popleft())
            agent = self._release()
            call = self._best_call(agent)
            assert call is not None, "enough are waiting"
            self._talk(call, agent)

    def idle_lifecycles(self, count: int) -> None:
        """So many of those that are prepared, every agent being ready: one call at a time."""
        for _ in range(count):
            draw = self._prepared.popleft()
            self._arrive(draw)
            agent = self._ready[draw.queue][0][1]
            self._unlist(agent)
            self._talk(self._waiting[draw.queue].pop(0).number, agent)
            self.now_ms += 1
            self._list(self._release())

    def _arrive(self, draw: Draw) -> None:
        self._number += 1
        self._waiting[draw.queue].add(Key(-draw.priority, self.now_ms, self._number))
        self.facts.append(self._Queued(self.now_ms, self._number, draw.queue, draw.priority))

    def _release(self) -> int:
        agent, call = self._talking.popleft()
        self.facts.append(self._Ended(self.now_ms, call, agent))
        self.facts.append(self._WrapUpEnded(self.now_ms, agent))
        return agent

    def _best_call(self, agent: int) -> int | None:
        best: Key | None = None
        best_line = None
        for queue in self._queues_of[agent]:
            line = self._waiting[queue]
            if line and (best is None or line[0] < best):
                best, best_line = line[0], line
        return None if best_line is None else best_line.pop(0).number

    def _talk(self, call: int, agent: int) -> None:
        self.facts.append(self._Offered(self.now_ms, call, agent))
        self.facts.append(self._Answered(self.now_ms, call, agent))
        self.facts.append(self._Connected(self.now_ms, call, agent))
        self._talking.append((agent, call))

    def _list(self, agent: int) -> None:
        self._free_since[agent] = self.now_ms
        for queue in self._queues_of[agent]:
            self._ready[queue].add((self.now_ms, agent))

    def _unlist(self, agent: int) -> None:
        for queue in self._queues_of[agent]:
            self._ready[queue].remove((self._free_since[agent], agent))


# --- With facts like the core's own --------------------------------------------------------------------------------


class LeanQueued(msgspec.Struct, frozen=True):
    at_ms: int
    call: int
    queue: int
    priority: int


class LeanOffered(msgspec.Struct, frozen=True):
    at_ms: int
    call: int
    agent: int


class LeanAnswered(msgspec.Struct, frozen=True):
    at_ms: int
    call: int
    agent: int


class LeanConnected(msgspec.Struct, frozen=True):
    at_ms: int
    call: int
    agent: int


class LeanEnded(msgspec.Struct, frozen=True):
    at_ms: int
    call: int
    agent: int


class LeanWrapUpEnded(msgspec.Struct, frozen=True):
    at_ms: int
    agent: int


class LeanBare(Bare):
    """The bare loop with structs of msgspec, which are made in a fifth of the time."""

    _Queued, _Offered, _Answered = LeanQueued, LeanOffered, LeanAnswered  # type: ignore[assignment]
    _Connected, _Ended, _WrapUpEnded = LeanConnected, LeanEnded, LeanWrapUpEnded  # type: ignore[assignment]
