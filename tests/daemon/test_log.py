"""What is logged, and above all what is not."""

import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from acd import log, log_writer
from acd.config import Config, ServerSettings
from acd.model import AgentId, Caller, ChannelId, Line, Phone, ServerId
from acd.router.facts import CallerRemembered
from acd.sign_in import Credential
from acd.telephony.port import FeatureCode

SECRET = "s3cret-of-the-pbx"
NUMBER = "+491711234567"


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root, known = logging.getLogger(), logging.getLogger("acd")
    before = root.handlers[:], root.level, known.level
    monkeypatch.setattr(log, "_known", frozenset())
    yield
    root.handlers[:], root.level, known.level = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(params=["json", "console"])
def out(request: pytest.FixtureRequest) -> io.StringIO:
    stream = io.StringIO()
    log.configure("debug", request.param, stream)
    log.protect([SECRET])
    return stream


@pytest.fixture
def as_json() -> io.StringIO:
    stream = io.StringIO()
    log.configure("info", "auto", stream)
    return stream


def test_lines_beyond_what_may_wait_are_lost_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "WAITING_MOST", 10_000)
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as written:
        log.configure("info", "json", stream, never_waits=True)
        for number in range(5_000):  # far more than a pipe holds
            our().info("a line", number=number)
        kept: list[int] = []
        lost = 0
        while len(kept) + lost < 5_000:
            entry = json.loads(written.readline())
            if entry["event"] == "a line":
                kept.append(entry["number"])
            else:
                assert entry["event"] == "the log was not read, and lines were lost"
                lost += entry["lines"]
        our().info("the last one")
        assert json.loads(written.readline())["event"] == "the last one"
    assert lost > 1_000
    assert kept == sorted(kept)


def test_reader_that_has_gone_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        log.configure("info", "json", stream, never_waits=True)
        our().info("nobody is there")
        (handler,) = logging.getLogger().handlers
        handler.flush()


def our() -> Any:
    return structlog.get_logger("acd.test")


def line(stream: io.StringIO) -> dict[str, Any]:
    (only,) = stream.getvalue().splitlines()
    parsed: dict[str, Any] = json.loads(only)
    return parsed


def test_where_nobody_watches_a_line_is_json(as_json: io.StringIO) -> None:
    our().info("server is up", server="main", callers=3)
    logged = line(as_json)
    assert logged.pop("timestamp")
    assert logged == {"event": "server is up", "level": "info", "logger": "acd.test", "server": "main", "callers": 3}


def test_the_level_holds_for_us_and_libraries_speak_from_warning_on(as_json: io.StringIO) -> None:
    our().debug("too much")
    logging.getLogger("panoramisk").info("too much")
    logging.getLogger("panoramisk").warning("a library warns")
    assert line(as_json)["event"] == "a library warns"


def test_python_warnings_are_logged(as_json: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        log.configure("info", "json", as_json)
        warnings.warn("something is deprecated", DeprecationWarning, stacklevel=1)
    assert "something is deprecated" in as_json.getvalue()


@dataclass
class Account:
    user: str
    password: str


class Opaque:
    def __repr__(self) -> str:
        return f"Opaque({SECRET})"


@pytest.mark.parametrize(
    "hidden",
    [
        {"secret": "hush"},
        {"pin": "97531"},
        {"Password": "hush"},
        {"ami_secret": "hush", "api_token": "hush", "pin_hash": "hush", "tokens": ["hush"]},
        {"outer": {"inner": [{"secret": "hush"}, ({"pin": 97531},)]}},
        {"account": Account("acd", "hush")},
        {"account": {"x": Account("acd", "hush")}},
        {"code": FeatureCode(Line(ServerId("a"), ChannelId("1.1")), "login", "41", "97531", None, Phone("1001"))},
        {"config": Config(servers=(ServerSettings(id=ServerId("a"), username="acd", secret="hush"),))},
        {"config": Config(credentials=(Credential("41", AgentId("ana"), "hush"),))},
        {"url": f"ami://acd:{SECRET}@pbx"},
        {"opaque": Opaque()},
        {"deep": [[[{"x": SECRET}]]]},
        {SECRET: 1},
        {"by_caller": {NUMBER: 1, SECRET: 2}},
        {"text": "pin_hash = $argon2id$v=19$m=19456,t=2,p=1$hush$hush"},
        {"raw": SECRET.encode()},
        {"caller": Caller(NUMBER, "Mrs Hush")},
        {"caller": {"number": NUMBER, "name": "hush"}},
        {"number": NUMBER},
        {"caller_number": NUMBER, "called": NUMBER, "caller-number": NUMBER},
        {"numbers": [NUMBER, NUMBER]},
        {"number": 491711234567},
        {"phone": NUMBER},
        {"many": {"callers": [Caller(NUMBER), Caller(NUMBER)]}},
    ],
    ids=str,
)
def test_no_secret_pin_or_whole_number_gets_through(out: io.StringIO, hidden: dict[str, Any]) -> None:
    our().warning("an event", **hidden)
    logged = out.getvalue()
    assert "an event" in logged
    for secret in ("hush", "Hush", "97531", SECRET, NUMBER, NUMBER[1:]):
        assert secret not in logged


def test_a_known_secret_is_taken_out_of_the_event_itself(out: io.StringIO) -> None:
    our().warning(f"login with {SECRET}")
    assert SECRET not in out.getvalue()


def test_a_traceback_shows_neither_secrets_nor_numbers_nor_local_variables(out: io.StringIO) -> None:
    local_pin = "97531"
    try:
        raise ValueError(f"bad header Secret: {SECRET} from {NUMBER}", len(local_pin))
    except ValueError:
        our().exception("it failed")
    logged = out.getvalue()
    assert "ValueError" in logged
    assert "***4567" in logged
    for secret in (SECRET, NUMBER, "97531"):
        assert secret not in logged


def test_an_exception_as_a_value_is_masked(out: io.StringIO) -> None:
    our().warning("it failed", error=ValueError(SECRET), exc_info=ValueError(f"again {SECRET}"))
    assert SECRET not in out.getvalue()


def test_libraries_are_masked_too(out: io.StringIO) -> None:
    library = logging.getLogger("panoramisk")
    library.warning("sent Secret: %s to %s", SECRET, NUMBER)
    try:
        raise OSError(f"{SECRET} for {NUMBER}")
    except OSError:
        library.exception("it failed")
    logged = out.getvalue()
    assert "it failed" in logged
    assert "OSError" in logged
    assert SECRET not in logged
    assert NUMBER not in logged


def test_what_operators_need_is_shown(as_json: io.StringIO) -> None:
    our().info("x", phone="1001", number="41", agent="ana", line=Line(ServerId("a"), ChannelId("1700000000.12")))
    logged = line(as_json)
    assert (logged["phone"], logged["number"], logged["agent"]) == ("1001", "41", "ana")
    assert logged["line"] == {"server": "a", "channel": "1700000000.12"}


def test_of_a_number_the_last_digits_are_shown(as_json: io.StringIO) -> None:
    our().info("x", caller_number=NUMBER)
    assert line(as_json)["caller_number"] == "***4567"


def test_of_a_caller_who_is_remembered_the_last_digits_are_shown(as_json: io.StringIO) -> None:
    our().info("x", fact=CallerRemembered(0, NUMBER, AgentId("ana"), 1))
    assert line(as_json)["fact"]["number"] == "***4567"
    assert NUMBER not in as_json.getvalue()


def test_what_has_no_end_is_cut(as_json: io.StringIO) -> None:
    endless: list[Any] = []
    endless.append(endless)
    our().info("x", endless=endless, long="x" * 1_000_000, many=list(range(10_000)), big=10**500)
    assert len(as_json.getvalue()) < 30_000


def test_a_short_known_secret_does_not_eat_every_line(as_json: io.StringIO) -> None:
    log.protect(["a"])
    our().info("an agent")
    assert line(as_json)["event"] == "an agent"
