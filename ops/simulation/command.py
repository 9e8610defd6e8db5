"""``relance simulate``: storms by number, planted bugs, real kills."""

from __future__ import annotations

import sys
import time
from collections import Counter

import click


@click.command()
@click.option("--seed", type=int, help="Live through one storm and say everything about it.")
@click.option(
    "--read-along", is_flag=True, help="With --seed: print every point that was passed, with its instant."
)
@click.option("--seeds", type=int, default=300, show_default=True, help="How many storms.")
@click.option("--from", "first", type=int, default=0, show_default=True, help="The first storm's number.")
@click.option("--processes", type=int, help="How many at once (all cores when not given).")
@click.option("--mutants", is_flag=True, help="Plant each known bug and say which storm finds it.")
@click.option("--only", multiple=True, metavar="NAME", help="With --mutants: only these.")
@click.option("--real", is_flag=True, help="Kill real processes on a real PostgreSQL, and crash it.")
@click.option("--kills", type=int, default=500, show_default=True, help="With --real: processes to kill.")
@click.option(
    "--crashes", type=int, default=20, show_default=True, help="With --real: crashes of PostgreSQL."
)
@click.option(
    "--kafka",
    type=click.Choice(["local", "embedded"]),
    help="A crowd on real processes: Apache Kafka on this machine, or the broker in a wheel.",
)
@click.option(
    "--events", type=int, default=100_000, show_default=True, help="With --kafka: facts on the topics."
)
@click.option("--workers", type=int, default=2, show_default=True, help="With --kafka: of each service.")
def simulate(  # noqa: PLR0917 - click gives every option by its name
    seed: int | None,
    read_along: bool,
    seeds: int,
    first: int,
    processes: int | None,
    mutants: bool,
    only: tuple[str, ...],
    real: bool,
    kills: int,
    crashes: int,
    kafka: str | None,
    events: int,
    workers: int,
) -> None:
    """Prove that nothing is lost and nothing happens twice, whoever dies when.

    Every storm has a number: a failure prints it with the commit, and the same number gives the same storm again.
    """
    if seed is not None:
        sys.exit(_one(seed, read_along=read_along))
    if mutants:
        sys.exit(_planted(seeds, only, processes))
    if kafka is not None:
        sys.exit(_crowd(kafka, events, workers, first))
    if real:
        sys.exit(_real(kills, crashes, first))
    sys.exit(_many(first, seeds, processes))


def _one(seed: int, *, read_along: bool) -> int:
    from ops.simulation import running  # noqa: PLC0415 - other commands need none of it

    running.quiet()
    lived = running.live_through(seed, read_along=read_along)
    for line in lived.diary:
        click.echo(line)
    click.echo(f"seed {seed} ({lived.history}) at {running.commit()}: {_counts(Counter(lived.counts))}")
    click.echo(f"{lived.steps:,} steps, trace {lived.trace:08x}")
    for what in lived.violations:
        click.echo(f"  {what}")
    click.echo("nothing lost, doubled or stuck" if not lived.violations else "FAILED")
    return 1 if lived.violations else 0


def _many(first: int, count: int, processes: int | None) -> int:
    from ops.simulation import running  # noqa: PLC0415 - as above

    began, summary = time.perf_counter(), running.Summary()
    for lived in running.many(range(first, first + count), processes=processes):
        summary.add(lived)
        if lived.violations:
            click.echo(f"seed {lived.seed} ({lived.history}): {lived.violations[0][:300]}")
            click.echo(f"  again with: relance simulate --seed {lived.seed}    (at {running.commit()})")
    seconds = time.perf_counter() - began
    reached, died = len(summary.points), len(set(summary.died_at) & set(summary.points))
    click.echo(
        f"{summary.seeds} storms in {seconds:.1f} s ({summary.seeds / seconds:.1f}/s): {_counts(summary.counts)}"
    )
    click.echo(
        f"died at {died} of {reached} points (before or after an effect of a process): {died / max(reached, 1):.0%}"
    )
    rare = sorted(point for point in summary.points if point not in summary.died_at)
    if rare:
        click.echo(f"never died at: {', '.join(rare[:8])}{' ...' if len(rare) > 8 else ''}")
    words = ", ".join(f"{summary.runs_with(word)} {word}" for word in ("lost", "doubled", "stuck"))
    click.echo(f"{words}, {len(summary.failed)} storms failed")
    return 1 if summary.failed else 0


def _planted(seeds: int, only: tuple[str, ...], processes: int | None) -> int:
    from ops.simulation import planted  # noqa: PLC0415 - as above

    missed = 0
    for verdict in planted.hunt(seeds, only=only, processes=processes):
        click.echo(verdict.line)
        missed += verdict.missed
    click.echo(f"{missed} planted bugs were neither found nor argued redundant")
    return 1 if missed else 0


def _real(kills: int, crashes: int, first: int) -> int:
    from ops.simulation.real import run_real  # noqa: PLC0415 - as above

    report = run_real(kills=kills, crashes=crashes, seed=first)
    click.echo(report.line)
    for what in report.violations:
        click.echo(f"  {what}")
    return 1 if report.violations else 0


def _crowd(kafka: str, events: int, workers: int, first: int) -> int:
    from ops.simulation.crowd.running import run_crowd  # noqa: PLC0415 - as above

    report = run_crowd(events=events, kafka=kafka, workers=workers, seed=first, say=click.echo)
    for line in (*report.lines, *(f"  {what}" for what in report.violations)):
        click.echo(line)
    return 1 if report.violations else 0


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.items())
