"""A few dozen learners on real processes, of which each service's are killed fifteen times, on either broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.servers import kafka as apache
from ops.simulation.crowd.learners import NAMES
from ops.simulation.crowd.running import run_crowd
from ops.simulation.crowd.trouble import FIFTHS, KILLS
from ops.stack.plan import SERVICES
from tests.conftest import _absent

LEARNERS = 2 * len(NAMES)


@pytest.mark.postgres
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "kafka",
    [
        pytest.param("embedded", marks=pytest.mark.embedded),
        pytest.param("local", marks=pytest.mark.apache_kafka),
    ],
)
def test_a_crowd_whose_every_machine_is_killed_again_and_again_loses_nothing_and_doubles_nothing(
    kafka: str, tmp_path: Path
) -> None:
    if kafka == "local" and not (verdict := apache.available(timeout=300.0)).yes:
        _absent(verdict.reason, required=True)

    # The embedded broker's groups are slow to form with two members: one worker of each service there.
    report = run_crowd(
        events=1, learners=LEARNERS, kafka=kafka, workers=1 if kafka == "embedded" else 2, folder=tmp_path
    )

    assert report.violations == []
    assert report.found.events > 40 * LEARNERS
    assert min(report.kills[service] for service in SERVICES) >= FIFTHS * KILLS
    assert report.counts["crashes of PostgreSQL"] == FIFTHS
    assert report.counts["broker crashes"] == report.counts["broker restarts"] == 1
