"""Who can do what a call asks for (docs/routing.md R28 to R31).

Agents with the same skills are one `SkillSet`, calls that ask for the same are one `Profile`; how the two fit is
worked out once and remembered. Both are compared by identity: equal ones are the same object. They are kept while
there are agents who have it and calls that do.
"""

import msgspec

from acd.model import Skill
from acd.router.settings import EVERYBODY, Ring


class SkillSet:
    """What some agents can."""

    __slots__ = ("agents", "known_to", "skills")

    def __init__(self, skills: tuple[Skill, ...]) -> None:
        self.skills = skills
        self.agents = 0
        """How many agents have it."""
        self.known_to: dict[Profile, None] = {}
        """Profiles that remember how they are served by it."""

    def __repr__(self) -> str:
        return f"SkillSet({self.skills})"

    def go(self) -> None:
        """Nobody has it any more."""
        for profile in self.known_to:
            del profile.fits[self]

    @property
    def names(self) -> tuple[tuple[str, int], ...]:
        """The same as plain values, which have an order."""
        return tuple((skill.name, skill.level) for skill in self.skills)

    def level(self, name: str) -> int:
        """The level in this skill; 0 for none."""
        return next((skill.level for skill in self.skills if skill.name == name), 0)


Asked = tuple[tuple[Skill, ...], tuple[Skill, ...], tuple[Ring, ...]]
"""Required, wanted, and the rings."""


class Fit(msgspec.Struct, frozen=True, gc=False):
    """How a skill set serves a profile."""

    lacks: int
    """By how many levels the worst requirement is missed: the slack at which these agents may take the call."""
    unmet: int
    """How many wishes are not met."""
    level: int
    """The sum of the levels in what is required or wished for."""
    breadth: int
    """The sum of all levels, whatever is asked for: how much is lost to others while these agents talk."""


class Profile:
    """What some calls ask for, and how that relaxes with waiting."""

    __slots__ = ("asked", "calls", "fits", "required", "rings", "slack", "tiered", "wanted")

    def __init__(self, required: tuple[Skill, ...], wanted: tuple[Skill, ...], rings: tuple[Ring, ...]) -> None:
        self.asked: Asked = (required, wanted, rings)
        self.required = required
        self.wanted = wanted
        self.rings = rings or (EVERYBODY,)
        self.slack = self.rings[-1].slack
        """Of the widest ring."""
        self.tiered = any(ring.tier is not None for ring in self.rings)
        """Whether tiers are a matter of waiting."""
        self.calls = 0
        """How many calls of all queues have it."""
        self.fits: dict[SkillSet, Fit] = {}
        """Of those who were asked about, and are there."""

    def __repr__(self) -> str:
        return f"Profile({self.required}, {self.wanted}, {self.rings})"

    def ring_at(self, age_ms: int) -> Ring:
        """The ring to which a call of this age has come."""
        at = self.rings[0]
        for ring in self.rings:
            if ring.after_ms > age_ms:
                break
            at = ring
        return at

    def opens_after(self, age_ms: int) -> int | None:
        """The age at which a call that is now so old comes to the next ring; None after the last."""
        return next((ring.after_ms for ring in self.rings if ring.after_ms > age_ms), None)

    def fit(self, skills: SkillSet) -> Fit:
        """How these skills serve it."""
        known = self.fits.get(skills)
        if known is None:
            known = self.fits[skills] = self._work_out(skills)
            skills.known_to[self] = None
        return known

    def go(self) -> None:
        """No call has it any more."""
        for skills in self.fits:
            del skills.known_to[self]

    def _work_out(self, skills: SkillSet) -> Fit:
        asked = {skill.name for skill in (*self.required, *self.wanted)}
        return Fit(
            max((skill.level - skills.level(skill.name) for skill in self.required), default=0),
            sum(skills.level(skill.name) < skill.level for skill in self.wanted),
            sum(skill.level for skill in skills.skills if skill.name in asked),
            sum(skill.level for skill in skills.skills),
        )


def fits_at(ring: Ring, tier: int, fit: Fit) -> bool:
    """Whether an agent of this tier and fit may take a call that has come to this ring."""
    return fit.lacks <= ring.slack and (ring.tier is None or tier <= ring.tier)
