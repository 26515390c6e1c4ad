"""What the journal contract suite needs: a way to open a journal, and entries to put into it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from acd.core import Core, Input
from acd.journal.port import Entry, Journal
from acd.model import AgentId, Caller, ChannelId, Line, Phone, QueueId, RequestId, ServerId, Skill
from acd.router import inputs as i
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings

BEGIN_MS = 1_700_000_000_000

OpenJournal = Callable[[], AbstractAsyncContextManager[Journal]]
"""Opens a fresh journal; leaving the context closes it and clears it away."""


class JournalEntry(NamedTuple):
    """A kind of journal, for the list over which the suite runs."""

    name: str
    open: OpenJournal
    marks: tuple[Any, ...] = ()
    """Pytest's, for a journal that needs a server."""


SALES = QueueId("sales")
ANNA = AgentId("anna")
SIM = ServerId("sim")
LINE = Line(SIM, ChannelId("sim.1"))
DIRECT = Line(SIM, ChannelId("sim.2"))


def working_day(tag: str) -> list[Entry]:
    """Entries that a core made: a small day in which nearly everything happens, letters beyond ASCII included."""
    core = Core()
    entries: list[Entry] = []

    def hear(asked: Input, after_ms: int = 100) -> None:
        now_ms = max(core.state.now_ms, BEGIN_MS) + after_ms
        first = core.state.fact_count + 1
        entries.append(Entry(first, now_ms, asked, tuple(core.handle(asked, now_ms))))

    for asked in _set_up(tag):
        hear(asked)
    hear(i.CallArrived(LINE, SALES, Caller("5551000", "Zoë «⚡» Müller"), 5, (Skill("german"),)))
    for asked in _conversation(core):
        hear(asked)
    hear(i.PassTime(), after_ms=60_000)
    for asked in _rest_of_the_day():
        hear(asked)
    return entries


def _set_up(tag: str) -> Sequence[Input]:
    lunch = PauseReason("lunch", "Lunch", 1)
    return (
        i.OpenJournal(tag, 7, "0.1"),
        i.ConfigureRouter(RouterSettings(pause_reasons=(lunch,))),
        i.ConfigureQueue(QueueSettings(SALES, "Sales", max_wait_ms=600_000)),
        i.ConfigureAgent(AgentSettings(ANNA, "Anna", Phone("1001"), (SALES,), skills=(Skill("german", 3),))),
        i.ServerReported(SIM),
        i.PassTime(),
        i.LogIn(request=RequestId("r1"), agent=ANNA, by="anna"),
        i.Pause(request=RequestId("r2"), agent=ANNA, by="boss", reason="lunch"),
        i.GetReady(request=RequestId("r3"), agent=ANNA, by="anna"),
        i.Pause(request=RequestId("r4"), agent=ANNA, by="anna", reason="no such reason"),
    )


def _conversation(core: Core) -> Sequence[Input]:
    offers = list(core.state.offers)
    assert len(offers) == 1, f"one phone rings: {offers}"
    return (
        i.LegAnswered(offers[0]),
        i.LegBridged(offers[0]),
        i.PassTime(),
        i.CallerLeft(LINE, hung_up=True),
        i.CallerLeft(LINE, hung_up=True),
    )


def _rest_of_the_day() -> Sequence[Input]:
    return (
        i.PhoneInUse(Phone("1001"), DIRECT, "out"),
        i.PhoneAnswered(DIRECT),
        i.PhoneReleased(DIRECT),
        i.CallArrived(LINE, QueueId("nowhere"), Caller()),
        i.LinkLost(SIM),
        i.ServerReported(SIM, callers=(i.SeenCaller(LINE.channel, "elsewhere"),)),
        i.LogOut(request=RequestId("r5"), agent=ANNA, by="anna"),
    )
