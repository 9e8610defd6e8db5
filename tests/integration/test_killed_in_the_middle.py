"""A worker that is killed in the middle of its work changes nothing of what comes of it in the end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ops.stories.cast import Cast
from ops.stories.performing import PERFORM
from ops.stories.performing.opening import open_story
from ops.stories.reader import read_text
from ops.stories.stage import Stage
from tests.integration.conftest import STORY, Came, tell

if TYPE_CHECKING:
    from ops.stack.engine import StackEngine

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]

_CAME: list[Came] = []


async def undisturbed(engine: StackEngine) -> Came:
    """What comes of the fortnight when nobody dies."""
    if not _CAME:
        played = await tell(engine)
        assert played.differences == []
        _CAME.append(Came.of(played.seen))
    return _CAME[0]


async def nothing_twice(engine: StackEngine) -> None:
    charges = await engine.lines.control("GET", "/charges?all=true")
    assert charges["doubles"] == []
    counts = await engine.lines.mailbox("GET", "/_counts")
    assert counts["duplicates"] == {}


MIDDLE = {
    # service: (when it is told to die and at which point, what it dies of, when it lives again)
    "payments": ("Thu 2026-04-16 08:59", "after_charge", "Thu 2026-04-16 09:02"),
    "dunning": ("Wed 2026-04-15 08:59", "before_commit", "Wed 2026-04-15 09:00"),
    "access": ("Wed 2026-04-15 08:59", "after_commit", "Wed 2026-04-15 09:00"),
    "credits": ("Wed 2026-04-15 20:09 Asia/Tokyo", "before_commit", "Wed 2026-04-15 20:10 Asia/Tokyo"),
    "notifications": ("Wed 2026-04-15 08:59", "after_commit", "Wed 2026-04-15 09:00"),
}


@pytest.mark.parametrize("service", MIDDLE)
async def test_whoever_dies_in_the_middle_the_end_is_the_same(engine: StackEngine, service: str) -> None:
    expected = await undisturbed(engine)
    dies, point, lives = MIDDLE[service]

    played = await tell(
        engine,
        f"{{at: {dies}, machine: crashes, service: {service}, point: {point}}}",
        f"{{at: {lives}, machine: restarts, service: {service}}}",
    )

    assert played.differences == []
    assert Came.of(played.seen) == expected
    await nothing_twice(engine)


async def test_a_teller_that_dies_with_facts_untold_tells_them_when_it_lives(engine: StackEngine) -> None:
    expected = await undisturbed(engine)
    played = await tell(
        engine,
        "{at: Fri 2026-04-17 14:19, machine: crashes, service: dunning, point: after_commit}",
        "{at: Fri 2026-04-17 14:25, machine: restarts, service: dunning}",
    )
    assert [one for one in played.differences if "at Fri 2026-04-17 14:20" not in one] == []
    assert Came.of(played.seen) == expected
    await nothing_twice(engine)


async def test_a_mail_that_was_handed_over_is_not_handed_over_again(engine: StackEngine) -> None:
    """Killed between the mail server's answer and our record of it: the mailbox is asked before sending again."""
    read = read_text(STORY, file="fortnight.yaml")
    cast = Cast(read)
    stage = Stage(engine=engine, cast=cast)
    await engine.open(cast.starts)
    await open_story(stage)
    await engine.troubles.dies_after_errand("notifications", reads="schools", writes="correspondence")
    failure = read.story.entries[0]
    await PERFORM[type(failure)](failure, stage)
    assert engine.troubles.dead == {"notifications"}
    assert await mails(engine) == 1
    assert Came.of(await engine.seen()).facts["notifications.MailSent"] == 0

    await engine.restart("notifications")
    await engine.live_until(engine.now() + timedelta(hours=2))
    assert Came.of(await engine.seen()).facts["notifications.MailSent"] == 1
    assert await mails(engine) == 1


async def mails(engine: StackEngine) -> int:
    deliveries: int = (await engine.lines.mailbox("GET", "/_counts"))["deliveries"]
    return deliveries
