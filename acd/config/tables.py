"""The tables of the file, as their author writes them: names, types, limits, defaults.

The description of a setting says what is allowed, in the words of the error that a wrong value earns and of
docs/configuration.md. Durations are seconds here and milliseconds everywhere else.
"""

from typing import Annotated, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from acd.hours import HOLIDAYS, SPECIAL, WEEKLY
from acd.model import Channel
from acd.router.settings import AtLimit, Lasting, Strategy, Takes

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z"
ID_ALLOWED = "letters, digits, and _ . - after the first of them, at most 64"

RINGS_MOST = 10
STEPS_MOST = 20
SKILLS_MOST = 50

_DIAL = r"[A-Za-z0-9_./@:;+*#=$?-]*"

_CONTROLS = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""What ends a line, steers a terminal, or turns the direction of the text that follows."""

Text = Annotated[
    str,
    Meta(
        pattern=rf"^(?=.*\S)[^{_CONTROLS}]{{1,80}}\Z",
        description="text of 1 to 80 characters in one line, without control characters, not only blanks",
    ),
]
Phone = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9+][A-Za-z0-9_.+-]{0,39}\Z", description="letters, digits and _ . + -, at most 40")
]
Queues = Annotated[
    list[Annotated[str, Meta(pattern=ID_PATTERN)]],
    Meta(description='a list of names of [queue.NAME] tables in this file: ["sales"]'),
]
Switch = Annotated[bool, Meta(description="true or false")]
Secret = Annotated[
    str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,256}\Z", description="text of 1 to 256 characters in one line")
]
Variable = Annotated[
    str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}\Z", description="the name of an environment variable")
]
Seconds = Annotated[float, Meta(ge=0, le=86_400, description="seconds, from 0 to 86400")]
Skills = Annotated[
    list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(:([1-9][0-9]?|100))?\Z")]],
    Meta(
        max_length=SKILLS_MOST,
        description=f"a list of at most {SKILLS_MOST} skills, each of letters, digits and _ . - and, if it is not 1, "
        'its level up to 100: ["german:3", "billing"]',
    ),
]
File = Annotated[str, Meta(pattern=r"^[^\x00]+\Z", description="the name of a file, from this file's folder on")]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


class AsteriskTable(_Table, frozen=True, kw_only=True):
    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,253}\Z", description="a host name or an IP address")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=1, le=65_535, description="a whole number, from 1 to 65535")] = 5038
    username: Text
    secret: Secret | None = None
    secret_file: File | None = None
    secret_env: Variable | None = None
    tls: Switch = False
    ca_file: File | None = None
    tls_name: (
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:*-]{1,253}\Z", description="a host name or an IP address")] | None
    ) = None
    dial: Annotated[
        str,
        Meta(
            pattern=rf"^[A-Za-z0-9_]+/{_DIAL}\{{phone\}}{_DIAL}\Z",
            description="a dial string of Asterisk with {phone} in it, once: PJSIP/{phone}",
        ),
    ] = "PJSIP/{phone}"


class StepTable(_Table, frozen=True, kw_only=True):
    after_s: Seconds
    points: Annotated[int, Meta(ge=1, le=100, description="a whole number, from 1 to 100")]


class RingTable(_Table, frozen=True, kw_only=True):
    after_s: Seconds
    tier: Annotated[int, Meta(ge=1, le=100, description="a whole number, from 1 to 100")] | None = None
    skill_slack: Annotated[int, Meta(ge=0, le=100, description="a whole number, from 0 to 100")] = 0


class StandingTable(_Table, frozen=True, kw_only=True):
    tier: Annotated[int, Meta(ge=1, le=100, description="a whole number, from 1 to 100")] = 1
    rank: Annotated[int, Meta(ge=1, le=100, description="a whole number, from 1 to 100")] = 1
    weight: Annotated[int, Meta(ge=1, le=100, description="a whole number, from 1 to 100")] = 1


Steps = Annotated[
    list[StepTable],
    Meta(
        max_length=STEPS_MOST,
        description=f"a list of at most {STEPS_MOST} steps: [{{ after_s = 60, points = 2 }}]",
    ),
]
Rings = Annotated[
    list[RingTable],
    Meta(
        max_length=RINGS_MOST,
        description=f"a list of at most {RINGS_MOST} rings: "
        "[{ after_s = 0, tier = 1 }, { after_s = 20, tier = 2, skill_slack = 1 }]",
    ),
]
Standings = Annotated[
    dict[str, StandingTable],
    Meta(description="a table of names of queues: { sales = { tier = 2 }, support = { rank = 2, weight = 3 } }"),
]


_QUEUE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_PLACE = r"goto [A-Za-z0-9_.-]{1,79},[A-Za-z0-9_.*#+-]{1,79},[1-9][0-9]{0,3}"
EndText = Annotated[
    str,
    Meta(
        pattern=rf"^(return|queue {_QUEUE_NAME}( anew)?|{_PLACE}|callback( {_PLACE})?)\Z",
        description="return, queue NAME, queue NAME anew, goto CONTEXT,EXTENSION,PRIORITY, callback, or callback goto "
        "CONTEXT,EXTENSION,PRIORITY",
    ),
]
Zone = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_+/-]{1,64}\Z", description="a name of the tz database: America/Sao_Paulo")
]


Ringing = Literal["one", "several", "all"]


class QueueTable(_Table, frozen=True, kw_only=True):
    name: Text | None = None
    ring_timeout_s: Annotated[float, Meta(ge=1, le=300, description="seconds, from 1 to 300")] = 15
    wrap_up_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] = 10
    wrap_up_by_agent: Switch = False
    wrap_up_extension_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] = 0
    disposition_required: Switch = False
    may_join: Switch = False
    max_wait_s: Annotated[float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400")] | None = None
    max_length: Annotated[int, Meta(ge=1, le=100_000, description="a whole number, from 1 to 100000")] | None = None
    strategy: Annotated[Strategy, Meta(description=f"one of {', '.join(get_args(Strategy))}")] = "longest-idle"
    ring: Annotated[Ringing, Meta(description=f"one of {', '.join(get_args(Ringing))}")] | None = None
    ring_at_most: Annotated[int, Meta(ge=1, le=50, description="a whole number, from 1 to 50")] | None = None
    weight: Annotated[int, Meta(ge=-100, le=100, description="a whole number, from -100 to 100")] = 0
    priority_grows: Steps = []
    priority_point_every_s: Annotated[float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400")] | None = (
        None
    )
    rings: Rings = []
    on_timeout: EndText = "return"
    on_full: EndText = "return"
    on_closed: EndText = "return"
    on_no_agents: EndText | None = None
    on_all_paused: EndText | None = None
    announce_after_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] | None = None
    announce_every_s: Annotated[float, Meta(ge=5, le=3600, description="seconds, from 5 to 3600")] | None = None
    announce_position: Switch = False
    announce_wait: Switch = False
    announce_sound: (
        Annotated[
            str,
            Meta(
                pattern=r"^(?!(.*/)?\.\.?(/|\Z))[A-Za-z0-9_./-]{1,80}\Z",
                description="a sound of Asterisk, without its ending and without . or .. for a folder: custom/offers",
            ),
        ]
        | None
    ) = None
    leave_when: Annotated[
        list[Lasting], Meta(max_length=3, description='a list of no-agents, all-paused, closed: ["no-agents"]')
    ] = []
    hours: (
        Annotated[str, Meta(pattern=ID_PATTERN, description="the name of an [hours.NAME] table in this file")] | None
    ) = None
    named_agent_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] = 30
    last_agent_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] = 0
    channel: Annotated[Channel, Meta(description=f"one of {', '.join(get_args(Channel))}")] = "voice"


class AgentTable(_Table, frozen=True, kw_only=True):
    name: Text | None = None
    number: Annotated[str, Meta(pattern=r"^[0-9]{1,12}\Z", description='1 to 12 digits in quotes: "41"')] | None = None
    pin_hash: Annotated[str, Meta(max_length=256, description="what `acd hash-pin` prints")] | None = None
    phone: Phone | None = None
    queues: Queues
    skills: Skills = []
    standing: Standings = {}
    takes: Annotated[Takes, Meta(description=f"one of {', '.join(get_args(Takes))}")] = "order"
    chats: Annotated[int, Meta(ge=0, le=50, description="a whole number, from 0 to 50")] = 0
    wrap_up_s: Annotated[float, Meta(ge=0, le=3600, description="seconds, from 0 to 3600")] | None = None
    hot_desking: Switch = False
    logged_in_at_start: Switch = False


class PauseTable(_Table, frozen=True, kw_only=True):
    number: Annotated[int, Meta(ge=1, le=99, description="a whole number, from 1 to 99")]
    name: Text | None = None
    limit_s: Annotated[float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400")] | None = None
    at_limit: Annotated[AtLimit, Meta(description=f"one of {', '.join(get_args(AtLimit))}")] = "ready"
    productive: Switch = False


class DispositionTable(_Table, frozen=True, kw_only=True):
    number: Annotated[int, Meta(ge=1, le=99, description="a whole number, from 1 to 99")]
    name: Text | None = None


class SupervisorTable(_Table, frozen=True, kw_only=True):
    name: Text | None = None
    queues: Queues


class RoutingTable(_Table, frozen=True, kw_only=True):
    refusal_rest_s: Annotated[float, Meta(ge=1, le=3600, description="seconds, from 1 to 3600")] = 5
    unreachable_rest_s: Annotated[float, Meta(ge=1, le=3600, description="seconds, from 1 to 3600")] = 10
    server_lost_after_s: Annotated[float, Meta(ge=1, le=3600, description="seconds, from 1 to 3600")] = 60
    misses_before_pause: Annotated[int, Meta(ge=0, le=100, description="a whole number, from 0 to 100")] = 3
    max_profiles: Annotated[int, Meta(ge=1, le=256, description="a whole number, from 1 to 256")] = 32
    last_agent_remembered_s: Annotated[
        float, Meta(ge=60, le=31_536_000, description="seconds, from 60 to 31536000")
    ] = 604_800
    callers_remembered: Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number, from 1 to 1000000")] = (
        100_000
    )


class HoursTable(_Table, frozen=True, kw_only=True):
    time_zone: Zone | None = None
    weekly: Annotated[
        list[Annotated[str, Meta(pattern=WEEKLY)]],
        Meta(description='a list of days and times: ["mon-fri 09:00-18:00", "sat 09:00-13:00"]'),
    ]
    holidays: (
        Annotated[str, Meta(pattern=HOLIDAYS, description="a country, or a country and a part of it: BR or BR-SP")]
        | None
    ) = None
    special: Annotated[
        list[Annotated[str, Meta(pattern=SPECIAL)]],
        Meta(description='a list of dates with times or closed: ["2026-12-24 09:00-12:00", "2026-12-31 closed"]'),
    ] = []


class SiteTable(_Table, frozen=True, kw_only=True):
    time_zone: Zone = "UTC"


class PhonesTable(_Table, frozen=True, kw_only=True):
    hot_desk: Annotated[
        list[Phone], Meta(description='a list of phones, each of letters, digits and _ . + -: ["1901"]')
    ] = []


class TelephonyTable(_Table, frozen=True, kw_only=True):
    waiting_lost_after_s: Annotated[int, Meta(ge=5, le=3600, description="whole seconds, from 5 to 3600")] = 60
    connect_timeout_s: Annotated[float, Meta(ge=0.1, le=60, description="seconds, from 0.1 to 60")] = 5
    action_timeout_s: Annotated[float, Meta(ge=0.1, le=60, description="seconds, from 0.1 to 60")] = 5
    ping_every_s: Annotated[float, Meta(ge=0.1, le=60, description="seconds, from 0.1 to 60")] = 3
    retry_at_most_s: Annotated[float, Meta(ge=0.1, le=300, description="seconds, from 0.1 to 300")] = 5


class SignInTable(_Table, frozen=True, kw_only=True):
    tries: Annotated[int, Meta(ge=1, le=20, description="a whole number, from 1 to 20")] = 5
    locked_for_s: Annotated[float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400")] = 300


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. A dict is a section with one table for each name: `[queue.sales]`."""

    asterisk: dict[str, AsteriskTable]
    queue: dict[str, QueueTable]
    agent: dict[str, AgentTable]
    pause: dict[str, PauseTable]
    disposition: dict[str, DispositionTable]
    supervisor: dict[str, SupervisorTable]
    hours: dict[str, HoursTable]
    site: SiteTable
    routing: RoutingTable
    phones: PhonesTable
    telephony: TelephonyTable
    sign_in: SignInTable


NAMED: dict[str, type[_Table]] = {
    "asterisk": AsteriskTable,
    "queue": QueueTable,
    "agent": AgentTable,
    "pause": PauseTable,
    "disposition": DispositionTable,
    "supervisor": SupervisorTable,
    "hours": HoursTable,
}
"""Sections with a table for each name."""
SINGLE: dict[str, type[_Table]] = {
    "site": SiteTable,
    "routing": RoutingTable,
    "phones": PhonesTable,
    "telephony": TelephonyTable,
    "sign_in": SignInTable,
}
"""Sections that are one table."""
NESTED: dict[tuple[type[_Table], str], type[_Table]] = {
    (QueueTable, "priority_grows"): StepTable,
    (QueueTable, "rings"): RingTable,
    (AgentTable, "standing"): StandingTable,
}
"""Settings that hold tables of their own, in a list or by a name."""
HIDDEN = frozenset({"secret", "pin_hash"})
"""Settings whose value no error repeats."""


def allowed_for(table: type[msgspec.Struct], name: str) -> str:
    """What a setting may be."""
    text = _description(get_type_hints(table, include_extras=True)[name])
    assert text, f"{table.__name__}.{name} does not say what is allowed"
    return text


def _description(hint: object) -> str:
    """The first description in a type, from the outside in."""
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    return next(filter(None, map(_description, get_args(hint))), "")
