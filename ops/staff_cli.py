"""``relance staff``: who of an office may come to the desk; the first admin of a school is made here."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ops.stack.plan import load
from services.desk import entering
from services.desk.app import SERVICE
from services.desk.domain.audit import Deed
from services.desk.domain.people import Role
from services.desk.settings import DeskSettings
from services.desk.store import MEMBERS, DeskUnit
from shared.clock import clock_for
from shared.database import PgStore, open_pool
from shared.pages.secrets import new_secret
from shared.transactions import Transactions

_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.\-]{1,190}")
_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data folder of a stack on this machine; without one, the RELANCE_ variables tell where the desk is.",
)
_SCHOOL = click.option("--school", required=True, metavar="ID", help="The school's id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    database: str
    url: str
    clock_file: Path | None


def _desk(data: Path) -> _Desk:
    plan = load(data)
    if plan is not None and "desk" in plan.ports:
        clock = Path(plan.clock_file) if plan.clock_file else None
        return _Desk(database=plan.database, url=plan.url("desk"), clock_file=clock)
    settings = DeskSettings()
    return _Desk(database=settings.database, url=settings.desk_url, clock_file=settings.clock_file)


@click.group()
def staff() -> None:
    """People of the offices: add, list, remove."""


@staff.command()
@_DATA
@_SCHOOL
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--again", is_flag=True, help="Password or second factor were lost: let them choose anew.")
@click.argument("email")
def add(data: Path, school: str, role: str, again: bool, email: str) -> None:
    """Give EMAIL a role at a school, and print the address at which password and second factor are chosen."""
    email = email.strip().casefold()
    if _EMAIL.fullmatch(email) is None:
        raise click.ClickException(f"we could not add {email!r} because it is no e-mail address")
    desk = _desk(data)

    async def work(unit: DeskUnit) -> str:
        known = await unit.person(email)
        before = known.roles.get(school) if known else None
        person, member, secret = entering.invited(
            known, email, school, Role(role), unit.now, again=again, by_operator=True
        )
        await unit.get(MEMBERS, MEMBERS.key(member))
        unit.keep(person, member, _deed(unit, school, "staff_role", person.person_id, before, role))
        return secret

    secret = asyncio.run(_with_desk(desk, work))
    click.echo(f"{email} is {role} at {school}")
    if secret:
        click.echo(f"within seven days, choose password and second factor at  {desk.url}/join/{secret}")


@staff.command("list")
@_DATA
@_SCHOOL
def list_people(data: Path, school: str) -> None:
    """Who may come in at a school."""

    async def work(unit: DeskUnit) -> list[str]:
        people = await unit.people_of(school)
        return [
            f"{one.email:<40} {one.roles[school].value:<8} {'' if one.is_ready else 'invited'}"
            for one in people
        ]

    click.echo("\n".join(asyncio.run(_with_desk(_desk(data), work))) or f"nobody may come in at {school} yet")


@staff.command()
@_DATA
@_SCHOOL
@click.argument("email")
def remove(data: Path, school: str, email: str) -> None:
    """Take EMAIL's role at a school away: the next click finds the door closed."""

    async def work(unit: DeskUnit) -> bool:
        person = await unit.person(email.strip().casefold())
        if person is None or school not in person.roles:
            return False
        unit.keep(
            person.with_role(school, None),
            _deed(unit, school, "staff_end", person.person_id, person.roles[school], ""),
        )
        return True

    if not asyncio.run(_with_desk(_desk(data), work)):
        raise click.ClickException(f"{email} has no role at {school}")
    click.echo(f"{email} has no role at {school} any more")


def _deed(unit: DeskUnit, school: str, what: str, about: str, before: Role | None, after: str) -> Deed:
    deed = Deed(
        act_id=new_secret()[:40],
        school_id=school,
        at=unit.now,
        by="operator",
        what=what,
        about=about,
        before={"role": before.value if before else ""},
        after={"role": after},
    )
    return replace(deed, outcome="done")


async def _with_desk(desk: _Desk, work: Any) -> Any:
    pool = await open_pool(desk.database, size=1, name="relance staff")
    try:
        opened = Transactions(SERVICE, PgStore(pool, SERVICE.name), clock_for(desk.clock_file))
        async with opened() as unit:
            return await work(unit)
    finally:
        await pool.close()
