"""Processes really die, on a real PostgreSQL that really crashes (``relance simulate --real`` for the full run)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.simulation.real import run_real


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_processes_that_die_at_any_await_and_a_crash_of_postgresql_change_nothing(tmp_path: Path) -> None:
    report = run_real(kills=8, crashes=1, folder=tmp_path)

    assert report.violations == []
    assert report.kills >= 8
    assert report.crashes >= 1
    assert report.acknowledged > 0
