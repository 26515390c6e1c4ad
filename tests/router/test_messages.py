"""Inputs and facts: each has its place in the core, and each survives being written down."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core import HANDLERS, Fact, Input
from acd.router.apply import APPLY

INPUTS: tuple[type, ...] = get_args(Input)
FACTS: tuple[type, ...] = get_args(Fact)


def test_every_input_has_a_handler() -> None:
    assert set(HANDLERS) == set(INPUTS)


def test_every_fact_is_applied() -> None:
    assert set(APPLY) == set(FACTS)


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_input_survives_the_way_through_a_file(kind: type, data: st.DataObject) -> None:
    asked = data.draw(st.builds(kind))
    assert msgspec.json.decode(msgspec.json.encode(asked), type=Input) == asked


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_fact_survives_the_way_through_a_file(kind: type, data: st.DataObject) -> None:
    fact = data.draw(st.builds(kind))
    assert msgspec.json.decode(msgspec.json.encode(fact), type=Fact) == fact


@pytest.mark.parametrize("kind", [*INPUTS, *FACTS], ids=lambda kind: kind.__name__)
def test_message_cannot_be_changed(kind: type) -> None:
    assert kind.__struct_config__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_fact_begins_with_its_moment(kind: type) -> None:
    assert msgspec.structs.fields(kind)[0].name == "at_ms"
