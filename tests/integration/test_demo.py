"""The demonstration's four stories come true one after another on one stack, though each begins before the last ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.demo.playing import play_all
from ops.stories.shelf import demo_folder, read_all
from tests.integration.conftest import START

if TYPE_CHECKING:
    from ops.stack.engine import StackEngine
    from ops.stack.running import RunningStack

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]


async def test_both_originals_come_true_and_nobody_elses_mails_are_counted(
    engine: StackEngine, stack: RunningStack
) -> None:
    await engine.open(START)  # nobody is there yet

    shown = await play_all(stack, read_all([demo_folder()]))

    assert [one.played.differences for one in shown] == [[], [], [], []]
    assert all(one.came_true for one in shown)
    assert [len(one.played.seen.mails) for one in shown] == [4, 3, 8, 1]
