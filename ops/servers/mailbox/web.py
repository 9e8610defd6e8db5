"""Reading the mails: a page for people, JSON for stories and tests.

GET    /                        the list, as a page            GET /read/ID     one mail, as a page
GET    /messages                ?to= &message_id= &subject= &after= &limit=
GET    /messages/ID             headers, text, html            GET /messages/ID/raw    the mail itself
DELETE /messages                forget them all
GET    /_counts                 deliveries, distinct mails, duplicates by Message-ID, refusals
GET    /_fail                   POST {"until": 3, "at": "data", "code": 451, "to": null}
GET    /health
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ops.servers.mailbox.smtp import Fault, Slot
from ops.servers.mailbox.store import Delivery, body, header, parse

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("pages")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
# A mail is somebody else's HTML: it may show itself and do nothing.
_SAFE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Pages:
    """The answers, over one slot and its store."""

    def __init__(self, slot: Slot) -> None:
        self._slot, self._store = slot, slot.store

    async def messages(self, request: Request) -> Response:
        """The deliveries that match, oldest first."""
        found = self._found(request)
        limit = _number(request, "limit", len(found))
        return JSONResponse({"total": len(found), "messages": [entry.summary() for entry in found[:limit]]})

    async def message(self, request: Request) -> Response:
        """One delivery with its headers and both of its bodies."""
        delivery = self._one(request)
        mail = parse(self._store.raw(delivery))
        said = {
            **delivery.summary(),
            "headers": [[name, header(mail, name)] for name in dict.fromkeys(mail.keys())],
            "text": body(mail, "plain"),
            "html": body(mail, "html"),
        }
        return JSONResponse(said)

    async def raw(self, request: Request) -> Response:
        """The mail exactly as it was accepted."""
        return Response(self._store.raw(self._one(request)), media_type="message/rfc822", headers=_SAFE)

    async def html(self, request: Request) -> Response:
        """The mail's HTML alone, for the frame of its page."""
        mail = parse(self._store.raw(self._one(request)))
        return HTMLResponse(body(mail, "html") or "", headers=_SAFE)

    async def clear(self, _request: Request) -> Response:
        """Forget everything."""
        return JSONResponse({"forgotten": self._store.clear()})

    async def counts(self, _request: Request) -> Response:
        """What a test proves that no mail came twice with."""
        return JSONResponse({**self._store.counts(), "refused": self._slot.refused})

    async def fault(self, request: Request) -> Response:
        """Show, or replace, the failure that was asked for."""
        if request.method == "POST":
            try:
                self._slot.fault = Fault.model_validate_json(await request.body())
            except ValidationError as error:
                raise HTTPException(400, f"we could not fail as asked because {error}") from error
        return JSONResponse(self._slot.fault.model_dump())

    async def health(self, _request: Request) -> Response:
        """It answers."""
        return JSONResponse({"status": "ok"})

    async def list_page(self, request: Request) -> Response:
        """The list for people, newest first."""
        found = self._found(request)
        page = _PAGES.get_template("list.html.jinja").render(
            deliveries=found[::-1][:500], total=len(found), to=request.query_params.get("to", "")
        )
        return HTMLResponse(page, headers=_SAFE)

    async def read_page(self, request: Request) -> Response:
        """One mail for people."""
        delivery = self._one(request)
        mail = parse(self._store.raw(delivery))
        page = _PAGES.get_template("mail.html.jinja").render(
            delivery=delivery, text=body(mail, "plain"), html=body(mail, "html") is not None
        )
        return HTMLResponse(page, headers=_SAFE)

    def _found(self, request: Request) -> list[Delivery]:
        asked = request.query_params
        return self._store.search(
            to=asked.get("to") or None,
            message_id=asked.get("message_id") or None,
            subject=asked.get("subject") or None,
            after=_number(request, "after", 0),
        )

    def _one(self, request: Request) -> Delivery:
        number = int(request.path_params["number"])
        delivery = self._store.get(number)
        if delivery is None:
            raise HTTPException(404, f"we could not show mail {number} because the mailbox has no such mail")
        return delivery


def _number(request: Request, name: str, otherwise: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return otherwise
    if not text.isdecimal():
        raise HTTPException(400, f"we could not read `{name}` because {text!r} is not a whole number")
    return int(text)


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


def application(slot: Slot) -> Starlette:
    """The pages as an ASGI application."""
    pages = Pages(slot)
    routes: list[tuple[str, Any, str]] = [
        ("/", pages.list_page, "GET"),
        ("/read/{number:int}", pages.read_page, "GET"),
        ("/messages", pages.messages, "GET"),
        ("/messages", pages.clear, "DELETE"),
        ("/messages/{number:int}", pages.message, "GET"),
        ("/messages/{number:int}/raw", pages.raw, "GET"),
        ("/messages/{number:int}/html", pages.html, "GET"),
        ("/_counts", pages.counts, "GET"),
        ("/_fail", pages.fault, "GET"),
        ("/_fail", pages.fault, "POST"),
        ("/health", pages.health, "GET"),
    ]
    return Starlette(
        routes=[Route(path, answer, methods=[method]) for path, answer, method in routes],
        exception_handlers={HTTPException: _refused},
    )
