"""What is wrong with a configuration file, said so that its author can mend it."""

import json
import re
from pathlib import Path

SHOWN_LIMIT = 60
"""Characters of a wrong value that an error repeats."""
NAME_LIMIT = 80
"""Characters of a name: none that is allowed is cut."""
WRONG_LIMIT = 1_000
"""Characters that say what is wrong: paths of files can be long."""


class ConfigError(Exception):
    """One mistake in a configuration file. Its text is one line and never holds a secret."""

    def __init__(self, file: Path, setting: str, wrong: str, allowed: str) -> None:
        where = f"{file}: {setting}" if setting else str(file)
        wrong = _cut(in_one_line(wrong), WRONG_LIMIT)
        super().__init__(in_one_line(f"{where}: {wrong}; allowed: {allowed}"))
        self.file = file
        self.setting = setting
        """Where in the file: `agent.ana.queues[1]`. Empty where it is the file as a whole."""
        self.wrong = wrong
        self.allowed = allowed


class Mistake(Exception):
    """A mistake whose file is known further up."""

    def __init__(self, setting: str, wrong: str, allowed: str) -> None:
        super().__init__(setting, wrong, allowed)
        self.setting = setting
        self.wrong = wrong
        self.allowed = allowed

    def within(self, file: Path) -> ConfigError:
        """The same mistake with its file."""
        return ConfigError(file, self.setting, self.wrong, self.allowed)


def setting_path(*names: str) -> str:
    """Names joined as TOML writes them: `agent.ana.queues`, `agent."a.b".queues`."""
    return ".".join(map(_name, names))


def _name(name: str) -> str:
    short = _cut(name, NAME_LIMIT)
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", short) else json.dumps(short, ensure_ascii=False)


def in_one_line(text: str) -> str:
    """The text with what would break a line, or hide a part of it, as Python writes that."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(value: object) -> str:
    """A value as an error repeats it: near to what stands in the file, and short."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= SHOWN_LIMIT else text[:SHOWN_LIMIT] + '…"'
        case int() | float():
            return str(value)
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
        case _:
            return "a date or time"
