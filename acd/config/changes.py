"""A reload as a difference: what the core must be told so that it goes by a configuration.

The difference is taken from what the core goes by, not from the file that was read before: a core that was folded
from a journal, or a reload that was broken off, may hold what no file of this process ever held.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from acd.config.errors import ConfigError, setting_path, shown
from acd.config.settings import Config, ServerSettings
from acd.core import Input
from acd.router.inputs import (
    ConfigureAgent,
    ConfigureQueue,
    ConfigureRouter,
    ConfigureSupervisor,
    RetireAgent,
    RetireQueue,
    RetireSupervisor,
)
from acd.router.settings import Configured


def check_reload(known: Configured, new: Config, file: Path) -> None:
    """Raise a `ConfigError` for what a running engine cannot become: who waits and talks in a queue cannot change from
    calls to chats."""
    channels = {queue.id: queue.channel for queue in (*known.queues, *known.emptying)}
    for queue in new.queues:
        kept = channels.get(queue.id, queue.channel)
        if queue.channel != kept:
            where = setting_path("queue", queue.id, "channel")
            wrong = f"the engine has this queue as {shown(kept)}, not {shown(queue.channel)}"
            allowed = f"{shown(kept)}; or a reload without the queue, and one with it when its last call has ended"
            raise ConfigError(file, where, wrong, allowed)


def check_servers(known: Iterable[ServerSettings], new: Config, file: Path) -> None:
    """Raise a `ConfigError` for a server that gets another name: to the engine it would be another server, and agents
    who talk there would be held until the one before is given up."""
    names = {(server.host, server.port): server.id for server in known}
    for server in new.servers:
        name = names.get((server.host, server.port), server.id)
        if name != server.id:
            where = setting_path("asterisk", server.id)
            wrong = f"the engine knows the server at {server.host}:{server.port} as {name}"
            raise ConfigError(
                file, where, wrong, f"{setting_path('asterisk', name)}; or another name at the next start"
            )


def changes(known: Configured, new: Config) -> list[Input]:
    """The inputs that make `new` of what is known; none where routing is the same.

    The order keeps every reference valid: a queue is there before its agents, and gone after them.
    """
    told: list[Input] = []
    if known.router != new.router:
        told.append(ConfigureRouter(new.router))
    told += _new_and_changed(known, new)
    told += _gone(known, new)
    return told


def _new_and_changed(known: Configured, new: Config) -> Iterator[Input]:
    queues = {queue.id: queue for queue in known.queues}
    agents = {agent.id: agent for agent in known.agents}
    yield from (ConfigureQueue(queue) for queue in new.queues if queues.get(queue.id) != queue)
    supervisors = {supervisor.id: supervisor for supervisor in known.supervisors}
    yield from (ConfigureSupervisor(each) for each in new.supervisors if supervisors.get(each.id) != each)
    yield from (ConfigureAgent(agent) for agent in new.agents if agents.get(agent.id) != agent)


def _gone(known: Configured, new: Config) -> Iterator[Input]:
    queues = {queue.id for queue in new.queues}
    agents = {agent.id for agent in new.agents}
    supervisors = {supervisor.id for supervisor in new.supervisors}
    yield from (RetireSupervisor(known.id) for known in known.supervisors if known.id not in supervisors)
    yield from (RetireAgent(agent.id) for agent in known.agents if agent.id not in agents)
    yield from (RetireQueue(queue.id) for queue in known.queues if queue.id not in queues)
