"""Deadlines: one for each key, due in order of time and then of setting."""

from hypothesis import given
from hypothesis import strategies as st

from acd.router.deadlines import Deadline, Deadlines


def test_nothing_is_due_where_nothing_is_set() -> None:
    deadlines = Deadlines()
    assert deadlines.next_ms is None
    assert deadlines.first_due(10**15) is None
    assert len(deadlines) == 0


def test_deadline_falls_due_at_its_moment_and_not_before() -> None:
    deadlines = Deadlines()
    deadlines.set(1_000, "ring", "offer")
    assert deadlines.next_ms == 1_000
    assert deadlines.first_due(999) is None
    assert deadlines.first_due(1_000) == Deadline(1_000, 1, "ring", "offer")
    assert deadlines.first_due(5_000) == Deadline(1_000, 1, "ring", "offer")


def test_deadlines_of_one_instant_fall_due_in_the_order_they_were_set() -> None:
    deadlines = Deadlines()
    deadlines.set(1_000, "wrap-up", "b")
    deadlines.set(1_000, "ring", "a")
    assert deadlines.all() == [Deadline(1_000, 1, "wrap-up", "b"), Deadline(1_000, 2, "ring", "a")]


def test_setting_a_deadline_again_replaces_it() -> None:
    deadlines = Deadlines()
    deadlines.set(1_000, "refusal", "ana", "call")
    deadlines.set(2_000, "refusal", "ana", "call")
    assert deadlines.all() == [Deadline(2_000, 2, "refusal", "ana", "call")]
    assert len(deadlines) == 1


def test_deadlines_of_other_kinds_and_subjects_stay_when_one_is_dropped() -> None:
    deadlines = Deadlines()
    deadlines.set(1, "refusal", "ana", "other")
    deadlines.set(2, "refusal", "ben", "call")
    deadlines.set(3, "rest", "ana")
    kept = deadlines.all()
    deadlines.set(0, "refusal", "ana", "call")
    deadlines.drop("refusal", "ana", "call")
    deadlines.drop("refusal", "ana", "call")
    assert deadlines.all() == kept
    assert deadlines.find("refusal", "ana", "call") is None
    assert deadlines.find("rest", "ana") == kept[2]


Steps = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from("abc")), max_size=40)


@given(Steps)
def test_deadlines_are_like_a_dictionary_sorted_by_time_and_order(steps: list[tuple[bool, int, str]]) -> None:
    deadlines, plain = Deadlines(), dict[str, Deadline]()
    order = 0
    for is_set, due_ms, subject in steps:
        if is_set:
            order += 1
            plain[subject] = Deadline(due_ms, order, "ring", subject)
            deadlines.set(due_ms, "ring", subject)
        else:
            plain.pop(subject, None)
            deadlines.drop("ring", subject)
        assert deadlines.all() == sorted(plain.values())
        assert deadlines.next_ms == min((deadline.due_ms for deadline in plain.values()), default=None)
        assert deadlines.first_due(10) == min(plain.values(), default=None)
