"""One sample file for each mistake, with what the operator is told beside it (tests/samples/bad-config)."""

from pathlib import Path

import pytest

from acd.config import ConfigError, read_config

SAMPLES = Path(__file__).parent.parent / "samples" / "bad-config"
FILES = sorted(path.name for path in SAMPLES.glob("*.toml"))
SECRETS = ("not a real one", "argon2id$v=19", "Action: Logoff")


@pytest.mark.parametrize("name", FILES)
def test_each_mistake_is_told_with_its_place_and_what_is_allowed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES)
    with pytest.raises(ConfigError) as caught:
        read_config(Path(name), environ={})
    told = str(caught.value)
    assert told == Path(name).with_suffix(".txt").read_text().rstrip("\n")
    assert "\n" not in told
    assert not any(secret in told for secret in SECRETS)


def test_there_are_samples_and_each_has_its_text() -> None:
    assert len(FILES) >= 60
    assert sorted(path.stem for path in SAMPLES.glob("*.txt")) == sorted(Path(name).stem for name in FILES)


def test_an_error_carries_its_parts() -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(SAMPLES / "agent-in-unknown-queue.toml")
    error = caught.value
    assert (error.file.name, error.setting) == ("agent-in-unknown-queue.toml", "agent.ana.queues[1]")
    assert (error.wrong, error.allowed) == ('there is no queue "suport"', "sales, support")


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read_config(tmp_path / "acd.toml")


def test_a_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_config(tmp_path)


@pytest.mark.parametrize("content", ["port = " + "9" * 5_000, "x = " + "[" * 20_000, "x = " + "{x = " * 20_000])
def test_what_breaks_parsers_is_no_toml(tmp_path: Path, content: str) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match="it is not TOML"):
        read_config(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('[queue.sales]\nname = "a"\nname = "b"\n', 3),
        ("[queue.sales]\n[queue.sales]\n", 2),
        ("[queue.sales]\n[[queue]]\n", 2),
        ("queue.sales = {}\n[queue.sales.x]\n", 2),
    ],
)
def test_what_is_written_twice_is_told_with_its_line(tmp_path: Path, content: str, line: int) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(content)
    told = rf"line {line}, column \d+: what is written here stands further up already; allowed: every setting and table"
    with pytest.raises(ConfigError, match=told):
        read_config(path)


def test_mark_that_some_editors_set_first_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'[asterisk.a]\nusername = "acd"\nsecret = "s"\n')
    path.chmod(0o600)
    assert [server.id for server in read_config(path).servers] == ["a"]


def test_day_that_is_closed_has_no_hours_beside(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    days = ["2026-02-20 closed", "2026-02-21 09:00-10:00", "2026-02-20 09:00-10:00"]
    path.write_text(f'[asterisk.a]\nusername = "acd"\nsecret = "s"\n[hours.h]\nweekly = []\nspecial = {days}\n')
    told = r"hours\.h\.special\[2\]: 2026-02-20 is closed by another line; allowed: times of a day, or closed$"
    with pytest.raises(ConfigError, match=told):
        read_config(path)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_bytes(b"#" * 20_000_000)
    with pytest.raises(ConfigError, match=r"acd\.toml: it is too large; allowed: at most 10000000 bytes$"):
        read_config(path)


def test_a_long_value_is_repeated_in_part_only(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(f'[asterisk.main]\nusername = "{"x" * 5_000}"\nsecret = "s"\n')
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_hundreds_of_queues_do_not_make_a_page_of_an_error(tmp_path: Path) -> None:
    path = tmp_path / "acd.toml"
    queues = "".join(f"[queue.q{number}]\n" for number in range(500))
    path.write_text('[asterisk.main]\nusername = "acd"\nsecret = "s"\n' + queues + '[agent.ana]\nqueues = ["x"]\n')
    with pytest.raises(ConfigError, match=r"q18, q19 and 480 more$"):
        read_config(path)


SERVER = '[asterisk.main]\nusername = "acd"\n'
LONG = "x" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        SERVER + 'secret_file = "one\\ntwo"\n',
        SERVER + 'secret_file = "one\\u0000two"\n',
        SERVER + 'secret_file = "one\\u001b[2Jtwo"\n',
        SERVER + 'secret = "s"\ntls = true\nca_file = "one\\ntwo"\n',
        SERVER + f'secret_file = "{LONG}"\n',
        SERVER + f'secret_env = "{LONG}"\n',
        SERVER + f'{LONG} = "s"\n',
        f"{LONG} = 1\n",
        f"[{LONG}]\n",
        f"[queue.{LONG}]\n",
        f'[queue."{LONG}\\n"]\n',
        f"[queue.sales.{LONG}]\n",
        f"[agent.ana.standing.{LONG}]\ntier = 0\n",
        f"[{LONG}.a]\n[{LONG}]\n[{LONG}]\n",
        SERVER + f'secret = "s"\n[agent.ana]\nqueues = ["{"x" * 60}"]\n',
        SERVER + f'secret = "s"\n[agent.ana]\nphone = "{LONG}"\n',
    ],
)
def test_whatever_stands_in_a_file_an_error_is_one_short_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "acd.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_config(path, environ={})
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 2_000
    assert "allowed: " in told


def test_a_warning_is_one_line_whatever_a_file_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "one\ntwo"
    folder.mkdir()
    path = folder / "acd.toml"
    path.write_text(SERVER + 'secret = "s"\n')
    path.chmod(0o644)
    warnings = read_config(path).warnings
    assert len(warnings) == 2
    assert all(warning.isprintable() for warning in warnings)
