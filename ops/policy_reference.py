"""Writes the reference of a policy's keys from the model itself, so that the page never tells an old story.

`relance policy reference` prints it; ``docs/reference/policies.md`` is that output, and a test compares the two.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from services.dunning.policies.policy import Policy
from services.dunning.policies.readings import READINGS
from shared.calendar import Interval, WallTime

_INTRODUCTION: Final = """\
# Policies

A policy is one YAML file: what a school does when a monthly payment fails. Check it with
`relance policy check FILE`, read it back in words with `relance policy explain FILE --lang fr|ja|en`, and see every
date it makes with `relance policy dates FILE --failure 2026-04-30`.

A file starts with `schema_version: 1` and holds either the keys of one policy or `policies:` with a list of them;
`calendars:` beside them defines calendars of its own. `extends: <id>` starts from another policy and changes only
what is named; a section that names another form (`kind`, `unit`, `type`) replaces the inherited one whole.

Times of day are `"HH:MM"` in quotes, up to `"47:59"` (`"26:00"` is 02:00 of the next morning); durations are ISO 8601
(`PT48H`, `P14D`, `P1M`). Unknown keys are refused. This page is written by `relance policy reference`.
"""


def reference() -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION, *_sections(), *_readings()]
    return "\n".join(parts).rstrip() + "\n"


def _sections() -> Iterator[str]:
    places: dict[type, list[str]] = {}
    waiting: list[tuple[str, type]] = [("", Policy)]
    while waiting:
        path, kind = waiting.pop(0)
        if path in places.setdefault(kind, []):
            continue
        places[kind].append(path)
        hints = get_type_hints(kind, include_extras=True)
        for one in fields(kind):
            key = f"{path}.{_name(one, hints)}".lstrip(".")
            waiting.extend((key, part) for part in _parts_in(hints[one.name]))
    return (_section(paths, kind) for kind, paths in places.items())


def _section(paths: list[str], kind: type) -> str:
    title = ", ".join(f"`{path}`" for path in paths if path) or "The policy"
    forms = _form(kind)
    heading = f"## {title}" + (f" with `{forms}`" if forms else "")
    lines = [
        heading,
        "",
        " ".join((inspect.getdoc(kind) or "").split()).replace("``", "`"),
        "",
        "| key | value | default | |",
        "|---|---|---|---|",
    ]
    hints, docs = get_type_hints(kind, include_extras=True), _field_docs(kind)
    for one in fields(kind):
        value = _render(hints[one.name]).replace("|", "\\|")
        lines.append(
            f"| `{_name(one, hints)}` | {value} | {_default(one, hints)} | {docs.get(one.name, '')} |"
        )
    return "\n".join([*lines, ""])


def _form(kind: type) -> str:
    hints = get_type_hints(kind)
    for tag in ("kind", "unit", "type"):
        words = get_args(hints[tag]) if tag in hints else ()
        if words:
            return f"{tag}: {' | '.join(str(word) for word in words)}"
    return ""


def _readings() -> Iterator[str]:
    yield (
        "## Readings\n\nWhere the two originals leave something open, one switch decides. `--set R-F1=R-F1b` on the command line, "
        "or the same pair among a story's overrides, turns all the keys of a reading at once.\n"
    )
    yield "| code | question | keys and default | other readings |\n|---|---|---|---|"
    for switch in READINGS.values():
        keys = "<br>".join(f"`{key}: {json.dumps(value)}`" for key, value in switch.keys.items())
        others = "<br>".join(f"`{name}`: {_changes(change)}" for name, change in switch.others.items())
        yield f"| {switch.code} | {switch.question} | {keys} | {others} |"


def _changes(change: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}: {json.dumps(value)}`" for key, value in change.items())


def _parts_in(hint: Any) -> Iterator[type]:
    if is_dataclass(hint) and isinstance(hint, type) and hint not in {WallTime, Interval}:
        yield hint
    for inner in get_args(hint):
        yield from _parts_in(inner)


def _name(one: Field[Any], hints: Mapping[str, Any]) -> str:
    for extra in getattr(hints[one.name], "__metadata__", ()):
        alias = getattr(extra, "alias", None)
        if alias:
            return str(alias)
    return one.name


def _render(hint: Any) -> str:
    simple: dict[Any, str] = {
        WallTime: '`"HH:MM"`', Interval: "duration", timedelta: "duration", str: "text", int: "number",
        bool: "true or false", NoneType: "null",
    }  # fmt: skip
    if hint in simple:
        return simple[hint]
    origin, inside = get_origin(hint), get_args(hint)
    if hasattr(hint, "__metadata__"):
        return _render(inside[0])
    if origin is Literal:
        return " | ".join(f"`{json.dumps(word) if isinstance(word, bool) else word}`" for word in inside)
    if origin in {Union, UnionType}:
        return " | ".join(dict.fromkeys(_render(one) for one in inside))
    if origin is tuple:
        return f"list of {_render(inside[0])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"a {hint.__name__} word"
    if is_dataclass(hint):
        return "section, see below"
    return f"{_render(inside[0])}: {_render(inside[1])}" if inside else str(hint)


def _default(one: Field[Any], hints: Mapping[str, Any]) -> str:
    if one.default is MISSING and one.default_factory is MISSING:
        return "required"
    value = one.default if one.default_factory is MISSING else one.default_factory()
    if is_dataclass(value) and not isinstance(value, WallTime | Interval):
        return ""
    if isinstance(value, str):
        return f"`{value}`"
    plain = TypeAdapter(hints[one.name]).dump_python(value, mode="json")
    if isinstance(plain, dict) and plain:
        return ""
    return f"`{plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)}`"


def _field_docs(kind: type) -> dict[str, str]:
    """The sentence under each field, read from the source of the class and of those it builds on."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__[:-1]):
        if not is_dataclass(one):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for before, after in pairwise(statements):
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if documented and isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name):
                text = str(after.value.value)  # type: ignore[attr-defined]  # a constant, as just seen
                found[before.target.id] = " ".join(text.split()).replace("``", "`")
    return found
