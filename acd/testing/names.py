"""Names for humans in tests: a call is called like its channel, an offer after its agent and its call."""

from collections import Counter

from acd.model import AgentId, CallId, ChannelId, Line, OfferId, ServerId
from acd.router import facts as f

FIRST_SERVER = ServerId("a")
"""Where a channel is if nobody says otherwise."""


class Names:
    """Who is meant by `C1` and by `ana/C1`, learnt from what was said and from the facts."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self._line_names: dict[Line, str] = {}
        self._names: dict[CallId | OfferId, str] = {}
        self._given: Counter[str] = Counter()
        self._calls: dict[str, CallId] = {}
        self._offers: dict[str, OfferId] = {}
        self._last_offer: dict[AgentId, OfferId] = {}

    def line(self, name: str, server: str | None = None) -> Line:
        """The channel of this name; it stays on the server on which it was first mentioned."""
        if name not in self.lines:
            line = Line(ServerId(server) if server else FIRST_SERVER, ChannelId(name))
            self.lines[name] = line
            self._line_names[line] = name
        return self.lines[name]

    def offer(self, agent: str, call: str | None = None) -> OfferId:
        """The agent's last offer, or the one for a call (`C1`, or `C1#2` for the second). Raises `KeyError`."""
        if call is None:
            return self._last_offer[AgentId(agent)]
        return self._offers[f"{agent}/{call}"]

    def call(self, name: str) -> CallId:
        """The call of this name; one that was never heard of is called so."""
        return self._calls.get(name, CallId(name))

    def learn(self, fact: f.Fact) -> None:
        """Take in the names that the fact gives."""
        match fact:
            case f.CallQueued():
                self._calls[self._give(fact.call, fact.line.channel)] = fact.call
            case f.OfferMade():
                name = self._give(fact.offer, f"{fact.agent}/{self.of(fact.call)}")
                self._offers[name] = fact.offer
                self._last_offer[fact.agent] = fact.offer
            case _:
                pass

    def of(self, thing: CallId | OfferId) -> str:
        """The name of a call or an offer; one that was never heard of keeps its id."""
        return self._names.get(thing, str(thing))

    def _give(self, thing: CallId | OfferId, name: str) -> str:
        """The second of one name is `#2`."""
        self._given[name] += 1
        self._names[thing] = name if self._given[name] == 1 else f"{name}#{self._given[name]}"
        return self._names[thing]
