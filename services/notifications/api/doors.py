"""What every route shares: the transaction it opens, whose school it asks about, which part of a mail it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import TemplateError

from services.notifications.api.shapes import Id
from services.notifications.context import Letter
from services.notifications.rendering import Rendered, languages_of, render
from shared.calendar import Language
from shared.errors import NotFound, Refused
from shared.paypal_support import Desk
from shared.transactions import Transactions
from shared.web import opened_for

Opened = Annotated[Transactions, Depends(opened_for)]
SchoolId = Annotated[Id, Query(description="The school that the person belongs to")]
Form = Annotated[Literal["html", "text"], Query(description="Which part to see")]


def written(letter: Letter, language: Language | None, support: Mapping[str, Desk]) -> Rendered:
    """The letter as somebody asks to see it.

    Raises:
        NotFound: it is not written in that language. Refused: 422, its data do not fit it.
    """
    template = letter.mail.template
    if language is not None and language not in languages_of(template):
        raise NotFound(
            f"we could not show {template.value} because it is not written in {language}: "
            f"it exists in {', '.join(languages_of(template))}"
        )
    try:
        return render(letter, language, support=support)
    except (TemplateError, ValueError) as error:
        raise Refused(
            f"we could not write {template.value} because of its data ({error}): correct them and ask again",
            status=422,
            code="data_does_not_fit",
        ) from error


def page(rendered: Rendered, form: str) -> HTMLResponse | PlainTextResponse:
    """One part of a mail as an answer; its HTML can show itself and do nothing."""
    if form == "text":
        return PlainTextResponse(f"{rendered.subject}\n\n{rendered.text}")
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return HTMLResponse(rendered.html, headers={"content-security-policy": policy})
