"""All Asterisk servers behind the telephony port: each fact goes to the server that it concerns."""

from collections.abc import Sequence

import structlog

from acd.config import ServerSettings
from acd.core import Fact
from acd.model import OfferId, Phone, ServerId
from acd.router import facts as f
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
        self._servers = {ServerId(settings.id): self._make(settings) for settings in servers}
        self._server_of: dict[OfferId, ServerId] = {}

    def _make(self, settings: ServerSettings) -> AsteriskServer:
        return AsteriskServer(settings, self._phones, self._submit, self._answer_code, self._options, self._on_failure)

    @property
    def unconfirmed_claims(self) -> int:
        """Callers whom a server handed over and has not confirmed to be ours."""
        return sum(server.unconfirmed_claims for server in self._servers.values())

    async def start(self) -> None:
        for server in self._servers.values():
            server.start()

    def act(self, facts: Sequence[Fact]) -> None:
        by_server: dict[ServerId, list[Fact]] = {}
        for fact in facts:
            server = self._concerned(fact)
            if server in self._servers:
                by_server.setdefault(server, []).append(fact)
        for server, concerned in by_server.items():
            self._servers[server].act(concerned)

    def _concerned(self, fact: Fact) -> ServerId | None:
        match fact:
            case f.OfferMade():
                self._server_of[fact.offer] = fact.line.server
                return fact.line.server
            case f.OfferEnded() | f.CallEnded():
                return self._server_of.pop(fact.offer, None)
            case f.StrayLegFound():
                return fact.server
            case f.CallQueued() | f.CallRefused() | f.CallTimedOut() | f.CallReturned() | f.OfferAccepted():
                return fact.line.server
            case _:
                return None

    async def reconfigure(self, servers: Sequence[ServerSettings], phones: frozenset[Phone]) -> None:
        """Follow a change of configuration: a server that did not change keeps its link."""
        self._phones = phones
        wanted = {ServerId(settings.id): settings for settings in servers}
        for id_ in [id_ for id_, server in self._servers.items() if wanted.get(id_) != server.settings]:
            await self._servers.pop(id_).stop()
        for id_, settings in wanted.items():
            if id_ not in self._servers:
                self._servers[id_] = self._make(settings)
                self._servers[id_].start()
        for server in self._servers.values():
            server.watch(phones)

    async def stop(self) -> None:
        for server in self._servers.values():
            await server.stop()
