"""Reads a scenario's script: who is there, then what happens, a sentence a line.

    queue sales: wrap_up_s = 3
    agent ana: queues = ["sales"], logged_in_at_start = true
    caller bob

    bob calls sales
    ana answers after 1 s
    bob and ana hear each other
    bob hangs up

Whoever is there has the settings of docs/configuration.md, as that file writes them. Nothing has been started when a
mistake is told: with its line, and with what is allowed.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from acd.config.tables import NAMED, SINGLE
from acd.lab.scenario.shapes import NAME, Shape, Wrong, seconds
from acd.router import facts as f

CALLER: Final = "caller"
SECTIONS: Final = tuple(sorted((NAMED.keys() | {CALLER}) - {"asterisk"}))
SINGLES: Final = tuple(sorted(SINGLE))
CALLER_SETTINGS: Final = ("number", "name")
FACTS: Final = {kind.__name__: kind for kind in vars(f).values() if isinstance(kind, type) and hasattr(kind, "at_ms")}
SHOWN_SHAPES: Final = 5
SIZE_LIMIT: Final = 200_000
"""Bytes of a script."""

_DECLARED: Final = re.compile(rf"(?P<section>[a-z_]+)(?: (?P<name>{NAME}))?(?:: *(?P<settings>.*))?")
_AFTER: Final = re.compile(r"after (?P<time>[0-9]+(?:\.[0-9]+)? m?s): *(?P<rest>.*)")


class Mistake(Exception):
    """What is wrong in a script: one line with its place."""

    def __init__(self, path: Path, line: int, wrong: str, allowed: str) -> None:
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {wrong}; allowed: {allowed}")
        self.line = line
        self.allowed = allowed


class Declared(msgspec.Struct, frozen=True):
    """Somebody or something that is there."""

    line: int
    section: str
    name: str
    """Empty where there is only one."""
    text: str
    """The settings, as written."""
    settings: dict[str, Any]


class Step(msgspec.Struct, frozen=True):
    """One sentence."""

    line: int
    text: str
    shape: Shape
    words: dict[str, str]
    after_s: float = 0.0
    """So long is waited first."""


class Script(msgspec.Struct, frozen=True):
    """A script that can be played."""

    path: Path
    declared: tuple[Declared, ...]
    steps: tuple[Step, ...]

    def names(self, section: str) -> list[str]:
        """Of those that are there."""
        return [declared.name for declared in self.declared if declared.section == section]


def read_script(path: Path, shapes: Sequence[Shape]) -> Script:
    """The script in this file. Raises `Mistake`."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        wrong = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Mistake(path, 0, f"it cannot be read: {wrong}", "a text file in UTF-8") from None
    if len(content) > SIZE_LIMIT:
        raise Mistake(path, 0, "it is too large", f"at most {SIZE_LIMIT} bytes")
    return _Reading(path, shapes).read(text)


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """What says something, with its number; a `#` outside quotation marks begins a remark."""
    for number, line in enumerate(text.splitlines(), 1):
        said = re.match(r"""(?:[^#"]|"[^"]*"?)*""", line)
        assert said is not None, "it matches nothing, too"
        if said[0].strip():
            yield number, " ".join(said[0].split())


class _Reading:
    """One script on its way."""

    def __init__(self, path: Path, shapes: Sequence[Shape]) -> None:
        self._path = path
        self._shapes = shapes
        self._declared: list[Declared] = []
        self._steps: list[Step] = []

    def read(self, text: str) -> Script:
        for line, said in lines_of(text):
            try:
                self._read_line(line, said)
            except Wrong as wrong:
                raise Mistake(self._path, line, wrong.wrong, wrong.allowed) from None
        if not self._steps:
            raise Mistake(self._path, 0, "nothing happens in it", "a sentence a line, such as `bob calls sales`")
        return Script(self._path, tuple(self._declared), tuple(self._steps))

    def _read_line(self, line: int, said: str) -> None:
        found = _DECLARED.fullmatch(said)
        if found is not None and (found["section"] in SECTIONS) and found["name"]:
            self._declare(line, found["section"], found["name"], found["settings"] or "")
        elif found is not None and found["section"] in SINGLES and not found["name"] and found["settings"]:
            self._declare(line, found["section"], "", found["settings"])
        else:
            self._step(line, said)

    def _declare(self, line: int, section: str, name: str, text: str) -> None:
        if self._steps:
            raise Wrong("who is there stands before what happens", "this line further up")
        if any((known.section, known.name) == (section, name) for known in self._declared):
            raise Wrong(f"{section} {name} is there already", "one line for each")
        settings = settings_of(text)
        unknown = [key for key in settings if section == CALLER and key not in CALLER_SETTINGS]
        if unknown:
            raise Wrong(f"a caller has no setting {unknown[0]}", " and ".join(CALLER_SETTINGS))
        self._declared.append(Declared(line, section, name, text, settings))

    def _step(self, line: int, said: str) -> None:
        after = _AFTER.fullmatch(said)
        sentence, after_s = (after["rest"], seconds(after["time"])) if after else (said, 0.0)
        for shape in self._shapes:
            words = shape.fits(sentence)
            if words is not None:
                for place in shape.places:
                    if place.name in words:
                        self._check(place.kind, words[place.name])
                self._steps.append(Step(line, said, shape, words, after_s))
                return
        raise Wrong(f"{sentence!r} is not understood", self._like(sentence))

    def _like(self, sentence: str) -> str:
        """Sentences that look like it; the guide has all."""
        texts = [str(shape) for shape in self._shapes]
        near = difflib.get_close_matches(sentence, texts, SHOWN_SHAPES, cutoff=0.3)
        near = near or texts[:SHOWN_SHAPES]
        return " | ".join(f"`{text}`" for text in near) + " (`acd lab words` lists all)"

    def _check(self, kind: str, word: str) -> None:
        """Whether the word is one of its kind."""
        people = {"agent": ("agent",), CALLER: (CALLER,), "person": ("agent", CALLER), "queue": ("queue",)}
        if kind in people or kind == "reason":
            sections = people.get(kind, ("pause",))
            names = [known.name for known in self._declared if known.section in sections]
            if word not in names:
                allowed = ", ".join(names) or f"none so far: write `{sections[0]} {word}` further up"
                raise Wrong(f"{word} is no {kind} of this script", allowed)
        if kind == "fact" and word not in FACTS:
            near = difflib.get_close_matches(word, FACTS, SHOWN_SHAPES) or sorted(FACTS)
            raise Wrong(f"{word} is no fact", ", ".join(near))
        if kind == "settings":
            settings_of(word)


def settings_of(text: str) -> dict[str, Any]:
    """`wrap_up_s = 3, name = "Sales"`, as the configuration writes it."""
    try:
        read: dict[str, Any] = tomllib.loads(f"x = {{ {text} }}")["x"]
    except tomllib.TOMLDecodeError:
        raise Wrong(
            f"{text!r} cannot be read", 'settings as in the configuration: wrap_up_s = 3, name = "Sales"'
        ) from None
    return read
