"""Credits over HTTP: grants and bookings from the school's own system, ledgers and lessons for its pages."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI

from services.credits.api import lists, reading, writing
from services.credits.api.shapes import GrantLine, LessonLine
from shared.openapi import sheet
from shared.settings import Settings
from shared.transactions import Transactions
from shared.web import Check, Keyed, build_app


def build_api(
    settings: Settings,
    *,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API of credits; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance credits", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.include_router(build_router())
    return app


def build_router() -> APIRouter:
    """Every route of credits, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.put("/subscriptions/{subscription_id}/plan", tags=["grants"])(writing.put_plan)
    router.put("/subscriptions/{subscription_id}/grants/{grant_id}", tags=["grants"])(writing.put_grant)
    router.put("/subscriptions/{subscription_id}/lessons/{lesson_id}", tags=["lessons"])(writing.put_lesson)
    router.post("/subscriptions/{subscription_id}/lessons/{lesson_id}/cancellation", tags=["lessons"])(
        writing.cancel_lesson
    )
    router.get("/subscriptions/{subscription_id}/lessons", tags=["lessons"])(reading.list_lessons)
    router.get("/subscriptions/{subscription_id}/credits", tags=["ledger"])(reading.read_balance)
    router.get("/subscriptions/{subscription_id}/ledger", tags=["ledger"])(reading.read_ledger)
    router.get("/learners/{learner_id}/credits", tags=["ledger"])(reading.read_balances)
    router.get("/teachers/{teacher_id}/lessons", tags=["lessons"])(reading.list_teacher_lessons)
    router.post("/imports/grants", tags=["imports"], openapi_extra=sheet(GrantLine))(lists.import_grants)
    router.post("/imports/lessons", tags=["imports"], openapi_extra=sheet(LessonLine))(lists.import_lessons)
    return router
