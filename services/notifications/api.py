"""Notifications over HTTP: people to write to, the mail log, what leaves on which day, and every mail to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.notifications import domain
from services.notifications.checklist import REQUIRED
from services.notifications.previews import preview
from services.notifications.rendering import Rendered, languages_of, render
from services.notifications.store import (
    LEARNERS,
    TEACHERS,
    NotificationsUnit,
    person_key,
)
from shared.calendar import Language, local_date, zone
from shared.errors import NotFound, Refused, Unreadable
from shared.events.notifications import LearnerRegistered, TeacherRegistered
from shared.events.words import Audience, Template
from shared.paypal_support import Desk, built_in
from shared.settings import Settings
from shared.sheets import Report, WrongLine, read_sheet
from shared.transactions import Transactions
from shared.web import Check, Keyed, build_app

_TOGETHER: Final = 200
"""Lines of a list that share a transaction."""


def _known_zone(name: str) -> str:
    try:
        return zone(name).key
    except Unreadable as error:
        raise ValueError(str(error)) from error


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
CaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.~:\-]{1,200}$")]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?$",
    ),
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


# --- what comes in ----------------------------------------------------------------------------------------


class LearnerIn(BaseModel):
    """A learner as the school knows them; the newest registration holds."""

    school_id: Id
    name: Name
    email: Email
    language: Language = Field(
        description="In which language mails are written; English where a mail lacks it"
    )
    zone: Zone = Field(
        description="IANA zone where the learner lives; mails show both clocks when it differs"
    )
    payer_name: Name | None = Field(
        default=None, description="Who pays, when it is somebody else: gets a copy (J35)"
    )
    payer_email: Email | None = None


class LearnerLine(LearnerIn):
    """One line of the list of learners."""

    learner_id: Id


class TeacherIn(BaseModel):
    school_id: Id
    name: Name
    email: Email
    language: Language
    zone: Zone | None = None


class TeacherLine(TeacherIn):
    """One line of the list of teachers."""

    teacher_id: Id


class ActIn(BaseModel):
    """What staff do with one mail, and why."""

    mail_id: Annotated[str, StringConstraints(max_length=300)]
    by: Name
    reason: Note


# --- what goes out ----------------------------------------------------------------------------------------


class LearnerOut(BaseModel):
    learner_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str
    payer_name: str | None = None
    payer_email: str | None = None


class TeacherOut(BaseModel):
    teacher_id: str
    school_id: str
    name: str
    email: str
    language: str
    zone: str


class StepOut(BaseModel):
    at: datetime
    status: str
    because: str
    detail: str
    skipped: list[tuple[date, str]]


class MailOut(BaseModel):
    """One mail and its own story. ``sender`` is ours, or a gateway's for what it wrote by itself (J2)."""

    mail_id: str
    case_id: str
    learner_id: str
    sender: str
    template: str
    ordinal: int
    audience: Audience
    status: str = Field(description="waiting, parked, leaving, sent, dropped, failed, or external")
    because: str
    requested_at: datetime
    not_before: datetime | None
    until: datetime | None = Field(description="When it leaves, while it waits")
    due_at: datetime | None
    overdue: bool
    settled_at: datetime | None
    language: str
    message_id: str
    steps: list[StepOut]


class DayOut(BaseModel):
    """What leaves on one day of the school's own calendar."""

    day: date
    mails: list[MailOut]


class OutboxOut(BaseModel):
    school_id: str
    days: list[DayOut] = Field(
        description="Waiting mails by the day on which they leave, by the live calendar"
    )
    stuck: list[MailOut] = Field(description="Mails without an address, and mails that were refused")


class FactOut(BaseModel):
    """A fact that a mail must tell, and the rule behind it."""

    fact: str
    rule: str


class TemplateOut(BaseModel):
    template: str
    languages: list[str]
    required: list[FactOut]


# --- putting it together ----------------------------------------------------------------------------------


def build_api(
    settings: Settings,
    *,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
    support: Mapping[str, Desk] | None = None,
) -> FastAPI:
    """The API; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance notifications", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.state.support = support or built_in()
    app.include_router(build_router())
    return app


def build_router() -> APIRouter:
    """Every route of notifications, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.put("/learners/{learner_id}", tags=["people"])(put_learner)
    router.get("/learners/{learner_id}", tags=["people"])(read_learner)
    router.post("/imports/learners", tags=["imports"])(import_learners)
    router.put("/teachers/{teacher_id}", tags=["people"])(put_teacher)
    router.get("/teachers/{teacher_id}", tags=["people"])(read_teacher)
    router.post("/imports/teachers", tags=["imports"])(import_teachers)
    router.get("/cases/{case_id}/mails", tags=["mails"])(list_case)
    router.get("/learners/{learner_id}/mails", tags=["mails"])(list_learner)
    router.get("/outbox", tags=["mails"])(read_outbox)
    router.get("/mails/preview", tags=["mails"], response_model=None)(preview_mail)
    router.post("/mails/release", tags=["mails"])(release_mail)
    router.post("/mails/drop", tags=["mails"])(drop_mail)
    router.get("/templates", tags=["templates"])(list_templates)
    router.get("/templates/{template}/preview", tags=["templates"], response_model=None)(preview_template)
    return router


def _transactions(request: Request) -> Transactions:
    opened: Transactions = request.app.state.transactions
    return opened


Opened = Annotated[Transactions, Depends(_transactions)]
School = Annotated[Id, Query(description="The school that the person belongs to")]
Form = Annotated[Literal["html", "text"], Query(description="Which part to see")]


# --- people -----------------------------------------------------------------------------------------------


async def put_learner(learner_id: PathId, body: LearnerIn, opened: Opened) -> LearnerOut:
    """Register a learner, or correct what is known; what waited for the address leaves then. Sending it again changes nothing."""
    async with opened() as unit:
        await _keep_learner(unit, learner_id, body)
        learner = await unit.learner(body.school_id, learner_id)
    return _learner(learner)


async def read_learner(learner_id: PathId, school_id: School, opened: Opened) -> LearnerOut:
    """A learner with name and address: what no other service knows."""
    async with opened() as unit:
        learner = await unit.learner(school_id, learner_id)
    if learner is None:
        raise NotFound(
            f"there is no learner {learner_id} at {school_id}: register them (PUT /learners/{learner_id})"
        )
    return _learner(learner)


async def import_learners(request: Request, opened: Opened) -> Report:
    """Many learners as CSV (``learner_id, school_id, name, email, language, zone, ...``); each line stands alone."""
    return await _import(
        request, opened, LearnerLine, lambda unit, line: _keep_learner(unit, line.learner_id, line), LEARNERS,
        lambda line: person_key(line.school_id, line.learner_id),
    )  # fmt: skip


async def put_teacher(teacher_id: PathId, body: TeacherIn, opened: Opened) -> TeacherOut:
    """Register a teacher, or correct what is known."""
    async with opened() as unit:
        await _keep_teacher(unit, teacher_id, body)
        teacher = await unit.teacher(body.school_id, teacher_id)
    return _teacher(teacher)


async def read_teacher(teacher_id: PathId, school_id: School, opened: Opened) -> TeacherOut:
    """A teacher with name and address."""
    async with opened() as unit:
        teacher = await unit.teacher(school_id, teacher_id)
    if teacher is None:
        raise NotFound(
            f"there is no teacher {teacher_id} at {school_id}: register them (PUT /teachers/{teacher_id})"
        )
    return _teacher(teacher)


async def import_teachers(request: Request, opened: Opened) -> Report:
    """Many teachers as CSV (``teacher_id, school_id, name, email, language``)."""
    return await _import(
        request, opened, TeacherLine, lambda unit, line: _keep_teacher(unit, line.teacher_id, line), TEACHERS,
        lambda line: person_key(line.school_id, line.teacher_id),
    )  # fmt: skip


async def _keep_learner(unit: NotificationsUnit, learner_id: str, body: LearnerIn) -> bool:
    if (body.payer_email is None) != (body.payer_name is None):
        raise Refused(
            "we could not keep the payer because only one of payer_name and payer_email was given: give both or neither",
            status=422,
            code="half_a_payer",
        )
    payer = (
        domain.Contact(name=body.payer_name, email=body.payer_email)
        if body.payer_name and body.payer_email
        else None
    )
    learner = domain.Learner(
        learner_id=learner_id,
        school_id=body.school_id,
        name=body.name,
        email=body.email,
        language=body.language,
        zone=body.zone,
        payer=payer,
    )
    if await unit.learner(body.school_id, learner_id) == learner:
        return False
    unit.put(LEARNERS, learner)
    unit.say(
        LearnerRegistered(
            school_id=body.school_id,
            occurred_at=unit.now,
            learner_id=learner_id,
            language=body.language,
            zone=body.zone,
        )
    )
    return True


async def _keep_teacher(unit: NotificationsUnit, teacher_id: str, body: TeacherIn) -> bool:
    teacher = domain.Teacher(
        teacher_id=teacher_id,
        school_id=body.school_id,
        name=body.name,
        email=body.email,
        language=body.language,
        zone=body.zone or "",
    )
    if await unit.teacher(body.school_id, teacher_id) == teacher:
        return False
    unit.put(TEACHERS, teacher)
    unit.say(
        TeacherRegistered(
            school_id=body.school_id, occurred_at=unit.now, teacher_id=teacher_id, language=body.language
        )
    )
    return True


L = TypeVar("L", bound=BaseModel)


async def _import(
    request: Request,
    opened: Transactions,
    kind: type[L],
    keep: Callable[[NotificationsUnit, L], Awaitable[bool]],
    table: Any,
    key: Callable[[L], str],
) -> Report:
    rows = read_sheet(await request.body(), kind)
    report = Report()
    for start in range(0, len(rows), _TOGETHER):
        part = rows[start : start + _TOGETHER]
        async with opened() as unit:
            await unit.fetch(table, [key(row.value) for row in part if row.value is not None])
            for row in part:
                if row.value is None:
                    report.wrong.append(WrongLine(line=row.line, problem=row.problem))
                    continue
                try:
                    is_new = await keep(unit, row.value)
                except Refused as error:
                    report.wrong.append(WrongLine(line=row.line, problem=str(error)))
                    continue
                report.taken += is_new
                report.unchanged += not is_new
    return report


# --- the mail log -----------------------------------------------------------------------------------------


async def list_case(case_id: CaseId, opened: Opened) -> list[MailOut]:
    """Everything written about a case, oldest first; gateways' own notices are marked as external."""
    async with opened() as unit:
        case = await unit.known_case(case_id)
    return _mails(case) if case else []


async def list_learner(learner_id: PathId, school_id: School, opened: Opened) -> list[MailOut]:
    """Everything written to, or about, a learner, oldest first."""
    async with opened() as unit:
        cases = await unit.cases_of(school_id, learner_id)
    return sorted(
        (one for case in cases for one in _mails(case)), key=lambda one: (one.requested_at, one.mail_id)
    )


async def read_outbox(school_id: School, opened: Opened) -> OutboxOut:
    """What waits, by the day on which it leaves as the calendar stands now, and what needs a person."""
    async with opened() as unit:
        school = await unit.school(school_id)
        waiting = await unit.waiting(school_id)
        stuck = await unit.stuck(school_id)
    days: dict[date, list[MailOut]] = {}
    zone_name = school.zone if school else "UTC"
    for case in waiting:
        for mail in case.mails:
            if mail.status is domain.Status.WAITING and mail.until is not None:
                days.setdefault(local_date(mail.until, zone_name), []).append(_mail(case, mail))
    return OutboxOut(
        school_id=school_id,
        days=[
            DayOut(day=day, mails=sorted(mails, key=lambda one: (one.until or one.requested_at, one.mail_id)))
            for day, mails in sorted(days.items())
        ],
        stuck=[
            _mail(case, mail)
            for case in stuck
            for mail in case.mails
            if mail.status in {domain.Status.PARKED, domain.Status.FAILED}
        ],
    )


async def preview_mail(
    mail_id: Annotated[str, Query(max_length=300)],
    request: Request,
    opened: Opened,
    language: Language | None = None,
    form: Form = "html",
) -> HTMLResponse | PlainTextResponse:
    """A mail of the log exactly as it would leave now, or as it left."""
    async with opened() as unit:
        order = domain.SendOrder(case_id=_case_of(mail_id), mail_id=mail_id, attempt=0)
        letter = await unit.letter(order)
    if letter is None:
        raise NotFound(f"there is no mail {mail_id}: look for it in the mail log of its case")
    return _page(render(letter, language, support=request.app.state.support), form)


async def release_mail(body: ActIn, opened: Opened) -> MailOut:
    """Let a mail leave now although it waits, was parked, or was refused; the reason is kept."""
    return await _act(
        body,
        opened,
        lambda case, to, now: domain.when_released(
            case, body.mail_id, by=body.by, note=body.reason, to=to, now=now
        ),
    )


async def drop_mail(body: ActIn, opened: Opened) -> MailOut:
    """Keep a mail that has not left from ever leaving; the reason is kept."""
    return await _act(
        body,
        opened,
        lambda case, _, now: domain.when_dropped_by_staff(
            case, body.mail_id, by=body.by, note=body.reason, now=now
        ),
    )


async def _act(
    body: ActIn,
    opened: Transactions,
    decide: Callable[[domain.Correspondence, domain.Addressing, datetime], domain.Decision],
) -> MailOut:
    case_id = _case_of(body.mail_id)
    async with opened() as unit:
        case = await unit.known_case(case_id)
        if case is None:
            raise NotFound(f"there is no mail {body.mail_id}: look for it in the mail log of its case")
        decision = decide(case, await unit.addressing(case), unit.now)
        await unit.record(case, decision)
    mail = decision.case.mail(body.mail_id)
    if mail is None:
        raise NotFound(f"there is no mail {body.mail_id}: look for it in the mail log of its case")
    return _mail(decision.case, mail)


def _case_of(mail_id: str) -> str:
    return mail_id.rsplit("/", 2)[0]


# --- templates --------------------------------------------------------------------------------------------


async def list_templates() -> list[TemplateOut]:
    """Every mail that exists, its languages, and the facts that each must tell."""
    return [
        TemplateOut(
            template=template.value,
            languages=list(languages_of(template)),
            required=[FactOut(fact=one.fact, rule=one.rule) for one in REQUIRED[template]],
        )
        for template in Template
    ]


async def preview_template(
    template: Template,
    language: Language,
    form: Form = "html",
    zone: Zone | None = None,
    card_country: Annotated[str | None, Query(pattern=r"^[A-Z]{2}$")] = None,
) -> HTMLResponse | PlainTextResponse:
    """A mail with its sample case; ``zone`` and ``card_country`` are the reader's."""
    if language not in languages_of(template):
        raise NotFound(
            f"{template.value} is not written in {language}: it exists in {', '.join(languages_of(template))}"
        )
    return _page(preview(template, language, zone=zone, card_country=card_country), form)


def _page(rendered: Rendered, form: str) -> HTMLResponse | PlainTextResponse:
    if form == "text":
        return PlainTextResponse(f"{rendered.subject}\n\n{rendered.text}")
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return HTMLResponse(rendered.html, headers={"content-security-policy": policy})


# --- shapes -----------------------------------------------------------------------------------------------


def _learner(learner: domain.Learner) -> LearnerOut:
    return LearnerOut(
        learner_id=learner.learner_id,
        school_id=learner.school_id,
        name=learner.name,
        email=learner.email,
        language=learner.language,
        zone=learner.zone,
        payer_name=learner.payer.name if learner.payer else None,
        payer_email=learner.payer.email if learner.payer else None,
    )


def _teacher(teacher: domain.Teacher) -> TeacherOut:
    return TeacherOut(
        teacher_id=teacher.teacher_id,
        school_id=teacher.school_id,
        name=teacher.name,
        email=teacher.email,
        language=teacher.language,
        zone=teacher.zone,
    )


def _mails(case: domain.Correspondence) -> list[MailOut]:
    ours = [_mail(case, mail) for mail in case.mails]
    return sorted([*ours, *_externals(case)], key=lambda one: (one.requested_at, one.mail_id))


def _mail(case: domain.Correspondence, mail: domain.Mail) -> MailOut:
    return MailOut(
        mail_id=mail.mail_id,
        case_id=case.case_id,
        learner_id=case.learner_id,
        sender="school",
        template=mail.template.value,
        ordinal=mail.ordinal,
        audience=mail.audience,
        status=mail.status.value,
        because=mail.because,
        requested_at=mail.requested_at,
        not_before=mail.not_before,
        until=mail.until,
        due_at=mail.due_at,
        overdue=mail.overdue,
        settled_at=mail.settled_at,
        language=mail.language,
        message_id=mail.message_id,
        steps=[
            StepOut(
                at=step.at,
                status=step.status.value,
                because=step.because,
                detail=step.detail,
                skipped=list(step.skipped),
            )
            for step in mail.steps
        ],
    )


def _externals(case: domain.Correspondence) -> list[MailOut]:
    return [
        MailOut(
            mail_id=f"{case.case_id}/external/{notice.about}",
            case_id=case.case_id,
            learner_id=case.learner_id,
            sender=notice.sender,
            template="external",
            ordinal=number,
            audience=Audience.LEARNER,
            status="external",
            because="payment_failed",
            requested_at=notice.at,
            not_before=None,
            until=None,
            due_at=None,
            overdue=False,
            settled_at=notice.at,
            language="",
            message_id="",
            steps=[],
        )
        for number, notice in enumerate(case.external, 1)
    ]
