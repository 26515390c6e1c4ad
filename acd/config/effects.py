"""Settings that have no effect because another one is missing: allowed, but hardly meant."""

from collections.abc import Iterator
from typing import NamedTuple

from acd.config.tables import AgentTable, QueueTable, Tables

RETURN = "return"


class Idle(NamedTuple):
    """A setting, by its section, its table's name and its own, and what it lacks."""

    section: str
    name: str
    setting: str
    lacks: str


def without_effect(tables: Tables) -> Iterator[Idle]:
    """All of them, in the order of the tables."""
    for name, queue in tables.queue.items():
        for setting, lacks in _of_queue(queue):
            yield Idle("queue", name, setting, lacks)
    for name, agent in tables.agent.items():
        for setting, lacks in _of_agent(agent, tables):
            yield Idle("agent", name, setting, lacks)
    named = {queue.hours for queue in tables.queue.values()}
    for name, hours in tables.hours.items():
        if name in named and not hours.weekly and all(line.endswith(" closed") for line in hours.special):
            yield Idle("hours", name, "weekly", "the queues that name these hours are never open")
    for name, supervisor in tables.supervisor.items():
        if not supervisor.queues:
            yield Idle("supervisor", name, "queues", "this supervisor may steer no queue")


def _of_queue(queue: QueueTable) -> Iterator[tuple[str, str]]:
    if queue.on_timeout != RETURN and queue.max_wait_s is None:
        yield "on_timeout", "it has no effect without max_wait_s: no wait has an end"
    if queue.on_full != RETURN and queue.max_length is None:
        yield "on_full", "it has no effect without max_length: any number may wait"
    if queue.on_closed != RETURN and queue.hours is None:
        yield "on_closed", "it has no effect without hours: the queue is always open"
    if "closed" in queue.leave_when and queue.hours is None:
        yield "leave_when", "closed has no effect without hours: the queue is always open"
    if queue.wrap_up_extension_s and not queue.wrap_up_s and not queue.wrap_up_by_agent:
        yield "wrap_up_extension_s", "it has no effect with wrap_up_s = 0: there is nothing to extend"
    if queue.ring in {"several", "all"} and queue.ring_at_most == 1:
        yield "ring_at_most", f'with 1 a call rings at one agent, whatever ring = "{queue.ring}" says'


def _of_agent(agent: AgentTable, tables: Tables) -> Iterator[tuple[str, str]]:
    queues = [tables.queue[name] for name in agent.queues]
    joined = [queue for queue in tables.queue.values() if queue.may_join]
    if agent.wrap_up_s is not None and not any(queue.wrap_up_by_agent for queue in (*queues, *joined)):
        yield "wrap_up_s", "it has no effect: none of the agent's queues has wrap_up_by_agent"
    if agent.chats and not any(queue.channel == "chat" for queue in (*queues, *joined)):
        yield "chats", "it has no effect: none of the agent's queues is of channel chat"
