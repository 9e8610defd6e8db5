"""A fact's id is for life: however it is computed, the same meaning keeps the same id."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import uuid5

from shared.events import VOCABULARY, id_of, name_of
from shared.events.fact import NAMESPACE
from tests.shared.counting import failed


def test_an_id_is_the_uuid_of_the_type_and_the_identity() -> None:
    fact = failed(7, "zoé")

    assert id_of(fact) == str(uuid5(NAMESPACE, "payments.AttemptFailed|stripe|zoé-7"))


def test_a_fact_without_an_identity_is_known_by_all_its_fields() -> None:
    kinds = [kind for kind in VOCABULARY.values() if not kind.IDENTITY]
    assert kinds
    for kind in kinds:
        values: dict[str, Any] = {field.name: f"<{field.name}>" for field in fields(kind)}
        fact = kind(**values)
        meaning = "|".join([name_of(kind), *(str(getattr(fact, field.name)) for field in fields(kind))])
        assert id_of(fact) == str(uuid5(NAMESPACE, meaning))
