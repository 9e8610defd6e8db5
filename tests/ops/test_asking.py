"""`relance why` and `relance import` as a person types them, where there is nothing to ask or the question is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops.cli import main


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args))


@pytest.mark.parametrize("at", ["yesterday", "2026-06-05", "2026-06-05T09:00:00", "2026-13-05T09:00:00Z"])
def test_an_instant_needs_its_zone_before_anybody_is_asked(at: str, tmp_path: Path) -> None:
    result = run("why", "ada~2026-06-01", "--at", at, "--data", str(tmp_path))

    assert result.exit_code == 2
    assert f"{at!r} is no instant with its zone" in " ".join(result.output.split())


def test_a_stack_does_not_start_in_a_time_that_cannot_be_read(tmp_path: Path) -> None:
    result = run("up", "--clock", "yesterday", "--data", str(tmp_path / "data"))

    assert result.exit_code == 2
    assert "'yesterday' is no instant with its zone" in " ".join(result.output.split())


def test_a_folder_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    result = run("why", "ada~2026-06-01", "--at", "2026-06-05T09:00:00Z", "--data", str(tmp_path))

    assert result.exit_code == 1
    assert f"start one with `relance up --data {tmp_path}`" in result.output
