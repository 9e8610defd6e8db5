"""The vocabulary: every fact has a name, a key and an id, travels unchanged, and is described for others."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.events import SPEAKERS, VOCABULARY, Fact, id_of, key_of, name_of, topic_of
from shared.events.wire import from_bytes, to_bytes, wrap
from shared.money import Money

NOW = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
KINDS = sorted(VOCABULARY.values(), key=name_of)

st.register_type_strategy(
    Money, st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "USD"]))
)
st.register_type_strategy(
    datetime,
    st.integers(946_684_800_000, 4_102_444_800_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC)),
)
st.register_type_strategy(date, st.dates(date(2000, 1, 1), date(2100, 1, 1)))
st.register_type_strategy(str, st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_fact_arrives_as_it_was_said(kind: type[Fact], data: st.DataObject) -> None:
    fact = data.draw(st.builds(kind))
    envelope = wrap(fact, cause="c", recorded_at=NOW)

    assert from_bytes(to_bytes(envelope)) == envelope
    assert TypeAdapter(kind).validate_json(TypeAdapter(kind).dump_json(fact)) == fact


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_each_fact_knows_its_key_and_what_makes_it_one(kind: type[Any]) -> None:
    names = {field.name for field in dataclasses.fields(kind)}
    assert kind.KEY in names
    assert set(kind.IDENTITY) <= names
    assert topic_of(kind) == f"{name_of(kind).split('.')[0]}.events"


def test_every_fact_that_a_module_defines_is_in_its_table() -> None:
    for speaker, says in SPEAKERS.items():
        module = import_module(f"shared.events.{speaker}")
        defined = {
            value
            for name, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, Fact)
            and value.__module__ == module.__name__
            and not name.startswith("_")
        }
        assert defined == set(says), speaker


def test_saying_the_same_twice_is_saying_it_once() -> None:
    from tests.shared.counting import failed  # noqa: PLC0415 - only this test needs a fact at hand

    first = failed(1)
    later = dataclasses.replace(first, received_at=NOW, raw_code="another word for it")
    assert id_of(first) == id_of(later)
    assert id_of(first) != id_of(failed(2))
    assert key_of(first) == "sub-ada"
