"""Reads a policy file and says what is wrong with it in words a school understands: line, key, remedy.

A file holds ``schema_version: 1`` and either one policy or ``policies: [...]``, with ``calendars:`` of its own if
it needs others than the built-in ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.dunning.policies.checks import check
from services.dunning.policies.lines import Document, Path, dotted, read_yaml
from services.dunning.policies.parts import Part
from services.dunning.policies.policy import SCHEMA_VERSION, Policy, policy_adapter
from services.dunning.policies.problems import PolicyRefused, Problem
from shared.calendar import Calendar, Calendars, built_in_calendars, calendar_from_data
from shared.errors import Unreadable
from shared.methods import AcceptedMethods, CardRule, PaypalRule

_TOP_KEYS: Final = ("schema_version", "calendars", "policies")
_TAGS: Final = ("kind", "unit", "type")
"""The keys that choose between forms: a child policy with another one replaces the section it inherits."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """What a file turned out to hold; ``policies`` only those without an error."""

    file: str
    policies: dict[str, Policy] = field(default_factory=dict)
    calendars: Calendars
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        """What must be mended."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """What is worth knowing."""
        return [problem for problem in self.problems if problem.severity == "warning"]


def read_policies(
    text: str,
    *,
    file: str,
    calendars: Calendars | None = None,
    parents: Mapping[str, Policy] | None = None,
    today: date | None = None,
) -> Reading:
    """Read and check a policy file; nothing is raised, every problem is in the answer.

    ``parents``: policies that ``extends`` may name, besides those of the file. ``today`` lets the calendars'
    horizon be checked (18 months of known holidays); without it that one rule is left out.
    """
    document = read_yaml(text, file=file)
    reading = Reading(file=file, calendars=calendars or built_in_calendars(), problems=document.problems)
    data = document.data
    if reading.problems and data is None:
        return reading
    if not isinstance(data, dict):
        reading.problems.append(document.problem((), "holds no mapping", "start with `schema_version: 1`"))
        return reading
    if data.get("schema_version") != SCHEMA_VERSION:
        problem = document.problem(
            ("schema_version",),
            f"schema_version is {data.get('schema_version')!r}",
            f"this Relance reads version {SCHEMA_VERSION}: write `schema_version: {SCHEMA_VERSION}`",
        )
        reading.problems.append(problem)
    reading.calendars = reading.calendars.and_also(_calendars(document, data.get("calendars")))
    known = dict(parents or {})
    for path, raw in _policies(document, data):
        policy = _policy(document, path, raw, known=known, calendars=reading.calendars, today=today)
        if policy is not None:
            reading.policies[policy.id] = known[policy.id] = policy
    return reading


def read_policy(
    text: str,
    *,
    file: str,
    calendars: Calendars | None = None,
    parents: Mapping[str, Policy] | None = None,
    today: date | None = None,
) -> Policy:
    """The one policy of a file.

    Raises:
        PolicyRefused: the file has problems, or holds none or several policies (422).
    """
    reading = read_policies(text, file=file, calendars=calendars, parents=parents, today=today)
    if reading.errors:
        raise PolicyRefused(reading.errors)
    if len(reading.policies) != 1:
        names = ", ".join(reading.policies) or "none"
        problem = Problem(
            file=file,
            line=1,
            key="policies",
            message=f"one policy is expected, found {names}",
            remedy="keep one",
        )
        raise PolicyRefused([problem])
    return next(iter(reading.policies.values()))


def validated(
    data: Mapping[str, Any], *, file: str, calendars: Calendars, today: date | None = None
) -> tuple[Policy, list[Problem]]:
    """A policy from plain data, by the rules a file is held to; the warnings with it.

    Raises:
        PolicyRefused: the data breaks a rule (422).
    """
    document = Document(file=file, data=dict(data))
    policy = _policy(document, (), document.data, known={}, calendars=calendars, today=today)
    errors = [problem for problem in document.problems if problem.severity == "error"]
    if policy is None or errors:
        raise PolicyRefused(errors)
    return policy, document.problems


def _calendars(document: Document, raw: object) -> dict[str, Calendar]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        document.problems.append(
            document.problem(("calendars",), "is no mapping", "write `name: {...}` entries")
        )
        return {}
    found = {}
    for name, definition in raw.items():
        if not isinstance(definition, dict):
            problem = document.problem(
                ("calendars", name), "is no mapping", "name its timezone and working_weekdays"
            )
            document.problems.append(problem)
            continue
        try:
            found[name] = calendar_from_data(name, definition)
        except Unreadable as error:
            message, _, remedy = str(error).partition(": ")
            guilty = next((key for key in definition if key in message), None) or next(
                (key for key, value in definition.items() if _mentioned(value, message)), None
            )
            path: Path = ("calendars", name) if guilty is None else ("calendars", name, guilty)
            document.problems.append(document.problem(path, message, remedy or "correct it"))
    return found


def _mentioned(value: Any, message: str) -> bool:
    if isinstance(value, dict):
        return any(_mentioned(one, message) for one in value.values())
    if isinstance(value, list):
        return any(_mentioned(one, message) for one in value)
    return value is not None and repr(value) in message


def _policies(document: Document, data: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
    if "policies" not in data:
        body = {key: value for key, value in data.items() if key not in _TOP_KEYS}
        if not body and "calendars" in data:
            return []
        return [((), body)]
    listed = data["policies"]
    for key in data:
        if key not in _TOP_KEYS:
            document.problems.append(_unknown_key(document, (key,)))
    if not isinstance(listed, list):
        document.problems.append(document.problem(("policies",), "is no list", "write `- id: ...` entries"))
        return []
    found: list[tuple[Path, dict[str, Any]]] = []
    for index, raw in enumerate(listed):
        if isinstance(raw, dict):
            found.append((("policies", index), raw))
        else:
            document.problems.append(
                document.problem(("policies", index), "is no mapping", "start with `id:`")
            )
    return found


def _policy(
    document: Document,
    path: Path,
    raw: dict[str, Any],
    *,
    known: Mapping[str, Policy],
    calendars: Calendars,
    today: date | None,
) -> Policy | None:
    parent_id = raw.get("extends")
    merged: Any = raw
    if parent_id is not None and known:
        parent = known.get(str(parent_id))
        if parent is None:
            problem = document.problem(
                (*path, "extends"),
                f"extends {parent_id!r}, which is no policy known here",
                f"name one of {', '.join(sorted(known))}, and define it before",
            )
            document.problems.append(problem)
            return None
        merged = merge(parent.to_data(), raw)
    try:
        policy = policy_adapter().validate_python(merged)
    except ValidationError as error:
        # A key written wrongly makes another one missing: the cause is told first.
        details = sorted(error.errors(), key=lambda detail: detail["type"] == "missing")
        document.problems.extend(_problem_of(document, path, merged, detail) for detail in details)
        return None
    found = list(check(policy, calendars, today=today))
    for key, message, remedy, severity in found:
        where = (*path, *key)
        problem = Problem(
            file=document.file,
            line=document.line_of(where),
            key=dotted(where),
            message=message,
            remedy=remedy,
            severity=severity,
        )
        document.problems.append(problem)
    return None if any(finding.severity == "error" for finding in found) else policy


def merge(parent: Any, child: Any) -> Any:
    """``child`` laid over ``parent``: mappings key by key, everything else replaces.

    A section that chooses another form (``kind``, ``unit``, ``type``) replaces the inherited one whole.
    """
    if not isinstance(parent, dict) or not isinstance(child, dict):
        return child
    if any(tag in child and child[tag] != parent.get(tag) for tag in _TAGS):
        return child
    merged = dict(parent)
    for key, value in child.items():
        merged[key] = merge(parent.get(key), value)
    return merged


def _problem_of(document: Document, root: Path, data: Any, detail: ErrorDetails) -> Problem:
    path, missing = _path_in(data, detail["loc"])
    where = (*root, *path)
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return _unknown_key(document, where)
    if kind == "missing":
        return document.problem(where, f"lacks `{missing}`", f"add `{missing}:`")
    if kind == "union_tag_not_found":
        tag = str(context.get("discriminator", "")).strip("'")
        return document.problem(where, f"lacks `{tag}`", f"add `{tag}:`, it says which form the section has")
    value = detail["input"]
    if kind == "union_tag_invalid":
        return document.problem(
            where, f"is {context.get('tag')!r}", f"write one of {context.get('expected_tags')}"
        )
    if kind in {"literal_error", "enum"}:
        return document.problem(where, f"is {value!r}", f"write {context.get('expected')}")
    if kind == "unreadable":
        message, _, remedy = str(context.get("why", "")).partition(": ")
        return document.problem(where, message, remedy or "correct it")
    return document.problem(where, f"is {value!r}", detail["msg"][:1].lower() + detail["msg"][1:])


def _path_in(data: Any, loc: tuple[int | str, ...]) -> tuple[Path, str]:
    """The part of pydantic's location that stands in the file, and the last step that does not."""
    path: list[str | int] = []
    rest = ""
    for step in loc:
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            path.append(step)
            rest = ""
        else:
            rest = str(step)
    return tuple(path), rest


def _unknown_key(document: Document, path: Path) -> Problem:
    key = str(path[-1])
    close = difflib.get_close_matches(key, _every_key(), n=1)
    remedy = (
        f"did you mean `{close[0]}`?"
        if close
        else "remove it, or see docs/reference/policies.md for the keys"
    )
    return document.problem(path, f"there is no key `{key}` here", remedy)


@cache
def _every_key() -> tuple[str, ...]:
    classes: list[Any] = [*Part.__subclasses__(), AcceptedMethods, CardRule, PaypalRule]
    classes += [deeper for one in classes for deeper in one.__subclasses__()]
    names = {each.name for one in classes if is_dataclass(one) for each in fields(one)}
    return tuple(sorted(names | set(_TOP_KEYS)))
