"""Plays the demonstration: starts a stack, tells four stories to it, sums up what came of them."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from ops.demo.summary import summary_of
from ops.servers.processes import ServerFailed
from ops.stack.engine import StackEngine
from ops.stack.running import RunningStack, start_stack
from ops.stack.supervisor import StackFailed
from ops.stack.up import addresses
from ops.stories.cast import Cast
from ops.stories.reader import Read
from ops.stories.runner import Played, play
from ops.stories.shelf import demo_folder, read_all
from ops.stories.telling import Teller

_FIRST: Final = datetime(2026, 4, 1, tzinfo=UTC)


def run_demo(data: Path | None, *, kafka: str, stays: bool) -> int:
    """Play the demonstration; the process's exit code."""
    began = time.monotonic()
    reads = read_all([demo_folder()])
    folder = data or Path(tempfile.mkdtemp(prefix="relance-demo-"))
    click.echo(f"starting a whole Relance in {folder} ...")
    try:
        stack = start_stack(folder, kafka=kafka, clock=_FIRST, usual_ports=True)
    except (StackFailed, ServerFailed) as error:
        click.echo(f"relance demo: {error}", err=True)
        return 1
    try:
        click.echo(_first_words(stack))
        click.echo(f"up after {time.monotonic() - began:.1f} s; playing {len(reads)} stories in virtual time")
        played = asyncio.run(play_all(stack, reads))
        _sum_up(played, time.monotonic() - began)
        if stays:
            _stay(stack)
    finally:
        stack.stop()
    return 0 if len(played) == len(reads) and all(one.came_true for one in played) else 1


@dataclass(slots=True, kw_only=True)
class Shown:
    """A story that was played."""

    title: str
    zone: str
    played: Played
    seconds: float
    lines: Sequence[tuple[str, str]] = field(default_factory=tuple)

    @property
    def came_true(self) -> bool:
        return self.played.passed and not self.played.left_out


async def play_all(stack: RunningStack, reads: Sequence[Read]) -> list[Shown]:
    """Tell stories to a running stack, one after another; each leaves its learners where they are."""
    engine = StackEngine(stack, keep=True)
    told: list[Shown] = []
    try:
        for number, read in enumerate(reads, 1):
            click.echo(f"\n[{number}/{len(reads)}] {read.story.story}")
            told.append(await _play(engine, read))
    finally:
        await engine.shut_down()
    return told


async def _play(engine: StackEngine, read: Read) -> Shown:
    began = time.monotonic()
    zone = Cast(read).zone
    played = await play(read, engine, _teller)
    return Shown(
        title=read.story.story,
        zone=zone,
        played=played,
        seconds=time.monotonic() - began,
        lines=summary_of(played.seen, zone),
    )


def _teller(story_id: str, zone: str) -> Teller:
    return Teller(click.echo, story=story_id, zone=zone)


def _first_words(stack: RunningStack) -> str:
    lines = stack.output.read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith("Kafka:")), "")


def _sum_up(told: Sequence[Shown], seconds: float) -> None:
    click.echo("\nWhat came of it")
    for one in told:
        click.echo(f"  {one.title}")
        for what, how in one.lines:
            click.echo(f"    {what:<24} {how}")
        verdict = "as promised" if one.came_true else "NOT AS PROMISED"
        click.echo(f"    {one.played.checked} expectations        {verdict} ({one.seconds:.1f} s)")
        for difference in one.played.differences:
            click.echo(f"      {difference}")
    good = all(one.came_true for one in told)
    click.echo(
        f"\n{len(told)} stories in {seconds:.1f} s: {'all came true' if good else 'some did not come true'}"
    )


def _stay(stack: RunningStack) -> None:
    """Leave everything up until Ctrl-C."""
    click.echo("\nRelance stays up; Ctrl-C ends it.")
    click.echo(addresses(stack.read()))
    stopping: list[int] = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: stopping.append(number))
    while not stopping and stack.alive:
        time.sleep(0.2)
