"""Who is there: the engine's configuration of a scenario, with all filled in that its author left to us."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from acd.config import ConfigError, read_config
from acd.lab.scenario.place import Phones
from acd.lab.scenario.script import CALLER, Declared, Mistake, Script
from acd.sign_in import hash_pin

PIN: Final = "4711"
SOME_SERVER: Final = 'asterisk.a = { username = "acd", secret = "s" }'
FIRST_NUMBER: Final = 41
LOWEST_HZ: Final = 1_500
BETWEEN_HZ: Final = 130
SPARED_HZ: Final = range(2_840, 2_960)
"""Around the tone of the lab's fallback."""
VOICES: Final = tuple(hz for hz in range(LOWEST_HZ, 3_300, BETWEEN_HZ) if hz not in SPARED_HZ)
"""What people say, in turn: above all music, and a telephone line carries it."""


class Person(msgspec.Struct, frozen=True):
    """Somebody with a phone of the lab."""

    id: str
    name: str
    phone: str
    voice_hz: float
    code: str = ""
    """An agent's number, which is keyed in."""

    @property
    def is_agent(self) -> bool:
        return self.code != ""


def people_of(script: Script, phones: Phones) -> dict[str, Person]:
    """All persons of a script by their names."""
    agents = [declared for declared in script.declared if declared.section == "agent"]
    callers = [declared for declared in script.declared if declared.section == CALLER]
    most = f"at most {len(phones.agents)} agents and {len(phones.callers)} callers"
    if len(agents) > len(phones.agents) or len(callers) > len(phones.callers):
        raise Mistake(script.path, 0, "there are too many people", most)
    voices = iter(VOICES * (1 + (len(agents) + len(callers)) // len(VOICES)))
    people: dict[str, Person] = {}
    for count, (declared, phone) in enumerate(zip(agents, phones.agents, strict=False)):
        settings = declared.settings | _filled_in(declared, count, phone)
        people[declared.name] = Person(
            declared.name, str(settings["name"]), str(settings["phone"]), next(voices), str(settings["number"])
        )
    for declared, phone in zip(callers, phones.callers, strict=False):
        if declared.name in people:
            raise Mistake(script.path, declared.line, f"{declared.name} is an agent", "another name")
        number = str(declared.settings.get("number", phone))
        name = str(declared.settings.get("name", declared.name.title()))
        people[declared.name] = Person(declared.name, name, number, next(voices))
    for declared in (*agents, *callers):
        if not phones.has(people[declared.name].phone):
            wrong = f"{declared.name}'s phone {people[declared.name].phone} is no account for tests"
            raise Mistake(script.path, declared.line, wrong, ", ".join((*phones.agents, *phones.callers)))
    return people


def _filled_in(declared: Declared, count: int, phone: str) -> dict[str, str]:
    """What is left out of an agent's settings."""
    ours = {"name": declared.name.title(), "phone": phone, "number": str(FIRST_NUMBER + count)}
    return {key: value for key, value in ours.items() if key not in declared.settings}


def config_text(script: Script, server: str, phones: Phones) -> str:
    """The engine's configuration file. `server` is the table of the Asterisk that it serves."""
    return "\n".join([server, *_tables(script, phones)]) + "\n"


def _tables(script: Script, phones: Phones) -> Iterator[str]:
    agents = 0
    for declared in script.declared:
        if declared.section == CALLER:
            continue
        settings = f"{{ {declared.text} }}"
        if declared.section == "agent":
            filled = _filled_in(declared, agents, phones.agents[agents])
            if "pin_hash" not in declared.settings:
                filled["pin_hash"] = _pin_hash()
            ours = (f'{key} = "{value}"' for key, value in filled.items())
            settings = f"{{ {', '.join(filter(None, (declared.text, *ours)))} }}"
            agents += 1
        if declared.name:
            yield f'{declared.section}."{declared.name}" = {settings}'
        else:
            yield f"{declared.section} = {settings}"


@cache
def _pin_hash() -> str:
    return hash_pin(PIN)


def check(script: Script, phones: Phones) -> dict[str, Person]:
    """Everybody, if the engine would take this configuration. Raises `Mistake` with the line that it would not."""
    people = people_of(script, phones)
    with tempfile.TemporaryDirectory(prefix="acd-scenario-") as folder:
        path = Path(folder) / "acd.toml"
        path.write_text(config_text(script, SOME_SERVER, phones), encoding="utf-8")
        try:
            read_config(path)
        except ConfigError as error:
            raise Mistake(
                script.path, _line_of(script, error.setting), f"{error.setting}: {error.wrong}", error.allowed
            ) from None
    return people


def _line_of(script: Script, setting: str) -> int:
    """Of who is meant by a setting's path."""
    for declared in script.declared:
        for path in (f"{declared.section}.{declared.name}", f'{declared.section}."{declared.name}"', declared.section):
            if setting == path or setting.startswith((f"{path}.", f"{path}[")):
                if declared.name and path == declared.section:
                    continue
                return declared.line
    return 0
