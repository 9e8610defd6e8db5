"""``relance webhooks``: receivers of facts without Kafka, and each delivery with what became of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from ops.stack.plan import load
from services.hooks import acts
from services.hooks.app import SERVICE, HooksSettings
from services.hooks.domain import Delivery, Endpoint, State, secret_of
from services.hooks.store import HooksUnit
from shared.database import PgStore, open_pool
from shared.errors import Refused
from shared.transactions import Transactions

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data folder of a stack on this machine; without one, the RELANCE_ variables tell where hooks is.",
)
_SCHOOL = click.option("--school", required=True, metavar="ID", help="The school's id.")
_ENDPOINT = click.argument("endpoint")


@click.group()
def webhooks() -> None:
    """Facts as signed webhooks (Standard Webhooks): add, list, deliveries, resend, rotate, enable, remove."""


@webhooks.command()
@_DATA
@_SCHOOL
@click.option(
    "--fact",
    "facts",
    multiple=True,
    required=True,
    metavar="NAME",
    help="dunning.CaseRecovered; may be repeated.",
)
@click.argument("url")
def add(data: Path, school: str, facts: tuple[str, ...], url: str) -> None:
    """Send chosen facts of a school to URL from now on; prints the secret that receivers check them with."""
    settings = _settings(data)

    async def work(unit: HooksUnit) -> Endpoint:
        return await acts.register(unit, school, url, facts, is_test=settings.mode == "test")

    endpoint = _with(settings, work)
    click.echo(f"{endpoint.endpoint_id}  {endpoint.url}")
    click.echo(f"secret  {secret_of(settings.master, endpoint.endpoint_id, endpoint.generation)}")


@webhooks.command("list")
@_DATA
@_SCHOOL
def list_endpoints(data: Path, school: str) -> None:
    """A school's receivers, and how they fare."""

    async def work(unit: HooksUnit) -> list[str]:
        return [_endpoint(one) for one in await unit.endpoints_of(school) if one.removed_at is None]

    click.echo("\n".join(_with(_settings(data), work)) or f"{school} sends its facts nowhere yet")


@webhooks.command()
@_DATA
@_SCHOOL
@click.option("--state", type=click.Choice([one.value for one in State]), help="Only these.")
@_ENDPOINT
def deliveries(data: Path, school: str, state: str | None, endpoint: str) -> None:
    """What was sent to a receiver, waits or was given up, the newest first."""

    async def work(unit: HooksUnit) -> list[str]:
        known = await acts.the_endpoint(unit, school, endpoint)
        found = [
            one for one in await unit.deliveries_of(known.endpoint_id) if state in {None, one.state.value}
        ]
        return [
            _delivery(one) for one in sorted(found, key=lambda one: (one.made_at, one.fact_id), reverse=True)
        ]

    click.echo("\n".join(_with(_settings(data), work)) or "nothing was sent")


@webhooks.command()
@_DATA
@_SCHOOL
@_ENDPOINT
@click.argument("fact", required=False)
def resend(data: Path, school: str, endpoint: str, fact: str | None) -> None:
    """Send the fact of that id once more, or everything that was given up when none is named."""

    async def work(unit: HooksUnit) -> int:
        return len(await acts.resend(unit, await acts.the_endpoint(unit, school, endpoint), fact))

    click.echo(f"{_with(_settings(data), work)} are being sent now")


@webhooks.command()
@_DATA
@_SCHOOL
@click.option(
    "--overlap-hours",
    default=24,
    show_default=True,
    type=click.IntRange(0, 720),
    help="How long both secrets are valid.",
)
@_ENDPOINT
def rotate(data: Path, school: str, overlap_hours: int, endpoint: str) -> None:
    """Give a receiver another secret; during the overlap every message carries a signature of each."""
    settings = _settings(data)

    async def work(unit: HooksUnit) -> Endpoint:
        known = await acts.the_endpoint(unit, school, endpoint)
        return await acts.rotate(unit, known, timedelta(hours=overlap_hours))

    rotated = _with(settings, work)
    click.echo(f"secret  {secret_of(settings.master, rotated.endpoint_id, rotated.generation)}")


@webhooks.command()
@_DATA
@_SCHOOL
@_ENDPOINT
def enable(data: Path, school: str, endpoint: str) -> None:
    """Let a receiver that was disabled get facts again; `resend` brings what it missed."""

    async def work(unit: HooksUnit) -> str:
        return _endpoint(await acts.enable(unit, await acts.the_endpoint(unit, school, endpoint)))

    click.echo(_with(_settings(data), work))


@webhooks.command()
@_DATA
@_SCHOOL
@_ENDPOINT
def remove(data: Path, school: str, endpoint: str) -> None:
    """Send nothing more to a receiver."""

    async def work(unit: HooksUnit) -> None:
        await acts.remove(unit, await acts.the_endpoint(unit, school, endpoint))

    _with(_settings(data), work)
    click.echo(f"{endpoint} gets nothing more")


def _endpoint(one: Endpoint) -> str:
    state = "open"
    if one.disabled_at:
        state = f"disabled since {one.disabled_at:%Y-%m-%d %H:%M} UTC"
    elif one.failing_since:
        state = f"failing since {one.failing_since:%Y-%m-%d %H:%M} UTC"
    return f"{one.endpoint_id}  {state:<40} {one.url}  {','.join(one.types)}"


def _delivery(one: Delivery) -> str:
    then = f"next try {one.next_at:%Y-%m-%d %H:%M:%S} UTC" if one.next_at else ""
    told = one.last_error or (str(one.last_status) if one.last_status else "")
    return f"{one.fact_id}  {one.fact_type:<36} {one.state.value:<10} {one.tries:>2} tries  {told}  {then}".rstrip()


def _settings(data: Path) -> HooksSettings:
    plan = load(data)
    if plan is None or "hooks_master" not in plan.secrets:
        return HooksSettings()
    known = {"RELANCE_DATABASE": plan.database, "RELANCE_CLOCK_FILE": plan.clock_file, "RELANCE_MODE": "test"}
    known["RELANCE_HOOKS_MASTER"] = plan.secrets["hooks_master"]
    os.environ.update({name: value for name, value in known.items() if value})
    return HooksSettings()


def _with(settings: HooksSettings, work: Callable[[HooksUnit], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        pool = await open_pool(settings.database, size=1, name="relance webhooks")
        try:
            async with Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())() as unit:
                return await work(unit)
        finally:
            await pool.close()

    try:
        return asyncio.run(inside())
    except Refused as error:
        raise click.ClickException(str(error)) from error
