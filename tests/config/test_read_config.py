"""A right file becomes the settings of each room."""

import os
from pathlib import Path

import pytest

from acd.config import Config, ConfigError, ServerSettings, TelephonySettings, read_config
from acd.model import AgentId, Phone, QueueId, ServerId, Skill, SupervisorId
from acd.router.settings import (
    CLASSES_MOST,
    AgentSettings,
    CallbackOffer,
    Destination,
    Disposition,
    Ends,
    Growth,
    NextQueue,
    PauseReason,
    QueueSettings,
    Ring,
    RouterSettings,
    Standing,
    Step,
    SupervisorSettings,
)
from acd.sign_in import Credential, SignInSettings, hash_pin
from tests.certificates import make_authority

SERVER = '[asterisk.main]\nusername = "acd"\nsecret = "not a real one"\n'
HASH = hash_pin("4711")
FULL = f"""
{SERVER}
host = "10.0.0.5"
port = 5039
tls = true
tls_name = "pbx"
dial = "PJSIP/{{phone}}/trunk"

[queue.sales]
name = "Sales"
ring_timeout_s = 12
wrap_up_s = 0.5
max_wait_s = 600
max_length = 20
strategy = "linear"
ring_at_most = 3
weight = -2
priority_grows = [{{ after_s = 30, points = 1 }}, {{ after_s = 90.5, points = 4 }}]
priority_point_every_s = 120
rings = [{{ after_s = 0, tier = 1 }}, {{ after_s = 20, tier = 2 }}, {{ after_s = 40, skill_slack = 5 }}]
named_agent_s = 0
last_agent_s = 20
[queue.support]
[queue.texts]
channel = "chat"

[agent.ana]
name = "Ana"
number = "41"
pin_hash = "{HASH}"
phone = "1001"
queues = ["support", "sales", "texts"]
skills = ["german:3", "billing", "french:100"]
standing = {{ sales = {{ tier = 2, weight = 3 }}, support = {{ rank = 2 }}, texts = {{ tier = 1 }} }}
takes = "rank"
chats = 4
logged_in_at_start = true
[agent.ben]
queues = ["support"]
hot_desking = true
[agent.cleo]
queues = ["sales"]

[pause.lunch]
number = 1
name = "Lunch"
[pause.training]
number = 2

[routing]
refusal_rest_s = 1
unreachable_rest_s = 2
server_lost_after_s = 3
max_profiles = 8
last_agent_remembered_s = 3600
callers_remembered = 500
[phones]
hot_desk = ["1901", "1902"]
[telephony]
waiting_lost_after_s = 30
connect_timeout_s = 1
action_timeout_s = 2
ping_every_s = 4
retry_at_most_s = 8
[sign_in]
tries = 3
locked_for_s = 60
"""


NO_CHATS = (
    "{}: queue.texts.channel: nothing of this release hands over chats, and calls from the dialplan are refused there"
)


def read(tmp_path: Path, content: str, mode: int = 0o640, **environ: str) -> Config:
    path = tmp_path / "acd.toml"
    path.write_text(content)
    path.chmod(mode)
    return read_config(path, environ)


def test_every_setting_arrives_where_it_belongs(tmp_path: Path) -> None:
    sales, support, texts = QueueId("sales"), QueueId("support"), QueueId("texts")
    assert read(tmp_path, FULL) == Config(
        router=RouterSettings(
            1_000,
            2_000,
            3_000,
            (PauseReason("lunch", "Lunch", 1), PauseReason("training", "training", 2)),
            8,
            last_agent_remembered_ms=3_600_000,
            callers_remembered=500,
        ),
        queues=(
            QueueSettings(
                sales,
                "Sales",
                12_000,
                500,
                600_000,
                20,
                strategy="linear",
                weight=-2,
                growth=Growth((Step(30_000, 1), Step(90_500, 4)), 120_000),
                rings=(Ring(0, 1), Ring(20_000, 2), Ring(40_000, None, 5)),
                ring_at_most=3,
                named_agent_ms=0,
                last_agent_ms=20_000,
            ),
            QueueSettings(support, "support"),
            QueueSettings(texts, "texts", channel="chat"),
        ),
        agents=(
            AgentSettings(
                AgentId("ana"),
                "Ana",
                Phone("1001"),
                (support, sales, texts),
                skills=(Skill("billing", 1), Skill("french", 100), Skill("german", 3)),
                standings=(Standing(support, rank=2), Standing(sales, tier=2, weight=3)),
                takes="rank",
                chats=4,
            ),
            AgentSettings(AgentId("ben"), "ben", None, (support,), hot_desking=True),
            AgentSettings(AgentId("cleo"), "cleo", None, (sales,), order=1),
        ),
        servers=(
            ServerSettings(
                id=ServerId("main"),
                username="acd",
                secret="not a real one",
                host="10.0.0.5",
                port=5039,
                tls=True,
                tls_name="pbx",
                dial="PJSIP/{phone}/trunk",
            ),
        ),
        telephony=TelephonySettings(
            waiting_lost_after_s=30, connect_timeout_s=1, action_timeout_s=2, ping_every_s=4, retry_at_most_s=8
        ),
        sign_in=SignInSettings(3, 60_000),
        credentials=(Credential("41", AgentId("ana"), HASH),),
        phones=frozenset({Phone("1001"), Phone("1901"), Phone("1902")}),
        logged_in_at_start=(AgentId("ana"),),
        warnings=(NO_CHATS.format(tmp_path / "acd.toml"),),
        files=(str(tmp_path / "acd.toml"),),
    )


def test_the_least_file_has_the_defaults_of_every_room(tmp_path: Path) -> None:
    config = read(tmp_path, SERVER + "[queue.sales]\n")
    assert config.queues == (QueueSettings(QueueId("sales"), "sales"),)
    assert config.router == RouterSettings()
    assert config.telephony == TelephonySettings()
    assert config.sign_in == SignInSettings()
    assert config.servers == (ServerSettings(id=ServerId("main"), username="acd", secret="not a real one"),)


def test_a_server_dials_a_phone_by_its_dial_string(tmp_path: Path) -> None:
    (server,) = read(tmp_path, FULL).servers
    assert server.address_of(Phone("1001")) == "PJSIP/1001/trunk"


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "main.secret").write_text("from a file\n")
    (tmp_path / "main.secret").chmod(0o600)
    config = read(tmp_path, '[asterisk.main]\nusername = "acd"\nsecret_file = "main.secret"\n[queue.q]\n')
    assert config.servers[0].secret == "from a file"
    assert not [warning for warning in config.warnings if "everyone" in warning]


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    content = '[asterisk.main]\nusername = "acd"\nsecret_env = "PBX_SECRET"\n'
    assert read(tmp_path, content, PBX_SECRET="from there").servers[0].secret == "from there"


def test_a_secret_from_the_environment_obeys_the_rules_too(tmp_path: Path) -> None:
    content = '[asterisk.main]\nusername = "acd"\nsecret_env = "PBX_SECRET"\n'
    with pytest.raises(ConfigError, match=r"secret_env: the secret found there is not allowed"):
        read(tmp_path, content, PBX_SECRET="one\r\nAction: Logoff")


def test_a_certificate_is_found_beside_the_configuration(tmp_path: Path) -> None:
    make_authority(tmp_path)
    config = read(tmp_path, SERVER + 'tls = true\nca_file = "ca.pem"\n')
    assert config.servers[0].ca_file == str(tmp_path / "ca.pem")


def test_a_certificate_may_have_words_around_it(tmp_path: Path) -> None:
    path = make_authority(tmp_path)
    path.write_text(f"Autorité de Zürich\n{path.read_text()}\n# and so on\n")
    assert read(tmp_path, SERVER + 'tls = true\nca_file = "ca.pem"\n').servers[0].ca_file == str(path)


@pytest.mark.parametrize("broken", ["cut", "mixed up", "a key"])
def test_a_certificate_that_cannot_be_used_is_told_when_it_is_read(tmp_path: Path, broken: str) -> None:
    """A reload would end a link that works, for one that cannot be made."""
    path = make_authority(tmp_path)
    content = path.read_text()
    begin, *lines, end = content.splitlines()
    match broken:
        case "cut":
            path.write_text("\n".join([begin, *lines[:3]]))
        case "mixed up":
            path.write_text("\n".join([begin, *reversed(lines), end]))
        case _:
            path.write_bytes(path.with_suffix(".key").read_bytes())
    with pytest.raises(ConfigError, match=r"ca_file: .*ca\.pem holds no certificate that can be used"):
        read(tmp_path, SERVER + 'tls = true\nca_file = "ca.pem"\n')


WITHOUT_EFFECT = [
    (
        '[queue.q]\non_timeout = "callback"\n',
        "queue.q.on_timeout: it has no effect without max_wait_s: no wait has an end",
    ),
    ('[queue.q]\non_full = "callback"\n', "queue.q.on_full: it has no effect without max_length: any number may wait"),
    ('[queue.q]\non_closed = "callback"\n', "on_closed: it has no effect without hours: the queue is always open"),
    ('[queue.q]\nleave_when = ["closed"]\n', "closed has no effect without hours: the queue is always open"),
    (
        "[queue.q]\nwrap_up_s = 0\nwrap_up_extension_s = 5\n",
        "queue.q.wrap_up_extension_s: it has no effect with wrap_up_s = 0: there is nothing to extend",
    ),
    (
        '[queue.q]\nring = "all"\nring_at_most = 1\n',
        'queue.q.ring_at_most: with 1 a call rings at one agent, whatever ring = "all" says',
    ),
    (
        '[queue.q]\n[agent.a]\nqueues = ["q"]\nwrap_up_s = 5\n',
        "agent.a.wrap_up_s: it has no effect: none of the agent's queues has wrap_up_by_agent",
    ),
    (
        '[queue.q]\n[agent.a]\nqueues = ["q"]\nchats = 2\n',
        "agent.a.chats: it has no effect: none of the agent's queues is of channel chat",
    ),
    (
        '[queue.q]\nhours = "h"\n[hours.h]\nweekly = []\n',
        "hours.h.weekly: the queues that name these hours are never open",
    ),
    ("[supervisor.s]\nqueues = []\n", "supervisor.s.queues: this supervisor may steer no queue"),
]
HAVE_EFFECT = """[queue.q]
hours = "h"
max_wait_s = 60
max_length = 5
on_timeout = "callback"
on_full = "callback"
on_closed = "callback"
leave_when = ["closed"]
wrap_up_s = 0
wrap_up_by_agent = true
wrap_up_extension_s = 5
ring = "all"
ring_at_most = 2
[queue.c]
channel = "chat"
[hours.h]
weekly = []
special = ["2026-12-24 09:00-12:00"]
[agent.a]
phone = "1001"
queues = ["q", "c"]
wrap_up_s = 5
chats = 2
[supervisor.s]
queues = ["q"]
"""


@pytest.mark.parametrize(
    ("content", "mode", "warned"),
    [
        (SERVER, 0o644, "acd.toml holds secrets and everyone can read it (mode 0644; 0640 is enough)"),
        (SERVER + 'host = "10.0.0.5"\n', 0o640, "asterisk.main.tls: the secret crosses the network unencrypted"),
        (SERVER, 0o640, "queue: there is no queue: every call returns with unknown-queue"),
        (SERVER + "[queue.sales]\n", 0o640, "queue.sales: no agent is assigned to this queue"),
        *((SERVER + text, 0o640, warned) for text, warned in WITHOUT_EFFECT),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_a_warning(tmp_path: Path, content: str, mode: int, warned: str) -> None:
    assert any(warning.endswith(warned) for warning in read(tmp_path, content, mode).warnings)


def test_settings_that_have_an_effect_are_no_warning(tmp_path: Path) -> None:
    assert read(tmp_path, SERVER + HAVE_EFFECT).warnings == (
        NO_CHATS.replace("queue.texts", "queue.c").format(tmp_path / "acd.toml"),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_a_secret_that_stays_on_this_machine_is_no_warning(tmp_path: Path, host: str) -> None:
    assert not any("unencrypted" in warning for warning in read(tmp_path, f'{SERVER}host = "{host}"\n').warnings)


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.evil.example", "::1234", "128.0.0.1"])
def test_a_host_that_only_begins_like_this_machine_is_a_warning(tmp_path: Path, host: str) -> None:
    assert any("unencrypted" in warning for warning in read(tmp_path, f'{SERVER}host = "{host}"\n').warnings)


@pytest.mark.parametrize(
    ("main", "other", "warned"),
    [
        ("PJSIP/{phone}", None, []),
        ("PJSIP/{phone}/sip:x", None, []),
        ("PJSIP/{phone}", "PJSIP/{phone}@trunk", []),
        ("PJSIP/{phone}@trunk", None, ["main"]),
        ("PJSIP/a{phone}", None, ["main"]),
        ("SIP/{phone}", None, ["main"]),
        ("PJSIP/{phone}", "IAX2/{phone}", ["other"]),
    ],
)
def test_phones_whose_direct_calls_are_not_seen_are_a_warning(
    tmp_path: Path, main: str, other: str | None, warned: list[str]
) -> None:
    content = f'{SERVER}dial = "{main}"\n'
    if other is not None:
        content += SERVER.replace("main", "other") + f'host = "127.0.0.2"\ndial = "{other}"\n'
    warnings = [warning for warning in read(tmp_path, content).warnings if "direct calls" in warning]
    assert [warning.partition(": ")[2].partition(":")[0] for warning in warnings] == [
        f"asterisk.{name}.dial" for name in warned
    ]


def test_all_files_that_were_read_are_known(tmp_path: Path) -> None:
    (tmp_path / "main.secret").write_text("from a file")
    make_authority(tmp_path)
    content = '[asterisk.main]\nusername = "acd"\nsecret_file = "main.secret"\ntls = true\nca_file = "ca.pem"\n'
    names = [str(tmp_path / name) for name in ("acd.toml", "main.secret", "ca.pem")]
    assert list(read(tmp_path, content).files) == names


def test_a_secret_file_that_everyone_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "main.secret").write_text("from a file")
    (tmp_path / "main.secret").chmod(0o604)
    config = read(tmp_path, '[asterisk.main]\nusername = "acd"\nsecret_file = "main.secret"\n')
    assert any("asterisk.main.secret_file: main.secret holds secrets" in warning for warning in config.warnings)


@pytest.mark.parametrize("setting", ["secret_file", "ca_file"])
def test_what_the_file_points_to_must_be_a_file_and_keeps_nobody_waiting(tmp_path: Path, setting: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    secret = "" if setting == "secret_file" else 'secret = "x"\ntls = true\n'
    with pytest.raises(ConfigError, match=f"asterisk.main.{setting}: .*pipe cannot be read: it is a pipe or a device"):
        read(tmp_path, f'[asterisk.main]\nusername = "acd"\n{secret}{setting} = "pipe"\n')


def test_a_file_with_nothing_odd_has_no_warnings(tmp_path: Path) -> None:
    assert read(tmp_path, FULL.replace('channel = "chat"\n', "").replace("chats = 4\n", "")).warnings == ()


@pytest.mark.parametrize(
    ("queue", "agent", "warned"),
    [
        (
            "rings = [{ after_s = 0, tier = 1 }, { after_s = 9, tier = 2 }]",
            "standing.sales.tier = 3",
            "agent.ana.standing.sales.tier: no ring of the queue widens to tier 3: this agent gets none of its calls",
        ),
        ("rings = [{ after_s = 0, tier = 1 }, { after_s = 9, tier = 3 }]", "standing.sales.tier = 3", None),
        ("rings = [{ after_s = 0, tier = 1 }, { after_s = 9 }]", "standing.sales.tier = 3", None),
        (
            'channel = "chat"',
            "",
            "agent.ana.chats: without chats this agent gets none from the queue sales",
        ),
    ],
)
def test_agents_to_whom_no_call_can_come_are_a_warning(
    tmp_path: Path, queue: str, agent: str, warned: str | None
) -> None:
    content = f'{SERVER}[queue.sales]\n{queue}\n[agent.ana]\nqueues = ["sales"]\n{agent}\n'
    warnings = read(tmp_path, content).warnings
    assert [warning for warning in warnings if "agent.ana" in warning] == (
        [] if warned is None else [f"{tmp_path / 'acd.toml'}: {warned}"]
    )


def test_a_new_agent_on_top_of_the_file_changes_only_who_stands_in_a_linear_queue(tmp_path: Path) -> None:
    queues = SERVER + '[queue.sales]\nstrategy = "linear"\n[queue.support]\n'
    wishes = {"ana": "sales", "ben": "support", "cleo": "sales"}
    agents = "".join(f'[agent.{name}]\nqueues = ["{queue}"]\n' for name, queue in wishes.items())
    before = {agent.id: agent for agent in read(tmp_path, queues + agents).agents}
    assert [agent.order for agent in before.values()] == [0, 0, 1]
    for queue, moved in (("support", []), ("sales", ["ana", "cleo"])):
        after = read(tmp_path, f'{queues}[agent.zoe]\nqueues = ["{queue}"]\n{agents}').agents
        assert [agent.id for agent in after if agent.id in before and agent != before[agent.id]] == moved
        assert [agent.id for agent in sorted(after, key=lambda agent: agent.order) if agent.queues == ("sales",)] == [
            agent.id for agent in after if agent.queues == ("sales",)
        ]


def test_the_largest_number_of_classes_is_right(tmp_path: Path) -> None:
    """Tier and skills as they come out, not as they are written: one class more would be a mistake."""
    agents = "".join(
        f'[agent.a{number}]\nqueues = ["sales"]\nskills = ["x:{number}"]\n' for number in range(1, CLASSES_MOST + 1)
    )
    same = '[agent.b]\nqueues = ["sales"]\nskills = ["x"]\nstanding.sales = { tier = 1, rank = 2 }\n'
    assert len(read(tmp_path, SERVER + "[queue.sales]\n" + agents + same).agents) == CLASSES_MOST + 1


def test_where_chance_chooses_those_of_another_weight_are_another_class(tmp_path: Path) -> None:
    agents = "".join(
        f'[agent.a{number}]\nqueues = ["sales"]\nskills = ["x:{number}"]\n' for number in range(1, CLASSES_MOST + 1)
    )
    heavy = '[agent.b]\nqueues = ["sales"]\nskills = ["x"]\nstanding.sales = { weight = 2 }\n'
    assert len(read(tmp_path, SERVER + "[queue.sales]\n" + agents + heavy).agents) == CLASSES_MOST + 1
    with pytest.raises(ConfigError, match="tier and skills, and weight"):
        read(tmp_path, SERVER + '[queue.sales]\nstrategy = "weighted-random"\n' + agents + heavy)


def test_no_secret_is_in_the_repr(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    assert config.secrets == ("not a real one",)
    assert not any(secret in repr(config) for secret in ("not a real one", HASH))


def test_ends_of_waiting_and_hours_are_read(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(
        '[asterisk.main]\nusername = "acd"\nsecret = "s"\n[queue.all]\n[queue.sales]\n'
        'on_timeout = "queue all"\non_full = "queue all anew"\non_closed = "goto default,600,1"\n'
        'on_no_agents = "callback"\non_all_paused = "callback goto default,601,2"\nleave_when = ["closed"]\n'
        'hours = "office"\n[hours.office]\nweekly = ["mon 09:00-17:00"]\n[site]\ntime_zone = "Europe/Berlin"\n'
    )
    config = read_config(path)
    assert config.queues[1].ends == Ends(
        NextQueue(QueueId("all")),
        NextQueue(QueueId("all"), keeps_age=False),
        Destination("default", "600"),
        CallbackOffer(),
        CallbackOffer(Destination("default", "601", 2)),
        ("closed",),
    )
    assert config.hours["office"].time_zone == "Europe/Berlin"
    assert config.hours_of == {"sales": "office"}


PEOPLE = f"""
{SERVER}
[queue.sales]
wrap_up_by_agent = true
wrap_up_extension_s = 30
disposition_required = true
may_join = true
[agent.ana]
queues = ["sales"]
wrap_up_s = 5
[pause.lunch]
number = 1
limit_s = 1800
[pause.training]
number = 2
limit_s = 60
at_limit = "warn"
productive = true
[disposition.sold]
number = 1
name = "Sold"
[supervisor.bea]
name = "Bea"
queues = ["sales"]
[routing]
misses_before_pause = 5
"""


def test_what_agents_may_and_must_arrives_where_it_belongs(tmp_path: Path) -> None:
    config = read(tmp_path, PEOPLE)
    (sales,), (ana,), (bea,) = config.queues, config.agents, config.supervisors
    assert (sales.wrap_up_by_agent, sales.wrap_up_extension_ms) == (True, 30_000)
    assert (sales.disposition_required, sales.may_join) == (True, True)
    assert ana.wrap_up_ms == 5_000
    assert bea == SupervisorSettings(SupervisorId("bea"), "Bea", (QueueId("sales"),))
    assert config.router.pause_reasons == (
        PauseReason("lunch", "lunch", 1, 1_800_000),
        PauseReason("training", "training", 2, 60_000, "warn", productive=True),
    )
    assert config.router.dispositions == (Disposition("sold", "Sold", 1),)
    assert config.router.misses_before_pause == 5


@pytest.mark.parametrize(("routing", "misses"), [("", 3), ("[routing]\nmisses_before_pause = 0\n", None)])
def test_who_misses_three_calls_is_paused_unless_that_is_turned_off(
    tmp_path: Path, routing: str, misses: int | None
) -> None:
    """FreePBX tracker #40: who never answers would be rung first for every call (docs/routing.md R44)."""
    assert read(tmp_path, SERVER + routing).router.misses_before_pause == misses


def test_a_queue_that_may_be_joined_needs_nobody_assigned(tmp_path: Path) -> None:
    assert not read(tmp_path, SERVER + "[queue.sales]\nmay_join = true\n").warnings


def test_an_agent_for_chats_only_is_logged_in_at_the_start_without_a_phone(tmp_path: Path) -> None:
    chats = '[queue.web]\nchannel = "chat"\n[agent.ana]\nqueues = ["web"]\nchats = 2\nlogged_in_at_start = true\n'
    assert read(tmp_path, SERVER + chats).logged_in_at_start == ("ana",)


@pytest.mark.parametrize(
    ("said", "at_most"),
    [
        ("", 1),
        ("ring_at_most = 3", 3),
        ('ring = "one"', 1),
        ('ring = "several"', 10),
        ('ring = "several"\nring_at_most = 3', 3),
        ('ring = "all"', 10),
        ('ring = "all"\nring_at_most = 50', 50),
    ],
)
def test_a_queue_that_rings_at_several_or_all_rings_at_ten_unless_it_says_how_many(
    tmp_path: Path, said: str, at_most: int
) -> None:
    (sales,) = read(tmp_path, SERVER + f"[queue.sales]\n{said}\n").queues
    assert sales.ring_at_most == at_most
