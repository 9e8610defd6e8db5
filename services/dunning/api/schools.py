"""Schools and the days on which their office is closed (seed J37)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from services.dunning import domain
from services.dunning.api.common import Done, Id, InPath, Opened, the_school
from services.dunning.domain.account import School
from services.dunning.domain.policies_at_hand import Adopted, closures_to_announce, preset_document
from services.dunning.policies import Policy
from services.dunning.store import SCHOOLS, DunningUnit
from shared.errors import NotFound, Unreadable
from shared.events import dunning as facts
from shared.methods import CardRule, MethodRule
from shared.web import Keyed

Text = Annotated[str, StringConstraints(max_length=500)]


class SchoolIn(BaseModel):
    """A school; what is left out is taken from its policy."""

    name: Text
    policy_id: Id = Field(
        description="A policy that comes with Relance; its own one follows by PUT .../policy"
    )
    zone: Text | None = Field(default=None, description="An IANA zone; the policy's when absent")
    languages: list[Annotated[str, StringConstraints(pattern="^(fr|ja|en)$")]] | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None
    support_contact: Text = ""
    staff_email: Text = ""
    site_url: Text = ""
    help_urls: dict[str, Text] = {}
    delivery_calendar: Text | None = None
    service_day_rollover: Annotated[str, StringConstraints(pattern=r"^[0-4]?[0-9]:[0-5][0-9]$")] | None = None
    accepted_methods: list[Text] = []


class SchoolOut(SchoolIn):
    school_id: str
    policy_version: int
    policy_hash: str


class ClosureIn(BaseModel):
    """Days on which the office is closed, both included."""

    name: Text
    first: date
    last: date
    calendar: Text | None = Field(default=None, description="The school's delivery calendar when absent")


class ClosureOut(ClosureIn):
    closure_id: str = Field(description="One that came with the calendar has its name for id")


def build_router() -> APIRouter:
    """Schools and closures, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["schools"])
    router.get("/schools")(list_schools)
    router.put("/schools/{school_id}")(put_school)
    router.get("/schools/{school_id}")(read_school)
    router.get("/schools/{school_id}/closures")(list_closures)
    router.put("/schools/{school_id}/closures/{closure_id}")(put_closure)
    router.delete("/schools/{school_id}/closures/{closure_id}")(withdraw_closure)
    return router


async def list_schools(opened: Opened) -> list[SchoolOut]:
    """Every school that is registered."""
    async with opened() as unit:
        schools: list[School] = await unit.find(SCHOOLS, "known", "yes")
    return [school_out(school) for school in schools]


async def put_school(school_id: InPath, body: SchoolIn, opened: Opened) -> SchoolOut:
    """Register a school or change what is known of it; sending the same again changes nothing."""
    preset = preset_document(body.policy_id)
    async with opened() as unit:
        known = await unit.known_school(school_id)
        keeps = known is not None and known.policy_id == body.policy_id
        adopted = await unit.policy(known) if known is not None and keeps else preset
        policy = adopted.policy
        calendar = body.delivery_calendar or policy.notices.delivery_calendar
        adopted.calendars.named(calendar)
        rollover = body.service_day_rollover or _text(policy.billing.service_day_rollover)
        fact = facts.SchoolRegistered(
            school_id=school_id,
            occurred_at=unit.now,
            name=body.name,
            policy_id=body.policy_id,
            zone=body.zone or policy.timezone,
            languages=tuple(body.languages or policy.languages),
            currency=body.currency or policy.currency,
            support_contact=body.support_contact,
            staff_email=body.staff_email,
            site_url=body.site_url,
            help_urls=body.help_urls,
            delivery_calendar=calendar,
            service_day_rollover=rollover,
            accepted_methods=tuple(body.accepted_methods or accepted_words(policy)),
        )
        school = domain.school_registered(known, fact)
        if school != known:
            unit.say(fact)
        school = announce_closures(unit, adopted, school)
        if school != known:
            unit.keep_school(school)
    return school_out(school)


def announce_closures(unit: DunningUnit, adopted: Adopted, school: School) -> School:
    """Announce what the delivery calendar came with, so that every hearer sees the same closures (J37)."""
    for closed in closures_to_announce(adopted, school):
        fact = facts.ClosureAnnounced(
            school_id=school.school_id,
            occurred_at=unit.now,
            closure_id=closed.closure_id,
            calendar=closed.calendar,
            name=closed.name,
            first=closed.first,
            last=closed.last,
        )
        school = domain.closure_announced(school, fact)
        unit.say(fact)
    return school


def accepted_words(policy: Policy) -> list[str]:
    """The policy's white list in the words that a school is registered with (R-F12); empty accepts everything."""
    methods = policy.accepted_methods
    if methods.default == "allow":
        return []
    return ["credit_card" if _only_credit(rule) else rule.type for rule in methods.rules]


def _only_credit(rule: MethodRule) -> bool:
    return isinstance(rule, CardRule) and rule.funding == ("credit",)


async def read_school(school_id: InPath, opened: Opened) -> SchoolOut:
    """One school."""
    async with opened() as unit:
        return school_out(await the_school(unit, school_id))


async def list_closures(school_id: InPath, opened: Opened, calendar: str | None = None) -> list[ClosureOut]:
    """The closures that the school observes on its delivery calendar, or on another one."""
    async with opened() as unit:
        school = await the_school(unit, school_id)
        policy, calendars = await unit.rules(school)
    name = calendar or policy.notices.delivery_calendar
    ids = {(one.name, one.first, one.last): one.closure_id for one in school.closures if one.calendar == name}
    return [
        ClosureOut(
            closure_id=ids.get((one.name, one.first, one.last), one.name),
            name=one.name,
            first=one.first,
            last=one.last,
            calendar=name,
        )
        for one in calendars.named(name).closures
    ]


async def put_closure(school_id: InPath, closure_id: InPath, body: ClosureIn, opened: Opened) -> ClosureOut:
    """Announce a closure or change its days: mails that wait move with it."""
    if body.last < body.first:
        raise Unreadable(f"the closure ends on {body.last}, before it starts on {body.first}: swap them")
    async with opened() as unit:
        school = await the_school(unit, school_id)
        _, calendars = await unit.rules(school)
        calendar = body.calendar or school.delivery_calendar
        calendars.named(calendar)
        fact = facts.ClosureAnnounced(
            school_id=school_id,
            occurred_at=unit.now,
            closure_id=closure_id,
            calendar=calendar,
            name=body.name,
            first=body.first,
            last=body.last,
        )
        changed = domain.closure_announced(school, fact)
        if changed != school:
            unit.keep_school(changed)
            unit.say(fact)
    return ClosureOut(
        closure_id=closure_id,
        name=body.name,
        first=body.first,
        last=body.last,
        calendar=calendar,
    )


async def withdraw_closure(school_id: InPath, closure_id: InPath, opened: Opened) -> Done:
    """The office is open after all; a built-in closure is named by its name (GW, summer, year-end)."""
    async with opened() as unit:
        school = await the_school(unit, school_id)
        calendar = _calendar_of(school, closure_id)
        fact = facts.ClosureWithdrawn(
            school_id=school_id, occurred_at=unit.now, closure_id=closure_id, calendar=calendar
        )
        changed = domain.closure_withdrawn(school, fact)
        if changed != school:
            unit.keep_school(changed)
            unit.say(fact)
    return Done(act=closure_id)


def _calendar_of(school: School, closure_id: str) -> str:
    own = next((one.calendar for one in school.closures if one.closure_id == closure_id), None)
    if own is not None or closure_id in school.withdrawn:
        return own or school.delivery_calendar
    known = ", ".join(one.closure_id for one in school.closures) or "none"
    raise NotFound(
        f"we could not withdraw {closure_id} because the school announced no closure of that id: known are {known}"
    )


def registration_of(school: School, at: datetime) -> facts.SchoolRegistered:
    """The fact that says what is known of a school."""
    return facts.SchoolRegistered(
        school_id=school.school_id,
        occurred_at=at,
        name=school.name,
        policy_id=school.policy_id,
        zone=school.zone,
        languages=school.languages,
        currency=school.currency,
        support_contact=school.support_contact,
        staff_email=school.staff_email,
        site_url=school.site_url,
        help_urls=school.help_urls,
        delivery_calendar=school.delivery_calendar,
        service_day_rollover=school.service_day_rollover,
        accepted_methods=school.accepted_methods,
    )


def school_out(school: School) -> SchoolOut:
    """A school as the API shows it."""
    return SchoolOut(
        school_id=school.school_id,
        name=school.name,
        policy_id=school.policy_id,
        policy_version=school.policy_version,
        policy_hash=school.policy_hash,
        zone=school.zone,
        languages=list(school.languages),
        currency=school.currency or None,
        support_contact=school.support_contact,
        staff_email=school.staff_email,
        site_url=school.site_url,
        help_urls=dict(school.help_urls),
        delivery_calendar=school.delivery_calendar,
        service_day_rollover=school.service_day_rollover,
        accepted_methods=list(school.accepted_methods),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
