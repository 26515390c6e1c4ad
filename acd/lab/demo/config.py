"""The configuration of the demo's engine: a file as an operator writes it, with the embedded defaults for the rest."""

from collections.abc import Iterator, Sequence

from acd.lab.demo.cast import PAUSES, QUEUES, RING_TIMEOUT_S, Agent, Queue
from acd.lab.servers import LabServer


def config_text(server: LabServer, agents: Sequence[Agent], pin_hash: str) -> str:
    """The file. Its secrets are the lab's, which everybody knows; it is private all the same."""
    return "\n\n".join(_tables(server, agents, pin_hash)) + "\n"


def _tables(server: LabServer, agents: Sequence[Agent], pin_hash: str) -> Iterator[str]:
    yield (
        f'[asterisk.{server.name}]\nhost = "{server.host}"\nport = {server.ami_port}\n'
        f'username = "{server.ami_user}"\nsecret = "{server.ami_secret}"'
    )
    yield from (_queue(queue) for queue in QUEUES)
    for number, name in enumerate(PAUSES, 1):
        yield f'[pause.{name.lower()}]\nnumber = {number}\nname = "{name}"'
    yield from (_agent(agent, pin_hash) for agent in agents)


def _queue(queue: Queue) -> str:
    lines = [
        f'[queue.{queue.id}]\nname = "{queue.name}"',
        f"ring_timeout_s = {RING_TIMEOUT_S}\nwrap_up_s = {queue.wrap_up_s}\nmax_wait_s = 120",
        f"ring_at_most = {queue.ring_at_most}",
    ]
    if queue.relaxes_after_s is not None:
        lines.append(f"rings = [{{ after_s = 0 }}, {{ after_s = {queue.relaxes_after_s}, skill_slack = 100 }}]")
    return "\n".join(lines)


def _agent(agent: Agent, pin_hash: str) -> str:
    queues = ", ".join(f'"{queue}"' for queue in agent.queues)
    skills = ", ".join(f'"{skill}"' for skill in agent.skills)
    return (
        f'[agent.{agent.id}]\nname = "{agent.name}"\nnumber = "{agent.number}"\npin_hash = "{pin_hash}"\n'
        f'phone = "{agent.phone}"\nqueues = [{queues}]\nskills = [{skills}]\nlogged_in_at_start = true'
    )
