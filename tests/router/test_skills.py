"""What is remembered of who can do what a call asks for (docs/routing.md R28)."""

from acd.model import Skill
from acd.router.state import PROFILES_KEPT, State


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
    assert list(kept.known_to) == [profile]


def test_what_calls_asked_for_is_remembered_a_while() -> None:
    state = State()
    first, *others = [((Skill("german", 1 + number),), (), ()) for number in range(PROFILES_KEPT + 1)]
    known = state.take_profile(first)
    skills = state.take_skill_set(first[0])
    fit = known.fit(skills)
    state.leave_profile(known)
    assert state.take_profile(first) is known, "the next call asks for the same"
    assert list(known.fits.values()) == [fit]
    state.leave_profile(known)
    for asked in others:
        state.leave_profile(state.take_profile(asked))
    assert list(state.profiles) == list(state.resting) == others, "the longest without calls is forgotten"
    assert not skills.known_to
