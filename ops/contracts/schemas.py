"""Each fact's message as JSON Schema (2020-12), from the very classes that write and read it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Union, get_args, get_origin

from ops.contracts.reading import Field, fields_of, plain, sentence_of, text_of, word_texts
from shared.events import Fact, name_of
from shared.money import Money

Schema = dict[str, Any]

_TEXTS: Final[Mapping[type, str]] = {
    datetime: "An instant in UTC.",
    date: "A calendar day in the school's zone.",
    Money: "Minor units with their currency: 7500 EUR is 75.00 EUR, 12800 JPY is 12,800 JPY.",
}
_PLAIN: Final[Mapping[type, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}
_MONEY: Final[Schema] = {
    "title": "Money",
    "description": "An exact amount of money.",
    "type": "object",
    "properties": {
        "amount_minor": {
            "type": "integer",
            "description": "In the currency's smallest unit: cents of EUR, whole yen of JPY.",
        },
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217, in capitals."},
    },
    "required": ["amount_minor", "currency"],
}


@dataclass(slots=True)
class Dialect:
    """How schemas refer to one another where they are printed, and the definitions met on the way."""

    ref: str = "#/$defs/{}"
    pairs: str = "prefixItems"
    """The word for an array of fixed places; ``items`` in the draft that AsyncAPI builds on."""
    definitions: dict[str, Schema] | None = None

    def schema(self, hint: Any) -> Schema:
        """The schema of one type of the vocabulary.

        Raises:
            TypeError: a type that no fact has had until now; say here how it is written.
        """
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        origin, inner = get_origin(hint), get_args(hint)
        if origin in {types.UnionType, Union}:
            return {"anyOf": [self._alternative(one) for one in inner]}
        if origin is tuple and inner[-1] is Ellipsis:
            return {"type": "array", "items": self.schema(inner[0])}
        if origin is tuple:
            size = {"minItems": len(inner), "maxItems": len(inner)}
            return {"type": "array", self.pairs: [self.schema(one) for one in inner], **size}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.schema(inner[1])}
        if isinstance(hint, type) and (issubclass(hint, StrEnum) or is_dataclass(hint)):
            return self._named(hint)
        raise TypeError(
            f"we could not describe {hint!r} because no fact had a field like it: teach ops.contracts.schemas"
        )

    def _alternative(self, hint: Any) -> Schema:
        return {"type": "null"} if hint is type(None) else self.schema(hint)

    def _named(self, kind: type) -> Schema:
        if self.definitions is None:
            self.definitions = {}
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._definition(kind)
        return {"$ref": self.ref.format(name)}

    def _definition(self, kind: type) -> Schema:
        if kind is Money:
            return _MONEY
        if issubclass(kind, StrEnum):
            return _enumeration(kind)
        return self.object_of(kind, title=kind.__name__, description=text_of(kind).own)

    def object_of(self, kind: type[Any], *, title: str, description: str) -> Schema:
        """The schema of a class, field by field; readers ignore fields that they do not know."""
        members = fields_of(kind)
        return {
            "title": title,
            "description": plain(description),
            "type": "object",
            "properties": {member.name: self._member(member) for member in members},
            "required": [member.name for member in members if member.required],
        }

    def _member(self, member: Field) -> Schema:
        schema = self.schema(member.hint)
        described = {"description": plain(description_of(member))} if description_of(member) else {}
        default = {} if member.required else {"default": _as_json(member.default)}
        return {**schema, **described, **default}


def description_of(member: Field) -> str:
    """A field's text, and its unit or zone where that does not go without saying."""
    text = member.text
    kinds = [member.hint, *get_args(member.hint)]
    for kind, meaning in _TEXTS.items():
        if kind in kinds and not ("UTC" in text or "zone" in text):
            return f"{text} {meaning}".strip()
    return text


def message_schema(kind: type[Fact], example: Schema, dialect: Dialect | None = None) -> Schema:
    """The whole message of one fact: the envelope and, in ``fact``, what happened."""
    dialect = dialect or Dialect()
    name = name_of(kind)
    fact = dialect.object_of(kind, title=kind.__name__, description=sentence_of(kind))
    key = f"The message's key is ``{kind.KEY}``: facts of one key are read in the order in which they were told."
    return {
        "title": name,
        "description": plain(f"{sentence_of(kind)} {key}"),
        "type": "object",
        "properties": {
            "id": {
                "type": "string",
                "description": "The same fact always has the same id: act upon it once. A plan that was put back has #1, #2 behind.",
            },
            "type": {"const": name, "description": "Who says it, and its name."},
            "recorded_at": {
                "type": "string",
                "format": "date-time",
                "description": "When its speaker wrote it down. An instant in UTC.",
            },
            "fact": fact,
            "cause": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
                "description": "The id of the fact that made this one be said; null at the edge of the system.",
            },
            "again": {
                "type": "integer",
                "minimum": 0,
                "default": 0,
                "description": "How many times a plan was heard before its hour and put back.",
            },
        },
        "required": ["id", "type", "recorded_at", "fact"],
        "examples": [example],
    }


def standalone_schema(kind: type[Fact], example: Schema) -> Schema:
    """The same as a document of its own."""
    dialect = Dialect()
    body = message_schema(kind, example, dialect)
    found = (
        {name: dialect.definitions[name] for name in sorted(dialect.definitions)}
        if dialect.definitions
        else {}
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:relance:fact:{name_of(kind)}",
        **body,
        **({"$defs": found} if found else {}),
    }


def _enumeration(kind: type[StrEnum]) -> Schema:
    said = [f"{value}: {text}" for value, text in word_texts(kind).items() if text]
    own = text_of(kind).own
    more = "New words may be added: take one that you do not know as something you cannot act upon."
    return {
        "title": kind.__name__,
        "description": plain(" ".join([own, *said, more]).strip()),
        "type": "string",
        "enum": [word.value for word in kind],
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value
