"""What goes wrong: links, servers, phones and the engine, so often an hour. All of it is counted by kind."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from acd.simulate.chance import Distribution, draw_ms
from acd.simulate.reloads import Reloads
from acd.simulate.scenario import Demand, Trouble
from acd.simulate.staff import AtWork, Staff
from acd.simulate.world import Recurring, World
from acd.telephony.simulated import Faults

LONGEST_MS: Final = 600_000
"""No link, no phone and no engine is away for longer."""
MEND_MS: Final = 1_000


class TroubleMaker:
    """Makes trouble between `start` and `stop`. After that every link is whole again."""

    def __init__(
        self,
        world: World,
        trouble: Trouble | None,
        servers: Sequence[str],
        demands: Sequence[Demand],
        staff: Staff,
        kill: Callable[[int], None],
    ) -> None:
        """`kill`: the engine is to be gone for so long."""
        self._world = world
        self._trouble = trouble or Trouble()
        self._is_any = trouble is not None
        self._servers = servers
        self._staff = staff
        self._chance = world.streams.stream("trouble")
        self._made: Counter[str] = Counter()
        self._recurring = [entry for server in servers for entry in self._at_server(server)]
        self._recurring += [self._at_phone(agent) for agent in staff.agents.values()]
        self._reloads = Reloads(world, demands, staff, world.streams.stream("reloads"))
        self._recurring.append(self._often(self._trouble.reloads, "reload", self._reloads.reload))
        when = world.streams.stream("kills")
        self._recurring.append(
            Recurring(world, self._trouble.kills, lambda: kill(_within(self._trouble.kill, when)), when)
        )

    def _at_server(self, server: str) -> list[Recurring]:
        trouble, world = self._trouble, self._world
        return [
            self._often(
                trouble.link_cuts, "link cut", lambda: world.phones.cut_link(server, self._for(trouble.link_cut))
            ),
            self._often(trouble.link_silences, "link gone silent", lambda: world.phones.lose_link_unnoticed(server)),
            self._often(
                trouble.restarts,
                "server restarted",
                lambda: world.phones.restart_server(server, self._for(trouble.restart)),
            ),
        ]

    def _at_phone(self, agent: AtWork) -> Recurring:
        return self._often(
            self._trouble.phone_outages, "phone unplugged", lambda: agent.unplug(self._for(self._trouble.phone_outage))
        )

    def _often(self, per_hour: float, kind: str, do: Callable[[], None]) -> Recurring:
        def happen() -> None:
            self._made[kind] += 1
            do()

        return Recurring(self._world, per_hour, happen, self._chance)

    def _for(self, distribution: Distribution) -> int:
        return _within(distribution, self._chance)

    @property
    def made(self) -> Counter[str]:
        """How often what went wrong, reports and actions included."""
        return self._made + Counter(
            {str(kind): times for kind, times in self._world.phones.exchange.chance.mishaps.items()}
        )

    def start(self) -> None:
        self._world.phones.exchange.faults = self._trouble.reports
        for entry in self._recurring:
            entry.start()

    def stop(self) -> None:
        """Nothing goes wrong any more. Each link comes up once more, so that what was never told is settled."""
        if not self._is_any:
            return
        self._world.phones.exchange.faults = Faults()
        for entry in self._recurring:
            entry.stop()
        self._reloads.restore()
        for server in self._servers:
            self._world.phones.cut_link(server, MEND_MS)


def _within(distribution: Distribution, chance: Random) -> int:
    return min(LONGEST_MS, max(1, draw_ms(distribution, chance)))
