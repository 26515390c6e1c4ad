"""What one table alone cannot say: names that must exist, values that must differ, settings that need another."""

import re
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from itertools import pairwise
from math import inf

import msgspec

from acd.config.errors import Mistake, setting_path, shown
from acd.config.limits import check_limits
from acd.config.tables import (
    NAMED,
    SINGLE,
    AgentTable,
    AsteriskTable,
    QueueTable,
    RingTable,
    StandingTable,
    Tables,
    allowed_for,
)
from acd.router.rights import THE_ENGINE
from acd.router.settings import CLASSES_MOST, SYSTEM_REASONS
from acd.sign_in import PIN_HASH_ALLOWED, is_pin_hash

SECRETS = ("secret", "secret_file", "secret_env")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def check(tables: Tables) -> None:
    """Raise the first `Mistake`, if there is any."""
    for rule in _RULES:
        for mistake in rule(tables):
            raise mistake


def _a_server(tables: Tables) -> Iterator[Mistake]:
    if not tables.asterisk:
        yield Mistake("asterisk", "it is missing", "at least one server, [asterisk.NAME]")


def _servers(tables: Tables) -> Iterator[Mistake]:
    for name, server in tables.asterisk.items():
        yield from _one_secret(setting_path("asterisk", name), server)
        yield from _host(setting_path("asterisk", name, "host"), server.host)
        for setting in ("ca_file", "tls_name"):
            if getattr(server, setting) is not None and not server.tls:
                where = setting_path("asterisk", name, setting)
                yield Mistake(where, "it has no effect without tls", f"{setting} together with tls = true")


def _host(where: str, host: str) -> Iterator[Mistake]:
    """A name that no resolver knows is tried again and again; one that cannot be a name is a mistake."""
    if not _is_address(host) and not _is_host_name(host):
        yield Mistake(where, f"{shown(host)} is neither", "a host name or an IP address")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_host_name(host: str) -> bool:
    """No name ends in a number: that is an address, or should be one (RFC 3696, 2)."""
    labels = host.removesuffix(".").split(".")
    return all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def _one_secret(where: str, server: AsteriskTable) -> Iterator[Mistake]:
    given = [name for name in SECRETS if getattr(server, name) is not None]
    if not given:
        yield Mistake(f"{where}.secret", "it is missing", f"one of {', '.join(SECRETS)}")
    if len(given) > 1:
        yield Mistake(f"{where}.{given[1]}", f"{given[0]} is given too", f"one of {', '.join(SECRETS)}")


def _durations(tables: Tables) -> Iterator[Mistake]:
    """Everywhere else they are whole milliseconds: one that comes to nothing is not what was meant."""
    for section in NAMED:
        for name, table in getattr(tables, section).items():
            yield from _too_short(setting_path(section, name), table)
    for section in SINGLE:
        yield from _too_short(setting_path(section), getattr(tables, section))


def _too_short(where: str, table: msgspec.Struct) -> Iterator[Mistake]:
    for setting in table.__struct_fields__:
        value = getattr(table, setting)
        if isinstance(value, float) and 0 < value < 0.001:
            wrong = f"{shown(value)} is less than a millisecond"
            yield Mistake(f"{where}.{setting}", wrong, allowed_for(type(table), setting))
        if isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, msgspec.Struct):
                    yield from _too_short(f"{where}.{setting}[{index}]", each)


def _queues(tables: Tables) -> Iterator[Mistake]:
    for name, queue in tables.queue.items():
        yield from _ring(setting_path("queue", name, "ring_at_most"), queue)
        yield from _growth(setting_path("queue", name, "priority_grows"), queue)
        yield from _rings(setting_path("queue", name, "rings"), queue)


def _ring(where: str, queue: QueueTable) -> Iterator[Mistake]:
    if queue.ring == "one" and queue.ring_at_most not in {None, 1}:
        yield Mistake(
            where, 'it has no effect with ring = "one"', 'ring_at_most together with ring = "several" or "all"'
        )


def _growth(where: str, queue: QueueTable) -> Iterator[Mistake]:
    """Priority that fell again would let a call lose the place that it has."""
    for index, (before, step) in enumerate(pairwise(queue.priority_grows), 1):
        if step.after_s <= before.after_s:
            yield _out_of_order(f"{where}[{index}]", step.after_s, before.after_s)
        if step.points < before.points:
            wrong = f"{step.points} is less than the {before.points} of the step before"
            yield Mistake(f"{where}[{index}].points", wrong, "points that never fall")


def _rings(where: str, queue: QueueTable) -> Iterator[Mistake]:
    """Who may take a call must not lose it again by waiting (docs/routing.md R29)."""
    if queue.rings and queue.rings[0].after_s != 0:
        wrong = f"nobody may take a call for the first {queue.rings[0].after_s:g} seconds"
        yield Mistake(f"{where}[0].after_s", wrong, "0 in the first ring")
    for index, (before, ring) in enumerate(pairwise(queue.rings), 1):
        if ring.after_s <= before.after_s:
            yield _out_of_order(f"{where}[{index}]", ring.after_s, before.after_s)
        if _reach(ring) < _reach(before):
            yield Mistake(f"{where}[{index}].tier", f"{_tiers(ring)} after {_tiers(before)}", "rings that never narrow")
        if ring.skill_slack < before.skill_slack:
            wrong = f"{ring.skill_slack} is less than the {before.skill_slack} of the ring before"
            yield Mistake(f"{where}[{index}].skill_slack", wrong, "rings that never narrow")


def _out_of_order(where: str, after_s: float, before_s: float) -> Mistake:
    return Mistake(f"{where}.after_s", f"{after_s:g} comes after {before_s:g}", "times that grow from one to the next")


def _reach(ring: RingTable) -> float:
    return inf if ring.tier is None else ring.tier


def _tiers(ring: RingTable) -> str:
    return "all tiers" if ring.tier is None else f"tiers up to {ring.tier}"


def _agents(tables: Tables) -> Iterator[Mistake]:
    for name, agent in tables.agent.items():
        yield from _known_queues(setting_path("agent", name, "queues"), agent.queues, tables)
        yield from _skills(setting_path("agent", name, "skills"), agent)
        yield from _standings(setting_path("agent", name, "standing"), agent)
        yield from _sign_in(name, agent)
        yield from _ready_at_start(name, agent, tables)


def _supervisors(tables: Tables) -> Iterator[Mistake]:
    for name, supervisor in tables.supervisor.items():
        yield from _known_queues(setting_path("supervisor", name, "queues"), supervisor.queues, tables)


def _reserved(tables: Tables) -> Iterator[Mistake]:
    """What the engine does by itself has a name too: nobody may pass for it, and its pauses are nobody else's."""
    for section, names in (("agent", tables.agent), ("supervisor", tables.supervisor)):
        for name in (*THE_ENGINE, "time"):
            if name in names:
                yield Mistake(setting_path(section, name), "this is how facts call the engine itself", "another name")
    for name in tables.supervisor:
        if name in tables.agent:
            where = setting_path("supervisor", name)
            yield Mistake(where, f"{setting_path('agent', name)} is called so too", "another name")
    for name in SYSTEM_REASONS:
        if name in tables.pause:
            yield Mistake(setting_path("pause", name), "this is a pause of the engine's own", "another name")


def _dispositions(tables: Tables) -> Iterator[Mistake]:
    for name, queue in tables.queue.items():
        where = setting_path("queue", name, "disposition_required")
        if queue.disposition_required and not tables.disposition:
            yield Mistake(where, "the file has no [disposition.NAME]", "true only together with at least one of them")


def _pauses(tables: Tables) -> Iterator[Mistake]:
    for name, pause in tables.pause.items():
        if pause.at_limit != "ready" and pause.limit_s is None:
            where = setting_path("pause", name, "at_limit")
            yield Mistake(where, "it has no effect without limit_s", "at_limit together with limit_s")


def _known_queues(path: str, queues: list[str], tables: Tables) -> Iterator[Mistake]:
    for index, queue in enumerate(queues):
        where = f"{path}[{index}]"
        if queue not in tables.queue:
            yield Mistake(where, f"there is no queue {shown(queue)}", _names(tables.queue))
        if queue in queues[:index]:
            yield Mistake(where, f"{shown(queue)} stands there already", "every queue once")


def _skills(where: str, agent: AgentTable) -> Iterator[Mistake]:
    names = [skill.partition(":")[0] for skill in agent.skills]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Mistake(f"{where}[{index}]", f"{shown(name)} stands there already", "every skill once")


def _standings(where: str, agent: AgentTable) -> Iterator[Mistake]:
    for queue in agent.standing:
        if queue not in agent.queues:
            allowed = ", ".join(agent.queues) or "none, because the agent has no queues"
            yield Mistake(f"{where}.{setting_path(queue)}", "it is none of the agent's queues", allowed)


def _classes(tables: Tables) -> Iterator[Mistake]:
    """A match looks at the first agent of each class, or counts those of each weight: there must not be one for every
    agent of a large queue."""
    classes: dict[str, set[tuple[int, int, tuple[str, ...]]]] = {}
    by_weight = {name for name, queue in tables.queue.items() if queue.strategy == "weighted-random"}
    for agent in tables.agent.values():
        skills = tuple(sorted(skill if ":" in skill else f"{skill}:1" for skill in agent.skills))
        for queue in agent.queues:
            standing = agent.standing.get(queue, StandingTable())
            weight = standing.weight if queue in by_weight else 1
            classes.setdefault(queue, set()).add((standing.tier, weight, skills))
    for queue in tables.queue:
        found = len(classes.get(queue, ()))
        and_weight = ", and weight" if queue in by_weight else ""
        if found > CLASSES_MOST:
            yield Mistake(
                setting_path("queue", queue),
                f"its agents have {found} different combinations of tier and skills{and_weight}",
                f"at most {CLASSES_MOST} in one queue: give fewer levels and tiers, the same to those who can the same",
            )


def _names(known: Iterable[str], limit: int = 20) -> str:
    """Names for an error, which stays readable where there are hundreds."""
    names = list(known)
    if not names:
        return "none, because the file has no [queue.NAME]"
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _sign_in(name: str, agent: AgentTable) -> Iterator[Mistake]:
    if agent.number is not None and agent.pin_hash is None:
        yield Mistake(setting_path("agent", name, "pin_hash"), "it is missing", "number and pin_hash together")
    if agent.pin_hash is not None and agent.number is None:
        yield Mistake(setting_path("agent", name, "number"), "it is missing", "number and pin_hash together")
    if agent.pin_hash is not None and not is_pin_hash(agent.pin_hash):
        yield Mistake(setting_path("agent", name, "pin_hash"), "this value is not allowed", PIN_HASH_ALLOWED)


def _ready_at_start(name: str, agent: AgentTable, tables: Tables) -> Iterator[Mistake]:
    where = setting_path("agent", name, "logged_in_at_start")
    calls = any(queue in tables.queue and tables.queue[queue].channel == "voice" for queue in agent.queues)
    if agent.logged_in_at_start and agent.phone is None and (calls or not agent.queues):
        yield Mistake(where, "the agent has no phone of its own", "true only together with phone")
    if agent.logged_in_at_start and not agent.queues:
        yield Mistake(where, "the agent has no queues", "true only with at least one queue in queues")


def _once(section: str, setting: str) -> Callable[[Tables], Iterator[Mistake]]:
    """A rule: no two tables of the section have the same value there."""

    def rule(tables: Tables) -> Iterator[Mistake]:
        first: dict[object, str] = {}
        for name, table in getattr(tables, section).items():
            value = getattr(table, setting)
            owner = first.setdefault(value, name)
            if value is not None and owner != name:
                where = setting_path(section, name, setting)
                taken = setting_path(section, owner)
                yield Mistake(where, f"{shown(value)} belongs to {taken} already", "a value of its own")

    return rule


def _one_link(tables: Tables) -> Iterator[Mistake]:
    """Two links to one server would report every call twice. No name server is asked here: what only it could tell
    is found out at the server, which one link serves and the other one waits for (telephony/ami/lead.py)."""
    first: dict[tuple[str, int], str] = {}
    for name, server in tables.asterisk.items():
        owner = first.setdefault((_one_spelling(server.host), server.port), name)
        if owner != name:
            where = setting_path("asterisk", name, "host")
            taken = setting_path("asterisk", owner)
            yield Mistake(where, f"{server.host}:{server.port} is {taken} already", "every server once")


def _one_spelling(host: str) -> str:
    """The same for every way to write one address."""
    name = host.lower().removesuffix(".")
    if name == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _hot_desks(tables: Tables) -> Iterator[Mistake]:
    owners = {agent.phone: name for name, agent in tables.agent.items()}
    for index, phone in enumerate(tables.phones.hot_desk):
        where = f"phones.hot_desk[{index}]"
        if phone in owners:
            taken = setting_path("agent", owners[phone])
            yield Mistake(where, f"{shown(phone)} belongs to {taken}", "phones that are nobody's own")
        if phone in tables.phones.hot_desk[:index]:
            yield Mistake(where, f"{shown(phone)} stands there already", "every phone once")


_RULES: tuple[Callable[[Tables], Iterator[Mistake]], ...] = (
    _a_server,
    _servers,
    _one_link,
    _durations,
    _queues,
    _agents,
    _classes,
    _once("agent", "number"),
    _once("agent", "phone"),
    _once("pause", "number"),
    _once("disposition", "number"),
    _supervisors,
    _reserved,
    _dispositions,
    _pauses,
    _hot_desks,
    check_limits,
)
