"""Every setting has its entry in docs/configuration.md and its line in config/acd.toml, and both are right."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from acd.config import read_config
from acd.config.tables import NAMED, NESTED, SINGLE, allowed_for
from tests.certificates import make_authority

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "config" / "acd.toml"
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
SETTINGS = [
    (section, field) for section, table in {**NAMED, **SINGLE}.items() for field in msgspec.structs.fields(table)
]
NAMES = [f"{section}.{field.name}" for section, field in SETTINGS]
SUGGESTED = {"asterisk.secret_file", "asterisk.secret_env", "asterisk.ca_file", "asterisk.tls_name", "agent.number"}
SUGGESTED |= {"agent.pin_hash", "queue.max_wait_s", "queue.max_length", "queue.priority_point_every_s"}
SUGGESTED |= {"queue.priority_grows", "queue.rings", "agent.skills", "agent.standing"}
SUGGESTED |= {"queue.on_timeout", "queue.on_full", "queue.on_closed", "queue.on_no_agents", "queue.on_all_paused"}
SUGGESTED |= {"queue.announce_after_s", "queue.announce_every_s", "queue.announce_sound"}
SUGGESTED |= {"agent.wrap_up_s", "pause.limit_s"}
SUGGESTED |= {"queue.ring", "queue.ring_at_most"}
SUGGESTED |= {"queue.leave_when", "queue.hours", "hours.time_zone", "hours.holidays", "hours.special"}
"""Without a default, or empty: the example shows a value that makes sense."""
WITHIN = [
    (table, setting, within, field)
    for (table, setting), within in NESTED.items()
    for field in msgspec.structs.fields(within)
]
WITHIN_NAMES = [f"{setting}.{field.name}" for _, setting, _, field in WITHIN]


def default_of(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def uncommented() -> str:
    """The example with every setting in force. Prose has a blank behind its #."""
    return re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)


def in_example(section: str) -> dict[str, Any]:
    """All that the example says in this section, over its tables."""
    tables = tomllib.loads(uncommented())[section]
    if section in SINGLE:
        return dict(tables)
    return {name: value for table in reversed(tables.values()) for name, value in table.items()}


@pytest.mark.parametrize(("section", "field"), SETTINGS, ids=NAMES)
def test_every_setting_is_in_the_document(section: str, field: msgspec.structs.FieldInfo) -> None:
    heading = f"## [{section}.NAME]\n" if section in NAMED else f"## [{section}]\n"
    entries = DOCUMENT.split(heading)[1].split("\n## ")[0].split("\n### ")[0]
    assert entry_of({**NAMED, **SINGLE}[section], field) in entries


@pytest.mark.parametrize(("table", "setting", "within", "field"), WITHIN, ids=WITHIN_NAMES)
def test_every_setting_of_a_table_within_is_in_the_document_and_in_the_example(
    table: type, setting: str, within: type, field: msgspec.structs.FieldInfo
) -> None:
    entries = DOCUMENT.split(f"### {setting}\n")[1].split("\n## ")[0].split("\n### ")[0]
    assert entry_of(within, field) in entries
    section = next(name for name, known in NAMED.items() if known is table)
    shown = in_example(section)[setting]
    tables = list(shown.values()) if isinstance(shown, dict) else shown
    assert any(field.name in inner for inner in tables)


def entry_of(table: Any, field: msgspec.structs.FieldInfo) -> str:
    """How the document's line of a setting begins."""
    default = default_of(field)
    shown = "required" if field.required else "none" if default is None else f"`{json.dumps(default)}`"
    return f"| `{field.name}` | {shown} | {allowed_for(table, field.name)} | "


@pytest.mark.parametrize(("section", "field"), SETTINGS, ids=NAMES)
def test_every_setting_is_in_the_example_with_its_default(section: str, field: msgspec.structs.FieldInfo) -> None:
    name = f"{section}.{field.name}"
    shown = in_example(section)
    assert field.name in shown
    if (
        not field.required
        and name not in SUGGESTED
        and not re.search(rf"^{field.name} = ", EXAMPLE.read_text(), re.MULTILINE)
    ):
        assert shown[field.name] == default_of(field)


def test_the_document_names_no_setting_that_is_not_there() -> None:
    named = re.findall(r"^\| `(\w+)` \| .* \| .* \| ", DOCUMENT, flags=re.MULTILINE)
    assert sorted(named) == sorted(field.name for field in [*(f for _, f in SETTINGS), *(f for *_, f in WITHIN)])


def test_the_example_is_right() -> None:
    config = read_config(EXAMPLE)
    assert [queue.id for queue in config.queues] == ["sales", "support"]


def test_the_example_is_right_with_every_setting_in_force(tmp_path: Path) -> None:
    content = re.sub(r"^(secret|secret_env) = .*\n", "", uncommented(), flags=re.MULTILINE).replace(
        "tls = false", "tls = true"
    )
    (tmp_path / "acd.toml").write_text(content)
    (tmp_path / "asterisk-main.secret").write_text("not a real one")
    make_authority(tmp_path, "asterisk-main")
    config = read_config(tmp_path / "acd.toml")
    assert config.queues[0].max_length == 50
    assert [ring.after_ms for ring in config.queues[0].rings] == [0, 20_000]
    assert config.credentials[0].number == "41"
