"""What is remembered of who can do what a call asks for (docs/routing.md R28)."""

from acd.model import Skill
from acd.router.state import State


def test_what_nobody_can_any_more_is_forgotten() -> None:
    state = State()
    german, french = (Skill("german", 2),), (Skill("french", 1),)
    profile = state.take_profile((german, (), ()))
    for skills in (german, french):
        profile.fit(state.take_skill_set(skills))
    kept = state.take_skill_set(german)
    for skills in (german, french):
        state.leave_skill_set(state.skill_sets[skills])
    assert list(profile.fits) == [kept]
