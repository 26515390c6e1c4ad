"""From the bytes of a file to its tables. No I/O; every mistake is told with its place and what is allowed."""

import difflib
import re
import tomllib
from typing import Any

import msgspec

from acd.config.errors import Mistake, setting_path, shown
from acd.config.tables import HIDDEN, ID_ALLOWED, ID_PATTERN, NAMED, NESTED, SINGLE, Tables, allowed_for

SIZE_LIMIT = 10_000_000
"""Bytes of a configuration file: some 50,000 agents."""

TWICE = "Cannot "
"""So begins what Python's reader says of a name that is used again: Cannot overwrite, Cannot declare … twice."""
_FOUND_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<place>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>.*)`")
_AT_LINE = re.compile(r"^(?P<what>.*) \(at (?P<place>line .*|end of document)\)$", re.DOTALL)


def parse_tables(content: bytes) -> Tables:
    """The tables of a file. Raises `Mistake` for the first thing that is wrong."""
    sections = _load(content)
    for name in sections:
        if name not in NAMED and name not in SINGLE:
            raise _unknown(setting_path(name), name, [*NAMED, *SINGLE])
    found: dict[str, Any] = {name: _named(name, sections.get(name, {})) for name in NAMED}
    found |= {name: _table(table, (name,), sections.get(name, {})) for name, table in SINGLE.items()}
    return Tables(**found)


def _load(content: bytes) -> dict[str, Any]:
    if len(content) > SIZE_LIMIT:
        raise Mistake("", "it is too large", f"at most {SIZE_LIMIT} bytes")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Mistake(f"byte {error.start}", "it is not UTF-8", "a text file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.match(str(error))
        place, what = (found["place"], found["what"]) if found else ("", str(error))
        if what.startswith(TWICE):
            raise Mistake(
                place, "what is written here stands further up already", "every setting and table once"
            ) from None
        raise _not_toml(place, what) from None
    except (RecursionError, ValueError):
        raise _not_toml("", "A number is too long, or lists are nested too deeply") from None


def _not_toml(place: str, what: str) -> Mistake:
    return Mistake(place, f"it is not TOML: {what[:1].lower()}{what[1:]}", "TOML (https://toml.io)")


def _named(section: str, tables: object) -> dict[str, Any]:
    if not isinstance(tables, dict):
        raise Mistake(section, f"{shown(tables)} is not allowed", f"tables with a name, [{section}.NAME]")
    return {name: _named_table(section, name, table) for name, table in tables.items()}


def _named_table(section: str, name: str, table: object) -> Any:
    if not re.search(ID_PATTERN, name):
        raise Mistake(setting_path(section, name), "this name is not allowed", ID_ALLOWED)
    return _table(NAMED[section], (section, name), table)


def _table(kind: type[msgspec.Struct], names: tuple[str, ...], table: object) -> Any:
    where = setting_path(*names)
    if not isinstance(table, dict):
        raise Mistake(where, f"{shown(table)} is not allowed", f"a table, [{where}]")
    return _convert(kind, where, table)


def _convert(kind: type[msgspec.Struct], where: str, table: dict[str, Any]) -> Any:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _mistake(kind, where, table, str(error)) from None


def _mistake(kind: Any, where: str, table: dict[str, Any], message: str) -> Mistake:
    """What msgspec found, in our words."""
    found = _FOUND_AT.match(message)
    assert found is not None, "the expression matches any text"
    name, _, rest = (found["place"] or "").partition("[")
    if rest and (kind, name) in NESTED:
        return _mistake_within(kind, f"{where}.{name}", name, table[name])
    if unknown := _UNKNOWN.search(found["what"]):
        name = unknown["name"]
        return _unknown(f"{where}.{setting_path(name)}", name, list(kind.__struct_fields__))
    if missing := _MISSING.search(found["what"]):
        return Mistake(f"{where}.{missing['name']}", "it is missing", allowed_for(kind, missing["name"]))
    return _not_allowed(kind, where, table, found["place"])


def _mistake_within(kind: Any, where: str, name: str, tables: Any) -> Mistake:
    """The mistake in a setting that holds tables of its own: msgspec does not say under which name it is."""
    if isinstance(tables, dict):
        within = [(f"{where}.{setting_path(key)}", table) for key, table in tables.items()]
    else:
        within = [(f"{where}[{index}]", table) for index, table in enumerate(tables)]
    for place, table in within:
        if not isinstance(table, dict):
            return Mistake(place, f"{shown(table)} is not allowed", allowed_for(kind, name))
        try:
            _convert(NESTED[kind, name], place, table)
        except Mistake as mistake:
            return mistake
    raise AssertionError(f"{where} was found to be wrong and is right")


def _not_allowed(kind: Any, where: str, table: dict[str, Any], place: str) -> Mistake:
    name, _, rest = place.partition("[")
    value = table[name]
    if rest:
        value = value[int(rest.rstrip("]"))]
    what = "this value" if name in HIDDEN else shown(value)
    return Mistake(f"{where}.{place}", f"{what} is not allowed", allowed_for(kind, name))


def _unknown(where: str, name: str, known: list[str]) -> Mistake:
    near = difflib.get_close_matches(name, known, n=1) or [near for near in known if near.startswith(name)]
    guess = f" (did you mean {near[0]}?)" if near else ""
    return Mistake(where, f"there is no such setting{guess}", ", ".join(known))
