"""What a call asks for, as the dialplan writes it."""

import pytest

from acd.model import Skill
from acd.telephony.wishes import LONGEST, Wishes, wishes_of, words_of


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("", Wishes()),
        ("german", Wishes((Skill("german", 1),))),
        ("vip&german:3", Wishes((Skill("german", 3), Skill("vip", 1)))),
        ("german:2&german:5&german", Wishes((Skill("german", 5),))),
        ("german:0", Wishes((Skill("german", 1),))),
        ("german:999", Wishes((Skill("german", 100),))),
        ("~french:2&german", Wishes((Skill("german"),), (Skill("french", 2),))),
        ("@ana&@ben", Wishes(named="ana")),  # type: ignore[arg-type]
        ("german&&bad skill&x\r\ny&~&@&:3&vip:&-x&vip", Wishes((Skill("german"), Skill("vip")))),
    ],
)
def test_words_say_what_is_asked_for(text: str, wishes: Wishes) -> None:
    assert wishes_of(words_of(text)) == wishes


def test_words_are_not_too_many() -> None:
    assert len(words_of("&".join(f"s{number}" for number in range(10_000)))) == LONGEST
