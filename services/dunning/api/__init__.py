"""Dunning over HTTP: schools with their policies and closures, cases with their reasons, what people may do.

Every write is one transaction that says a fact; the worker decides on it. What the rules forbid is refused at
once with the reason (409), before anything is said.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from services.dunning.api import cases, learners, policies, rehearsals, schools, staff
from services.dunning.handlers.erasing import holds
from shared import erasing
from shared.settings import Settings
from shared.transactions import Transactions
from shared.web import Check, build_app


def build_api(
    settings: Settings,
    *,
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API of dunning; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan)."""
    app = build_app("Relance dunning", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    for room in (schools, policies, cases, learners, staff, rehearsals):
        app.include_router(room.build_router())
    app.include_router(erasing.build_router(holds))
    return app
