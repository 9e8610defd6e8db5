"""Every mail that exists, over HTTP: its languages, the facts it must tell, and how it looks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, PlainTextResponse

from services.notifications.api.doors import Form, page
from services.notifications.api.shapes import FactOut, TemplateOut, Zone
from services.notifications.checklist import REQUIRED
from services.notifications.previews import preview
from services.notifications.rendering import languages_of
from shared.calendar import Language
from shared.errors import NotFound
from shared.events.words import Template


async def list_templates() -> list[TemplateOut]:
    """Every mail that exists, its languages, and the facts that each must tell."""
    return [
        TemplateOut(
            template=template.value,
            languages=list(languages_of(template)),
            required=[FactOut(fact=one.fact, rule=one.rule) for one in REQUIRED[template]],
        )
        for template in Template
    ]


async def preview_template(
    template: Template,
    language: Language,
    form: Form = "html",
    zone: Zone | None = None,
    card_country: Annotated[str | None, Query(pattern=r"^[A-Z]{2}$")] = None,
) -> HTMLResponse | PlainTextResponse:
    """A mail with its sample case; ``zone`` and ``card_country`` are the reader's."""
    if language not in languages_of(template):
        raise NotFound(
            f"{template.value} is not written in {language}: it exists in {', '.join(languages_of(template))}"
        )
    return page(preview(template, language, zone=zone, card_country=card_country), form)
