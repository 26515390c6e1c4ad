"""A reload as a difference: what the core must be told so that one configuration becomes another."""

from collections.abc import Iterator

from acd.config.settings import Config
from acd.core import Input
from acd.router.inputs import ConfigureAgent, ConfigureQueue, ConfigureRouter, RetireAgent, RetireQueue


def changes(old: Config | None, new: Config) -> list[Input]:
    """The inputs that make `new` of `old`, or of nothing; none where routing is the same.

    The order keeps every reference valid: a queue is there before its agents, and gone after them.
    """
    before = old or Config(router=new.router)
    told: list[Input] = []
    if old is None or old.router != new.router:
        told.append(ConfigureRouter(new.router))
    told += _new_and_changed(before, new)
    told += _gone(before, new)
    return told


def _new_and_changed(old: Config, new: Config) -> Iterator[Input]:
    queues = {queue.id: queue for queue in old.queues}
    agents = {agent.id: agent for agent in old.agents}
    yield from (ConfigureQueue(queue) for queue in new.queues if queues.get(queue.id) != queue)
    yield from (ConfigureAgent(agent) for agent in new.agents if agents.get(agent.id) != agent)


def _gone(old: Config, new: Config) -> Iterator[Input]:
    queues = {queue.id for queue in new.queues}
    agents = {agent.id for agent in new.agents}
    yield from (RetireAgent(agent.id) for agent in old.agents if agent.id not in agents)
    yield from (RetireQueue(queue.id) for queue in old.queues if queue.id not in queues)
