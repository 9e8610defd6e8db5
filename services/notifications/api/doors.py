"""What every route shares: the transaction it opens, whose school it asks about, which part of a mail it shows."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.notifications.api.shapes import Id
from services.notifications.rendering import Rendered
from shared.transactions import Transactions
from shared.web import opened_for

Opened = Annotated[Transactions, Depends(opened_for)]
SchoolId = Annotated[Id, Query(description="The school that the person belongs to")]
Form = Annotated[Literal["html", "text"], Query(description="Which part to see")]


def page(rendered: Rendered, form: str) -> HTMLResponse | PlainTextResponse:
    """One part of a mail as an answer; its HTML can show itself and do nothing."""
    if form == "text":
        return PlainTextResponse(f"{rendered.subject}\n\n{rendered.text}")
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return HTMLResponse(rendered.html, headers={"content-security-policy": policy})
