"""Names of learners for a page: asked of notifications, which alone keeps them; ids where it does not answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Request

from services.desk.api.common import Staff, built
from services.desk.domain.case import Case
from services.desk.owners import maybe

_TOGETHER = 200


async def names_of(request: Request, me: Staff, cases: Iterable[Case]) -> dict[str, str]:
    """Learner id to name, for those that are known."""
    return await names_of_ids(request, me, {case.learner_id for case in cases})


async def names_of_ids(request: Request, me: Staff, learner_ids: Iterable[str]) -> dict[str, str]:
    """The same by ids."""
    wanted = sorted({one for one in learner_ids if one})[:_TOGETHER]
    if not wanted:
        return {}
    body = {"school_id": me.school.school_id, "learner_ids": wanted}
    found = await maybe(built(request).owners.ask("notifications", "POST", "/learners/lookup", body))
    return {one["learner_id"]: one["name"] for one in found or []}


async def ids_named(request: Request, me: Staff, name: str) -> list[str]:
    """The learners of the school whose name begins so."""
    body = {"school_id": me.school.school_id, "name": name}
    found: Any = await maybe(built(request).owners.ask("notifications", "POST", "/learners/lookup", body))
    return [one["learner_id"] for one in found or []]


async def people_of(request: Request, me: Staff) -> dict[str, str]:
    """Person id to address, for the school's own people."""
    async with built(request).opened.looking() as unit:
        return {one.person_id: one.email for one in await unit.people_of(me.school.school_id)}
