"""Every mail as it would look, for people to read before it is ever sent: ``relance mails preview`` calls this."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from jinja2 import Environment

from services.notifications.rendering import Rendered, languages_of, render
from services.notifications.samples import sample_letter
from shared.calendar import LANGUAGES, Language
from shared.calendar import zone as zone_of
from shared.errors import Refused
from shared.events.words import Template

_INDEX = Environment(autoescape=True).from_string(
    """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Relance: every mail</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:16px/1.6 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
td,th{padding:.25rem .75rem .25rem 0;text-align:left;border-top:1px solid #ddd;overflow-wrap:anywhere}</style></head>
<body><h1>Every mail</h1><table>
{% for template, files in rows %}<tr><th scope="row">{{ template }}</th>
<td>{% for language, name, subject in files %}<a href="{{ name }}" lang="{{ language }}">{{ subject }}</a><br>{% endfor %}
</td></tr>{% endfor %}</table></body></html>"""
)


def preview(
    template: Template,
    language: Language,
    *,
    zone: str | None = None,
    card_country: str | None = None,
) -> Rendered:
    """One mail with its sample case; ``zone`` and ``card_country`` are the reader's."""
    return render(sample_letter(template, language, zone=zone, card_country=card_country), language)


def write_all(
    folder: Path,
    *,
    languages: Collection[Language] = LANGUAGES,
    templates: Iterable[Template] = tuple(Template),
    zone: str | None = None,
    card_country: str | None = None,
) -> list[Path]:
    """Write each template in each of its ``languages`` as HTML and text, and an index of them; the files, index first.

    Raises:
        OSError: the folder cannot be written.
        Unreadable: there is no such zone.
        Refused: none of these mails is written in one of these languages.
    """
    if zone is not None:
        zone_of(zone)
    chosen = tuple(templates)
    if not any(set(languages_of(template)) & set(languages) for template in chosen):
        raise Refused(
            f"we could not show a mail, because none of {', '.join(one.value for one in chosen)} is written in "
            f"{', '.join(languages)}: leave the language out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    rows: list[tuple[str, list[tuple[str, str, str]]]] = []
    for template in chosen:
        files: list[tuple[str, str, str]] = []
        for language in languages_of(template):
            if language not in languages:
                continue
            rendered = preview(template, language, zone=zone, card_country=card_country)
            page = folder / f"{template.value}.{language}.html"
            page.write_text(rendered.html, encoding="utf-8")
            text = page.with_suffix(".txt")
            text.write_text(f"Subject: {rendered.subject}\n\n{rendered.text}", encoding="utf-8")
            written += [page, text]
            files.append((language, page.name, rendered.subject))
        if files:
            rows.append((template.value, files))
    index = folder / "index.html"
    index.write_text(_INDEX.render(rows=rows), encoding="utf-8")
    return [index, *written]
