"""What an agent without a panel asks for from a phone, on a real engine."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import argon2
import pytest
from structlog.testing import capture_logs

from acd.config import Config, changes
from acd.core import Fact
from acd.daemon.feature_codes import FeatureCodes
from acd.engine.clock import VirtualClock
from acd.engine.loop import Engine, facts_of
from acd.journal.memory import MemoryJournal
from acd.journal.port import CommitFailed, Entry
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, ServerId
from acd.router import facts as f
from acd.router.inputs import CallArrived, LegBridged, LegEnded, ServerReported
from acd.router.settings import AgentSettings, Configured, Disposition, PauseReason, QueueSettings, RouterSettings
from acd.sign_in import Credential, SignIn, SignInSettings
from acd.tasks import Tasks
from acd.telephony.port import CodeAnswer, FeatureCode
from tests.daemon.recorded import PATIENCE_S

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ANA, SALES, DESK = AgentId("ana"), QueueId("sales"), Phone("1901")
CONFIG = Config(
    router=RouterSettings(
        pause_reasons=(PauseReason("lunch", "Lunch", 1), PauseReason("training", "Training", 12)),
        dispositions=(Disposition("sold", "Sold", 1), Disposition("refused", "Refused", 12)),
    ),
    queues=(QueueSettings(SALES, "Sales", wrap_up_extension_ms=60_000, disposition_required=True),),
    agents=(AgentSettings(ANA, "Ana", None, (SALES,)),),
    credentials=(Credential("41", ANA, CHEAP.hash("4711")),),
)


class Bench:
    """An engine with one agent, and the feature codes that are tried."""

    def __init__(self, engine: Engine, codes: FeatureCodes, facts: list[Fact]) -> None:
        self.engine = engine
        self.codes = codes
        self.facts = facts

    async def dial(
        self,
        request: str,
        pin: str = "4711",
        reason: int | None = None,
        number: str = "41",
        disposition: int | None = None,
    ) -> CodeAnswer:
        line = Line(ServerId("main"), ChannelId("1.1"))
        code = FeatureCode(line, request, number, pin, reason, DESK, disposition)  # type: ignore[arg-type]
        return await self.codes.answer(code)


@asynccontextmanager
async def bench(journal: MemoryJournal, within_s: float) -> AsyncIterator[Bench]:
    clock = VirtualClock()
    engine, tasks, facts = Engine(journal, clock), Tasks("test"), list[Fact]()
    engine.add_reader("facts", lambda entries: facts.extend(facts_of(entries)))
    for told in changes(Configured(), CONFIG):
        engine.submit(told)
    sign_in = SignIn(CONFIG.credentials, SignInSettings(), clock.now_ms)
    tasks.start("engine", engine.run())
    yield Bench(engine, FeatureCodes(engine, sign_in, CONFIG, within_s), facts)
    await tasks.stop()


@pytest.fixture
async def site() -> AsyncIterator[Bench]:
    async with bench(MemoryJournal(), PATIENCE_S) as site:
        yield site


async def test_a_day_of_an_agent_without_a_panel(site: Bench) -> None:
    assert await site.dial("login") == "logged-in"
    assert await site.dial("pause", reason=12) == "paused"
    assert await site.dial("ready") == "ready"
    assert await site.dial("end-wrap-up") == "refused"
    assert await site.dial("logout") == "logged-out"
    told = [fact for fact in site.facts if isinstance(fact, f.AgentLoggedIn | f.AgentPaused | f.AgentLoggedOut)]
    assert [fact.by for fact in told] == ["ana", "ana", "ana"]
    assert isinstance(told[0], f.AgentLoggedIn)
    assert told[0].phone == DESK
    assert isinstance(told[1], f.AgentPaused)
    assert told[1].reason == "training"


async def test_what_is_still_to_come_is_said_so(site: Bench) -> None:
    await site.dial("login")
    site.engine.submit(ServerReported(ServerId("main")))
    site.engine.submit(CallArrived(Line(ServerId("main"), ChannelId("2.1")), SALES, Caller()))
    await site.engine.settled()
    (made,) = (fact for fact in site.facts if isinstance(fact, f.OfferMade))
    assert await site.dial("pause", reason=1) == "paused-later", "the phone rings: the pause begins when that is over"
    assert await site.dial("logout") == "logged-out-later"
    assert await site.dial("ready") == "ready"
    site.engine.submit(LegBridged(made.offer))
    site.engine.submit(LegEnded(made.offer, "hung-up"))
    await site.engine.settled()
    assert await site.dial("extend-wrap-up") == "wrap-up-extended"
    assert await site.dial("extend-wrap-up") == "refused", "nothing is left"


async def test_disposition_is_said_by_its_number_of_a_call_and_of_nothing_else(site: Bench) -> None:
    """docs/routing.md R42."""
    await site.dial("login")
    assert await site.dial("disposition", disposition=1) == "refused", "there was no call"
    site.engine.submit(ServerReported(ServerId("main")))
    site.engine.submit(CallArrived(Line(ServerId("main"), ChannelId("2.1")), SALES, Caller()))
    await site.engine.settled()
    (made,) = (fact for fact in site.facts if isinstance(fact, f.OfferMade))
    site.engine.submit(LegBridged(made.offer))
    site.engine.submit(LegEnded(made.offer, "hung-up"))
    await site.engine.settled()
    assert await site.dial("end-wrap-up") == "refused", "nothing was said of it yet"
    for number in (None, 2, 99):
        assert await site.dial("disposition", disposition=number) == "refused"
    assert await site.dial("disposition", disposition=12) == "disposition-set"
    assert await site.dial("disposition", disposition=1) == "disposition-set", "it may be said again"
    assert await site.dial("end-wrap-up") == "wrap-up-ended"
    said = [(fact.call, fact.disposition, fact.by) for fact in site.facts if isinstance(fact, f.DispositionSet)]
    assert said == [(made.call, "refused", "ana"), (made.call, "sold", "ana")]


async def test_every_request_has_an_id_of_its_own(site: Bench) -> None:
    for _ in range(3):
        await site.dial("login")
    assert len({fact.request for fact in site.facts if isinstance(fact, f.RequestAccepted)}) == 3


@pytest.mark.parametrize(
    "request_", ["login", "logout", "pause", "ready", "end-wrap-up", "extend-wrap-up", "disposition"]
)
async def test_no_request_is_made_with_a_wrong_pin(site: Bench, request_: str) -> None:
    await site.engine.settled()
    before = len(site.facts)
    assert await site.dial(request_, pin="0000", reason=1, disposition=1) == "wrong"
    assert await site.dial(request_, number="99", reason=1, disposition=1) == "wrong"
    await site.engine.settled()
    assert len(site.facts) == before


async def test_too_many_wrong_pins_are_locked(site: Bench) -> None:
    answers = [await site.dial("login", pin="0000") for _ in range(6)]
    assert answers == ["wrong"] * 5 + ["locked"]


@pytest.mark.parametrize("reason", [None, 2, 99])
async def test_a_pause_needs_a_known_reason(site: Bench, reason: int | None) -> None:
    await site.dial("login")
    assert await site.dial("pause", reason=reason) == "refused"


async def test_who_is_not_logged_in_cannot_pause(site: Bench) -> None:
    assert await site.dial("pause", reason=1) == "refused"


async def test_a_reload_changes_the_numbers_of_the_reasons(site: Bench) -> None:
    site.codes.configure(Config(router=RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 7),))))
    await site.dial("login")
    assert await site.dial("pause", reason=1) == "refused"
    assert await site.dial("pause", reason=7) == "paused"


async def test_a_reload_changes_the_numbers_of_the_dispositions(site: Bench) -> None:
    await site.dial("login")
    site.codes.configure(Config(router=RouterSettings(dispositions=(Disposition("sold", "Sold", 7),))))
    with capture_logs() as logged:
        assert await site.dial("disposition", disposition=1) == "refused"
    assert logged[-1]["event"] == "an unknown reason or disposition was refused"
    with capture_logs() as logged:
        assert await site.dial("disposition", disposition=7) == "refused", "there was no call"
    assert not logged, "the number is known"


async def test_without_an_engine_it_is_unavailable(site: Bench) -> None:
    site.engine.stop()
    assert await site.dial("login") == "unavailable"


class StuckJournal(MemoryJournal):
    """Commits the start, and nothing more."""

    async def append(self, entries: Sequence[Entry]) -> None:
        if self.last_number:
            await asyncio.get_running_loop().create_future()
        await super().append(entries)


class BrokenJournal(MemoryJournal):
    async def append(self, entries: Sequence[Entry]) -> None:
        if self.last_number:
            raise CommitFailed
        await super().append(entries)


async def test_an_engine_that_does_not_answer_in_time_is_unavailable() -> None:
    async with bench(StuckJournal(), within_s=0.3) as site:
        assert await site.dial("login") == "unavailable"


async def test_an_engine_that_fails_meanwhile_is_unavailable() -> None:
    async with bench(BrokenJournal(), PATIENCE_S) as site:
        assert await site.dial("login") == "unavailable"


async def test_neither_pin_nor_number_is_logged_or_becomes_a_fact(site: Bench) -> None:
    with capture_logs() as logged:
        await site.dial("login", pin="97531", number="8642")
        await site.dial("login")
        await site.dial("pause", reason=99)
    for text in ("97531", "8642", "4711"):
        assert text not in str(logged) + str(site.facts)
