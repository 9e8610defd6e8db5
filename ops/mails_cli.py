"""``relance mails``: how every mail looks, before it is ever sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from services.notifications.previews import write_all
from shared.calendar import LANGUAGES, Language
from shared.errors import RelanceError
from shared.events.words import Template


def _country(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[A-Z]{2}", value):
        raise click.BadParameter(f"{value!r} is no country: two capital letters are expected, such as FR")
    return value


@click.group()
def mails() -> None:
    """Every mail of both procedures, to look at."""


@mails.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("mails"))
@click.option(
    "--lang",
    "languages",
    type=click.Choice(LANGUAGES),
    multiple=True,
    help="Only these languages; may be repeated.",
)
@click.option(
    "--mail",
    "templates",
    type=click.Choice([template.value for template in Template]),
    multiple=True,
    metavar="TEMPLATE",
    help="Only these mails, such as fr.suspended; may be repeated.",
)
@click.option("--zone", help="The reader's own zone, where the mail tells both clocks: Indian/Reunion.")
@click.option(
    "--card-country", metavar="CC", callback=_country, help="Where the reader's card was issued: FR, JP, US."
)
def preview(
    folder: Path,
    languages: Sequence[Language],
    templates: Sequence[str],
    zone: str | None,
    card_country: str | None,
) -> None:
    """Write every mail with a sample case into FOLDER, as HTML and as plain text, and an index.html of them."""
    try:
        written = write_all(
            folder,
            languages=languages or LANGUAGES,
            templates=[Template(one) for one in templates] or list(Template),
            zone=zone,
            card_country=card_country,
        )
    except RelanceError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"we could not write into {folder}, because {error.strerror}: name another folder"
        ) from error
    click.echo(f"{(len(written) - 1) // 2} mails, each as HTML and as text: open {written[0]}")
