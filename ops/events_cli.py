"""``relance events``: the vocabulary for other systems, published and kept compatible."""

from __future__ import annotations

import click

from ops.contracts import published, shape


@click.group()
def events() -> None:
    """What other systems may rely on: AsyncAPI, JSON Schema, OpenAPI, golden samples."""


@events.command()
@click.option(
    "--check", is_flag=True, help="Change nothing; fail when something checked in is not what is generated."
)
def export(check: bool) -> None:
    """Write docs/reference/events and apis: AsyncAPI, JSON Schema, OpenAPI and their pages (in a checkout)."""
    work = published.differing if check else published.write
    changed, files = [], 0
    for folder, made in published.FOLDERS.items():
        generated = made()
        files += len(generated)
        changed += work(generated, folder)
    for name in changed:
        click.echo(f"{'differs' if check else 'written'}  docs/reference/{name}")
    if check and changed:
        raise click.ClickException(
            "the reference is not that of the code: run `relance events export`, commit it"
        )
    click.echo(f"{files} files are up to date")


@events.command()
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing; fail when a promise is broken or something new is not kept.",
)
def keep(check: bool) -> None:
    """Promise what is new: add golden samples and widen the baseline; refuses what would break a subscriber."""
    if check:
        wrong = shape.not_kept()
        if wrong:
            raise click.ClickException("\n".join(wrong))
        click.echo(f"{len(shape.baseline()['shapes'])} facts are promised, and every promise holds")
        return
    try:
        added = shape.keep()
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for file in added:
        click.echo(f"added  {file.parent.name}/{file.name}")
    click.echo(f"{len(shape.baseline()['shapes'])} facts are promised")
