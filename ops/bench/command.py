"""``relance bench``: the table of issue 4, measured here and now, beside floors and peers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from ops.bench.goals import GOALS, Row, not_measured, table

RESULTS: Final = Path(".relance") / "bench"


@click.command()
@click.option("--only", metavar="P1,P5", default="", help="Measure these goals only.")
@click.option("--full", is_flag=True, help="10^7 open cases, longer slices and the figures of a whole stack.")
@click.option(
    "--json", "target", type=click.Path(path_type=Path, dir_okay=False), help="Where the results go."
)
@click.option("--figures/--no-figures", default=True, help="Also the figures that are no ratios.")
def bench(only: str, full: bool, target: Path | None, figures: bool) -> None:
    """Print speed as ratios against floors and peers run side by side; exit 1 when a must does not hold.

    A peer that is not installed (make bench-peers) is "not measured", which is never a pass.
    """
    wanted = {one.strip() for one in only.split(",") if one.strip()} or set(GOALS)
    rows, more, env = run(wanted, full=full, figures=figures, say=lambda text: click.echo(text, err=True))
    click.echo(table(rows))
    for name, value in more.items():
        click.echo(f"  {name:<58} {value}")
    failing, missing = [row.id for row in rows if row.fails], [row.id for row in rows if row.value is None]
    click.echo(
        f"{len(rows) - len(failing) - len(missing)} of {len(rows)} musts hold"
        + (f"; not: {', '.join(failing)}" if failing else "")
        + (f"; not measured: {', '.join(missing)}" if missing else "")
    )
    keep(rows, more, env, target)
    sys.exit(1 if failing else 0)


def keep(rows: Sequence[Row], more: dict[str, Any], env: dict[str, Any], target: Path | None) -> None:
    """Write the results with the environment they depend on."""
    from ops.bench.ground import save  # noqa: PLC0415 - other commands need none of it

    at = datetime.now(UTC)
    file = target or RESULTS / f"{at:%Y%m%d-%H%M%S}.json"
    save(file, {"at": at.isoformat(), "env": env, "rows": [row.as_json() for row in rows], "figures": more})
    click.echo(f"results: {file}", err=True)


Section = tuple[Sequence[str], Callable[[Any], Iterator[Row]]]


def sections(full: bool) -> list[Section]:
    """What is measured together, in the order of a run."""
    from ops.bench import agenda, consuming, hearing, path, peering, reading, webhooks  # noqa: PLC0415 - as above

    longer, rounds = (3.0, 3) if full else (1.0, 2)
    few, many, claims = (100_000, 10_000_000, 90) if full else (50_000, 300_000, 25)
    return [
        (("P1", "P2", "P3"), lambda ground: webhooks.measure(ground, seconds=longer, rounds=rounds)),
        (("P12",), lambda ground: iter([webhooks.kept_bytes(ground)])),
        (("P4",), reading.measure),
        (("P5", "P6"), lambda ground: hearing.measure(ground, seconds=longer, rounds=rounds + 1)),
        (
            ("P8a", "P8b", "P8c", "P9"),
            lambda ground: agenda.measure(ground, few=few, many=many, claims=claims),
        ),
        (("P10",), lambda ground: consuming.measure(ground, rounds=rounds)),
        (("P11a", "P11b"), lambda ground: path.measure(ground, seconds=1.5 * longer, rounds=rounds)),
        (("P7a", "P7b", "P7c"), peering.measure),
    ]


def run(
    wanted: set[str], *, full: bool, figures: bool, say: Callable[[str], None]
) -> tuple[list[Row], dict[str, Any], dict[str, Any]]:
    """Measure; rows in the goals' order, further figures, the environment."""
    from ops.bench import further  # noqa: PLC0415 - as above
    from ops.bench.ground import environment, ground  # noqa: PLC0415 - as above

    found: dict[str, Row] = {}
    with ground() as here:
        env = environment(here)
        say(
            f"{env['processor']}, {env['cores']} cores, load {env['load_before'][0]}, a flush takes {env['flush_us']} us"
        )
        for ids, measure in sections(full):
            if not wanted & set(ids):
                continue
            at = time.monotonic()
            try:
                found.update({row.id: row for row in measure(here)})
            except Exception as error:  # noqa: BLE001 - one contestant that does not start must not hide the others
                found.update(
                    {
                        row.id: row
                        for row in not_measured(*ids, note=f"could not be measured: {error!r}"[:300])
                    }
                )
            say(f"{', '.join(ids)}: {time.monotonic() - at:.0f} s")
        more: dict[str, Any] = {}
        if figures:
            with suppress(ImportError):
                more = further.measure(here, full=full)
    missing = [one for one in GOALS if one in wanted and one not in found]
    rows = {
        **found,
        **{row.id: row for row in not_measured(*missing, note="needs a slower disk: make bench-full")},
    }
    return [rows[one] for one in GOALS if one in wanted and one in rows], more, env
