"""A reload is a difference."""

from itertools import permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from acd.config import Config, changes
from acd.core import Core, Input
from acd.model import AgentId, QueueId
from acd.router.inputs import ConfigureAgent, ConfigureQueue, ConfigureRouter, OpenJournal, RetireAgent, RetireQueue
from acd.router.settings import AgentSettings, QueueSettings, RouterSettings

SALES, SUPPORT = QueueSettings(QueueId("sales"), "Sales"), QueueSettings(QueueId("support"), "Support")
ANA = AgentSettings(AgentId("ana"), "Ana", None, (SALES.id, SUPPORT.id))
BEN = AgentSettings(AgentId("ben"), "Ben", None, (SUPPORT.id,))
BOTH = Config(queues=(SALES, SUPPORT), agents=(ANA, BEN))


def test_from_nothing_everything_is_told_queues_before_agents() -> None:
    assert changes(None, BOTH) == [
        ConfigureRouter(RouterSettings()),
        ConfigureQueue(SALES),
        ConfigureQueue(SUPPORT),
        ConfigureAgent(ANA),
        ConfigureAgent(BEN),
    ]


def test_the_same_configuration_is_no_change() -> None:
    assert changes(BOTH, BOTH) == []


def test_another_order_in_the_file_is_no_change() -> None:
    for queues in permutations(BOTH.queues):
        assert changes(BOTH, Config(queues=queues, agents=(BEN, ANA))) == []


def test_only_what_changed_is_told() -> None:
    slower = msgspec.structs.replace(SALES, ring_timeout_ms=30_000)
    assert changes(BOTH, Config(queues=(slower, SUPPORT), agents=BOTH.agents)) == [ConfigureQueue(slower)]


def test_routing_for_all_is_told_when_it_changes() -> None:
    longer = RouterSettings(refusal_rest_ms=9_000)
    new = Config(router=longer, queues=BOTH.queues, agents=BOTH.agents)
    assert changes(BOTH, new) == [ConfigureRouter(longer)]


def test_agents_are_retired_before_their_queues_and_after_all_changes() -> None:
    moved = msgspec.structs.replace(BEN, queues=(SALES.id,))
    assert changes(BOTH, Config(queues=(SALES,), agents=(moved,))) == [
        ConfigureAgent(moved),
        RetireAgent(ANA.id),
        RetireQueue(SUPPORT.id),
    ]


def _agents(queues: tuple[QueueSettings, ...]) -> st.SearchStrategy[tuple[AgentSettings, ...]]:
    ids = tuple(queue.id for queue in queues)
    chosen = st.lists(st.sampled_from(ids), unique=True).map(tuple) if ids else st.just(())
    agent = st.builds(AgentSettings, st.sampled_from("abcde").map(AgentId), st.just("x"), st.none(), chosen)
    return st.lists(agent, unique_by=lambda agent: agent.id).map(tuple)


_QUEUES = st.lists(
    st.builds(QueueSettings, st.sampled_from("pqrst").map(QueueId), st.just("x"), st.integers(1_000, 3_000)),
    unique_by=lambda queue: queue.id,
).map(tuple)
_CONFIGS = _QUEUES.flatmap(
    lambda queues: _agents(queues).map(lambda agents: Config(queues=queues, agents=agents)),
)


@given(st.lists(_CONFIGS, min_size=1, max_size=4))
def test_whatever_came_before_the_core_ends_where_the_last_configuration_is(configs: list[Config]) -> None:
    core = Core()
    core.handle(OpenJournal("acdtest", 0, "0"), 1)
    old: Config | None = None
    for new in configs:
        for told in changes(old, new):
            _references_are_valid(core, told)
            core.handle(told, 1)
        old = new
    assert old is not None
    kept = {id_: agent.settings for id_, agent in core.state.agents.items() if not agent.retired}
    assert kept == {agent.id: agent for agent in old.agents}
    queues = {id_: queue.settings for id_, queue in core.state.queues.items() if not queue.retired}
    assert queues == {queue.id: queue for queue in old.queues}


def _references_are_valid(core: Core, told: Input) -> None:
    if isinstance(told, ConfigureAgent):
        assert all(queue in core.state.queues for queue in told.settings.queues)
    if isinstance(told, RetireQueue):
        users = [
            agent for agent in core.state.agents.values() if not agent.retired and told.queue in agent.settings.queues
        ]
        assert not users
