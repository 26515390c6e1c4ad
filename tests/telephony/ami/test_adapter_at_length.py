"""At length: a flood of events, and a thousand lives of calls with the real core behind the adapter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd.config import ServerSettings
from acd.core import Core
from acd.engine.loop import Engine, facts_of
from acd.journal.memory import MemoryJournal
from acd.model import AgentId, Phone, QueueId, RequestId
from acd.router import inputs as i
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings
from acd.tasks import Tasks
from acd.telephony.ami.adapter import Asterisk
from acd.telephony.ami.server import ServerOptions
from acd.telephony.port import CodeAnswer, FeatureCode
from acd.testing.ami_server import AmiServer, event
from acd.testing.virtual_loop import LoopClock, VirtualLoop
from tests.telephony.ami.adapter_harness import CALM, connected, settings
from tests.telephony.ami.pbx import Pbx
from tests.turns import until

FLOOD = 20_000
LIVES = 1_000
AGENTS = 14
BETWEEN_CALLS_S = 0.003
LAST_CALL_S = 5.0
"""After so long the last call is over, whatever became of it."""


async def test_flood_of_events_keeps_its_order_and_facts_are_acted_on_meanwhile() -> None:
    async with connected() as scene:
        call = await scene.queued("c1")
        chunks = [
            b"".join(_call(number) for number in range(at, at + 100)) for at in range(0, FLOOD, 100)
        ]  # a hundred events in a segment
        tasks = Tasks("flood")
        tasks.start("flood", scene.ami.flood(chunks))
        await scene.reported(i.CallArrived, 2)
        scene.act(scene.timed_out_fact(call))
        await scene.ami.received("Redirect")
        heard_by_then = len(scene.inputs.seen)
        await until(lambda: len(scene.books.callers) == FLOOD + 1, within_s=30)
        assert heard_by_then < FLOOD / 2, "the caller was given back long before the flood was over"
        came = [said.line.channel for said in scene.inputs.seen if isinstance(said, i.CallArrived)]
        assert came[1:] == [f"f{number}" for number in range(FLOOD)]
        assert not scene.all(i.LinkLost)
        await tasks.stop()


def _call(number: int) -> bytes:
    return event("UserEvent", UserEvent="AcdCall", Uniqueid=f"f{number}", Queue="sales", CallerIDNum="1")


class Centre:
    """The core, its loop, the adapter and the model of Asterisk."""

    def __init__(self, ami: AmiServer, seed: int) -> None:
        self.pbx = Pbx(ami, seed)
        self.core = Core()
        self.engine = Engine(MemoryJournal(), LoopClock(), self.core)
        server: ServerSettings = settings(ami)
        phones = frozenset(Phone(str(1_001 + number)) for number in range(AGENTS))
        self.adapter = Asterisk(
            [server], phones, self.engine.submit, self._answer, ServerOptions(link=CALM, settle_s=0)
        )
        self.engine.add_reader("telephony", lambda entries: self.adapter.act(facts_of(entries)))

    async def _answer(self, _: FeatureCode) -> CodeAnswer:
        return "unavailable"

    def configure(self) -> None:
        queue = QueueId("sales")
        self.engine.submit(i.ConfigureRouter(RouterSettings(refusal_rest_ms=20, unreachable_rest_ms=20)))
        self.engine.submit(i.ConfigureQueue(QueueSettings(queue, "Sales", 40, 0, max_wait_ms=60, max_length=60)))
        for number in range(AGENTS):
            id_ = AgentId(f"agent-{number}")
            self.engine.submit(i.ConfigureAgent(AgentSettings(id_, id_, Phone(str(1_001 + number)), (queue,))))
            self.engine.submit(i.LogIn(request=RequestId(id_), agent=id_, by=id_))

    def somebody_calls(self) -> None:
        chance = self.pbx.chance
        self.pbx.call("sales" if chance.random() < 0.95 else "nowhere", chance.uniform(0, 0.4))

    def is_over(self) -> bool:
        return not any(self.what_is_left().values())

    def what_is_left(self) -> dict[str, object]:
        (server,) = self.adapter._servers.values()
        books, state = server.books, self.core.state
        return {
            "channels": self.pbx.channels,
            "callers": books.callers,
            "calls": books.calls,
            "legs": books.legs,
            "direct": books.direct,
            "ending": books.ending,
            "where": self.adapter._server_of,
            "calls of the core": state.calls,
            "offers of the core": state.offers,
        }


@asynccontextmanager
async def centre(seed: int) -> AsyncIterator[Centre]:
    async with AmiServer() as ami:
        site = Centre(ami, seed)
        site.configure()
        tasks = Tasks("centre")
        running = tasks.start("engine", site.engine.run())
        await site.adapter.start()
        yield site
        await site.adapter.stop()
        site.engine.stop()
        await running
        assert site.adapter.tasks == ()


@pytest.mark.long
@pytest.mark.parametrize("cuts", [pytest.param(0, id="link-stays"), pytest.param(12, id="link-breaks-a-dozen-times")])
def test_books_are_empty_after_a_thousand_lives_of_calls(cuts: int) -> None:
    """Whatever people, phones and the link do: nobody is rung twice for one offer, nobody is pulled out of the
    fallback or out of a conversation, and of what is over nothing is kept."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_thousand_lives(cuts))


async def _thousand_lives(cuts: int) -> None:
    async with centre(seed=cuts) as site:
        pbx = site.pbx
        for number in range(LIVES):
            pbx.later(number * BETWEEN_CALLS_S, site.somebody_calls)
        for number in range(cuts):
            pbx.later(0.2 + number * 0.25, pbx.cut)
        await asyncio.sleep(LIVES * BETWEEN_CALLS_S + LAST_CALL_S)  # moves the loop's clock, nobody waits
        assert site.is_over(), site.what_is_left()
        assert pbx.crimes == []
        assert {"served", "timeout", "refused"} <= set(pbx.results), "it was a day like any other"
        assert cuts // 2 <= pbx.ami.connections <= cuts + 1, "a cut may meet a link that is only coming up"
