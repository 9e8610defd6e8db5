"""Policies as data: those that come with Relance, a school's own versions, and what they mean on a date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from services.dunning import domain
from services.dunning.api.common import Id, InPath, Language, Opened, the_school
from services.dunning.api.schools import accepted_words, announce_closures, registration_of
from services.dunning.domain.account import School
from services.dunning.domain.policies_at_hand import Adopted, adopt, preset_document, read_document
from services.dunning.policies import Policy, presets, read_policies, with_overrides
from services.dunning.policies.dates.overview import overview
from services.dunning.policies.explain import explain
from services.dunning.store import DunningUnit
from services.dunning.why import language_of
from shared.calendar import built_in_calendars, instant
from shared.errors import Refused
from shared.events import dunning as facts
from shared.reason_words import tell
from shared.web import READS, Keyed

YamlText = Annotated[str, StringConstraints(max_length=200_000)]


class PolicyChange(BaseModel):
    """Either a policy of Relance with changes, or a whole file of the school's own."""

    policy_id: Id | None = Field(default=None, description="A preset; the school's present one when absent")
    overrides: dict[str, Any] = Field(
        default={}, description="Dotted keys or reading codes: {'R-F1': 'R-F1b', 'attempts.total': 3}"
    )
    text: YamlText | None = Field(default=None, description="A policy file in YAML, instead of the two above")
    policy: dict[str, Any] | None = Field(default=None, description="A whole policy as data, instead of text")
    version: int | None = Field(default=None, ge=1, description="One more than before when absent")
    by: Annotated[str, StringConstraints(max_length=100)] = "office"


class PolicyOut(BaseModel):
    policy_id: str
    version: int
    hash: str
    text: str
    sentences: list[dict[str, Any]] = []


class ProblemOut(BaseModel):
    line: int | None
    key: str
    message: str
    remedy: str
    severity: str


class DateOut(BaseModel):
    """One date that a failure produces, with its reason."""

    at: datetime
    what: str
    detail: str
    only_if: str
    because: str
    rule: str
    source: str
    skipped: list[date]


class TextIn(BaseModel):
    text: YamlText


def build_router() -> APIRouter:
    """Policies, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["policies"])
    router.get("/policies")(list_policies)
    router.post("/policies/check", openapi_extra=READS)(check_policy)
    router.get("/policies/{policy_id}")(read_preset)
    router.get("/policies/{policy_id}/dates")(preset_dates)
    router.get("/schools/{school_id}/policy")(read_policy)
    router.put("/schools/{school_id}/policy")(adopt_policy)
    router.get("/schools/{school_id}/policy/dates")(school_dates)
    return router


async def list_policies(lang: Language = None) -> list[PolicyOut]:
    """Every policy that comes with Relance, in words."""
    return [_policy_out(preset_document(policy_id), lang) for policy_id in presets()]


async def read_preset(policy_id: InPath, lang: Language = None) -> PolicyOut:
    """One policy that comes with Relance."""
    return _policy_out(preset_document(policy_id), lang)


async def check_policy(body: TextIn) -> list[ProblemOut]:
    """What is wrong with a policy file, or worth knowing: line, key and remedy."""
    reading = read_policies(body.text, file="policy.yaml", parents=presets(), today=datetime.now(UTC).date())
    return [
        ProblemOut(line=one.line, key=one.key, message=one.message, remedy=one.remedy, severity=one.severity)
        for one in reading.problems
    ]


async def read_policy(school_id: InPath, opened: Opened, lang: Language = None) -> PolicyOut:
    """The policy that cases opened now would be pinned to."""
    async with opened() as unit:
        school = await the_school(unit, school_id)
        adopted = await unit.policy(school)
    return _policy_out(adopted, lang, version=school.policy_version)


async def adopt_policy(school_id: InPath, body: PolicyChange, opened: Opened) -> PolicyOut:
    """Adopt a policy: cases opened from now on follow it, open ones keep theirs (R-X5)."""
    async with opened() as unit:
        school = await the_school(unit, school_id)
        present = (await unit.policy(school)).policy
        version = body.version or school.policy_version + 1
        adopted = _adopted(body, present, version)
        if body.version is None and (body.text is not None or body.policy is not None):
            version = adopted.policy.version
        document = adopted.document
        changed = domain.school_adopted(
            school, policy_id=adopted.policy.id, version=version, content_hash=document.content_hash
        )
        if changed != school:
            await unit.keep_document(document)
            unit.say(
                facts.PolicyAdopted(
                    school_id=school_id,
                    occurred_at=unit.now,
                    policy_id=adopted.policy.id,
                    version=version,
                    text=document.text,
                    adopted_by=body.by,
                )
            )
            changed = _follow(unit, changed, present, adopted.policy)
            unit.keep_school(announce_closures(unit, adopted, changed))
    return _policy_out(adopted, None, version=version)


def _follow(unit: DunningUnit, school: School, before: Policy, after: Policy) -> School:
    """A school that took its mail calendar and white list from its policy goes on doing so."""
    calendar, words = school.delivery_calendar, school.accepted_methods
    if calendar == before.notices.delivery_calendar:
        calendar = after.notices.delivery_calendar
    if words == tuple(accepted_words(before)):
        words = tuple(accepted_words(after))
    changed = replace(school, delivery_calendar=calendar, accepted_methods=words)
    if changed != school:
        unit.say(registration_of(changed, unit.now))
    return changed


def _adopted(body: PolicyChange, present: Policy, version: int) -> Adopted:
    if body.text is not None:
        return read_document(body.text, file="policy.yaml")
    if body.policy is not None:
        return domain.read_policy_data(body.policy, version=version)
    base = present if body.policy_id is None else preset_document(body.policy_id).policy
    return adopt(with_overrides(base, {**body.overrides, "version": version}))


async def preset_dates(
    policy_id: InPath,
    failure: Annotated[
        list[str], Query(description="The day or instant of the failure, then of further ones")
    ],
    lang: Language = None,
) -> list[DateOut]:
    """Every date that a failure would produce, with its reason."""
    adopted = preset_document(policy_id)
    return _dates(adopted.policy, built_in_calendars(), failure, lang)


async def school_dates(
    school_id: InPath, opened: Opened, failure: Annotated[list[str], Query()], lang: Language = None
) -> list[DateOut]:
    """Every date that a failure would produce at this school, with its live closures."""
    async with opened() as unit:
        school = await the_school(unit, school_id)
        policy, calendars = await unit.rules(school)
    return _dates(policy, calendars, failure, lang)


def _dates(policy: Policy, calendars: Any, failures: list[str], lang: str | None) -> list[DateOut]:
    language = language_of(lang)
    lines = overview(policy, calendars, [_moment(policy, text) for text in failures])
    return [
        DateOut(
            at=line.when.at,
            what=line.word,
            detail=line.detail,
            only_if=line.only_if,
            because=tell(line.when.because, language, zone_name=policy.timezone),
            rule=line.when.because.rule,
            source=line.when.because.source,
            skipped=[closed.day for closed in line.when.because.skipped],
        )
        for line in lines
    ]


def _moment(policy: Policy, text: str) -> datetime:
    try:
        if len(text) == len("2026-04-30"):
            return instant(date.fromisoformat(text), policy.billing.charge_time, policy.timezone)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            f"we could not read {text!r} because it is no day or instant: 2026-04-30 is one",
            status=422,
            code="invalid",
        ) from error
    if at.tzinfo is None:
        raise Refused(f"we could not read {text!r} because it has no zone: add Z or +09:00", status=422)
    return at.astimezone(UTC)


def _policy_out(adopted: Adopted, lang: str | None, *, version: int | None = None) -> PolicyOut:
    sections = explain(adopted.policy, language_of(lang)) if lang else ()
    return PolicyOut(
        policy_id=adopted.policy.id,
        version=version or adopted.policy.version,
        hash=adopted.document.content_hash,
        text=adopted.document.text,
        sentences=[{"heading": one.heading, "sentences": list(one.sentences)} for one in sections],
    )
