"""The policy a case is pinned to, with its calendars as the school lives them today (R-X5).

A document is kept under the hash of its content, so that an edit of a school's policy never reaches a case that
is open, and a replay needs nothing but the documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Final

import yaml

from services.dunning.domain.account import Closed, PolicyDocument, School
from services.dunning.policies import Policy, PolicyRefused, presets, read_policies
from services.dunning.policies.policy import SCHEMA_VERSION
from services.dunning.policies.problems import Problem
from shared.calendar import Calendars, Closure, built_in_calendars


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A policy that was read and checked: the policy, its own calendars, and the document that holds both."""

    policy: Policy
    calendars: Calendars
    document: PolicyDocument


_BY_HASH: Final[dict[str, Adopted]] = {}
_LIVE: Final[dict[tuple[str, str, tuple[Closed, ...]], Calendars]] = {}
_AT: Final[dict[tuple[str, str], Policy]] = {}
_LIVE_KEPT: Final = 512


@cache
def preset_document(policy_id: str) -> Adopted:
    """A policy that comes with Relance, as a document.

    Raises:
        NotFound: there is none of that id.
    """
    from services.dunning.policies import preset  # noqa: PLC0415 - presets are read when first asked for

    return _adopted(preset(policy_id), {})


def read_document(text: str, *, file: str, today: date | None = None) -> Adopted:
    """Read a school's own policy file into a document that stands alone.

    Raises:
        PolicyRefused: the file has an error; each names line, key and remedy (422).
    """
    reading = read_policies(text, file=file, parents=presets(), today=today)
    if reading.errors:
        raise PolicyRefused(reading.errors)
    if len(reading.policies) != 1:
        names = ", ".join(reading.policies) or "none"
        raise PolicyRefused(
            [Problem(file=file, line=1, key="policies", message=f"holds {names}", remedy="keep one policy")]
        )
    own = yaml.safe_load(text).get("calendars") or {}
    return _adopted(next(iter(reading.policies.values())), own)


def read_policy_data(data: Mapping[str, Any], *, version: int | None = None) -> Adopted:
    """Read a school's own policy from plain data, with ``calendars`` of its own where it has them.

    Raises:
        PolicyRefused: the data breaks a rule (422).
    """
    body = {"schema_version": SCHEMA_VERSION, **data}
    if version is not None and "policies" not in data:
        body.setdefault("version", version)
    return read_document(json.dumps(body, ensure_ascii=False, default=str), file="policy")


def adopt(policy: Policy) -> Adopted:
    """A policy that was made from another one (overrides), as a document."""
    return _adopted(policy, {})


def from_document(document: PolicyDocument) -> Adopted:
    """The policy of a stored document; read once per process."""
    known = _BY_HASH.get(document.content_hash)
    if known is None:
        read = read_document(document.text, file=f"{document.policy_id} v{document.version}")
        known = Adopted(policy=read.policy, calendars=read.calendars, document=document)
        _BY_HASH[document.content_hash] = known
    return known


def known_by_hash(content_hash: str) -> Adopted | None:
    """The policy of that hash if this process has read it before, or if it is a preset as it is today."""
    found = _BY_HASH.get(content_hash)
    if found is None:
        for policy_id in presets():
            preset_document(policy_id)
        found = _BY_HASH.get(content_hash)
    return found


def live_calendars(adopted: Adopted, school: School) -> Calendars:
    """The policy's calendars; the school's delivery calendar with the closures it observes today (R-X5).

    Those that come with a calendar are announced when a school is registered; from then on only what is
    announced counts, so that everybody who hears of closures sees the same days.
    """
    key = (adopted.document.content_hash, school.delivery_calendar, school.closures)
    found = _LIVE.get(key)
    if found is None:
        if len(_LIVE) >= _LIVE_KEPT:
            _LIVE.clear()
        found = _LIVE[key] = with_closures(adopted.calendars, school)
    return found


def with_closures(calendars: Calendars, school: School) -> Calendars:
    """``calendars`` with what the school announced in place of what they came with."""
    changed: dict[str, Iterable[Closure]] = {}
    for name in {school.delivery_calendar, *(closed.calendar for closed in school.closures)}:
        if name in calendars:
            changed[name] = [
                Closure(name=closed.name, first=closed.first, last=closed.last)
                for closed in school.closures
                if closed.calendar == name
            ]
    return calendars.with_closures(changed)


def policy_at(adopted: Adopted, school: School) -> Policy:
    """The policy as the school lives it: its mails follow the calendar that the school was registered with."""
    notices = adopted.policy.notices
    if not school.delivery_calendar or notices.delivery_calendar == school.delivery_calendar:
        return adopted.policy
    if school.delivery_calendar not in adopted.calendars:
        return adopted.policy
    key = (adopted.document.content_hash, school.delivery_calendar)
    found = _AT.get(key)
    if found is None:
        found = _AT[key] = replace(
            adopted.policy, notices=replace(notices, delivery_calendar=school.delivery_calendar)
        )
    return found


def closures_to_announce(adopted: Adopted, school: School) -> list[Closed]:
    """What the school's delivery calendar came with, unless it was announced, moved or withdrawn already."""
    name = school.delivery_calendar
    if name not in adopted.calendars:
        return []
    known = {closed.closure_id for closed in school.closures} | set(school.withdrawn)
    return [
        Closed(closure_id=one.name, calendar=name, name=one.name, first=one.first, last=one.last)
        for one in adopted.calendars[name].closures
        if one.name not in known
    ]


def _adopted(policy: Policy, own: Mapping[str, Any]) -> Adopted:
    content = policy.content_hash()
    if own:
        text = json.dumps(own, sort_keys=True, default=str)
        content = hashlib.sha256(f"{content}\n{text}".encode()).hexdigest()
    known = _BY_HASH.get(content)
    if known is None:
        text = policy.to_yaml()
        if own:
            text += f"calendars: {json.dumps(own, ensure_ascii=False, default=str)}\n"
        document = PolicyDocument(
            content_hash=content, policy_id=policy.id, version=policy.version, text=text
        )
        calendars = built_in_calendars()
        if own:
            calendars = read_policies(text, file=policy.id, parents=presets()).calendars
        known = _BY_HASH[content] = Adopted(policy=policy, calendars=calendars, document=document)
    return known
