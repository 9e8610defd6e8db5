"""Payments over HTTP: the registry of subscriptions, learners' visits to gateways, the office's reads, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from services.payments.api import pages, registry, webhooks
from services.payments.api.shared import State
from services.payments.gateways.gateway import Gateway
from services.payments.handlers.erasing import holds
from services.payments.ingress import Door, Ingress
from shared import erasing
from shared.events import words
from shared.settings import Settings
from shared.transactions import Transactions
from shared.web import Check, build_app


def build_api(
    settings: Settings,
    *,
    gateways: Mapping[words.Gateway, Gateway],
    door: Door | None = None,
    public_url: str = "",
    transactions: Transactions | None = None,
    ready: Check | None = None,
    lifespan: Any = None,
) -> FastAPI:
    """The API; ``transactions`` may come later as ``app.state.transactions`` (with the lifespan).

    Without a ``door`` no webhooks are taken in (the memory engine hears news directly).
    """
    app = build_app("Relance payments", settings, ready=ready, lifespan=lifespan)
    app.state.transactions = transactions
    app.state.payments = State(gateways=gateways, door=door, public_url=public_url.rstrip("/"))
    app.include_router(registry.build_router())
    app.include_router(erasing.build_router(holds))
    app.include_router(pages.build_router())
    app.include_router(pages.build_public_router())
    if door is not None:
        app.include_router(webhooks.build_router())
        app.include_router(webhooks.build_door_router())
        app.middleware_stack = Ingress(app.build_middleware_stack(), door)
    return app
