"""All Asterisk servers behind the telephony port: each fact goes to the server that it concerns."""

import asyncio
from collections.abc import Sequence

import structlog

from acd.config import ServerSettings
from acd.core import Fact
from acd.model import CallId, OfferId, Phone, ServerId
from acd.router import facts as f
from acd.telephony.ami.books import Books
from acd.telephony.ami.server import AsteriskServer, OnFailure, ServerOptions
from acd.telephony.port import AnswerCode, Submit

log = structlog.get_logger(__name__)


class Asterisk:
    """One or more Asterisk servers. A caller and the agent's leg are always on the same one."""

    def __init__(
        self,
        servers: Sequence[ServerSettings],
        phones: frozenset[Phone],
        submit: Submit,
        answer_code: AnswerCode,
        options: ServerOptions | None = None,
        on_failure: OnFailure | None = None,
    ) -> None:
        self._on_failure = on_failure
        self._submit = submit
        self._answer_code = answer_code
        self._options = options or ServerOptions()
        self._phones = phones
        self._taken: set[Phone] = set()
        """Phones from which agents logged in: watched as well, also when the configuration does not name them."""
        self._servers = {ServerId(settings.id): self._make(settings) for settings in servers}
        self._server_of: dict[CallId | OfferId, ServerId] = {}
        """Where a call or an offer is, for facts that name nothing else of it."""

    def _make(self, settings: ServerSettings, books: Books | None = None) -> AsteriskServer:
        return AsteriskServer(
            settings,
            self._phones | self._taken,
            self._submit,
            self._answer_code,
            self._options,
            self._on_failure,
            books,
        )

    @property
    def unconfirmed_claims(self) -> int:
        """Callers whom a server handed over and has not confirmed to be ours."""
        return sum(server.unconfirmed_claims for server in self._servers.values())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that run now."""
        return tuple(name for server in self._servers.values() for name in server.tasks)

    async def start(self) -> None:
        for server in self._servers.values():
            server.start()

    def act(self, facts: Sequence[Fact]) -> None:
        by_server: dict[ServerId, list[Fact]] = {}
        for fact in facts:
            if isinstance(fact, f.AgentLoggedIn) and fact.phone is not None:
                self._take(fact.phone)
            server = self._concerned(fact)
            if server in self._servers:
                by_server.setdefault(server, []).append(fact)
        for server, concerned in by_server.items():
            self._servers[server].act(concerned)

    def _take(self, phone: Phone) -> None:
        if phone not in self._phones and phone not in self._taken:
            self._taken.add(phone)
            self._watch()

    def _watch(self) -> None:
        for server in self._servers.values():
            server.watch(self._phones | self._taken)

    def _concerned(self, fact: Fact) -> ServerId | None:
        match fact:
            case f.CallQueued():
                self._server_of[fact.call] = fact.line.server
                return fact.line.server
            case f.OfferMade():
                self._server_of[fact.offer] = fact.line.server
                return fact.line.server
            case f.CallTimedOut() | f.CallReturned() | f.CallAbandoned() | f.CallLost():
                return self._server_of.pop(fact.call, None)
            case f.OfferEnded():
                return self._server_of.pop(fact.offer, None)
            case f.CallEnded():
                self._server_of.pop(fact.offer, None)
                return self._server_of.pop(fact.call, None)
            case f.StrayLegFound():
                return fact.server
            case f.CallRefused() | f.CallMoved() | f.AnnouncementMade() | f.OfferAccepted():
                return fact.line.server
            case _:
                return None

    async def reconfigure(self, servers: Sequence[ServerSettings], phones: frozenset[Phone]) -> None:
        """Follow a change of configuration: a server that did not change keeps its link, one whose settings changed
        gets a new link and keeps its books."""
        self._taken |= self._phones - phones  # an agent stays at the phone of the log-in until the next one
        self._phones = phones
        self._watch()
        before = self._servers
        self._servers = {ServerId(settings.id): self._kept_or_made(settings) for settings in servers}
        try:
            await _stop([old for id_, old in before.items() if self._servers.get(id_) is not old])
        finally:  # whatever becomes of the old links: without a new one nobody would ever be heard again
            for id_, server in self._servers.items():
                if before.get(id_) is not server:
                    server.start()

    def _kept_or_made(self, settings: ServerSettings) -> AsteriskServer:
        old = self._servers.get(ServerId(settings.id))
        if old is None:
            return self._make(settings)
        return old if old.settings == settings else self._make(settings, old.books)

    async def stop(self) -> None:
        await _stop(list(self._servers.values()))


async def _stop(servers: Sequence[AsteriskServer]) -> None:
    """All of them rest at once and stop beside each other. What fails fails when all have had their turn."""
    for server in servers:
        server.rest()
    ends = await asyncio.gather(*(server.stop() for server in servers), return_exceptions=True)
    errors = [end for end in ends if isinstance(end, Exception)]
    if errors:
        raise ExceptionGroup("a server did not stop", errors)
