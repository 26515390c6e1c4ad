"""Reads the file and what it points to (secrets, certificates), and makes the settings of each room of it."""

import os
import ssl
import stat
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

from acd.config.checks import check
from acd.config.effects import without_effect
from acd.config.errors import Mistake, in_one_line, setting_path
from acd.config.limits import announcements_of, ends_of, hours_of
from acd.config.parsing import SIZE_LIMIT, parse_tables
from acd.config.settings import Config, ServerSettings, TelephonySettings
from acd.config.tables import (
    AgentTable,
    AsteriskTable,
    PauseTable,
    QueueTable,
    RingTable,
    StandingTable,
    SupervisorTable,
    Tables,
)
from acd.files import open_at_once
from acd.model import AgentId, Phone, QueueId, ServerId, Skill, SupervisorId
from acd.router.settings import (
    NO_GROWTH,
    AgentSettings,
    Disposition,
    Growth,
    PauseReason,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    Step,
    SupervisorSettings,
)
from acd.sign_in import Credential, SignInSettings

SECRET_LIMIT = 256
"""Characters of a secret, wherever it comes from."""
RING_AT_MOST = 10
"""Where a queue rings at several agents or all, and does not say at how many."""
WATCHED_DIAL = "PJSIP/{phone}"
"""Dialled so, a phone's channels bear its name; and the engine's AMI account hears of no other technology's."""


def read_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in this file. Raises `ConfigError`. Blocks while it reads: not for the event loop."""
    try:
        content, mode = _content(path, SIZE_LIMIT + 1)
        tables = parse_tables(content)
        check(tables)
        return _Reading(path, mode, tables, environ).config()
    except Mistake as mistake:
        raise mistake.within(path) from None


def _content(path: Path, limit: int, setting: str = "") -> tuple[bytes, int]:
    """A file's content, of which no more is read than is useful, and its mode."""
    name, allowed = f"{path} " if setting else "", "a file that this user can read"
    try:
        fd = open_at_once(path)
        with os.fdopen(fd, "rb") as file:
            return file.read(limit), stat.S_IMODE(os.fstat(fd).st_mode)
    except OSError as error:
        raise Mistake(setting, f"{name}cannot be read: {error.strerror}", allowed) from None


def _has_certificates(content: bytes) -> bool:
    """Whether TLS can be given this: all of it can be read, and it is not only keys or lists of what was revoked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=content.decode("latin-1").encode("ascii", "replace").decode())
    except (ssl.SSLError, ValueError):
        return False
    return context.cert_store_stats()["x509"] > 0


class _Reading:
    """One file on its way to settings."""

    def __init__(self, path: Path, mode: int, tables: Tables, environ: Mapping[str, str]) -> None:
        self._path = path
        self._mode = mode
        self._tables = tables
        self._environ = environ
        self._warnings: list[str] = []
        self._files = [path]

    def config(self) -> Config:
        tables = self._tables
        servers = tuple(self._server(name, table) for name, table in tables.asterisk.items())
        credentials = _credentials(tables.agent)
        if credentials or any(server.secret is not None for server in tables.asterisk.values()):
            self._warn_of_readers(self._path, self._mode, "")
        self._warn_of_the_idle()
        self._warn_of_the_unreached()
        self._warn_of_no_effect()
        self._warn_of_the_unwatched()
        phones = [agent.phone for agent in tables.agent.values() if agent.phone is not None]
        return Config(
            router=_router(tables),
            queues=tuple(_queue(name, table) for name, table in tables.queue.items()),
            agents=tuple(_agent(name, table, order) for name, table, order in _in_order(tables)),
            supervisors=tuple(_supervisor(name, table) for name, table in tables.supervisor.items()),
            servers=servers,
            telephony=_telephony(tables),
            sign_in=SignInSettings(tables.sign_in.tries, _ms(tables.sign_in.locked_for_s)),
            credentials=credentials,
            phones=frozenset(Phone(phone) for phone in [*phones, *tables.phones.hot_desk]),
            logged_in_at_start=tuple(AgentId(name) for name, table in tables.agent.items() if table.logged_in_at_start),
            warnings=tuple(self._warnings),
            time_zone=tables.site.time_zone,
            hours={name: hours_of(table, tables.site.time_zone) for name, table in tables.hours.items()},
            hours_of={QueueId(name): table.hours for name, table in tables.queue.items() if table.hours is not None},
            files=tuple(map(str, self._files)),
        )

    def _server(self, name: str, table: AsteriskTable) -> ServerSettings:
        if not table.tls and not _is_local(table.host):
            self._warn(setting_path("asterisk", name, "tls"), "the secret crosses the network unencrypted")
        return ServerSettings(
            id=ServerId(name),
            host=table.host,
            port=table.port,
            username=table.username,
            secret=self._secret(name, table),
            tls=table.tls,
            ca_file=self._ca_file(name, table),
            tls_name=table.tls_name,
            dial=table.dial,
        )

    def _secret(self, name: str, table: AsteriskTable) -> str:
        if table.secret is not None:
            return table.secret
        if table.secret_env is not None:
            setting = setting_path("asterisk", name, "secret_env")
            value = self._environ.get(table.secret_env)
            if value is None:
                raise Mistake(setting, f"{table.secret_env} is not in the environment", "a variable that is set")
            return _checked(setting, value)
        assert table.secret_file is not None, "checked: exactly one of the three is given"
        return self._secret_in_file(setting_path("asterisk", name, "secret_file"), self._resolve(table.secret_file))

    def _secret_in_file(self, setting: str, path: Path) -> str:
        self._files.append(path)
        content, mode = _content(path, 4 * SECRET_LIMIT, setting)
        self._warn_of_readers(path, mode, setting)
        try:
            return _checked(setting, content.decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            raise Mistake(setting, f"{path} is not UTF-8", "a text file in UTF-8") from None

    def _ca_file(self, name: str, table: AsteriskTable) -> str | None:
        if table.ca_file is None:
            return None
        path = self._resolve(table.ca_file)
        self._files.append(path)
        setting = setting_path("asterisk", name, "ca_file")
        content, _ = _content(path, SIZE_LIMIT, setting)
        if not _has_certificates(content):
            raise Mistake(setting, f"{path} holds no certificate that can be used", "a file with PEM certificates")
        return str(path)

    def _resolve(self, name: str) -> Path:
        return self._path.parent / name

    def _warn(self, setting: str, what: str) -> None:
        where = f"{self._path}: {setting}" if setting else str(self._path)
        self._warnings.append(in_one_line(f"{where}: {what}"))

    def _warn_of_readers(self, path: Path, mode: int, setting: str) -> None:
        if mode & stat.S_IROTH:
            self._warn(setting, f"{path.name} holds secrets and everyone can read it (mode {mode:04o}; 0640 is enough)")

    def _warn_of_the_idle(self) -> None:
        if not self._tables.queue:
            self._warn("queue", "there is no queue: every call returns with unknown-queue")
        assigned = {queue for agent in self._tables.agent.values() for queue in agent.queues}
        for name, table in self._tables.queue.items():
            if name not in assigned and not table.may_join:
                self._warn(setting_path("queue", name), "no agent is assigned to this queue")
        for name, queue in self._tables.queue.items():
            if queue.channel == "chat":
                what = "nothing of this release hands over chats, and calls from the dialplan are refused there"
                self._warn(setting_path("queue", name, "channel"), what)

    def _warn_of_the_unreached(self) -> None:
        """Agents to whom no call of a queue can ever come."""
        for name, agent in self._tables.agent.items():
            for queue in agent.queues:
                table, tier = self._tables.queue[queue], agent.standing.get(queue, AS_USUAL).tier
                if not _comes_to(table.rings, tier):
                    where = setting_path("agent", name, "standing", queue, "tier")
                    self._warn(where, f"no ring of the queue widens to tier {tier}: this agent gets none of its calls")
                if table.channel == "chat" and agent.chats == 0:
                    where = setting_path("agent", name, "chats")
                    self._warn(where, f"without chats this agent gets none from the queue {queue}")

    def _warn_of_no_effect(self) -> None:
        """Settings that wait for another one."""
        for section, name, setting, what in without_effect(self._tables):
            self._warn(setting_path(section, name, setting), what)

    def _warn_of_the_unwatched(self) -> None:
        """Phones whose direct calls no server would tell of. A PJSIP trunk may lead to a server that does."""
        dials = {name: table.dial for name, table in self._tables.asterisk.items()}
        some_are_watched = any(map(_is_watched, dials.values()))
        for name, dial in dials.items():
            if not _is_watched(dial) and not (some_are_watched and dial.startswith("PJSIP/")):
                what = f"direct calls of phones that are dialled so are not seen; those of {WATCHED_DIAL} are"
                self._warn(setting_path("asterisk", name, "dial"), what)


def _is_local(host: str) -> bool:
    """Whether what is sent there stays on this machine. A name that only begins like one of its own is another's."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_watched(dial: str) -> bool:
    return dial == WATCHED_DIAL or dial.startswith(f"{WATCHED_DIAL}/")


def _comes_to(rings: list[RingTable], tier: int) -> bool:
    """Whether calls that wait long enough come to this tier."""
    widest = rings[-1].tier if rings else None
    return widest is None or tier <= widest


def _checked(setting: str, secret: str) -> str:
    """A secret from elsewhere obeys the rules of one that stands in the file."""
    if not 1 <= len(secret) <= SECRET_LIMIT or not secret.isprintable():
        raise Mistake(setting, "the secret found there is not allowed", "text of 1 to 256 characters in one line")
    return secret


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _queue(name: str, table: QueueTable) -> QueueSettings:
    return QueueSettings(
        id=QueueId(name),
        name=table.name or name,
        ring_timeout_ms=_ms(table.ring_timeout_s),
        wrap_up_ms=_ms(table.wrap_up_s),
        wrap_up_by_agent=table.wrap_up_by_agent,
        wrap_up_extension_ms=_ms(table.wrap_up_extension_s),
        disposition_required=table.disposition_required,
        may_join=table.may_join,
        max_wait_ms=None if table.max_wait_s is None else _ms(table.max_wait_s),
        max_length=table.max_length,
        strategy=table.strategy,
        weight=table.weight,
        growth=_growth(table),
        rings=tuple(Ring(_ms(ring.after_s), ring.tier, ring.skill_slack) for ring in table.rings),
        ring_at_most=_rings_at(table),
        channel=table.channel,
        named_agent_ms=_ms(table.named_agent_s),
        last_agent_ms=_ms(table.last_agent_s),
        ends=ends_of(table),
        announcements=announcements_of(table),
    )


def _rings_at(table: QueueTable) -> int:
    """At how many agents one call rings at once."""
    if table.ring is None:
        return table.ring_at_most or 1
    return 1 if table.ring == "one" else table.ring_at_most or RING_AT_MOST


def _growth(table: QueueTable) -> Growth:
    if not table.priority_grows and table.priority_point_every_s is None:
        return NO_GROWTH
    return Growth(
        tuple(Step(_ms(step.after_s), step.points) for step in table.priority_grows),
        None if table.priority_point_every_s is None else _ms(table.priority_point_every_s),
    )


def _in_order(tables: Tables) -> Iterator[tuple[str, AgentTable, int]]:
    """The agents and their places in the order of the file. Only where a queue goes by it: a new agent on top of the
    file is no change to all the others."""
    linear = {name for name, queue in tables.queue.items() if queue.strategy == "linear"}
    order = 0
    for name, agent in tables.agent.items():
        by_order = not linear.isdisjoint(agent.queues)
        yield name, agent, order if by_order else 0
        order += by_order


def _agent(name: str, table: AgentTable, order: int) -> AgentSettings:
    return AgentSettings(
        id=AgentId(name),
        name=table.name or name,
        phone=None if table.phone is None else Phone(table.phone),
        queues=tuple(QueueId(queue) for queue in table.queues),
        hot_desking=table.hot_desking,
        skills=tuple(sorted((_skill(word) for word in table.skills), key=lambda skill: skill.name)),
        standings=tuple(
            _standing(queue, table.standing[queue])
            for queue in table.queues
            if table.standing.get(queue, AS_USUAL) != AS_USUAL
        ),
        takes=table.takes,
        order=order,
        chats=table.chats,
        wrap_up_ms=None if table.wrap_up_s is None else _ms(table.wrap_up_s),
    )


AS_USUAL = StandingTable()


def _standing(queue: str, table: StandingTable) -> Standing:
    return Standing(QueueId(queue), table.tier, table.rank, table.weight)


def _skill(word: str) -> Skill:
    name, _, level = word.partition(":")
    return Skill(name, int(level or 1))


def _supervisor(name: str, table: SupervisorTable) -> SupervisorSettings:
    queues = tuple(QueueId(queue) for queue in table.queues)
    return SupervisorSettings(SupervisorId(name), table.name or name, queues)


def _pause_reason(name: str, table: PauseTable) -> PauseReason:
    limit_ms = None if table.limit_s is None else _ms(table.limit_s)
    return PauseReason(name, table.name or name, table.number, limit_ms, table.at_limit, table.productive)


def _router(tables: Tables) -> RouterSettings:
    table = tables.routing
    return RouterSettings(
        refusal_rest_ms=_ms(table.refusal_rest_s),
        unreachable_rest_ms=_ms(table.unreachable_rest_s),
        server_lost_after_ms=_ms(table.server_lost_after_s),
        max_profiles=table.max_profiles,
        pause_reasons=tuple(_pause_reason(name, pause) for name, pause in tables.pause.items()),
        dispositions=tuple(
            Disposition(name, each.name or name, each.number) for name, each in tables.disposition.items()
        ),
        misses_before_pause=table.misses_before_pause or None,
        last_agent_remembered_ms=_ms(table.last_agent_remembered_s),
        callers_remembered=table.callers_remembered,
    )


def _telephony(tables: Tables) -> TelephonySettings:
    table = tables.telephony
    return TelephonySettings(
        waiting_lost_after_s=table.waiting_lost_after_s,
        connect_timeout_s=table.connect_timeout_s,
        action_timeout_s=table.action_timeout_s,
        ping_every_s=table.ping_every_s,
        retry_at_most_s=table.retry_at_most_s,
    )


def _credentials(agents: dict[str, AgentTable]) -> tuple[Credential, ...]:
    return tuple(
        Credential(table.number, AgentId(name), table.pin_hash)
        for name, table in agents.items()
        if table.number is not None and table.pin_hash is not None
    )
