"""Logging of the daemon: one line an event, key and value, on standard error.

Nothing leaves without passing `mask`: secrets are hidden and phone numbers shortened by their keys, inside nested
values too, and texts that are known to be secret are taken out of everything, tracebacks included.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog

from acd.log_writer import LogWriter

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]

HIDDEN: Final = "***"
SECRET_KEYS: Final = frozenset(
    {"authorization", "cookie", "credential", "hash", "passphrase", "password", "pin", "private_key", "secret", "token"}
)
"""A key that is one of these, or ends in `_` and one of these, never shows its value."""
NUMBER_KEYS: Final = frozenset(
    {
        "callback",
        "called",
        "caller",
        "callerid",
        "connected",
        "destination",
        "dialled",
        "did",
        "msisdn",
        "number",
        "phone",
    }
)
"""Likewise; of what stands there the last four digits are shown. Extensions of up to five digits are no secret."""
NUMBER_SHOWN: Final = 4
NUMBER_LEAST: Final = 6
SECRET_LEAST: Final = 4
"""A known secret that is shorter would take half of every line with it."""
DEPTH_LIMIT: Final = 8
ITEMS_LIMIT: Final = 100
TEXT_LIMIT: Final = 20_000

_LONG_NUMBER = re.compile(r"\+?\d{7,}")
_HASH = re.compile(r"\$argon2\w*\$[\w$=,+/]+")
_known: frozenset[str] = frozenset()
"""Texts that never leave, whatever their key."""


def configure(
    level: Level = "info", form: Format = "auto", stream: TextIO | None = None, *, never_waits: bool = False
) -> None:
    """Send our own events and those of libraries to `stream` (standard error).

    `auto` writes for people where the stream is a terminal, else JSON. Of libraries only warnings are wanted: the
    details of an AMI library are whole messages. `never_waits` is for a process that lives by its loop: a stream that
    nobody reads costs lines there, and nothing else.
    """
    out = stream or sys.stderr
    renderer = _renderer(form, out)
    handler = LogWriter(out.fileno()) if never_waits else logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_PREPARE, _shorten_text],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_FINISH, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("acd").setLevel(level.upper())
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_PREPARE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def protect(secrets: Iterable[str]) -> None:
    """From now on these texts, and those that were named before, are taken out of every line."""
    global _known  # noqa: PLW0603  logging is one for the whole process
    _known |= {secret for secret in secrets if len(secret) >= SECRET_LEAST}


def _renderer(form: Format, out: TextIO) -> structlog.types.Processor:
    if form == "console" or (form == "auto" and out.isatty()):
        return structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
        )
    return structlog.processors.JSONRenderer(serializer=_to_json)


def _to_json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event).decode()


def mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets and shorten phone numbers. What comes out is texts, numbers, lists and mappings of these."""
    return {_clean(key): _masked(key, value, DEPTH_LIMIT) for key, value in event.items()}


def _masked(key: str, value: Any, depth: int) -> Any:
    """The value as it may be shown under this key."""
    if _is_in(key, SECRET_KEYS):
        return HIDDEN
    if depth == 0:
        return "…"
    parts = _parts(value)
    if parts is not None:
        return _masked_parts(key, parts, depth - 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, item, depth - 1) for item in list(value)[:ITEMS_LIMIT]]
    if value is None or isinstance(value, bool | float):
        return value
    return _masked_leaf(key, value)


def _masked_parts(key: str, parts: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    """A mapping; inside a caller the name is somebody's name."""
    names = {"name"} if _is_in(key, NUMBER_KEYS) else set()
    shown = {str(inner): value for inner, value in list(parts.items())[:ITEMS_LIMIT]}
    return {
        _clean(_shorten_numbers(inner)): HIDDEN if inner in names else _masked(inner, value, depth)
        for inner, value in shown.items()
    }


def _masked_leaf(key: str, value: Any) -> Any:
    if isinstance(value, int) and not _is_in(key, NUMBER_KEYS):
        return value if value.bit_length() < 64 else str(value)[:NUMBER_LEAST] + "…"
    text = value if isinstance(value, str) else repr(value)
    if _is_in(key, NUMBER_KEYS):
        text = _shortened(text)
        return value if isinstance(value, int) and text == repr(value) else _clean(text)
    return _clean(text)


def _parts(value: Any) -> Mapping[Any, Any] | None:
    """The named parts of a value that has any."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None


def _is_in(key: str, keys: frozenset[str]) -> bool:
    name = key.lower().replace("-", "_")
    last = name.rpartition("_")[2]
    return name in keys or last in keys or last.removesuffix("s") in keys


def _shortened(number: str) -> str:
    """A phone number as it may be shown: `***4567`."""
    digits = sum(character.isdigit() for character in number)
    return number if digits < NUMBER_LEAST else HIDDEN + number[-NUMBER_SHOWN:]


def _clean(text: str) -> str:
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    text = _HASH.sub(HIDDEN, text) if "$argon2" in text else text
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "…"


def _shorten_numbers(text: str) -> str:
    return _LONG_NUMBER.sub(lambda found: _shortened(found[0]), text)


def _shorten_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Libraries have no keys: every long number in their texts is taken for a phone number."""
    event["event"] = _shorten_numbers(str(event["event"]))
    return event


def _tell_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Exceptions become text here, without local variables, so that they are masked like all else."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = _shorten_numbers("".join(traceback.format_exception(error)).rstrip())
    return event


_PREPARE: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _tell_exception,
]
_FINISH: list[structlog.types.Processor] = [mask]
