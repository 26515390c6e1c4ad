"""One run: its people come and go as the scenario says, what an observer raises ends it, and what is left is named."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import pytest

from acd.core import Core, Fact, Input
from acd.journal.port import Entry
from acd.model import AgentId, Line, Phone, QueueId
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings, CallbackOffer, Ends, PauseReason, QueueSettings, RouterSettings
from acd.simulate import (
    Break,
    Demand,
    Employee,
    Exponential,
    Fixed,
    Habits,
    Result,
    Scenario,
    Shift,
    Trouble,
    contact_centre,
    simulate,
)
from acd.simulate.run import BEGIN_MS, Simulation
from acd.simulate.scenario import DAY_MS, HOUR_MS, MINUTE_MS
from acd.telephony.simulated import Faults

T = TypeVar("T")
SALES = QueueId("sales")


def _scenario(habits: Habits | None = None, shift: Shift | None = None, **changed: Any) -> Scenario:
    """Two agents, one queue, twenty calls an hour from nine to twelve."""
    hours = (0.0,) * 9 + (20.0,) * 3 + (0.0,) * 12
    agents = [AgentSettings(AgentId(f"a{n}"), f"A{n}", Phone(f"100{n}"), (SALES,)) for n in (1, 2)]
    demand = Demand(queue=QueueSettings(SALES, "Sales"), calls_by_hour=hours, talk=Exponential(60_000))
    scenario = Scenario(
        demands=(demand,),
        employees=tuple(Employee(settings=agent, shift=shift, habits=habits or Habits()) for agent in agents),
        router=RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),), misses_before_pause=None),
    )
    return msgspec.structs.replace(scenario, **changed)


class Heard:
    """An observer that keeps all facts."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def __call__(self, _core: Core, entries: Sequence[Entry]) -> None:
        self.facts += [fact for entry in entries for fact in entry.facts]

    def all(self, kind: type[T]) -> list[T]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


def _run(scenario: Scenario, seed: int = 1) -> tuple[Heard, Result]:
    heard = Heard()
    return heard, simulate(scenario, seed, observers=[heard])


def _hours(at_ms: int) -> float:
    return (at_ms - BEGIN_MS) / HOUR_MS


def test_agents_work_their_shifts_and_take_their_breaks_every_day() -> None:
    lunch = Break(reason="lunch", at_ms=11 * HOUR_MS, lasts_ms=HOUR_MS // 2, leeway_ms=HOUR_MS // 2)
    shift = Shift(begin_ms=8 * HOUR_MS, end_ms=13 * HOUR_MS, breaks=(lunch,))
    heard, result = _run(_scenario(shift=shift, days=3))
    mine = [fact for fact in heard.facts if getattr(fact, "agent", None) == "a1"]
    came = [_hours(fact.at_ms) for fact in mine if isinstance(fact, f.AgentLoggedIn)]
    assert came[:3] == [8, 32, 56]
    left = [_hours(fact.at_ms) for fact in mine if isinstance(fact, f.AgentLoggedOut)]
    assert left[:2] == [13, 37]
    for day, paused in enumerate(fact for fact in mine if isinstance(fact, f.AgentPaused)):
        assert day * 24 + 11 <= _hours(paused.at_ms) <= day * 24 + 11.5
        assert paused.reason == "lunch"
    assert result.left == ()


def test_calls_come_in_their_hours_only() -> None:
    heard, result = _run(_scenario(days=4))
    came = [_hours(fact.at_ms) % 24 for fact in heard.all(f.CallQueued)][: result.calls]
    assert all(9 <= hour < 12 for hour in came)
    assert 180 < result.calls < 300
    assert result.opening_hours == 12


def test_phones_behave_by_their_habits() -> None:
    habits = Habits(declines=100, ignores=100, is_busy=100, fails=100, is_unreachable=100, answers_after=Fixed(3_000))
    _, result = _run(_scenario(habits, days=20))
    for outcome in ("declined", "no-answer", "busy", "failed", "unreachable"):
        assert 0.07 < result.offers[outcome] / (result.offers.total() + result.total.answered) < 0.13, outcome
    assert result.left == ()
    assert result.total.wait_ms(0.0) >= 3_000


def test_agents_end_conversations_and_wrap_ups() -> None:
    habits = Habits(hangs_up=1_000, hangs_up_after=Fixed(5_000), finishes_early=500)
    heard, _ = _run(_scenario(habits, days=10))
    by = Counter(fact.ended_by for fact in heard.all(f.CallEnded))
    assert by["agent"] > 5 * by["caller"]
    wraps = Counter(fact.by == "time" for fact in heard.all(f.WrapUpEnded))
    assert 0.4 < wraps[True] / wraps.total() < 0.6


def test_agents_are_on_direct_calls_while_they_are_there() -> None:
    shift = Shift(begin_ms=8 * HOUR_MS, end_ms=13 * HOUR_MS)
    heard, result = _run(_scenario(Habits(direct_calls_per_hour=10), shift, days=5))
    direct = heard.all(f.DirectCallStarted)
    assert {fact.direction for fact in direct} == {"in", "out"}
    assert all(8 <= _hours(fact.at_ms) % 24 < 13 for fact in direct)
    assert 2 * 5 * 5 * 10 * 0.6 < len(direct) < 2 * 5 * 5 * 10 * 1.2
    talked = Counter(fact.talked_ms is not None for fact in heard.all(f.DirectCallEnded))
    assert talked[True] > 5 * talked[False]
    assert result.left == ()


def test_queue_closes_and_opens_by_its_hours_and_is_open_in_the_end() -> None:
    scenario = _scenario(days=2)
    demand = msgspec.structs.replace(
        scenario.demands[0], closed=((10 * HOUR_MS, 11 * HOUR_MS), (11 * HOUR_MS + MINUTE_MS, 13 * HOUR_MS))
    )
    heard, result = _run(msgspec.structs.replace(scenario, demands=(demand,)))
    closed = [_hours(fact.at_ms) for fact in heard.all(f.QueueClosed)]
    assert closed == pytest.approx([10, 11 + 1 / 60, 34, 35 + 1 / 60])
    opened = [_hours(fact.at_ms) for fact in heard.all(f.QueueOpened)]
    assert opened == pytest.approx([11, 13, 35, 36], abs=0.01), "after the days it is open, whatever its hours"
    assert {fact.reason for fact in heard.all(f.CallRefused)} == {"queue-closed"}
    assert result.left == ()


def test_who_was_promised_it_is_called_back() -> None:
    scenario = _scenario(days=2)
    queue = QueueSettings(SALES, "Sales", max_length=0, ends=Ends(full=CallbackOffer()))
    demand = msgspec.structs.replace(scenario.demands[0], queue=queue)
    heard, result = _run(msgspec.structs.replace(scenario, demands=(demand,)))
    promised = [fact.since_ms for fact in heard.all(f.CallbackOffered)]
    called = [fact.since_ms for fact in heard.all(f.CallQueued)]
    assert len(promised) == result.calls + 1
    assert len(called) == result.outcomes["called back"] > 0.8 * len(promised), "but for the last ones of all"
    stood = [min(abs(since_ms - came_ms) for came_ms in promised) for since_ms in called]
    assert max(stood) <= 10, "each stands where the caller stood, but for the way to the engine"
    assert result.left == ()


def test_callers_without_an_agent_wait_until_all_hands_come() -> None:
    shift = Shift(begin_ms=20 * HOUR_MS, end_ms=21 * HOUR_MS)
    heard, result = _run(_scenario(shift=shift))
    assert result.left == ()
    assert result.outcomes == {"spoke": result.calls + 1}
    first = heard.all(f.CallConnected)[0]
    assert _hours(first.at_ms) >= 12


def test_trouble_is_made_and_ends() -> None:
    trouble = Trouble(
        link_cuts=4, link_silences=2, restarts=1, phone_outages=1, reports=Faults(report_doubled=100, report_lost=10)
    )
    heard, result = _run(_scenario(trouble=trouble, servers=("north", "south"), days=2))
    for kind, often in (("link cut", 4), ("link gone silent", 2), ("server restarted", 1), ("phone unplugged", 1)):
        assert result.faults[kind] == pytest.approx(often * 2 * 36, rel=0.5), kind
    assert result.faults["report doubled"] > 0
    quiet = [fact for fact in heard.all(f.ServerWentQuiet) if fact.at_ms > BEGIN_MS + DAY_MS + 12 * HOUR_MS + MINUTE_MS]
    assert quiet == []
    assert result.left == ()


class Lives:
    """What each engine of a run said: one journal after the other."""

    def __init__(self, heard: Heard) -> None:
        self.journals: list[list[Fact]] = []
        for fact in heard.facts:
            if isinstance(fact, f.JournalOpened):
                self.journals.append([])
            self.journals[-1].append(fact)

    def of(self, number: int, kind: type[T]) -> list[T]:
        return [fact for fact in self.journals[number] if isinstance(fact, kind)]

    def lines(self, number: int) -> dict[Line, f.CallQueued]:
        """Who was handed over, for the first time."""
        return {fact.line: fact for fact in reversed(self.of(number, f.CallQueued))}

    def talking(self, number: int) -> list[Line]:
        """Who had somebody on the line at the end."""
        lines = {fact.call: fact.line for fact in self.of(number, f.CallQueued)}
        ended = {fact.call for fact in self.of(number, f.CallEnded)}
        return [lines[fact.call] for fact in self.of(number, f.CallConnected) if fact.call not in ended]


def _busy(trouble: Trouble) -> Scenario:
    """Conversations so long that callers have to wait."""
    scenario = _scenario(trouble=trouble, days=4)
    demand = msgspec.structs.replace(scenario.demands[0], talk=Exponential(240_000))
    return msgspec.structs.replace(scenario, demands=(demand,))


def test_killed_engine_begins_anew_with_the_callers_who_waited_and_parts_nobody() -> None:
    """R23, R24."""
    heard, result = _run(_busy(Trouble(kills=10, kill=Fixed(5_000))))
    assert result.left == ()
    lives = Lives(heard)
    assert len(lives.journals) == result.faults["engine killed"] + result.faults["engine killed in a commit"] + 1 > 400
    assert result.faults["engine killed in a commit"] > 40
    assert len({fact.tag for fact in heard.all(f.JournalOpened)}) == len(lives.journals)
    found, talking = 0, 0
    for number in range(1, len(lives.journals)):
        before, after = lives.lines(number - 1), lives.lines(number)
        began_ms = lives.journals[number][0].at_ms
        assert {fact.agent for fact in lives.of(number, f.AgentLoggedIn)} == {"a1", "a2"}
        for line in before.keys() & after.keys():
            found += 1
            assert abs(after[line].since_ms - before[line].since_ms) < 100, "each stands where the caller stood"
            assert after[line].since_ms < began_ms
        talking += len(lives.talking(number - 1))
        assert after.keys().isdisjoint(lives.talking(number - 1)), "who talks goes on talking"
    assert found > 10
    assert talking > 10
    assert result.outcomes["lost"] == 0
    assert result.total.lost >= found


def test_callers_of_an_engine_that_is_gone_for_long_are_the_dialplans_until_it_is_back() -> None:
    heard, result = _run(_busy(Trouble(kills=6, kill=Fixed(90_000))))
    assert result.left == ()
    assert result.outcomes["no-engine"] > 0
    assert result.outcomes["lost"] > 0
    closed = [fact for fact in heard.facts if fact.at_ms > BEGIN_MS + 3 * DAY_MS + 12 * HOUR_MS + MINUTE_MS]
    assert not [fact for fact in closed if isinstance(fact, f.JournalOpened)], "nobody kills it once the days are over"


def test_queue_that_was_closed_is_closed_to_an_engine_that_begins_anew() -> None:
    scenario = _scenario(trouble=Trouble(kills=20, kill=Fixed(2_000)), days=2)
    demand = msgspec.structs.replace(scenario.demands[0], closed=((10 * HOUR_MS, 11 * HOUR_MS),))
    heard, result = _run(msgspec.structs.replace(scenario, demands=(demand,)))
    assert len(heard.all(f.QueueClosed)) > 20
    came = [_hours(fact.at_ms) % 24 for fact in heard.all(f.CallQueued) if fact.at_ms - fact.since_ms < 1_000]
    assert came
    assert [hour for hour in came if 10.001 < hour < 11] == []
    assert result.left == ()


async def test_reloads_change_queues_and_agents_and_all_is_put_back() -> None:
    centre = msgspec.structs.replace(contact_centre(agents=6, queues=3, calls_per_hour=40), trouble=Trouble(reloads=30))
    heard = Heard()
    simulation = Simulation(centre, 1, [heard])
    result = await simulation.run()
    assert result.left == ()
    assert result.faults["reload"] > 100
    assert {fact.settings.strategy for fact in heard.all(f.QueueConfigured) if fact.settings.id == SALES} == {
        "longest-idle",
        "round-robin",
    }
    assert heard.all(f.AgentRetired)
    state = simulation.core.state
    assert [agent.settings for agent in state.agents.values() if agent.retired] == []
    assert {agent.settings.id: agent.settings for agent in state.agents.values()} == {
        employee.settings.id: employee.settings for employee in centre.employees
    }
    assert [queue.settings for queue in state.queues.values()] == [demand.queue for demand in centre.demands]


@pytest.mark.long
def test_ordinary_days_hold_breaks_that_end_by_themselves_extensions_dispositions_and_callbacks() -> None:
    heard, result = _run(contact_centre(agents=10, queues=5, faults=False))
    assert result.left == ()
    by_time = [fact for fact in heard.all(f.AgentBecameReady) if fact.by == "system"]
    for seen in (by_time, *(heard.all(kind) for kind in (f.PauseOverdue, f.WrapUpExtended))):
        assert seen
    owed, given = heard.all(f.DispositionMissed), heard.all(f.DispositionSet)
    assert 0 < len(owed) < len(given)
    assert {fact.call for fact in owed} <= {fact.call for fact in given}
    assert [fact for fact in heard.all(f.CallQueued) if fact.kind == "callback"]
    assert [fact for fact in heard.all(f.CallQueued) if fact.last_agent]
    assert "time" in {fact.reason for fact in heard.all(f.PreferenceLapsed)}


def test_what_an_observer_raises_ends_the_run_and_says_where() -> None:
    def refuse(_core: Core, entries: Sequence[Entry]) -> None:
        if any(isinstance(fact, f.CallConnected) for entry in entries for fact in entry.facts):
            raise AssertionError("no connections here")

    with pytest.raises(AssertionError, match="no connections here") as caught:
        simulate(_scenario(), 5, observers=[refuse])
    (note,) = caught.value.__notes__
    assert note.startswith("seed 5, 9.")


async def test_failure_of_the_core_is_what_the_run_fails_with(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = Simulation(_scenario(), 6)
    handle = simulation.core.handle

    def fail(asked: Input, now_ms: int) -> list[Fact]:
        assert not isinstance(asked, i.LegBridged), "a broken core"
        return handle(asked, now_ms)

    monkeypatch.setattr(simulation.core, "handle", fail)
    with pytest.raises(AssertionError, match="a broken core") as caught:
        await simulation.run()
    assert caught.value.__notes__[0].startswith("seed 6, 9.")


async def test_run_leaves_no_task_behind() -> None:
    await Simulation(_scenario(), 1).run()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_caller_whom_nobody_serves_is_named() -> None:
    """Nobody is assigned to the queue: its callers wait in vain, and that is what the run says."""
    nobody = msgspec.structs.replace(_scenario().employees[0].settings, queues=())
    result = simulate(_scenario(employees=(Employee(settings=nobody),)), 1)
    assert "a caller for sales was not served: still on the line" in result.left
    assert [what for what in result.left if "calls and offers in the books" in what]
