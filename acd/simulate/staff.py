"""Agents: they come and go by their shifts, take breaks, answer or not, end wrap-ups early, and call each other."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from acd.model import AgentId, Phone
from acd.router import facts as f
from acd.router import inputs as i
from acd.router.settings import AgentSettings
from acd.simulate.chance import PER_MILLE, draw_ms, hits
from acd.simulate.scenario import DAY_MS, Break, Employee, Habits
from acd.simulate.world import Recurring, World
from acd.telephony.simulated import Answer, Behaviour, Busy, Decline, Fail, Ring, Unregistered

DECLINES_AFTER_MS: Final = 2_000
DISPOSES_AFTER_MS: Final = 20_000


class AtWork:
    """One agent, day after day."""

    def __init__(
        self, world: World, employee: Employee, outside: Phone, days: int, dispositions: Sequence[str] = ()
    ) -> None:
        assert employee.settings.phone is not None, f"{employee.settings.id} has no phone"
        self.id: AgentId = employee.settings.id
        self.phone: Phone = employee.settings.phone
        self._is_there = False
        self._stays = False
        """Whether the shift's end does not count today."""
        self._unplugged_until_ms = 0
        self._world = world
        self._employee = employee
        self._days = days
        self._outside = outside
        self._chance = world.streams.stream(f"agent {self.id}")
        self._after_work = world.streams.stream(f"wrap-ups of {self.id}")
        self._dispositions = dispositions
        world.phones.phone(self.phone, home=employee.home).plan = self._behave
        habits = employee.habits
        direct_calls = world.streams.stream(f"direct calls of {self.id}")
        self._direct_calls = Recurring(world, habits.direct_calls_per_hour, self._call_direct, direct_calls)

    @property
    def _habits(self) -> Habits:
        return self._employee.habits

    @property
    def settings(self) -> AgentSettings:
        return self._employee.settings

    # --- Days -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Plan every day, from the first midnight on."""
        self._direct_calls.start()
        shift = self._employee.shift
        if shift is None:
            self.come()
            return
        for day in range(self._days):
            self._at(day, shift.begin_ms, self.come)
            for pause in shift.breaks:
                self._plan_break(day, pause)
            self._at(day, shift.end_ms, self._go)

    def stay(self) -> None:
        """Come, or come back, and stay until told to leave. The phone is in order and calls nobody by itself."""
        self._stays = True
        self._direct_calls.stop()
        self._unplugged_until_ms = 0
        self.come()

    def leave(self) -> None:
        self._stays = False
        self._go()

    def _at(self, day: int, of_day_ms: int, do: Callable[[], None]) -> None:
        self._world.clock.call_at(self._world.begin_ms + day * DAY_MS + of_day_ms, do)

    def _plan_break(self, day: int, pause: Break) -> None:
        begin_ms = pause.at_ms + self._chance.randrange(pause.leeway_ms + 1)
        self._at(day, begin_ms, partial(self._pause, pause.reason))
        self._at(day, begin_ms + pause.lasts_ms, self._return)

    def come(self) -> None:
        """Log in and be ready, whatever was before."""
        self._is_there = True
        self._world.ask(i.LogIn(request=self._world.new_request(), agent=self.id, by=self.id))
        self._world.ask(i.GetReady(request=self._world.new_request(), agent=self.id, by=self.id))

    def is_back(self) -> None:
        """Configured as before: at work again who was there."""
        if self._is_there:
            self.come()

    def _pause(self, reason: str) -> None:
        if self._is_there and not self._stays:
            self._world.ask(i.Pause(request=self._world.new_request(), agent=self.id, by=self.id, reason=reason))

    def _return(self) -> None:
        if self._is_there:
            self._world.ask(i.GetReady(request=self._world.new_request(), agent=self.id, by=self.id))

    def _go(self) -> None:
        """Log out; a call in hand goes on."""
        if self._is_there and not self._stays:
            self._is_there = False
            self._world.ask(i.LogOut(request=self._world.new_request(), agent=self.id, by=self.id))

    # --- Calls ------------------------------------------------------------------------------------------------

    def _behave(self) -> Behaviour:
        """What the phone does this time."""
        if self._world.clock.now_ms() < self._unplugged_until_ms:
            return Unregistered()
        habits, chance = self._habits, self._chance
        at = chance.randrange(PER_MILLE)
        for share, behaviour in (
            (habits.declines, Decline(DECLINES_AFTER_MS)),
            (habits.ignores, Ring()),
            (habits.is_busy, Busy()),
            (habits.fails, Fail()),
            (habits.is_unreachable, Unregistered()),
        ):
            if at < share:
                return behaviour
            at -= share
        hang_up_after_ms = draw_ms(habits.hangs_up_after, chance) if hits(habits.hangs_up, chance) else None
        after_ms = draw_ms(habits.answers_after, chance)
        return Answer(after_ms, None if hang_up_after_ms is None else after_ms + hang_up_after_ms)

    def wraps_up(self, fact: f.WrapUpStarted) -> None:
        """Some wrap-ups are done before their time, some need more; most say in time what came of the call."""
        lasts_ms = max(1, fact.until_ms - fact.at_ms)
        if hits(self._habits.finishes_early, self._chance):
            self._world.after(self._chance.randrange(lasts_ms), self._finish)
        elif fact.extendable_until_ms is not None and hits(self._habits.extends, self._after_work):
            self._world.after(self._after_work.randrange(lasts_ms), self._extend)
        if fact.needs_disposition and not hits(self._habits.forgets, self._after_work):
            self._world.after(self._after_work.randrange(lasts_ms), self._dispose)

    def is_reminded(self) -> None:
        """Not ready again before it is said what came of the call."""
        self._world.after(DISPOSES_AFTER_MS, self._dispose)

    def _extend(self) -> None:
        self._world.ask(i.ExtendWrapUp(request=self._world.new_request(), agent=self.id, by=self.id))

    def _dispose(self) -> None:
        disposition = self._dispositions[self._after_work.randrange(len(self._dispositions))]
        request = self._world.new_request()
        self._world.ask(i.SetDisposition(request=request, agent=self.id, by=self.id, disposition=disposition))

    def _finish(self) -> None:
        self._world.ask(i.EndWrapUp(request=self._world.new_request(), agent=self.id, by=self.id))

    # --- Direct calls -----------------------------------------------------------------------------------------

    def _call_direct(self) -> None:
        exchange = self._world.phones.exchange
        ends = [self.phone, self._outside]
        self._chance.shuffle(ends)
        talk_ms = draw_ms(self._habits.direct_talk, self._chance)
        if self._is_there and all(exchange.phones[end].state == "idle" for end in ends):
            call = exchange.dial(*ends)
            self._world.after(talk_ms, partial(call.put_down, "hung-up"))

    def unplug(self, for_ms: int) -> None:
        """The phone cannot be reached for a while."""
        self._unplugged_until_ms = self._world.clock.now_ms() + for_ms


class Staff:
    """All of them. A reader of facts tells it of wrap-ups."""

    def __init__(
        self, world: World, employees: tuple[Employee, ...], days: int, dispositions: Sequence[str] = ()
    ) -> None:
        self.agents: dict[AgentId, AtWork] = {}
        for number, employee in enumerate(employees):
            outside = Phone(f"out-{number}")
            world.phones.phone(outside, watched=False).behave(Answer(DECLINES_AFTER_MS))
            self.agents[employee.settings.id] = AtWork(world, employee, outside, days, dispositions)

    def start(self) -> None:
        for agent in self.agents.values():
            agent.start()

    def stay(self) -> None:
        """All hands, for whoever still waits."""
        for agent in self.agents.values():
            agent.stay()

    def are_back(self) -> None:
        """The engine began anew, and knows of nobody who is there."""
        for agent in self.agents.values():
            agent.is_back()

    def leave(self) -> None:
        """Everyone goes home."""
        for agent in self.agents.values():
            agent.leave()

    def hear(self, facts: Sequence[f.Fact]) -> None:
        """Committed facts."""
        for fact in facts:
            if type(fact) is f.WrapUpStarted:
                self.agents[fact.agent].wraps_up(fact)
            elif type(fact) is f.DispositionMissed:
                self.agents[fact.agent].is_reminded()
