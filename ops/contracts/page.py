"""docs/reference/events.md: every fact for people, with who says it, who hears it, its fields and one example."""

from __future__ import annotations

import json
import types
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Union, get_args, get_origin

from ops.contracts.hearers import hearers_of
from ops.contracts.reading import Field, fields_of, marked, sentence_of, text_of, word_texts
from ops.contracts.samples import newest_sample
from ops.contracts.schemas import description_of
from shared.events import SPEAKERS, Fact, name_of
from shared.money import Money

_HEAD: Final = """\
# Facts

Generated from `shared/events` by `relance events export`: edit there, not here.

Everything that Relance's services tell one another. Machines read the same in
[asyncapi.json](events/asyncapi.json) (AsyncAPI 3) and in one [JSON Schema](events/schemas/) per fact;
[how to subscribe](../how-to/subscribe.md) has a program of twenty lines.

## How a message looks

A message on a topic is one JSON object in UTF-8. Its key, by which Kafka orders it, is the value of the field named as
**key** below. There are no message headers: everything is in the value.

| field | what it holds |
|---|---|
| `id` | the same fact always has the same id, so act upon it once; a plan that was put back has `#1`, `#2` behind |
| `type` | who says it and its name, `dunning.CaseOpened` |
| `recorded_at` | when its speaker wrote it down (UTC) |
| `fact` | what happened: the fields below |
| `cause` | the id of the fact that made this one be said; `null` at the edge of the system |
| `again` | how many times a plan was heard before its hour and put back |

Every fact has `school_id` and `occurred_at`: when it happened (UTC), not when anybody heard of it. Instants are UTC,
written as RFC 3339; days are calendar days in the school's zone unless their line says otherwise; money is an integer
of the currency's smallest unit. A field without a star may be missing in older messages and then has its default.

## What stays, and what may change

Fields, words of an enumeration and facts may be added: ignore what you do not know. Nothing is taken away, renamed,
narrowed or given another meaning; a new meaning is a new fact. Golden samples of everything that was ever said are kept
and read by each change's tests.
"""
_KINDS: Final = {
    str: "text",
    int: "integer",
    bool: "true or false",
    datetime: "instant, UTC",
    date: "day",
    Money: "money",
}


def events_page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    words: dict[str, type[StrEnum]] = {}
    values: dict[str, type] = {}
    for service, says in SPEAKERS.items():
        parts.append(f"## What {service} says\n\nTopic `{service}.events`.\n")
        parts += [_section(kind) for kind in says]
        for kind in says:
            for member in fields_of(kind):
                _collect(member.hint, words, values)
    parts.append("## Values inside facts\n")
    parts.append(f"### Money\n\n{text_of(Money).own.split(' Raises')[0]}\n\n{_MONEY}")
    parts += [_value_section(values[name]) for name in sorted(values)]
    parts.append("## Words\n")
    parts += [_words_section(words[name]) for name in sorted(words)]
    return "\n".join(parts)


_MONEY: Final = """\
| field | type | |
|---|---|---|
| `amount_minor` * | integer | in the currency's smallest unit: 7500 is 75.00 EUR, 12800 is 12,800 JPY |
| `currency` * | text | ISO 4217, in capitals |
"""


def _section(kind: type[Fact]) -> str:
    heard_by = ", ".join(hearers_of(kind)) or "nobody acts upon it: it is for readers"
    plan = "A plan: said when its hour has come, for its own speaker. " if kind.PLAN else ""
    identity = ", ".join(f"`{name}`" for name in kind.IDENTITY) or "all of its fields"
    example = json.dumps(newest_sample(kind), indent=1, ensure_ascii=False)
    return (
        f"### {name_of(kind)}\n\n{marked(sentence_of(kind))}\n\n"
        f"{plan}Heard by: {heard_by}. Key: `{kind.KEY}`. The same fact when the same: {identity}.\n\n"
        f"{_table(fields_of(kind))}\n"
        f"<details><summary>Example</summary>\n\n```json\n{example}\n```\n\n</details>\n"
    )


def _table(members: list[Field]) -> str:
    lines = ["| field | type | |", "|---|---|---|"]
    for member in members:
        if member.name in {"school_id", "occurred_at"}:
            continue
        star = " *" if member.required else ""
        default = "" if member.required else f" Default {_told(member.default)}."
        lines.append(f"| `{member.name}`{star} | {_kind(member.hint)} | {marked(_words(member))}{default} |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _words(member: Field) -> str:
    """The field's own text; its type's column tells unit and zone of the rest."""
    text = member.text or (description_of(member) if _inner(member.hint) is date else "")
    return text.replace("|", "\\|")


def _told(value: Any) -> str:
    if value is None:
        return "`null`"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"


def _kind(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {types.UnionType, Union}:
        return f"{_kind(next(one for one in inner if one is not type(None)))}, or `null`"
    if origin is tuple and inner[-1] is Ellipsis:
        return f"list of {_kind(inner[0])}"
    if origin is tuple:
        return f"[{', '.join(_kind(one) for one in inner)}]"
    if origin is dict:
        return "object of texts"
    return _KINDS.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def _inner(hint: Any) -> Any:
    return next((one for one in get_args(hint) if one is not type(None)), hint)


def _collect(hint: Any, words: dict[str, type[StrEnum]], values: dict[str, type]) -> None:
    for inner in get_args(hint):
        _collect(inner, words, values)
    if not isinstance(hint, type) or hint is Money:
        return
    if issubclass(hint, StrEnum):
        words[hint.__name__] = hint
    elif is_dataclass(hint) and hint.__name__ not in values:
        values[hint.__name__] = hint
        for member in fields_of(hint):
            _collect(member.hint, words, values)


def _value_section(kind: type) -> str:
    return f"### {kind.__name__}\n\n{marked(text_of(kind).own)}\n\n{_table(fields_of(kind))}"


def _words_section(kind: type[StrEnum]) -> str:
    lines = [f"- `{value}`{': ' + marked(text) if text else ''}" for value, text in word_texts(kind).items()]
    return f"### {kind.__name__}\n\n{marked(text_of(kind).own)}\n\n" + "\n".join(lines) + "\n"
