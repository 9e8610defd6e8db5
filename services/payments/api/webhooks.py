"""The letter box as the office sees it, and its slots as the documentation shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from services.payments.api.shapes import Accepted, WebhookOut
from services.payments.api.shared import Built, LetterBox
from services.payments.inbox import Inbox
from shared.errors import Refused
from shared.events.words import Gateway
from shared.web import ForEverySchool, Keyed

States = Literal["new", "told", "not_ours", "waiting", "refused", "failed"]


def build_router() -> APIRouter:
    """Reads, behind an API key for every school: a webhook is nobody's before it is translated."""
    router = APIRouter(dependencies=[Keyed, ForEverySchool], tags=["webhooks"])
    router.get("/webhooks")(list_webhooks)
    router.get("/webhooks/counts")(count_webhooks)
    router.post("/webhooks/{dedupe_key:path}/retry")(retry_webhook)
    return router


def build_door_router() -> APIRouter:
    """``POST /webhooks/<gateway>``: answered before the router (``ingress``), described here."""
    router = APIRouter(tags=["webhooks"])
    router.post(
        "/webhooks/{gateway}",
        responses={
            200: {"description": "Kept, or kept before: acknowledged"},
            400: {"description": "Not signed, not fresh or not readable: says why, nothing kept"},
            413: {"description": "Too large"},
            503: {"description": "Could not be kept now: send it again"},
        },
    )(take_webhook)
    return router


async def list_webhooks(
    inbox: LetterBox,
    state: Annotated[States | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[WebhookOut]:
    """The newest webhooks of a state, without their bodies: not ours, waiting, refused, failed."""
    rows = await _box(inbox).shown(state=state, limit=limit)
    return [WebhookOut.model_validate(row) for row in rows]


async def count_webhooks(inbox: LetterBox) -> dict[str, int]:
    """How many webhooks are in which state."""
    return await _box(inbox).counts()


async def retry_webhook(dedupe_key: str, inbox: LetterBox) -> Accepted:
    """Translate a webhook once more, after mending what was wrong."""
    await _box(inbox).again(dedupe_key)
    return Accepted()


async def take_webhook(gateway: Gateway, request: Request, built: Built) -> Response:
    """A webhook of a gateway, with its signature headers and its exact body."""
    door = built.door
    body = await request.body()
    if door is None or len(body) > door.largest:
        raise Refused(
            "we could not accept the webhook because it is too large", status=413, code="webhook_too_large"
        )
    answer = await door.take(built.gateway(gateway), dict(request.headers), body)
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, status_code=answer.status, headers=headers)


def _box(inbox: Inbox | None) -> Inbox:
    if inbox is None:
        raise Refused("we could not look because no webhooks are kept here", code="no_letter_box")
    return inbox
