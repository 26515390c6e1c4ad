"""What a call asks for, as the dialplan writes it: `german:3&~french&@ana`.

`german:3` is required, at level 3 or better (without a level, 1); `~french` is wished for, but not waited for;
`@ana` asks for that agent. Every telephony adapter reads it here. Nothing is left out: a requirement that is lost
would give the call to anybody, so one word that cannot be read makes the whole unreadable, and the call is refused.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from acd.model import AgentId, Skill

MOST: Final = 32
"""Words that a call may say."""
HIGHEST: Final = 100
WORD: Final = re.compile(r"(?P<sign>[~@]?)(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})(?::(?P<level>[0-9]{1,3}))?")


class Wishes(NamedTuple):
    """What a call asks for; each skill once, in the order of their names."""

    required: tuple[Skill, ...] = ()
    wanted: tuple[Skill, ...] = ()
    named: AgentId | None = None
    readable: bool = True


UNREADABLE: Final = Wishes(readable=False)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text; of one with too many the last holds all that follows."""
    return tuple(text.removesuffix("&").split("&", MOST)) if text else ()


def wishes_of(words: Sequence[str]) -> Wishes:
    """What the words say. Of a skill that is asked for twice the higher level counts, of two agents the first."""
    required: dict[str, int] = {}
    wanted: dict[str, int] = {}
    named: AgentId | None = None
    if len(words) > MOST:
        return UNREADABLE
    for word in words:
        found = WORD.fullmatch(word)
        if found is None:
            return UNREADABLE
        level = int(found["level"] or 1)
        if not 1 <= level <= HIGHEST:
            return UNREADABLE
        if found["sign"] == "@":
            named = named or AgentId(found["name"])
        else:
            skills = wanted if found["sign"] else required
            skills[found["name"]] = max(level, skills.get(found["name"], 0))
    return Wishes(_skills(required), _skills(wanted), named)


def _skills(levels: dict[str, int]) -> tuple[Skill, ...]:
    return tuple(Skill(name, level) for name, level in sorted(levels.items()))
