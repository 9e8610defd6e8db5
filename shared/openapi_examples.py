"""Examples for what APIs take: one family of ids and days, so that the examples of several operations fit together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

BY_NAME: Final[Mapping[str, Any]] = {
    "school_id": "ecole",
    "school": "ecole",
    "learner_id": "lea",
    "learner": "lea",
    "teacher_id": "marc",
    "subscription_id": "lea-fr",
    "subscription": "lea-fr",
    "new_subscription_id": "lea-fr-2",
    "case_id": "lea-fr~2026-06-01",
    "path_id": "b1-english",
    "path": "b1-english",
    "policy_id": "fr-elearning",
    "closure_id": "august-2026",
    "grant_id": "welcome-2026",
    "lesson_id": "lesson-4711",
    "receipt_id": "konbini-0611",
    "offer_id": "monthly",
    "visit_id": "v4f1c0a9b7d35e2186f4c",
    "report_id": "r-12",
    "request": "click-77",
    "endpoint_id": "ep_0123456789abcdef",
    "fact_id": "018f6a3c-6b1e-7c40-9d55-0a4f1f3f2b11",
    "dedupe_key": "stripe:evt_1R5",
    "gateway_subscription_id": "sub_1R5",
    "gateway_customer_id": "cus_1R5",
    "name": "Léa Martin",
    "email": "lea@learner.example",
    "staff_email": "office@ecole.example",
    "support_contact": "help@ecole.example",
    "zone": "Europe/Paris",
    "language": "fr",
    "languages": ["fr", "en"],
    "currency": "EUR",
    "amount_minor": 7500,
    "billing_day": 1,
    "started_on": "2026-01-01",
    "starts_at": "2026-06-15T16:00:00+02:00",
    "re_enrolment_deadline": "2026-06-30",
    "first": "2026-08-03",
    "last": "2026-08-14",
    "day": "2026-06-18",
    "url": "https://hooks.ecole.example/relance",
    "return_url": "https://portal.ecole.example/my-page",
    "because": "agreed with the learner on the telephone",
    "note": "agreed with the learner on the telephone",
    "why": "welcome",
    "titles": {"fr": "Anglais B1, un mois", "en": "English B1, one month"},
    "plans": {"stripe": "price_1R5"},
    "credits_per_month": 8,
    "minutes": 15,
    "recorded_by": "amelie",
    "by": "amelie",
    "reason": "the learner asked for it",
    "mail_id": "lea-fr~2026-06-01/mail/fr.payment_failed",
    "type": "card",
    "calendar": "fr",
    "method": "bank_transfer",
    "reference": "RELANCE-LEA-06",
    "failure": "2026-06-01T09:00:00+02:00",
    "act": "extend",
    "price_minor": 7500,
    "parked_id": "payments.events/0/17",
    "gateway": "stripe",
}
_DAY: Final = "2026-06-01"
_INSTANT: Final = "2026-06-01T09:00:00Z"


def example_of(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """A value of that schema: what it names itself, else one by the field's name, else the plainest that it allows."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, name)
    for word in ("example", "const", "default"):
        if word in schema and schema[word] is not None:
            return schema[word]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas, name)
    known = BY_NAME.get(name)
    kind = schema.get("type", "object")
    if known is not None and isinstance(known, _PYTHON.get(str(kind), object)):
        return known
    return _plainest(kind, schema, schemas)


_PYTHON: Final[Mapping[str, type]] = {"string": str, "integer": int, "array": list, "object": dict}


def _plainest(kind: str, schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    if kind == "object":
        needed = schema.get("required", ())
        return {
            field: example_of(inner, schemas, field)
            for field, inner in schema.get("properties", {}).items()
            if field in needed
        }
    if kind == "array":
        return [example_of(schema.get("items", {"type": "string"}), schemas)] * schema.get("minItems", 1)
    if kind == "integer":
        return int(schema.get("minimum", 1))
    if kind == "boolean":
        return True
    return {"date": _DAY, "date-time": _INSTANT}.get(schema.get("format", ""), "text")
