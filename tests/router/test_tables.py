"""Tables in pieces: like a dictionary and an ordered one, whatever is in them, and never copied as a whole."""

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.router import tables
from acd.router.rolls import Roll
from acd.router.tables import PIECE, Numbered, ShardedDict

KEYS = [f"pbx-{number}" for number in range(40)]
Steps = st.lists(st.tuples(st.sampled_from(("put", "drop", "get")), st.sampled_from(KEYS)), max_size=200)


@pytest.fixture(autouse=True, params=[4, 10_000], ids=["cut", "whole"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are cut after the fifth entry, or never here."""
    monkeypatch.setattr(tables, "SMALL", request.param)
    monkeypatch.setattr(tables, "PIECE", 3)


@given(Steps)
@settings(deadline=None)
def test_sharded_dictionary_is_like_a_dictionary(steps: list[tuple[str, str]]) -> None:
    table, plain = ShardedDict[str, int](), dict[str, int]()
    for number, (act, key) in enumerate(steps):
        if act == "put":
            table[key] = plain[key] = number
        elif act == "drop":
            assert table.pop(key, None) == plain.pop(key, None)
        assert (table.get(key), table.get(key, -1), key in table) == (plain.get(key), plain.get(key, -1), key in plain)
        assert (len(table), bool(table), table == plain) == (len(plain), bool(plain), True)
    assert list(table.items()) == sorted(plain.items(), key=lambda item: int(item[0].removeprefix("pbx-")))
    for key in plain:
        del table[key]
    assert not table


def test_what_is_not_there_is_an_error() -> None:
    table = ShardedDict[str, int]()
    for key in KEYS:
        table[key] = 1
    with pytest.raises(KeyError):
        table["elsewhere"]
    with pytest.raises(KeyError):
        del table["elsewhere"]
    with pytest.raises(KeyError):
        table.pop("elsewhere")


@given(Steps)
@settings(deadline=None)
def test_numbered_keys_are_like_an_ordered_dictionary(steps: list[tuple[str, str]]) -> None:
    table, plain = Numbered[str](), OrderedDict[str, int]()
    for act, key in steps:
        number = max(plain.values(), default=0) + 1  # less than before, where what had the greatest is gone
        if act == "put":
            assert table.put(key, number) == plain.pop(key, None)
            plain[key] = number
        elif act == "drop":
            assert table.drop(key) == plain.pop(key, None)
        assert list(table.in_order()) == list(plain.items())
        assert list(table) == list(plain)
        assert len(table.pieces) == 1 or all(table.pieces), "an empty piece stays"
        assert bool(table.pieces[0]) == bool(plain)
        if plain:
            assert (table.first(), table.first_number()) == next(iter(plain.items()))
        assert (len(table), table.get(key)) == (len(plain), plain.get(key))


Calls = st.lists(st.tuples(st.sampled_from(("enter", "drop", "call", "hear")), st.sampled_from(KEYS)), max_size=200)


@given(Calls)
@settings(deadline=None)
def test_roll_knows_who_has_been_heard_of_since_it_was_called(calls: list[tuple[str, str]]) -> None:
    roll, heard = Roll(), dict[str, bool]()
    for act, name in calls:
        if act == "call":
            roll.call()
            heard = dict.fromkeys(heard, False)
        elif act == "drop":
            roll.drop(name)
            heard.pop(name, None)
        elif act == "enter" or name in heard:
            roll.enter(name) if act == "enter" else roll.hear(name)
            heard[name] = True
        missing = {name for name, present in heard.items() if not present}
        assert set(roll.missing(len(KEYS))) == missing
        assert (roll.is_complete, roll.absent, roll.present) == (not missing, len(missing), len(heard) - len(missing))
        assert (roll.hears(name), roll.misses(name)) == (heard.get(name, False), name in missing)


def test_many_entries_lie_in_pieces_none_of_which_is_large() -> None:
    table, numbered = ShardedDict[str, int](), Numbered[str]()
    many, shards = 200_000, tables.SHARDS
    for number in range(many):
        table[f"call-{number}"] = number
        numbered.put(f"call-{number}", number + 1)
    if many > tables.SMALL:
        for cut in (table, numbered):
            assert max(map(len, cut._shards)) < 1.3 * many / shards
    assert max(map(len, numbered.pieces)) <= PIECE
