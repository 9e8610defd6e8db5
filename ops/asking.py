"""Commands that ask a running Relance: why a case is what it is, and what a file of the school's brings in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import httpx

from ops.stack.plan import Plan, load

IMPORTS: Final = {
    "learners": "notifications",
    "teachers": "notifications",
    "subscriptions": "payments",
    "enrolments": "access",
    "grants": "credits",
    "lessons": "credits",
}
"""What a CSV file may hold, and whose it is."""

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data folder of the running stack.",
)


def the_stack(data: Path) -> Plan:
    """The running stack of a data folder.

    Raises:
        click.ClickException: none runs there.
    """
    plan = load(data)
    if plan is None or not plan.ready:
        raise click.ClickException(f"no Relance runs in {data}: start one with `relance up --data {data}`")
    return plan


def ask(plan: Plan, service: str, send: Callable[[httpx.Client], httpx.Response]) -> Any:
    """One request to a service of the stack; its JSON.

    Raises:
        click.ClickException: refused or unreachable, in the service's own words.
    """
    with httpx.Client(
        base_url=plan.url(service), headers={"x-relance-key": plan.secrets["api_key"]}, timeout=30
    ) as client:
        try:
            answer = send(client)
        except httpx.HTTPError as error:
            raise click.ClickException(
                f"{service} does not answer at {plan.url(service)}: {error}"
            ) from error
    try:
        body = answer.json()
    except ValueError as error:
        raise click.ClickException(
            f"{service} answered {answer.status_code} at {plan.url(service)} and no JSON: look whether another "
            "program listens there"
        ) from error
    if answer.is_error:
        raise click.ClickException(str(body.get("detail", body)))
    return body


def zoned(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """An option that is an instant with its zone, as ISO 8601 has it.

    Raises:
        click.BadParameter: it is something else.
    """
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(
            f"{value!r} is no instant with its zone: write 2026-06-05T09:00:00Z or 2026-06-05T09:00+09:00"
        )
    return at.isoformat()


@click.command()
@click.argument("case")
@click.option(
    "--at", metavar="INSTANT", callback=zoned, help="As it was known at this ISO instant (with its zone)."
)
@click.option("--lang", type=click.Choice(["fr", "ja", "en"]), default="en", show_default=True)
@click.option(
    "--json", "as_json", is_flag=True, help="The lines with their dates, reasons and event ids as JSON."
)
@_DATA
def why(case: str, at: str | None, lang: str, as_json: bool, data: Path) -> None:
    """Tell CASE as a short story: what happened, what follows, by which rule."""
    wanted = {"lang": lang, **({"at": at} if at else {})}
    path = f"/cases/{quote(case, safe='~')}/why"
    story = ask(the_stack(data), "dunning", lambda http: http.get(path, params=wanted))
    if as_json:
        click.echo(json.dumps(story, ensure_ascii=False, indent=1))
        return
    click.echo(story["text"])


@click.command("import")
@click.argument("kind", type=click.Choice(sorted(IMPORTS)))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_DATA
def bring_in(kind: str, file: Path, data: Path) -> None:
    """Bring a CSV FILE of the school's into the running stack; sending it again changes nothing."""
    content = file.read_bytes()
    report = ask(
        the_stack(data),
        IMPORTS[kind],
        lambda http: http.post(f"/imports/{kind}", content=content, headers={"content-type": "text/csv"}),
    )
    click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    if report.get("wrong"):
        raise click.exceptions.Exit(1)
