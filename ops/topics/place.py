"""Where an operator looks: the stack of a data folder on this machine, or whatever RELANCE_ variables name."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import click
from pydantic import SecretStr

from ops.stack.plan import load
from shared import keys
from shared.clock import Clock
from shared.database import OUTAGES, open_pool
from shared.errors import RelanceError
from shared.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

DATA: Final = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Data folder of a stack on this machine; without one, the RELANCE_ variables tell where everything is.",
)
BY: Final = click.option(
    "--by", default=getpass.getuser, show_default="this user", metavar="WHO", help="Who acts, for the audit."
)
JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Database, brokers and clock of one installation."""

    settings: Settings
    embedded: bool
    """The brokers forget everything when they stop, and cannot look facts up by time."""

    @property
    def clock(self) -> Clock:
        """What time it is there."""
        return self.settings.clock()


def place_of(data: Path) -> Place:
    """The installation that ``data`` or the environment names.

    Raises:
        click.ClickException: there is a stack in ``data``, and it does not run.
    """
    plan = load(data)
    if plan is None:
        return Place(settings=Settings(), embedded=False)
    if not plan.ready:
        raise click.ClickException(
            f"the Relance in {data} does not run: start it with `relance up --data {data}`"
        )
    settings = Settings(
        database=plan.database,
        kafka=plan.kafka,
        kafka_fetch_wait_ms=50 if plan.kafka_kind == "embedded" else 500,
        clock_file=Path(plan.clock_file) if plan.clock_file else None,
        mode="test",
        master_keys=SecretStr(plan.secrets.get("master_keys", "")),
    )
    return Place(settings=settings, embedded=plan.kafka_kind == "embedded")


def unseal(place: Place) -> None:
    """Let this process read what is sealed, as the services do.

    Raises:
        click.ClickException: no master key is known here.
    """
    try:
        keys.use(place.settings.masters())
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@asynccontextmanager
async def database(place: Place, *, size: int = 2) -> AsyncIterator[Any]:
    """A pool of the installation's database.

    Raises:
        click.ClickException: it does not answer.
    """
    try:
        pool = await open_pool(place.settings.database, size=size, name="relance operator")
    except (*OUTAGES, asyncpg.PostgresError) as error:
        raise click.ClickException(
            f"we could not look into the database because it does not answer: {error}; check RELANCE_DATABASE or --data"
        ) from error
    try:
        yield pool
    finally:
        await pool.close()


class said:  # noqa: N801 - reads as a word where it is used: `with said():`
    """Turns our errors into what a command line shows, and its exit code."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RelanceError):
            raise click.ClickException(str(error)) from error
