"""A data folder has one stack at a time, and a dead one leaves it free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.servers.processes import ServerFailed
from ops.stack.holding import Held
from ops.stack.plan import Plan, load
from ops.stack.running import start_stack

_HOLDS = """
import os, sys, time
from pathlib import Path
from ops.stack.holding import Held
held = Held(Path(sys.argv[1]))
child = os.fork()
if child:
    print(child, flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the folder, with a child that outlives it, as a supervisor's workers may for a moment."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def test_a_second_stack_in_one_folder_is_refused_and_told_who_runs_the_first(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    kept = Plan(data=str(tmp_path), ready=True, pids={"payments-worker": 1})
    kept.save()

    told = CliRunner().invoke(main, ["up", "--empty", "--data", str(tmp_path), "--kafka", "embedded"])

    assert told.exit_code == 1
    assert f"because process {holder.pid} runs one there" in told.output
    assert "--data" in told.output
    assert load(tmp_path) == kept


def test_nothing_of_a_running_stack_is_touched_by_whoever_would_start_another_there(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(ServerFailed, match=f"process {holder.pid}"):
        start_stack(tmp_path)

    assert load(tmp_path) is None


def test_a_stack_that_was_killed_leaves_its_folder_free_although_a_child_of_it_still_lives(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()

    held = Held(tmp_path)

    assert (tmp_path / "up.lock").read_text() == str(os.getpid())
    held.let_go()
