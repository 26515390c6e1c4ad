"""A reload is a difference."""

from itertools import permutations
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.config import Config, ConfigError, changes, check_reload
from acd.core import Core, Fact, Input, fold
from acd.model import AgentId, QueueId, Skill, SupervisorId
from acd.router.inputs import (
    ConfigureAgent,
    ConfigureQueue,
    ConfigureRouter,
    ConfigureSupervisor,
    OpenJournal,
    PassTime,
    RetireAgent,
    RetireQueue,
    RetireSupervisor,
)
from acd.router.settings import (
    NO_GROWTH,
    AgentSettings,
    Configured,
    Growth,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    Step,
    Strategy,
    SupervisorSettings,
    Takes,
)

SALES, SUPPORT = QueueSettings(QueueId("sales"), "Sales"), QueueSettings(QueueId("support"), "Support")
ANA = AgentSettings(AgentId("ana"), "Ana", None, (SALES.id, SUPPORT.id))
BEN = AgentSettings(AgentId("ben"), "Ben", None, (SUPPORT.id,))
BOTH = Config(queues=(SALES, SUPPORT), agents=(ANA, BEN))
FILE = Path("acd.toml")
KNOWN = Configured(queues=BOTH.queues, agents=BOTH.agents)


def test_from_nothing_everything_is_told_queues_before_agents() -> None:
    longer = RouterSettings(refusal_rest_ms=9_000)
    assert changes(Configured(), Config(router=longer, queues=BOTH.queues, agents=BOTH.agents)) == [
        ConfigureRouter(longer),
        ConfigureQueue(SALES),
        ConfigureQueue(SUPPORT),
        ConfigureAgent(ANA),
        ConfigureAgent(BEN),
    ]


def test_the_same_configuration_is_no_change() -> None:
    assert changes(KNOWN, BOTH) == []


def test_another_order_in_the_file_is_no_change() -> None:
    for queues in permutations(BOTH.queues):
        assert changes(KNOWN, Config(queues=queues, agents=(BEN, ANA))) == []


def test_only_what_changed_is_told() -> None:
    slower = msgspec.structs.replace(SALES, ring_timeout_ms=30_000)
    assert changes(KNOWN, Config(queues=(slower, SUPPORT), agents=BOTH.agents)) == [ConfigureQueue(slower)]


def test_routing_for_all_is_told_when_it_changes() -> None:
    longer = RouterSettings(refusal_rest_ms=9_000)
    new = Config(router=longer, queues=BOTH.queues, agents=BOTH.agents)
    assert changes(KNOWN, new) == [ConfigureRouter(longer)]


def test_supervisors_come_change_and_go() -> None:
    bea = SupervisorSettings(SupervisorId("bea"), "Bea", (SALES.id,))
    cem = SupervisorSettings(SupervisorId("cem"), "Cem", (SALES.id,))
    known = Configured(queues=BOTH.queues, agents=BOTH.agents, supervisors=(bea, cem))
    wider = msgspec.structs.replace(bea, queues=(SALES.id, SUPPORT.id))
    new = Config(queues=BOTH.queues, agents=BOTH.agents, supervisors=(wider,))
    assert changes(known, new) == [ConfigureSupervisor(wider), RetireSupervisor(cem.id)]
    core = Core()
    core.handle(OpenJournal("acdtest", 0, "0"), 1)
    for told in [*changes(core.configured, Config(supervisors=(bea, cem))), *changes(known, new)]:
        core.handle(told, 1)
    assert core.configured.supervisors == (wider,)


def test_agents_are_retired_before_their_queues_and_after_all_changes() -> None:
    moved = msgspec.structs.replace(BEN, queues=(SALES.id,))
    assert changes(KNOWN, Config(queues=(SALES,), agents=(moved,))) == [
        ConfigureAgent(moved),
        RetireAgent(ANA.id),
        RetireQueue(SUPPORT.id),
    ]


def _agents(queues: tuple[QueueSettings, ...]) -> st.SearchStrategy[tuple[AgentSettings, ...]]:
    ids = tuple(queue.id for queue in queues)
    chosen = st.lists(st.sampled_from(ids), unique=True).map(tuple) if ids else st.just(())
    skills = st.lists(st.builds(Skill, st.sampled_from("xyz"), st.integers(1, 3)), unique_by=lambda skill: skill.name)
    agent = st.builds(
        AgentSettings,
        st.sampled_from("abcde").map(AgentId),
        st.just("x"),
        st.none(),
        chosen,
        skills=skills.map(lambda known: tuple(sorted(known, key=lambda skill: skill.name))),
        standings=chosen.map(lambda queues: tuple(Standing(queue, tier=2, rank=3, weight=4) for queue in queues)),
        takes=st.sampled_from(get_args(Takes)),
        order=st.integers(0, 3),
        chats=st.integers(0, 2),
    )
    return st.lists(agent, unique_by=lambda agent: agent.id).map(tuple)


_QUEUES = st.lists(
    st.builds(
        QueueSettings,
        st.sampled_from("pqrst").map(QueueId),
        st.just("x"),
        st.integers(1_000, 3_000),
        strategy=st.sampled_from(get_args(Strategy)),
        weight=st.integers(-2, 2),
        growth=st.sampled_from([NO_GROWTH, Growth((Step(10, 1),), 20)]),
        rings=st.sampled_from([(), (Ring(0, tier=1), Ring(10, slack=1))]),
        ring_at_most=st.integers(1, 3),
        named_agent_ms=st.integers(0, 10),
        last_agent_ms=st.integers(0, 10),
    ),
    unique_by=lambda queue: queue.id,
).map(tuple)
_CONFIGS = _QUEUES.flatmap(
    lambda queues: _agents(queues).map(lambda agents: Config(queues=queues, agents=agents)),
)


_SOME = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
_MANY = settings(_SOME, max_examples=100)
"""Drawing the configurations is what takes the time."""


@_SOME
@given(st.lists(_CONFIGS, min_size=1, max_size=4))
def test_whatever_came_before_the_core_ends_where_the_last_configuration_is(configs: list[Config]) -> None:
    _check_one_after_the_other(configs)


@pytest.mark.long
@_MANY
@given(st.lists(_CONFIGS, min_size=1, max_size=4))
def test_whatever_came_before_more_often(configs: list[Config]) -> None:
    _check_one_after_the_other(configs)


def _check_one_after_the_other(configs: list[Config]) -> None:
    core = Core()
    core.handle(OpenJournal("acdtest", 0, "0"), 1)
    for new in configs:
        for told in changes(core.configured, new):
            _references_are_valid(core, told)
            core.handle(told, 1)
        assert _goes_by(core, new)


@_SOME
@given(_CONFIGS, _CONFIGS, st.integers(0, 20))
def test_core_that_was_folded_from_a_journal_becomes_what_the_file_says(old: Config, new: Config, taken: int) -> None:
    _check_from_a_journal(old, new, taken)


@pytest.mark.long
@_MANY
@given(_CONFIGS, _CONFIGS, st.integers(0, 20))
def test_core_that_was_folded_from_a_journal_more_often(old: Config, new: Config, taken: int) -> None:
    _check_from_a_journal(old, new, taken)


def _check_from_a_journal(old: Config, new: Config, taken: int) -> None:
    """Whatever the journal holds, also half of a reload: what the file does not have is retired."""
    before = Core()
    facts: list[Fact] = before.handle(OpenJournal("acdtest", 0, "0"), 1)
    for told in changes(before.configured, old)[:taken]:
        facts += before.handle(told, 1)
    core = Core(fold(facts))
    for told in changes(core.configured, new):
        core.handle(told, 1)
    assert _goes_by(core, new)
    assert changes(core.configured, new) == []


def test_what_is_retired_already_is_not_retired_again_and_comes_back_when_it_is_configured() -> None:
    core = Core()
    core.handle(OpenJournal("acdtest", 0, "0"), 1)
    for told in changes(core.configured, BOTH):
        core.handle(told, 1)
    core.handle(RetireQueue(SUPPORT.id), 1)
    assert changes(core.configured, Config(queues=(SALES,), agents=BOTH.agents)) == []
    assert changes(core.configured, BOTH) == [ConfigureQueue(SUPPORT)]


def _goes_by(core: Core, config: Config) -> bool:
    known = core.configured
    agents = {agent.id: agent for agent in known.agents} == {agent.id: agent for agent in config.agents}
    queues = {queue.id: queue for queue in known.queues} == {queue.id: queue for queue in config.queues}
    return agents and queues and known.router == config.router


def _references_are_valid(core: Core, told: Input) -> None:
    if isinstance(told, ConfigureAgent):
        assert all(queue in core.state.queues for queue in told.settings.queues)
    if isinstance(told, RetireQueue):
        users = [
            agent for agent in core.state.agents.values() if not agent.retired and told.queue in agent.settings.queues
        ]
        assert not users


def test_a_queue_keeps_its_channel_till_it_is_gone() -> None:
    chats = Config(queues=(SALES, msgspec.structs.replace(SUPPORT, channel="chat")))
    core = Core()
    core.handle(OpenJournal("acdtest", 0, "0"), 1)
    for told in changes(core.configured, BOTH):
        core.handle(told, 1)
    _refuses(core.configured, chats)
    core.handle(RetireQueue(SUPPORT.id), 1)
    _refuses(core.configured, chats)
    check_reload(core.configured, BOTH, FILE)
    core.handle(PassTime(), 1)  # it is empty, and removed
    check_reload(core.configured, chats, FILE)


def _refuses(known: Configured, new: Config) -> None:
    with pytest.raises(ConfigError, match=r'queue\.support\.channel: the engine has this queue as "voice", not "chat"'):
        check_reload(known, new, FILE)
