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
    deadline = Deadline(1_000, 1, "ring", "offer")
    deadlines.set(deadline)
    assert deadlines.next_ms == 1_000
    assert deadlines.first_due(999) is None
    assert deadlines.first_due(1_000) == deadline
    assert deadlines.first_due(5_000) == deadline


def test_deadlines_of_one_instant_fall_due_in_the_order_they_were_set() -> None:
    deadlines = Deadlines()
    later, earlier = Deadline(1_000, 2, "ring", "a"), Deadline(1_000, 1, "wrap-up", "b")
    deadlines.set(later)
    deadlines.set(earlier)
    assert deadlines.all() == [earlier, later]


def test_setting_a_deadline_again_replaces_it() -> None:
    deadlines = Deadlines()
    deadlines.set(Deadline(1_000, 1, "refusal", "ana", "call"))
    deadlines.set(Deadline(2_000, 2, "refusal", "ana", "call"))
    assert deadlines.all() == [Deadline(2_000, 2, "refusal", "ana", "call")]


def test_deadlines_of_other_kinds_and_subjects_stay_when_one_is_dropped() -> None:
    deadlines = Deadlines()
    kept = [
        Deadline(1, 1, "refusal", "ana", "other"),
        Deadline(2, 2, "refusal", "ben", "call"),
        Deadline(3, 3, "rest", "ana"),
    ]
    for deadline in kept:
        deadlines.set(deadline)
    deadlines.set(Deadline(0, 4, "refusal", "ana", "call"))
    deadlines.drop("refusal", "ana", "call")
    deadlines.drop("refusal", "ana", "call")
    assert deadlines.all() == kept
    assert deadlines.find("refusal", "ana", "call") is None
    assert deadlines.find("rest", "ana") == kept[2]


Steps = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.sampled_from("abc")), max_size=40)


@given(Steps)
def test_deadlines_are_like_a_dictionary_sorted_by_time_and_order(steps: list[tuple[bool, int, str]]) -> None:
    deadlines, plain = Deadlines(), dict[str, Deadline]()
    for order, (is_set, due_ms, subject) in enumerate(steps):
        if is_set:
            plain[subject] = Deadline(due_ms, order, "ring", subject)
            deadlines.set(plain[subject])
        else:
            plain.pop(subject, None)
            deadlines.drop("ring", subject)
        assert deadlines.all() == sorted(plain.values())
        assert deadlines.next_ms == min((deadline.due_ms for deadline in plain.values()), default=None)
