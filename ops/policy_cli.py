"""`relance policy` and `relance calendars`: read a policy before it is adopted, see what it means, on which days.

The command line prints; every decision is in ``services.dunning.policies`` and ``shared.calendar``.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, cast

import click
import yaml

from ops.calendars import RECIPES, write_tables
from ops.policy_reference import reference
from services.dunning.policies import (
    READINGS,
    Policy,
    PolicyRefused,
    Problem,
    preset,
    presets,
    read_policies,
    with_overrides,
)
from services.dunning.policies.dates.overview import Line, overview
from services.dunning.policies.explain import explain, phrases
from shared.calendar import (
    LANGUAGES,
    Language,
    WallTime,
    built_in_calendars,
    holiday_table,
    instant,
    local_date,
    table_ids,
    zone,
)
from shared.errors import RelanceError
from shared.reason_words import tell, tell_instant

_LANG: Final = click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the answer."
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
_SET: Final = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key (grace.length.n=7) or a reading (R-F1=R-F1b); may be repeated.",
)


class _Said(click.ClickException):
    """Shows an error of ours without a traceback."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), err=True, file=file)


@click.group()
def policy() -> None:
    """Check, explain and play through a school's procedure."""


@policy.command("list")
def list_command() -> None:
    """The policies that come with Relance."""
    for name, one in presets().items():
        click.echo(f"{name}  version {one.version}  {one.currency}  {one.timezone}")


@policy.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), help="The day to judge horizons from; today by default."
)
def check_command(file: Path, today: datetime | None) -> None:
    """Read FILE and say what is wrong with it: line, key, remedy. Exit 1 if it cannot be used."""
    problems, names = check_file(file, today=(today or datetime.now(UTC)).date())
    for problem in problems:
        click.echo(f"{problem.severity}: {problem}", err=problem.severity == "error")
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise SystemExit(1)
    click.echo(f"{file}: good ({', '.join(names) or 'calendars only'})")


@policy.command("explain")
@click.argument("name")
@_LANG
@_SET
def explain_command(name: str, lang: str, overrides: tuple[str, ...]) -> None:
    """Say the policy NAME (a preset or a file) in plain words."""
    for section in explain(policy_of(name, overrides), cast("Language", lang)):
        click.echo(section.heading)
        for sentence in section.sentences:
            click.echo(f"  {sentence}")


@policy.command("dates")
@click.argument("name")
@click.option(
    "--failure", required=True, metavar="YYYY-MM-DD", help="The day the renewal failed, in the policy's zone."
)
@click.option("--at", "hour", metavar="HH:MM", help="Its time of day; by default the policy's charge time.")
@click.option(
    "--then",
    multiple=True,
    metavar="YYYY-MM-DD[THH:MM]",
    help="A further failed attempt of the gateway; may be repeated.",
)
@click.option("--billing-day", type=click.IntRange(1, 31), help="The anchor day; by default the failure's.")
@_LANG
@_SET
@_JSON
def dates_command(
    name: str,
    failure: str,
    hour: str | None,
    then: tuple[str, ...],
    billing_day: int | None,
    lang: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Every date that a failure produces under the policy NAME, each with its reason."""
    chosen = policy_of(name, overrides)
    language = cast("Language", lang)
    with _said():
        wall = chosen.billing.charge_time if hour is None else WallTime.parse(hour)
        failures = [_instant(chosen, failure, wall), *(_instant(chosen, text, wall) for text in then)]
        lines = overview(chosen, built_in_calendars(), failures, anchor_day=billing_day)
    if as_json:
        for line in lines:
            click.echo(json.dumps(line_data(line, language, chosen.timezone), ensure_ascii=False))
        return
    click.echo(f"{chosen.id}, version {chosen.version} ({chosen.content_hash()[:12]}), {chosen.timezone}")
    for line in lines:
        click.echo(line_text(line, language, chosen.timezone))


@policy.command("readings")
def readings_command() -> None:
    """The readings register: each ambiguous phrase, the switch that decides it, and the other readings."""
    for switch in READINGS.values():
        keys = ", ".join(f"{key}={json.dumps(value)}" for key, value in switch.keys.items())
        click.echo(f"{switch.code}  {switch.question}\n    {keys}")
        for name, other in switch.others.items():
            changed = ", ".join(f"{key}={json.dumps(value)}" for key, value in other.items())
            click.echo(f"    --set {switch.code}={name}: {changed}")


@policy.command("reference")
def reference_command() -> None:
    """The reference of every key, as Markdown (docs/reference/policies.md)."""
    click.echo(reference(), nl=False)


@click.group()
def calendars() -> None:
    """The tables of national days: what they know, and making them anew."""


@calendars.command("list")
def calendars_list_command() -> None:
    """Each table with its source and its horizon, and each calendar that uses one."""
    for name in table_ids():
        country, _, subdivision = name.partition("-")
        table = holiday_table(country, subdivision or None)
        click.echo(f"{name}: {table.first} to {table.last}, published through {table.official_through}")
        click.echo(f"    {table.source}")
    for name, calendar in built_in_calendars().items():
        closures = ", ".join(f"{one.name} {one.first}..{one.last}" for one in calendar.closures)
        click.echo(f"calendar {name} ({calendar.timezone}){': closed ' + closures if closures else ''}")


@calendars.command("refresh")
@click.argument("table", required=False, type=click.Choice(sorted(RECIPES)))
def calendars_refresh_command(table: str | None) -> None:
    """Write the checked-in tables again with the installed `holidays` library."""
    with _said():
        for path in write_tables(only=table):
            click.echo(f"wrote {path.name}")


def check_file(file: Path, *, today: date) -> tuple[list[Problem], list[str]]:
    """The problems of a policy file, errors first, and the ids of the policies that can be used."""
    reading = read_policies(
        file.read_text(encoding="utf-8", errors="replace"), file=str(file), parents=presets(), today=today
    )
    return [*reading.errors, *reading.warnings], list(reading.policies)


def line_text(line: Line, language: Language, zone_name: str) -> str:
    """One date as a readable line: local time, UTC, what it is, why."""
    local = tell_instant(line.when.at, language, zone_name=zone_name)
    utc = f"{line.when.at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
    label = _label(line, language)
    why = tell(line.when.because, language, zone_name=zone_name)
    return f"{local}  (={utc})  {label}: {why}"


def line_data(line: Line, language: Language, zone_name: str) -> dict[str, Any]:
    """One date as JSON with stable field names."""
    return {
        "word": line.word,
        "detail": line.detail,
        "only_if": line.only_if,
        "at": line.when.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "local": line.when.at.astimezone(zone(zone_name)).isoformat(),
        "local_date": local_date(line.when.at, zone_name).isoformat(),
        "because": line.when.because.to_data(),
        "text": tell(line.when.because, language, zone_name=zone_name),
    }


def _label(line: Line, language: Language) -> str:
    column = {"en": 0, "fr": 1, "ja": 2}[language]
    known = phrases()
    prefix = f"{known[f'if.{line.only_if}'][column]} " if line.only_if else ""
    detail = line.detail
    for kind in ("mail", "access"):
        if f"{kind}.{detail}" in known:
            detail = known[f"{kind}.{detail}"][column]
    return prefix + known[f"line.{line.word}"][column].format(detail=detail)


def policy_of(name: str, overrides: tuple[str, ...]) -> Policy:
    """A preset by its id or a file's one policy, with KEY=VALUE changes; what is wrong ends the command in words."""
    with _said():
        path = Path(name)
        if path.suffix in {".yaml", ".yml"} and path.is_file():
            reading = read_policies(path.read_text(encoding="utf-8"), file=name, parents=presets())
            if reading.errors or len(reading.policies) != 1:
                raise PolicyRefused(reading.errors or [_not_one(name, list(reading.policies))])
            found = next(iter(reading.policies.values()))
        else:
            found = preset(name)
        return with_overrides(found, dict(_override(text) for text in overrides)) if overrides else found


def _not_one(name: str, found: list[str]) -> Problem:
    names = ", ".join(found) or "none"
    return Problem(
        file=name, line=1, key="policies", message=f"one policy is expected, found {names}", remedy="keep one"
    )


def _override(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign:
        raise _Said(f"--set {text}: KEY=VALUE is expected, as in grace.length.n=7")
    is_time = len(value) == 5 and value[2] == ":"
    return key, value if is_time else yaml.safe_load(value)


def _instant(chosen: Policy, text: str, wall: WallTime) -> datetime:
    day, sign, hour = text.replace(" ", "T").partition("T")
    try:
        on = date.fromisoformat(day)
    except ValueError as error:
        raise _Said(f"{text!r} is no day: YYYY-MM-DD is expected") from error
    return instant(on, WallTime.parse(hour) if sign else wall, chosen.timezone)


class _said:  # noqa: N801 - reads as a word where it is used: `with _said():`
    """Turns our errors into what a command line shows."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RelanceError):
            raise _Said(str(error)) from error
