"""``relance topics parked``: what nobody could act upon, with its reason; fix, retry and discard it, each audited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import click

from ops.stack.plan import SERVICES
from ops.topics.place import BY, DATA, JSON, database, place_of, said, unseal
from ops.topics.showing import value_data
from shared.database import PgStore
from shared.parking import Act, Parking, SetAside

T = TypeVar("T")

_SERVICE = click.argument("service", type=click.Choice(SERVICES))
_ID = click.argument("parked_id", metavar="ID")
_SEEN = click.option(
    "--seen",
    type=click.IntRange(0),
    help="Only if nobody acted since so many acts were shown; another person's act is then not overtaken.",
)


class _Parked(click.Group):
    """``parked dunning`` lists what dunning parked, as ``parked list dunning`` does."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] in SERVICES:
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Parked, invoke_without_command=True)
@DATA
@click.pass_context
def parked(ctx: click.Context, data: Path) -> None:
    """Messages that were set aside. Without a command: what every service has parked."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_parked, service=None, data=data, settled=False, as_json=False)


@parked.command("list")
@click.argument("service", type=click.Choice(SERVICES), required=False)
@click.option("--settled", is_flag=True, help="What was settled, instead of what waits.")
@JSON
@DATA
def list_parked(service: str | None, settled: bool, as_json: bool, data: Path) -> None:
    """What is parked, the oldest first, each with its reason."""
    count = 0
    for name in (service,) if service else SERVICES:
        for one in _run(data, name, lambda room: room.listed(settled=settled, limit=10_000)):
            count += 1
            click.echo(json.dumps({"service": name, **data_of(one)}) if as_json else line_of(name, one))
    if not count and not as_json:
        click.echo("nothing was settled yet" if settled else "nothing is parked")


@parked.command()
@_SERVICE
@_ID
@JSON
@DATA
def show(service: str, parked_id: str, as_json: bool, data: Path) -> None:
    """One message: reason, body, and what was done about it."""
    one, acts = _run(data, service, lambda room: room.shown(parked_id))
    if as_json:
        click.echo(json.dumps({"service": service, **data_of(one), "acts": [act_data(act) for act in acts]}))
        return
    click.echo(line_of(service, one))
    for name, body in (("as it came", one.original), ("as it was fixed", one.fixed)):
        if body is not None:
            click.echo(f"\n{name}\n{_pretty(body)}")
    for number, act in enumerate(acts, 1):
        click.echo(f"\n{number}. {act.what.value} by {act.who} at {act.at:%Y-%m-%d %H:%M:%S}Z: {act.because}")


@parked.command()
@_SERVICE
@_ID
@click.option("--file", type=click.File("rb"), help="The new body; without it an editor opens.")
@click.option("--because", default="corrected by hand", show_default=True, help="Why, for the audit.")
@_SEEN
@BY
@DATA
def fix(service: str, parked_id: str, file: Any, because: str, seen: int | None, by: str, data: Path) -> None:
    """Put a corrected body in its place; it is checked against the vocabulary before it is taken."""
    if file is None:
        one, acts = _run(data, service, lambda room: room.shown(parked_id))
        seen = len(acts) if seen is None else seen
        edited = click.edit(_pretty(one.value or b"{}"), extension=".json")
        if edited is None:
            raise click.ClickException("nothing was changed: the message stays as it is")
        body = edited.encode()
    else:
        body = file.read()
    _run(
        data,
        service,
        lambda room: room.fix(parked_id, body, by=by, because=because, act_id=uuid4().hex, seen=seen),
    )
    click.echo(f"{parked_id} is fixed; hear it with: relance topics parked retry {service} {parked_id}")


@parked.command()
@_SERVICE
@_ID
@_SEEN
@BY
@DATA
def retry(service: str, parked_id: str, seen: int | None, by: str, data: Path) -> None:
    """Hear it now, once in effect; what fails again stays parked with the new reason."""
    one = _run(data, service, lambda room: room.retry(parked_id, by=by, act_id=uuid4().hex, seen=seen))
    click.echo(f"{parked_id}: {one.how}")


@parked.command()
@_SERVICE
@_ID
@click.option("--because", required=True, help="Why nobody needs it, for the audit.")
@_SEEN
@BY
@DATA
def discard(service: str, parked_id: str, because: str, seen: int | None, by: str, data: Path) -> None:
    """Settle it without acting upon it; body and reason are kept."""
    one = _run(
        data,
        service,
        lambda room: room.discard(parked_id, by=by, because=because, act_id=uuid4().hex, seen=seen),
    )
    click.echo(f"{parked_id}: {one.how}")


def line_of(service: str, one: SetAside) -> str:
    """One readable line."""
    state = f"{one.how}" if one.settled_at else ("fixed, not retried" if one.fixed is not None else "waits")
    return (
        f"{one.parked_at:%Y-%m-%d %H:%M:%S}Z  {service} {one.id}  {one.type or 'of no known type'}  "
        f"[{state}]  because {one.reason}"
    )


def data_of(one: SetAside) -> dict[str, Any]:
    """The same as JSON, with stable field names."""
    return {
        "id": one.id,
        "type": one.type,
        "school_id": one.school_id,
        "reason": one.reason,
        "parked_at": one.parked_at.isoformat(),
        "settled_at": one.settled_at.isoformat() if one.settled_at else None,
        "how": one.how,
        "fixed": one.fixed is not None,
        "seen": one.acts,
        **value_data(one.value),
    }


def act_data(act: Act) -> dict[str, Any]:
    """What somebody did, as JSON."""
    found = replace(act, value=None)
    return {
        "what": found.what.value,
        "by": found.who,
        "at": found.at.isoformat(),
        "because": found.because,
        **(value_data(act.value) if act.value is not None else {}),
    }


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=1)
    except ValueError:
        return body.decode(errors="backslashreplace")


def _run(data: Path, service: str, work: Callable[[Parking], Awaitable[T]]) -> T:
    async def within() -> T:
        from ops.stack.children import app_of  # noqa: PLC0415 - imports every service

        place = place_of(data)
        unseal(place)
        async with database(place) as pool:
            return await work(Parking(app_of(service).SERVICE, PgStore(pool, service), place.clock))

    with said():
        return asyncio.run(within())
