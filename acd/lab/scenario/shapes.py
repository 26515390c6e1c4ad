"""How a sentence of a script looks: `<agent> answers[ after <time>]`.

`<kind>` stands for a word of that kind, `<kind:name>` where there are two of one kind, and `[ part ]` may be left
out. What the words mean is checked when the script is read, not when it is played.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
PATTERNS: Final[Mapping[str, str]] = {
    "agent": NAME,
    "caller": NAME,
    "person": NAME,
    "queue": NAME,
    "reason": NAME,
    "fact": r"[A-Z][A-Za-z]*",
    "time": r"[0-9]+(?:\.[0-9]+)? m?s",
    "number": r"-?[0-9]+",
    "keys": r"[0-9*#]+",
    "text": r'"[^"]*"',
    "wishes": r"[A-Za-z0-9_.~@:&-]+",
    "settings": r".+",
}
"""What may stand at a word's place; whether it is one of those who are there is looked at afterwards."""

_PLACE: Final = re.compile(r"<([a-z]+)(?::([a-z]+))?>")


class Wrong(ValueError):
    """Something in a line is wrong; `allowed` says what would be right."""

    def __init__(self, wrong: str, allowed: str) -> None:
        super().__init__(f"{wrong}; allowed: {allowed}")
        self.wrong = wrong
        self.allowed = allowed


class Place(NamedTuple):
    """Where a word is filled in."""

    kind: str
    name: str


class Shape:
    """One kind of sentence."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places = [Place(found[1], found[2] or found[1]) for found in _PLACE.finditer(text)]
        self._pattern = re.compile(_pattern_of(text))

    def __str__(self) -> str:
        return _PLACE.sub(lambda found: f"<{found[2] or found[1]}>", self.text)

    def fits(self, sentence: str) -> dict[str, str] | None:
        """The words by their places (those left out are missing), or None if the sentence looks otherwise."""
        found = self._pattern.fullmatch(sentence)
        return None if found is None else {name: word for name, word in found.groupdict().items() if word is not None}


def _pattern_of(text: str) -> str:
    parts = re.split(r"(<[^>]+>|[][])", text)
    return "".join(map(_part, parts))


def _part(part: str) -> str:
    if part == "[":
        return "(?:"
    if part == "]":
        return ")?"
    place = _PLACE.fullmatch(part)
    if place is None:
        return re.escape(part)
    return f"(?P<{place[2] or place[1]}>{PATTERNS[place[1]]})"


def seconds(text: str) -> float:
    """`15 s` or `500 ms`."""
    number, unit = text.split()
    return float(number) / (1_000 if unit == "ms" else 1)
