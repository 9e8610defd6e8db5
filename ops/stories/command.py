"""``relance story``: plays dated stories and says whether what they expect came true."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import time
from functools import partial
from pathlib import Path
from typing import Final

import click
import structlog

from ops.stories.engine import Engine
from ops.stories.model.story import schema_text
from ops.stories.reader import Read, StoryRefused
from ops.stories.runner import Played, play
from ops.stories.shelf import read_all, usual_folders
from ops.stories.telling import Teller
from ops.stories.transitions import ALL

_ENGINES: Final = {"memory": "ops.stories.memory:MemoryEngine", "stack": "ops.stack.engine:StackEngine"}


@click.command("story")
@click.argument("places", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(list(_ENGINES)),
    default="memory",
    show_default=True,
    help="memory: twins in this process, virtual time. stack: services, topics, database, simulators.",
)
@click.option(
    "--set", "named", metavar="NAME", help="Only the stories of this set (as `transitions`, `demo`)."
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines instead of text.")
@click.option("--plans", is_flag=True, help="Show plans that fell due, too.")
@click.option("--quiet", is_flag=True, help="One line per story, and differences.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a story and end.")
def story(
    places: tuple[Path, ...],
    engine_name: str,
    named: str | None,
    as_json: bool,
    plans: bool,
    quiet: bool,
    schema: bool,
) -> None:
    """Play the stories of FILES or folders; without any, those that come with Relance.

    Exit code 0 when everything came true, 1 with the differences when not, 2 when a story cannot be understood.
    """
    if schema:
        click.echo(schema_text(), nl=False)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        reads = read_all(places or usual_folders(), named=named)
    except StoryRefused as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from error
    if not reads:
        raise click.UsageError(
            f"there is no story{f' in the set {named!r}' if named else ''} here: name files or folders"
        )
    raise SystemExit(asyncio.run(_play_all(reads, engine_name, as_json=as_json, plans=plans, quiet=quiet)))


async def _play_all(reads: list[Read], engine_name: str, *, as_json: bool, plans: bool, quiet: bool) -> int:
    engine = _engine(engine_name)
    began = time.monotonic()
    played: list[Played] = []
    try:
        for read in reads:
            tell = None if quiet else partial(_teller, as_json=as_json, plans=plans)
            try:
                one = await play(read, engine, tell)
            except StoryRefused as error:
                click.echo(str(error), err=True)
                return 2
            played.append(one)
            if quiet or one.left_out:
                _in_one_line(one, as_json=as_json)
    finally:
        await engine.shut_down()
    return _sum_up(played, time.monotonic() - began, as_json=as_json)


def _engine(name: str) -> Engine:
    module, _, kind = _ENGINES[name].partition(":")
    try:
        engine: Engine = getattr(importlib.import_module(module), kind)()
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise click.UsageError(f"this Relance has no engine {name!r}") from error
    return engine


def _teller(story_id: str, zone: str, *, as_json: bool, plans: bool) -> Teller:
    return Teller(click.echo, story=story_id, zone=zone, as_json=as_json, plans=plans)


def _in_one_line(one: Played, *, as_json: bool) -> None:
    if as_json:
        body = {"kind": "end", "story": one.id, "passed": one.passed, "checked": one.checked}
        click.echo(json.dumps({**body, "left_out": one.left_out, "transitions": _sorted(one.transitions)}))
    elif one.left_out:
        click.echo(f"left out {one.id}: {one.left_out}")
    else:
        click.echo(f"{'ok      ' if one.passed else 'DIFFERS '} {one.id} ({one.checked} expectations)")
    for difference in one.differences:
        if as_json:
            click.echo(
                json.dumps(
                    {"kind": "difference", "story": one.id, "difference": difference}, ensure_ascii=False
                )
            )
        else:
            click.echo(f"        {difference}")


def _sum_up(everything: list[Played], seconds: float, *, as_json: bool) -> int:
    left_out = [one for one in everything if one.left_out]
    played = [one for one in everything if not one.left_out]
    failed = [one for one in played if not one.passed]
    taken = frozenset().union(*(one.transitions for one in played))
    missing = [name for name in ALL if name not in taken]
    if as_json:
        summary = {
            "kind": "summary",
            "stories": len(played),
            "failed": [one.id for one in failed],
            "left_out": [one.id for one in left_out],
            "expectations": sum(one.checked for one in played),
            "seconds": round(seconds, 3),
            "transitions": _sorted(taken),
            "transitions_missing": missing,
        }
        click.echo(json.dumps(summary))
        return 1 if failed else 0
    click.echo(
        f"\n{len(played)} stories with {sum(one.checked for one in played)} expectations in {seconds:.1f} s: "
        + (
            f"{len(failed)} did not come true: {', '.join(one.id for one in failed)}"
            if failed
            else "all came true"
        )
    )
    if left_out:
        click.echo(f"{len(left_out)} cannot be told on this engine: {', '.join(one.id for one in left_out)}")
    click.echo(f"transitions taken ({len(taken)} of {len(ALL)}): {' '.join(_sorted(taken)) or 'none'}")
    if missing and len(played) > 1:
        click.echo(f"transitions not taken: {' '.join(missing)}")
    return 1 if failed else 0


def _sorted(names: frozenset[str]) -> list[str]:
    return sorted(names, key=lambda name: int(name[1:]))
