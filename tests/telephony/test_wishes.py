"""What a call asks for, as the dialplan writes it."""

import pytest

from acd.model import Skill
from acd.telephony.wishes import MOST, UNREADABLE, Wishes, wishes_of, words_of


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("", Wishes()),
        ("german", Wishes((Skill("german", 1),))),
        ("vip&german:3", Wishes((Skill("german", 3), Skill("vip", 1)))),
        ("german:2&german:5&german", Wishes((Skill("german", 5),))),
        ("german:100", Wishes((Skill("german", 100),))),
        ("~french:2&german", Wishes((Skill("german"),), (Skill("french", 2),))),
        ("@ana&@ben", Wishes(named="ana")),  # type: ignore[arg-type]
        ("german&", Wishes((Skill("german"),))),
        ("&".join(["x" * 64] * MOST), Wishes((Skill("x" * 64),))),
    ],
)
def test_words_say_what_is_asked_for(text: str, wishes: Wishes) -> None:
    assert wishes_of(words_of(text)) == wishes


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "bad skill",
        "x\r\ny",
        "~",
        "@",
        ":3",
        "vip:",
        "vip:1000",
        "vip:0",
        "vip:101",
        "-x",
        "caf\u00e9",
        "x" * 65,
        "a,b",
    ],
)
def test_one_word_that_cannot_be_read_makes_the_whole_unreadable(wrong: str) -> None:
    """Whom the call asks for would be less than the operator wrote, and it would go to anybody."""
    assert wishes_of(words_of(f"german&{wrong}&vip")) == UNREADABLE


@pytest.mark.parametrize("text", ["&", "german&&", "&german"])
def test_and_stands_between_words(text: str) -> None:
    assert wishes_of(words_of(text)) == UNREADABLE


@pytest.mark.parametrize("count", [MOST + 1, 10_000])
def test_too_many_words_are_unreadable_and_cost_little(count: int) -> None:
    words = words_of("&".join(f"s{number}" for number in range(count)))
    assert len(words) == MOST + 1
    assert wishes_of(words) == UNREADABLE
