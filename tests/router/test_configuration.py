"""The configuration as the core holds it (docs/routing.md R18, R20)."""

from msgspec import structs

from acd.core import Core
from acd.model import AgentId, Phone, QueueId
from acd.router import inputs as i
from acd.router.settings import AgentSettings, Configured, PauseReason, QueueSettings, RouterSettings

SALES = QueueSettings(QueueId("sales"), "Sales")
SUPPORT = QueueSettings(QueueId("support"), "Support")
ANA = AgentSettings(AgentId("ana"), "Ana", Phone("1001"), (SALES.id, SUPPORT.id))
BEN = AgentSettings(AgentId("ben"), "Ben", Phone("1002"), (SALES.id,))
ROUTER = RouterSettings(pause_reasons=(PauseReason("lunch", "Lunch", 1),))


def _configured() -> Core:
    core = Core()
    for asked in (
        i.OpenJournal("t", 1, "test"),
        i.ConfigureRouter(ROUTER),
        i.ConfigureQueue(SALES),
        i.ConfigureQueue(SUPPORT),
        i.ConfigureAgent(ANA),
        i.ConfigureAgent(BEN),
    ):
        core.handle(asked, 0)
    return core


def test_what_holds_is_told_in_the_order_in_which_it_came() -> None:
    assert _configured().configured == Configured(ROUTER, (SALES, SUPPORT), (ANA, BEN))


def test_what_is_retired_is_not_told_any_more() -> None:
    core = _configured()
    core.handle(i.RetireQueue(SALES.id), 0)
    core.handle(i.RetireAgent(BEN.id), 0)
    assert core.configured == Configured(ROUTER, (SUPPORT,), (ANA,))


def test_what_did_not_change_makes_no_fact() -> None:
    core = _configured()
    for asked in (i.ConfigureRouter(ROUTER), i.ConfigureQueue(SALES), i.ConfigureAgent(ANA)):
        assert core.handle(asked, 0) == []


def test_queue_keeps_its_channel_whatever_is_configured() -> None:
    """Who waits and talks in it cannot change theirs."""
    core = _configured()
    core.handle(i.ConfigureQueue(structs.replace(SALES, channel="chat", name="Web")), 0)
    settings = core.state.queues[SALES.id].settings
    assert (settings.channel, settings.name) == ("voice", "Web")


def test_what_is_retired_twice_or_was_never_there_makes_no_fact() -> None:
    core = _configured()
    core.handle(i.RetireQueue(SALES.id), 0)
    unknown = (i.RetireQueue(QueueId("x")), i.RetireAgent(AgentId("x")), i.OpenQueue(QueueId("x")))
    for asked in (i.PassTime(), i.RetireQueue(SALES.id), *unknown, i.CloseQueue(QueueId("x"))):
        core.handle(i.PassTime(), 0)
        assert core.handle(asked, 0) == []
