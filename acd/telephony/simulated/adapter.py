"""The simulated phone system behind the telephony port."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import structlog

from acd.config import ServerSettings
from acd.core import Fact
from acd.model import CallId, Kind, Line, OfferId, Phone, ServerId
from acd.router import facts as f
from acd.tasks import Tasks
from acd.telephony.passed_on import passed_on
from acd.telephony.port import AnswerCode, CodeAnswer, FeatureCode, Submit
from acd.telephony.simulated.calls import SimulatedCall
from acd.telephony.simulated.exchange import Exchange, asked
from acd.telephony.simulated.link import Link
from acd.telephony.simulated.phones import SimulatedPhone
from acd.telephony.simulated.site import Reply
from acd.telephony.simulated.timing import Clock

log = structlog.get_logger(__name__)

CODES_AT_ONCE: Final = 20

OnFailure = Callable[[str, BaseException], None]


class SimulatedPhones:
    """A phone system in memory, by the engine's clock: seconds of a demo, or days of a simulation in no time.

    `exchange`: a phone system that is there already, for an engine that starts anew; without one it is made here.
    """

    def __init__(
        self,
        submit: Submit,
        clock: Clock,
        servers: Sequence[str] = ("sim",),
        *,
        exchange: Exchange | None = None,
        answer_code: AnswerCode | None = None,
        on_failure: OnFailure | None = None,
    ) -> None:
        self.exchange = exchange or Exchange(clock, servers)
        self._submit = submit
        self._answer_code = answer_code
        self._tasks = Tasks("simulated-phones", on_failure)
        self._links: dict[ServerId, Link] = {}
        self._server_of: dict[OfferId, ServerId] = {}
        self._line_of: dict[CallId, Line] = {}
        """Where offers and calls are, for facts that name nothing else of them."""
        self._by_fact: dict[type[Fact], Callable[[Any], None]] = {
            f.CallQueued: self._call_queued,
            f.CallMoved: self._call_moved,
            f.AnnouncementMade: self._announcement_made,
            f.CallRefused: self._call_refused,
            f.CallReturned: lambda fact: self._give_back(fact, "refused", fact.reason),
            f.CallTimedOut: lambda fact: self._give_back(fact, "timeout", ""),
            f.CallAbandoned: lambda fact: self._let_go(fact.call),
            f.CallLost: lambda fact: self._let_go(fact.call),
            f.OfferMade: self._offer_made,
            f.OfferAccepted: self._offer_accepted,
            f.OfferEnded: self._offer_over,
            f.CallEnded: self._call_ended,
            f.StrayLegFound: lambda fact: self._hang_up(fact.server, fact.offer),
        }
        for name in servers:
            self._add(name)

    def _add(self, name: str) -> Link:
        server = self.exchange.server(name)
        link = Link(server, self._submit, lambda: self.exchange.faults, self._on_code)
        self._links[server.site.name] = link
        return link

    # --- The port ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        for link in self._links.values():
            link.open()

    def act(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            act = self._by_fact.get(type(fact))
            if act is not None:
                act(fact)

    async def reconfigure(self, servers: Sequence[ServerSettings], phones: frozenset[Phone]) -> None:
        """Follow a change of the configuration: a server that stays keeps its link; phones that are new are put up."""
        wanted = [settings.id for settings in servers]
        for id_ in [id_ for id_ in self._links if id_ not in wanted]:
            self._links.pop(id_).close()
        for id_ in wanted:
            if id_ not in self._links:
                self._add(id_).open()
        for number in sorted(phones):
            self.exchange.phone(number)

    async def stop(self) -> None:
        for link in self._links.values():
            link.close()
        await self._tasks.stop()

    # --- Facts become actions ---------------------------------------------------------------------------------

    def _call_queued(self, fact: f.CallQueued) -> None:
        link = self._links.get(fact.line.server)
        if link is not None:
            self._line_of[fact.call] = fact.line
            link.claim(fact.line.channel, fact.call)
            if fact.via:
                link.move(fact.line.channel, fact.call, fact.queue, passed_on(fact))

    def _call_moved(self, fact: f.CallMoved) -> None:
        link = self._links.get(fact.line.server)
        if link is not None:
            link.move(fact.line.channel, fact.call, fact.to, passed_on(fact))

    def _announcement_made(self, fact: f.AnnouncementMade) -> None:
        link = self._links.get(fact.line.server)
        if link is not None:
            link.announce(fact.line.channel, fact.call)

    def _call_refused(self, fact: f.CallRefused) -> None:
        link = self._links.get(fact.line.server)
        if link is not None:
            link.refuse(fact.line.channel, fact.reason, fact.destination)

    def _give_back(self, fact: f.CallReturned | f.CallTimedOut, result: str, reason: str) -> None:
        self._line_of.pop(fact.call, None)
        link = self._links.get(fact.line.server)
        if link is not None:
            link.give_back(fact.line.channel, fact.call, result, reason, fact.destination)

    def _let_go(self, call: CallId) -> None:
        line = self._line_of.pop(call, None)
        link = None if line is None else self._links.get(line.server)
        if line is not None and link is not None:
            link.let_go(line.channel, call)

    def _offer_made(self, fact: f.OfferMade) -> None:
        link = self._links.get(fact.line.server)
        if link is None or fact.phone is None:
            return
        self._server_of[fact.offer] = fact.line.server
        shown = " ".join(word for word in (fact.queue_name, fact.caller.name, fact.caller.number) if word)
        timeout_ms = max(1, fact.ring_until_ms - self.exchange.clock.now_ms())
        link.send(partial(link.server.ring, fact.line.channel, fact.offer, fact.phone, shown, timeout_ms))

    def _offer_accepted(self, fact: f.OfferAccepted) -> None:
        link = self._links.get(fact.line.server)
        if link is not None:
            link.send(partial(link.server.connect, fact.line.channel, fact.offer))

    def _offer_over(self, fact: f.OfferEnded | f.CallEnded) -> None:
        server = self._server_of.pop(fact.offer, None)
        if server is not None:
            self._hang_up(server, fact.offer)

    def _call_ended(self, fact: f.CallEnded) -> None:
        self._offer_over(fact)
        self._let_go(fact.call)

    def _hang_up(self, server: ServerId, offer: OfferId) -> None:
        link = self._links.get(server)
        if link is not None:
            link.send(partial(link.server.hang_up, offer))

    # --- Feature codes ----------------------------------------------------------------------------------------

    def _on_code(self, code: FeatureCode, reply: Reply) -> None:
        if self._answer_code is None or len(self._tasks.names) >= CODES_AT_ONCE:
            reply("unavailable")
        else:
            self._tasks.start(f"code-{code.line.channel}", self._serve(self._answer_code, code, reply))

    async def _serve(self, answer_code: AnswerCode, code: FeatureCode, reply: Reply) -> None:
        answer: CodeAnswer = "unavailable"
        try:
            answer = await answer_code(code)
        finally:
            reply(answer)

    # --- The world around the engine --------------------------------------------------------------------------

    def place_call(
        self,
        queue: str,
        number: str = "",
        name: str = "",
        priority: int = 0,
        skills: Sequence[str] = (),
        server: str | None = None,
        patience_ms: int | None = None,
        talk_ms: int | None = None,
        kind: Kind = "inbound",
        waited_ms: int = 0,
    ) -> SimulatedCall:
        """A caller is handed over by the dialplan of `server` (the first one, if none is named)."""
        wanted = asked(queue, number, name, priority, skills, patience_ms, talk_ms, kind, waited_ms)
        return self.exchange.place_call(server, wanted)

    def phone(self, number: str, home: str | None = None, *, watched: bool = True) -> SimulatedPhone:
        """The phone of that number, put up where it is new."""
        return self.exchange.phone(number, home, watched=watched)

    @property
    def tasks(self) -> Sequence[str]:
        """The names of the tasks that run now."""
        return self._tasks.names

    @property
    def invites(self) -> Counter[str]:
        """How often a phone was called for each offer."""
        return self.exchange.invites

    def link(self, server: str | None = None) -> Link:
        """The link to a server (the first one, if none is named)."""
        return self._links[ServerId(server)] if server else next(iter(self._links.values()))

    def cut_link(self, server: str | None = None, for_ms: int | None = None) -> None:
        """Nothing passes any more, and the engine knows. After `for_ms`, if given, the link is whole again."""
        link = self.link(server)
        link.cut()
        if for_ms is not None:
            link.server.site.after(for_ms, link.mend)

    def restore_link(self, server: str | None = None) -> None:
        """The link is whole again."""
        self.link(server).mend()

    def lose_link_unnoticed(self, server: str | None = None) -> None:
        """Nothing passes any more, and the engine does not know until an answer fails to come."""
        self.link(server).go_deaf()

    def break_off(self) -> None:
        """The engine is killed: phones ring on, and callers wait, until the next engine connects."""
        for link in self._links.values():
            link.break_off()

    def restart_server(self, server: str | None = None, for_ms: int = 1_000) -> None:
        """Every channel is gone at once; the server is back after a while."""
        link = self.link(server)
        self.cut_link(server, for_ms)
        link.server.restart()
