"""The phone system itself: servers, phones and callers. It lives on whether or not an engine is connected."""

from collections import Counter
from collections.abc import Callable, Sequence

from acd.model import Caller, Kind, OfferId, Phone, QueueId, ServerId
from acd.telephony.port import CodeRequest
from acd.telephony.simulated.calls import Asked, SimulatedCall
from acd.telephony.simulated.direct import CodeCall, DirectCall
from acd.telephony.simulated.legs import Leg
from acd.telephony.simulated.phones import SimulatedPhone
from acd.telephony.simulated.server import Server
from acd.telephony.simulated.site import Site
from acd.telephony.simulated.timing import Chance, Clock, Faults, Rules, Steps


class Exchange:
    """Servers, phones and callers. The same seed and the same events on the same clock give the same calls."""

    def __init__(
        self,
        clock: Clock,
        servers: Sequence[str] = ("sim",),
        *,
        seed: int = 0,
        rules: Rules | None = None,
        steps: Steps | None = None,
    ) -> None:
        self.clock = clock
        self.rules = rules or Rules()
        self.steps = steps or Steps()
        self.faults = Faults()
        """What goes wrong from now on."""
        self.chance = Chance(seed)
        self.phones: dict[Phone, SimulatedPhone] = {}
        self.servers: dict[ServerId, Server] = {}
        self._watchers: list[Callable[[], None]] = []
        for name in servers:
            self.server(name)

    def server(self, name: str) -> Server:
        """The server of that name, built where it is new."""
        id_ = ServerId(name)
        if id_ not in self.servers:
            site = Site(id_, self.clock, self.rules, self.steps, self.chance, self._changed)
            self.servers[id_] = Server(site, self.phones.get)
        return self.servers[id_]

    def phone(self, number: str, home: str | None = None, *, watched: bool = True) -> SimulatedPhone:
        """The phone of that number, put up where it is new. Without a home it is reached from every server."""
        id_ = Phone(number)
        if id_ not in self.phones:
            site = self.server(home or next(iter(self.servers))).site
            self.phones[id_] = SimulatedPhone(id_, site, roams=home is None, watched=watched)
        return self.phones[id_]

    def place_call(self, server: str | None, asked: Asked) -> SimulatedCall:
        """The operator's dialplan hands a caller over."""
        return SimulatedCall(self.server(server or next(iter(self.servers))).site, asked)

    def dial(self, dialler: Phone, callee: Phone) -> DirectCall:
        """One phone calls another, past all queues."""
        return DirectCall(self.phones[dialler], self.phones[callee])

    def transfer(self, phone: Phone, queue: str) -> None:
        """An agent's phone passes its caller on to a queue, past the engine (a blind transfer)."""
        channels = [channel for server in self.servers.values() for channel in server.site.channels.values()]
        legs = [leg for leg in channels if isinstance(leg, Leg) and leg.phone is self.phones[phone]]
        assert legs, f"phone {phone} has no caller"
        legs[0].transfer(QueueId(queue))

    def key_in(
        self, phone: Phone, request: CodeRequest, agent_number: str, pin: str, number: int | None = None
    ) -> CodeCall:
        """An agent dials a feature code; the answer is among what the phone has spoken."""
        return CodeCall(self.phones[phone], request, agent_number, pin, number)

    @property
    def invites(self) -> Counter[str]:
        """How often a phone was called for each offer: never more than once, if all is well."""
        total: Counter[str] = Counter()
        for phone in self.phones.values():
            total.update({id_: times for id_, times in phone.invites.items() if not id_.startswith("direct-")})
        return total

    @property
    def channels(self) -> list[str]:
        """All that is alive on all servers."""
        return [channel for server in self.servers.values() for channel in server.site.channels]

    @property
    def refused(self) -> list[OfferId]:
        """Orders to ring that were refused because their leg was alive already."""
        return [offer for server in self.servers.values() for offer in server.refused]

    def watch(self, callback: Callable[[], None]) -> None:
        """Be called after every change."""
        self._watchers.append(callback)

    def _changed(self) -> None:
        for callback in self._watchers:
            callback()


def asked(
    queue: str,
    number: str = "",
    name: str = "",
    priority: int = 0,
    skills: Sequence[str] = (),
    patience_ms: int | None = None,
    talk_ms: int | None = None,
    kind: Kind = "inbound",
    waited_ms: int = 0,
) -> Asked:
    """What a caller wants, from plain words."""
    return Asked(
        queue=QueueId(queue),
        caller=Caller(number, name),
        priority=priority,
        skills=tuple(skills),
        patience_ms=patience_ms,
        talk_ms=talk_ms,
        kind=kind,
        waited_ms=waited_ms,
    )
