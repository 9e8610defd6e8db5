"""A mail in its reader's words: subject, plain text and HTML from one template, at the moment it leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from services.notifications import markup
from services.notifications.context import Context, Letter
from shared.calendar import Language
from shared.events.words import Template
from shared.paypal_support import Desk as PayPalDesk
from shared.paypal_support import built_in

LANGUAGES_OF: Final[Mapping[str, tuple[Language, ...]]] = {
    "fr": ("fr", "en"),
    "jp": ("ja", "en", "fr"),
    "staff": ("fr", "ja", "en"),
}
"""The languages that each business writes in, by the first part of a template's name."""

_COLON: Final[Mapping[Language, str]] = {"fr": " : ", "ja": ":", "en": ": "}
_SIGN: Final[Mapping[Language, str]] = {"fr": "⚠ ", "ja": "※", "en": "⚠ "}
"""What stands before a line that must not be overlooked, in the text part."""
_FONTS: Final = (
    "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',"
    "'Yu Gothic',Meiryo,Helvetica,Arial,sans-serif"
)
_ACCENT: Final = "#1558a8"


_BEFORE: Final = re.compile(r" ([:;?!»])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What the reader gets; ``text`` and ``html`` say the same."""

    language: Language
    subject: str
    text: str
    html: str


def languages_of(template: Template) -> tuple[Language, ...]:
    """In which languages a template exists."""
    return LANGUAGES_OF[template.value.partition(".")[0]]


def language_for(letter: Letter) -> Language:
    """The reader's own language; else English, else the school's first one that the template has."""
    has = languages_of(letter.mail.template)
    for wanted in (letter.reader_language, "en", *letter.school.languages):
        for language in has:
            if language == wanted:
                return language
    return has[0]


def render(
    letter: Letter, language: Language | None = None, *, support: Mapping[str, PayPalDesk] | None = None
) -> Rendered:
    """Write the letter in ``language``, or in its reader's.

    Raises:
        jinja2.TemplateError, ValueError: a value of the mail's data cannot be read; the mail cannot be written.
    """
    chosen = language or language_for(letter)
    context = Context(letter, chosen, support or built_in())
    return lay_out(letter.mail.template.value, context.names(), chosen, sender=letter.school.name)


def lay_out(template: str, names: Mapping[str, Any], chosen: Language, *, sender: str) -> Rendered:
    """A template's lines with ``names`` in them, as both parts of a mail."""
    source = _content().get_template(f"{chosen}/{template}.j2").render(names)
    written = markup.read(source)
    html = (
        _layout()
        .get_template("layout.html.j2")
        .render(
            lang=chosen,
            subject=written.subject,
            title=written.subject,
            preview=written.preview,
            sender=sender,
            blocks=written.blocks,
            fonts=_FONTS,
            accent=_ACCENT,
        )
    )
    return Rendered(
        language=chosen,
        subject=written.subject,
        text=markup.as_text(written, colon=_COLON[chosen], sign=_SIGN[chosen]),
        html=html,
    )


@cache
def _content() -> Environment:
    """Templates are our own lines; what they insert is guarded, and the layout escapes everything."""
    return Environment(
        loader=PackageLoader("services.notifications", "templates"),
        autoescape=False,  # noqa: S701 - this step makes lines, not HTML: markup.guard keeps values from being markup
        undefined=StrictUndefined,
        auto_reload=False,
        finalize=_finalize,
    )


@cache
def _layout() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.notifications", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["typeset"] = _typeset
    return environment


def _typeset(text: str, language: Language) -> str:
    """French keeps its double signs with the word they belong to, at the end of a narrow line too."""
    return _BEFORE.sub("\u00a0\\1", text).replace("« ", "«\u00a0") if language == "fr" else text


def _finalize(value: Any) -> Any:
    return "" if value is None else markup.guard(value)
