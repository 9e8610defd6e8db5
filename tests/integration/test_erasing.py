"""A learner is erased on the running stack: the command shows what goes, and every service says when it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.erase_cli import holders
from ops.replay.running import dry_run
from ops.replay.wording import lines
from ops.stack.plan import SERVICES
from ops.stack.running import RunningStack, start_stack
from ops.topics.place import database, place_of, unseal
from tests.integration.conftest import START, tell

if TYPE_CHECKING:
    from click.testing import Result

    from ops.stack.engine import StackEngine

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]


class Office:
    """Somebody at a command line beside the stack."""

    def __init__(self, engine: StackEngine, stack: RunningStack, pool: Any) -> None:
        self.engine, self.stack, self.pool = engine, stack, pool

    def erases(self, learner: str, *more: str, school: str = "ecole", answers: str = "") -> Result:
        data = str(self.stack.folder)
        return CliRunner().invoke(
            main, ["erase", learner, "--school", school, "--data", data, *more], input=answers
        )

    async def replays(self) -> list[str]:
        """What a replay from the beginning would change."""
        found = await dry_run(self.pool, place_of(self.stack.folder).clock, SERVICES)
        return [line for one in found if not one.is_none for line in lines(one)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of its own: topics keep what was said of the erased, and no other story is to hear it."""
    running = start_stack(tmp_path_factory.mktemp("erasing"), kafka="embedded", clock=START)
    yield running
    running.stop()


@pytest.fixture
async def office(engine: StackEngine, stack: RunningStack) -> AsyncIterator[Office]:
    played = await tell(engine)
    assert played.differences == []
    place = place_of(stack.folder)
    unseal(place)
    async with database(place, size=3) as pool:
        yield Office(engine, stack, pool)


async def test_what_goes_is_shown_and_confirmed_first_and_each_service_says_when_it_is_done(
    office: Office,
) -> None:
    asked = office.erases("ada", answers="n\n")
    assert asked.exit_code == 1
    assert "notifications  holds 1 people" in asked.output
    assert "There is no way back" in asked.output
    assert "told" not in asked.output

    done = office.erases("ada", answers="y\n")
    assert done.exit_code == 0, done.output
    for name in holders():
        assert f"  {name:<14} erased 2026-04-2" in done.output
    assert done.output.endswith("ada of ecole is erased\n")


async def test_erasing_twice_says_that_it_was_done_and_when(office: Office) -> None:
    assert office.erases("ada", "--yes").exit_code == 0
    again = office.erases("ada")
    assert again.exit_code == 0
    assert again.output.startswith("ada of ecole was erased before:")
    assert "notifications  erased 2026-04-2" in again.output


async def test_somebody_whom_nobody_knows_is_refused_in_clear_words(office: Office) -> None:
    refused = office.erases("nobody", "--yes")
    assert refused.exit_code == 1
    assert "no service holds anything of such a learner at ecole" in refused.output
    assert office.erases("ada", "--yes", school="gakko").exit_code == 1


async def test_a_replay_from_the_beginning_after_an_erasure_changes_nothing(office: Office) -> None:
    assert office.erases("ada", "--yes").exit_code == 0
    assert office.erases("haruka", "--yes", school="gakko").exit_code == 0
    await office.engine.live_until(office.engine.now())
    assert await office.replays() == []
