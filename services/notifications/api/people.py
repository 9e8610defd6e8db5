"""Whom a school writes to, over HTTP: one by one, or as lists from its office."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel

from services.notifications import domain
from services.notifications.api.doors import Opened, SchoolId
from services.notifications.api.shapes import (
    LearnerIn,
    LearnerLine,
    LearnerOut,
    PathId,
    TeacherIn,
    TeacherLine,
    TeacherOut,
    learner_out,
    teacher_out,
)
from services.notifications.store import LEARNERS, TEACHERS, NotificationsUnit, person_key
from shared.errors import NotFound, Refused
from shared.events.notifications import LearnerRegistered, TeacherRegistered
from shared.sheets import Report, WrongLine, read_sheet
from shared.transactions import Transactions

_TOGETHER: Final = 200
"""Lines of a list that share a transaction."""


async def put_learner(learner_id: PathId, body: LearnerIn, opened: Opened) -> LearnerOut:
    """Register a learner, or correct what is known; what waited for the address leaves then. Sending it again changes nothing."""
    async with opened() as unit:
        await _keep_learner(unit, learner_id, body)
        learner = await unit.learner(body.school_id, learner_id)
    return learner_out(learner)


async def read_learner(learner_id: PathId, school_id: SchoolId, opened: Opened) -> LearnerOut:
    """A learner with name and address: what no other service knows."""
    async with opened() as unit:
        learner = await unit.learner(school_id, learner_id)
    if learner is None:
        raise NotFound(
            f"there is no learner {learner_id} at {school_id}: register them (PUT /learners/{learner_id})"
        )
    return learner_out(learner)


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
    return teacher_out(teacher)


async def read_teacher(teacher_id: PathId, school_id: SchoolId, opened: Opened) -> TeacherOut:
    """A teacher with name and address."""
    async with opened() as unit:
        teacher = await unit.teacher(school_id, teacher_id)
    if teacher is None:
        raise NotFound(
            f"there is no teacher {teacher_id} at {school_id}: register them (PUT /teachers/{teacher_id})"
        )
    return teacher_out(teacher)


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
    known = await unit.learner(body.school_id, learner_id)
    if known is not None and known.erased_at is not None:
        raise Refused(
            f"we could not keep {learner_id} because this learner was erased on {known.erased_at.date()}: somebody "
            "who comes again is registered under another id",
            code="learner_erased",
        )
    if known == learner:
        return False
    await unit.keep_learner(learner)
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
    await unit.keep_teacher(teacher)
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
