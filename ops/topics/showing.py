"""A fact as a line that an operator reads: when, where, what, about whom, why."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ops.topics.reading import Found
from shared.events import Envelope

_WHO: Final = ("learner_id", "teacher_id", "subscription_id", "case_id", "school_id")
_APART: Final = frozenset({*_WHO, "occurred_at"})
_WIDEST: Final = 60


def line_of(one: Found) -> str:
    """One readable line."""
    where = f"{one.message.topic}/{one.message.partition}/{one.message.offset}" if one.message else "journal"
    if one.envelope is None:
        return f"{one.at:%Y-%m-%d %H:%M:%S}Z  {where:<26} UNREADABLE: {one.problem}"
    fact = one.envelope.fact
    late = f", happened {fact.occurred_at:%Y-%m-%d %H:%M:%S}Z" if fact.occurred_at != one.at else ""
    return (
        f"{one.at:%Y-%m-%d %H:%M:%S}Z  {where:<26} {one.envelope.type}  {who_of(one.envelope)}  "
        f"{', '.join(_details(one.envelope))}{late}  id {one.envelope.id}, cause {one.envelope.cause or 'a person or a gateway'}"
    )


def who_of(envelope: Envelope) -> str:
    """Whom a fact is about, by the ids it carries."""
    return " ".join(
        f"{name.removesuffix('_id')}={value}"
        for name in _WHO
        if (value := getattr(envelope.fact, name, None)) is not None
    )


def _details(envelope: Envelope) -> Iterator[str]:
    for name, value in msgspec.to_builtins(envelope.fact).items():
        if name not in _APART and value not in (None, "", [], {}, False):
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{name}={shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + '…'}"


def data_of(one: Found) -> dict[str, Any]:
    """The same as JSON, with stable field names."""
    message = one.message
    data: dict[str, Any] = {
        "at": one.at.isoformat().replace("+00:00", "Z"),
        "from": "topic" if message else "journal",
        "topic": message.topic if message else (one.envelope.topic if one.envelope else None),
        "partition": message.partition if message else None,
        "offset": message.offset if message else None,
    }
    if one.envelope is None:
        value = message.value if message else None
        return data | {"problem": one.problem, **value_data(value)}
    envelope = one.envelope
    return data | {
        "id": envelope.id,
        "type": envelope.type,
        "key": envelope.key,
        "cause": envelope.cause,
        "recorded_at": envelope.recorded_at.isoformat().replace("+00:00", "Z"),
        "fact": msgspec.to_builtins(envelope.fact),
    }


def value_data(value: bytes | None) -> dict[str, Any]:
    """A message's value as text where it is text, else in base64."""
    if value is None:
        return {"value": None}
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
