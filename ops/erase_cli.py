"""``relance erase``: a learner is forgotten everywhere, after it was shown what goes and until every service says it is done."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import httpx

from ops.stack.children import app_of
from ops.stack.plan import SERVICES, load
from ops.topics.place import BY, DATA
from shared.erasing import ERASURES
from shared.settings import Settings

OWNER: Final = "notifications"
"""Who says that a learner is erased."""
_PAUSE: Final = 0.2
_ADDRESSES: Final = {"portal": "RELANCE_PORTAL_API_URL"}
"""Where a service's address is not ``RELANCE_<SERVICE>_URL``."""


def holders() -> tuple[str, ...]:
    """Every service that keeps anything of a learner: it keeps a record of erasures too."""
    return tuple(name for name in SERVICES if ERASURES in app_of(name).SERVICE.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one service says about one learner."""

    service: str
    holds: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)
    erased_at: datetime | None = None
    silent: str = ""
    """Why it could not be asked; empty when it answered."""

    @property
    def is_done(self) -> bool:
        """Whether it heard that the learner is erased."""
        return self.erased_at is not None

    def in_words(self) -> str:
        """One line for people."""
        if self.silent:
            return f"  {self.service:<14} does not answer: {self.silent}"
        if self.erased_at is not None:
            return f"  {self.service:<14} erased {self.erased_at:%Y-%m-%d %H:%M} UTC: {_counted(self.gone)}"
        return f"  {self.service:<14} holds {_counted(self.holds)}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items()) or "nothing"


class Line:
    """How the command asks services: those of a stack on this machine, or those that RELANCE_ variables name."""

    def __init__(self, data: Path) -> None:
        plan = load(data)
        if plan is not None and not plan.ready:
            raise click.ClickException(
                f"the Relance in {data} does not run: start it with `relance up --data {data}`"
            )
        if plan is not None:
            self._urls = {name: plan.url(name) for name in SERVICES}
            key = plan.secrets["api_key"]
        else:
            self._urls = {name: _address(name) for name in SERVICES}
            key = next(iter(Settings().known_keys()), "")
        self._http = httpx.Client(headers={"x-relance-key": key}, timeout=15)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, service: str, path: str, **more: Any) -> Any:
        """One request; its JSON.

        Raises:
            click.ClickException: refused or unreachable, in the service's own words.
        """
        url = self._urls[service]
        if not url:
            raise click.ClickException(
                f"we could not ask {service} because no address is known: name a data folder with --data, or set "
                f"{_variable(service)} and RELANCE_API_KEYS"
            )
        try:
            answer = self._http.request(method, f"{url.rstrip('/')}{path}", **more)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise click.ClickException(f"{service} does not answer at {url}: {error}") from error
        if answer.is_error:
            raise click.ClickException(f"{service}: {body.get('detail', body)}")
        return body

    def report(self, service: str, school: str, learner: str) -> Report:
        """What a service holds, or that it could not be asked."""
        root = "" if service not in {"portal", "desk"} else "/api"
        try:
            told = self.ask(
                "GET",
                service,
                f"{root}/learners/{quote(learner, safe='')}/erasure",
                params={"school_id": school},
            )
        except click.ClickException as error:
            return Report(service=service, silent=error.message)
        at = told["erased_at"]
        return Report(
            service=service,
            holds=told["holds"],
            gone=told["gone"],
            erased_at=datetime.fromisoformat(at) if at else None,
        )

    def reports(self, school: str, learner: str) -> list[Report]:
        """What every service holds."""
        return [self.report(name, school, learner) for name in holders()]


def _variable(service: str) -> str:
    return _ADDRESSES.get(service, f"RELANCE_{service.upper()}_URL")


def _address(service: str) -> str:
    return os.environ.get(_variable(service), "")


@click.command()
@click.argument("learner")
@click.option("--school", required=True, metavar="ID", help="The school's id.")
@click.option("--yes", is_flag=True, help="Without asking.")
@click.option(
    "--wait",
    "patience",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds to wait for every service to say it is done.",
)
@BY
@DATA
def erase(learner: str, school: str, yes: bool, patience: float, by: str, data: Path) -> None:
    """Make everything personal about LEARNER unreadable, everywhere and for good."""
    with Line(data) as line:
        found = line.reports(school, learner)
        if all(one.is_done for one in found):
            click.echo(f"{learner} of {school} was erased before:")
            _show(found)
            return
        if not any(one.is_done or one.holds or one.silent for one in found):
            raise click.ClickException(
                f"we could not erase {learner} because no service holds anything of such a learner at {school}: "
                "check both ids"
            )
        click.echo(f"{learner} of {school}:")
        _show(found)
        if not yes:
            click.echo(
                "What is held becomes unreadable, mails that wait are dropped. Ids, amounts and dates stay, and so "
                "does what docs/reference/personal-data.md lists as out of reach. There is no way back."
            )
            click.confirm(f"erase {learner}?", abort=True)
        line.ask(
            "POST", OWNER, f"/learners/{quote(learner, safe='')}/erase", json={"school_id": school, "by": by}
        )
        _wait(line, school, learner, patience)


def _show(reports: list[Report]) -> None:
    for one in reports:
        click.echo(one.in_words())


def _wait(line: Line, school: str, learner: str, patience: float) -> None:
    """Tell of each service as it is done.

    Raises:
        click.ClickException: some are not within ``patience`` seconds.
    """
    waiting = list(holders())
    until = time.monotonic() + patience
    click.echo("told; each service erases its own:")
    while True:
        for name in list(waiting):
            report = line.report(name, school, learner)
            if report.is_done:
                waiting.remove(name)
                click.echo(f"{report.in_words()} ({len(holders()) - len(waiting)} of {len(holders())})")
        if not waiting:
            click.echo(f"{learner} of {school} is erased")
            return
        if time.monotonic() >= until:
            raise click.ClickException(
                f"{', '.join(waiting)} did not say so within {patience:g} s: the erasure is told and is done as soon as "
                "they are back; run this command again to see it"
            )
        time.sleep(_PAUSE)
