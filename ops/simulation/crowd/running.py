"""A crowd from its first registration to the verdict."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ops.simulation.crowd.forge import Forge
from ops.simulation.crowd.judging import Found, judge
from ops.simulation.crowd.learners import NAMES, crowd_for, expected_of, history_of
from ops.simulation.crowd.living import Living, Stuck
from ops.simulation.crowd.place import Place
from ops.simulation.crowd.trouble import FIFTHS, KILLS, Trouble
from ops.simulation.running import quiet
from ops.stack.plan import SERVICES
from shared.clock import FileClock


@dataclass(slots=True)
class Report:
    """What a run came to."""

    learners: int = 0
    workers: int = 0
    seconds: float = 0.0
    acknowledged: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    found: Found = field(default_factory=Found)

    @property
    def violations(self) -> list[str]:
        """What must not be."""
        return self.found.violations

    @property
    def lines(self) -> list[str]:
        """For people."""
        found = self.found
        fewest = min((self.kills[service] for service in SERVICES), default=0)
        troubles = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items()))
        pace = found.events / max(self.seconds, 1)
        return [
            f"{found.events:,} events of {self.learners:,} learners, heard {found.hearings:,} times",
            f"{self.workers} workers per service, {self.seconds:.0f} s ({pace:.0f} events/s)",
            f"{troubles}; of each service at least {fewest} workers were killed",
            f"{self.acknowledged:,} webhooks acknowledged, {found.charges:,} charges, {found.mails:,} mails",
            f"{found.twice:,} messages were on the topics twice, {found.unconfirmed:,} heard ones unconfirmed",
            f"{len(self.violations)} violations",
        ]


def run_crowd(
    *,
    events: int,
    kafka: str,
    workers: int = 2,
    seed: int = 0,
    troubled: bool = True,
    folder: Path | None = None,
    learners: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Live a crowd through its months on servers of its own.

    ``kafka`` is ``local`` (Apache Kafka on this machine) or ``embedded``; ``learners`` overrides how many ``events``
    need; ``say`` gets a line now and then.
    """
    quiet()
    for name in ("asyncpg", "aiokafka"):  # what they say of crashes that are meant
        logging.getLogger(name).setLevel(logging.CRITICAL)
    learners = learners or crowd_for(events)
    forge = Forge()
    with tempfile.TemporaryDirectory(prefix="relance-crowd-") as made:
        place = Place(forge, folder or Path(made), kafka=kafka, workers=workers)
        try:
            return _run(place, learners=learners, workers=workers, seed=seed, troubled=troubled, say=say)
        finally:
            place.close()


def _run(
    place: Place, *, learners: int, workers: int, seed: int, troubled: bool, say: Callable[[str], None]
) -> Report:
    expected = sum(expected_of(NAMES[number % len(NAMES)]).told for number in range(learners))
    starts = min(history_of(number).starts for number in range(learners))
    place.open(FileClock(place.plan.folder / "clock", start=starts))
    report = Report(learners=learners, workers=workers)
    began = time.monotonic()

    async def live() -> None:
        await place.enter()
        trouble = Trouble(place, seed) if troubled else None
        living = Living(place, trouble, learners=learners, events=expected, seed=seed, say=say)
        try:
            await living.live()
        except Stuck as stuck:
            place.violations.append(f"stuck {stuck}")
        report.seconds = time.monotonic() - began
        say(f"{report.seconds:.0f} s: everything is at rest; every process is asked to end")
        await asyncio.gather(*(place.drain(one, again=False) for one in list(place.running)))
        say(f"{time.monotonic() - began:.0f} s: judging")
        report.found = await judge(place, learners=learners, acknowledged=living.acknowledged)
        report.acknowledged = len(living.acknowledged)
        if trouble is not None and trouble.left:
            place.violations.append(f"{trouble.left} blows were never dealt")
        await place.leave()

    asyncio.run(live())
    report.counts, report.kills = place.counts, place.kills
    report.found.violations[:0] = place.violations
    if troubled:
        report.found.violations += [
            f"{service} was killed only {place.kills[service]} times"
            for service in SERVICES
            if place.kills[service] < FIFTHS * KILLS
        ]
    return report
