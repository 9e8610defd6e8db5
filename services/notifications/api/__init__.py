"""Notifications over HTTP: people to write to, the mail log, what leaves on which day, and every mail to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI

from services.notifications.api import erasing, mails, people, rehearsals, templates
from services.notifications.api.shapes import LearnerLine, TeacherLine
from shared.openapi import sheet
from shared.paypal_support import Desk, built_in
from shared.settings import Settings
from shared.transactions import Transactions
from shared.web import READS, Check, Keyed, build_app


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
    app.include_router(erasing.build_router())
    return app


def build_router() -> APIRouter:
    """Every route of notifications, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.put("/learners/{learner_id}", tags=["people"])(people.put_learner)
    router.get("/learners/{learner_id}", tags=["people"])(people.read_learner)
    router.post("/imports/learners", tags=["imports"], openapi_extra=sheet(LearnerLine))(
        people.import_learners
    )
    router.put("/teachers/{teacher_id}", tags=["people"])(people.put_teacher)
    router.get("/teachers/{teacher_id}", tags=["people"])(people.read_teacher)
    router.post("/imports/teachers", tags=["imports"], openapi_extra=sheet(TeacherLine))(
        people.import_teachers
    )
    router.get("/cases/{case_id}/mails", tags=["mails"])(mails.list_case)
    router.get("/learners/{learner_id}/mails", tags=["mails"])(mails.list_learner)
    router.get("/outbox", tags=["mails"])(mails.read_outbox)
    router.get("/mails/preview", tags=["mails"], response_model=None)(mails.preview_mail)
    router.post("/mails/release", tags=["mails"])(mails.release_mail)
    router.post("/mails/drop", tags=["mails"])(mails.drop_mail)
    router.post("/cases/{case_id}/drafts", tags=["mails"], response_model=None, openapi_extra=READS)(
        rehearsals.draft_mail
    )
    router.post("/schools/{school_id}/closure-rehearsals", tags=["mails"], openapi_extra=READS)(
        rehearsals.rehearse_closure
    )
    router.post("/learners/lookup", tags=["people"], openapi_extra=READS)(rehearsals.look_up)
    router.get("/templates", tags=["templates"])(templates.list_templates)
    router.get("/templates/{template}/preview", tags=["templates"], response_model=None)(
        templates.preview_template
    )
    return router
