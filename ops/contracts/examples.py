"""One plausible fact of each kind, every field filled: what a new fact's first golden sample is made from."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Union, get_args, get_origin

from ops.contracts.reading import fields_of, word_texts
from shared.events import Envelope, Fact, id_of
from shared.events.wire import wrap
from shared.money import Money

_AT: Final = datetime(2026, 6, 1, 7, 0, tzinfo=UTC)
_DAY: Final = date(2026, 6, 1)

_WORDS: Final[Mapping[str, str]] = {
    "school_id": "ecole",
    "learner_id": "ada",
    "subscription_id": "ada-fr",
    "case_id": "ada-fr~2026-06-01",
    "mail_id": "ada-fr~2026-06-01/fr.payment_failed/1",
    "message_id": "<ada-fr.2026-06-01.fr.payment_failed.1@mail.ecole.example>",
    "transaction_id": "ch_3PqfR2eZvKYlo2C1",
    "duplicate_of": "ch_3PqfR2eZvKYlo2C0",
    "request_id": "ada-fr~2026-06-01/attempt/4",
    "gateway_subscription_id": "sub_1PqfR2eZvKYlo2C",
    "reversal_id": "re_3PqfR2eZvKYlo2C1",
    "update_id": "seti_1PqfR2eZvKYlo2C",
    "challenge_id": "pi_3PqfR2eZvKYlo2C1",
    "receipt_id": "R-2026-0412",
    "report_id": "report-1",
    "teacher_id": "t-ito",
    "lesson_id": "lesson-812",
    "grant_id": "grant-2026-06",
    "path_id": "data-analyst",
    "reopen_path_id": "data-analyst",
    "closure_id": "golden-week-2026",
    "policy_id": "fr-elearning",
    "policy_hash": "9f2c1d0e7b3a4856",
    "zone": "Europe/Paris",
    "currency": "EUR",
    "language": "fr",
    "languages": "fr",
    "calendar": "fr-metropole",
    "delivery_calendar": "fr-metropole",
    "service_day_rollover": "12:00",
    "accepted_methods": "card",
    "name": "École",
    "title": "Data analyst",
    "support_contact": "aide@ecole.example",
    "staff_email": "bureau@ecole.example",
    "site_url": "https://ecole.example",
    "card": "fp_Xt5EWLLDS7FJjR1c",
    "card_country": "FR",
    "label": "4242",
    "raw_code": "insufficient_funds",
    "network_code": "51",
    "advice_code": "01",
    "fault": "payer",
    "hold": "failure",
    "lessons": "deliver",
    "outcome": "failed",
    "kind": "renewal",
    "because_of": "ada-fr~2026-06-01",
    "because": "closed",
    "why": "recovered",
    "how": "accepted",
    "step": "forfeit",
    "reference": "RLC-ADA-FR-06",
    "request": "relaunch-1",
    "act": "act-5f0c1e",
    "by": "staff-7",
    "adopted_by": "staff-7",
    "recorded_by": "staff-7",
    "settled_by": "staff-7",
    "note": "agreed on the telephone",
    "text": "id: fr-elearning\n",
    "detail": "expected 7500 EUR, received 7000 EUR",
    "about": "ch_3PqfR2eZvKYlo2C1",
    "sender": "PayPal",
    "rule": "R-F3",
    "word": "working_days",
    "warnings": "closure",
    "sealed_text": "sealed/report-1",
    "method": "bank_transfer",
    "reason": "the platform answered 410",
}
_COUNTS: Final[Mapping[str, int]] = {
    "ordinal": 4,
    "billing_day": 1,
    "policy_version": 3,
    "version": 3,
    "entry": 12,
}


def example_fact(kind: type[Any]) -> Any:
    """A fact of that kind (or a value inside one)."""
    return kind(
        **{field.name: _value(field.hint, field.name, _place(kind, field.name)) for field in fields_of(kind)}
    )


def example_envelope(kind: type[Fact]) -> Envelope:
    """The same on its way, said because of another fact a second after it happened."""
    fact: Fact = example_fact(kind)
    return wrap(fact, cause=_cause(kind), recorded_at=fact.occurred_at + timedelta(seconds=1))


def _cause(kind: type[Fact]) -> str:
    return id_of(Fact(school_id=kind.__name__, occurred_at=_AT))


def _place(kind: type[Any], name: str) -> int:
    """Later fields are later instants, so that no two of a fact are mixed up."""
    return [field.name for field in fields_of(kind)].index(name)


def _value(hint: Any, name: str, place: int) -> Any:  # noqa: PLR0911 - one answer per type of the vocabulary
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {types.UnionType, Union}:
        return _value(next(one for one in inner if one is not type(None)), name, place)
    if origin is tuple and inner[-1] is Ellipsis:
        return (_value(inner[0], name, place),)
    if origin is tuple:
        return tuple(_value(one, f"{name}_{i}", place + i) for i, one in enumerate(inner))
    if origin is dict:
        return {"period": "2026-06-01"}
    if hint is bool:
        return True
    if hint is int:
        return _COUNTS.get(name, 2)
    if hint is datetime:
        return _AT + timedelta(days=place, hours=place) if name != "occurred_at" else _AT
    if hint is date:
        return _DAY + timedelta(days=0 if name == "period" else 7 * place)
    if hint is Money:
        return Money(7500, "EUR")
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return next(word for word in hint if word.value in word_texts(hint))
    if is_dataclass(hint):
        assert isinstance(hint, type)  # noqa: S101 - a hint of a field names a class
        return example_fact(hint)
    return _WORDS.get(name, "Sunday")
