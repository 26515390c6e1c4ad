"""A right file becomes the settings of each room."""

import os
from pathlib import Path

import pytest

from acd.config import Config, ConfigError, ServerSettings, TelephonySettings, read_config
from acd.model import AgentId, Phone, QueueId, ServerId
from acd.router.settings import AgentSettings, PauseReason, QueueSettings, RouterSettings
from acd.sign_in import Credential, SignInSettings, hash_pin

SERVER = '[asterisk.main]\nusername = "acd"\nsecret = "not a real one"\n'
HASH = hash_pin("4711")
FULL = f"""
{SERVER}
host = "10.0.0.5"
port = 5039
tls = true
tls_name = "pbx"
dial = "PJSIP/{{phone}}@trunk"

[queue.sales]
name = "Sales"
ring_timeout_s = 12
wrap_up_s = 0.5
max_wait_s = 600
max_length = 20
[queue.support]

[agent.ana]
name = "Ana"
number = "41"
pin_hash = "{HASH}"
phone = "1001"
queues = ["support", "sales"]
logged_in_at_start = true
[agent.ben]
queues = ["support"]
hot_desking = true

[pause.lunch]
number = 1
name = "Lunch"
[pause.training]
number = 2

[routing]
refusal_rest_s = 1
unreachable_rest_s = 2
server_lost_after_s = 3
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


def read(tmp_path: Path, content: str, mode: int = 0o640, **environ: str) -> Config:
    path = tmp_path / "acd.toml"
    path.write_text(content)
    path.chmod(mode)
    return read_config(path, environ)


def test_every_setting_arrives_where_it_belongs(tmp_path: Path) -> None:
    sales, support = QueueId("sales"), QueueId("support")
    assert read(tmp_path, FULL) == Config(
        router=RouterSettings(
            1_000, 2_000, 3_000, (PauseReason("lunch", "Lunch", 1), PauseReason("training", "training", 2))
        ),
        queues=(QueueSettings(sales, "Sales", 12_000, 500, 600_000, 20), QueueSettings(support, "support")),
        agents=(
            AgentSettings(AgentId("ana"), "Ana", Phone("1001"), (support, sales)),
            AgentSettings(AgentId("ben"), "ben", None, (support,), hot_desking=True),
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
                dial="PJSIP/{phone}@trunk",
            ),
        ),
        telephony=TelephonySettings(
            waiting_lost_after_s=30, connect_timeout_s=1, action_timeout_s=2, ping_every_s=4, retry_at_most_s=8
        ),
        sign_in=SignInSettings(3, 60_000),
        credentials=(Credential("41", AgentId("ana"), HASH),),
        phones=frozenset({Phone("1001"), Phone("1901"), Phone("1902")}),
        logged_in_at_start=(AgentId("ana"),),
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
    assert server.address_of(Phone("1001")) == "PJSIP/1001@trunk"


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
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n…\n")
    config = read(tmp_path, SERVER + 'tls = true\nca_file = "ca.pem"\n')
    assert config.servers[0].ca_file == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("content", "mode", "warned"),
    [
        (SERVER, 0o644, "acd.toml holds secrets and everyone can read it (mode 0644; 0640 is enough)"),
        (SERVER + 'host = "10.0.0.5"\n', 0o640, "asterisk.main.tls: the secret crosses the network unencrypted"),
        (SERVER, 0o640, "queue: there is no queue: every call returns with unknown-queue"),
        (SERVER + "[queue.sales]\n", 0o640, "queue.sales: no agent is assigned to this queue"),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_a_warning(tmp_path: Path, content: str, mode: int, warned: str) -> None:
    assert any(warning.endswith(warned) for warning in read(tmp_path, content, mode).warnings)


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
    assert read(tmp_path, FULL).warnings == ()


def test_no_secret_is_in_the_repr(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    assert config.secrets == ("not a real one",)
    assert not any(secret in repr(config) for secret in ("not a real one", HASH))
