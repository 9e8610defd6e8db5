"""Runs by number: one, to read along; many, over all cores, to count."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import structlog

from ops.simulation.checks import differences, state_of
from ops.simulation.histories import HISTORIES, History
from ops.simulation.town import Town
from ops.simulation.world import FINE, STORMY

_CHUNK: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What one run came to."""

    seed: int
    history: str
    violations: tuple[str, ...]
    trace: int
    """A sum over everything that happened, in order: the same seed and commit give the same."""
    steps: int
    counts: dict[str, int]
    points: dict[str, int]
    died_at: dict[str, int]
    diary: tuple[str, ...] = ()


@dataclass(slots=True)
class Summary:
    """What many runs came to."""

    seeds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    failed: list[Lived] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        """One more."""
        self.seeds += 1
        self.counts.update(lived.counts)
        self.points.update(lived.points)
        self.died_at.update(lived.died_at)
        if lived.violations:
            self.failed.append(lived)

    def runs_with(self, word: str) -> int:
        """In how many runs something was ``lost``, ``doubled`` or ``stuck``."""
        return sum(1 for lived in self.failed if any(what.startswith(word) for what in lived.violations))


def quiet() -> None:
    """Storms make thousands of warnings that nobody is to act upon."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=True
    )


def history_of(seed: int) -> History:
    """Which history a seed lets its storm loose on."""
    return HISTORIES[seed % len(HISTORIES)]


@cache
def expected(number: int) -> dict[str, Any]:
    """The state that a history comes to without any fault.

    Raises:
        RuntimeError: even then something was violated.
    """
    town = Town(HISTORIES[number], number, FINE)
    town.live()
    state = state_of(town)
    violations = list(town.world.violations)
    town.put_away()
    if violations:
        message = f"{HISTORIES[number].name} is wrong without any fault: {violations[0]}"
        raise RuntimeError(message)
    return state


def live_through(seed: int, *, read_along: bool = False) -> Lived:
    """One history in one storm."""
    wanted = expected(seed % len(HISTORIES))
    town = Town(history_of(seed), seed, STORMY, read_along=read_along)
    town.live()
    world = town.world
    violations = (*world.violations, *differences(wanted, state_of(town)))
    town.put_away()
    tally = world.tally
    return Lived(
        seed=seed,
        history=town.history.name,
        violations=violations,
        trace=world.trace,
        steps=world.loop.steps,
        counts={
            "kills": tally.kills,
            "pauses": tally.pauses,
            "outages": tally.outages,
            "clock jumps": tally.jumps,
            "duplicates": tally.duplicates,
            "answers lost": tally.lost,
        },
        points=dict(tally.points),
        died_at=dict(tally.died_at),
        diary=tuple(world.diary or ()),
    )


def many(seeds: Iterable[int], *, processes: int | None = None) -> Iterator[Lived]:
    """Many runs over ``processes`` cores (all when not given), in any order."""
    quiet()
    wanted = list(seeds)
    for seed in wanted[: len(HISTORIES)]:
        expected(seed % len(HISTORIES))
    count = processes or os.cpu_count() or 1
    if count == 1:
        yield from map(live_through, wanted)
        return
    gc.collect()
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(count, initializer=gc.freeze) as pool:
        yield from pool.imap_unordered(live_through, wanted, chunksize=_CHUNK)
    gc.unfreeze()


def commit() -> str:
    """The commit that a seed belongs to; a star when the work tree differs from it."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=*", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
