"""The same fortnight comes true on the embedded broker and on Apache Kafka, and a stack may stop in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ops.servers import kafka as apache
from ops.stack.engine import StackEngine
from ops.stack.running import RunningStack, start_stack
from ops.stories.cast import Cast
from ops.stories.performing import PERFORM
from ops.stories.performing.opening import open_story
from ops.stories.reader import read_text
from ops.stories.stage import Stage
from tests.conftest import _absent
from tests.integration.conftest import START, STORY, Came, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.embedded),
        pytest.param("local", marks=pytest.mark.apache_kafka),
    ]
)
def own_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningStack]:
    """A stack of this test's own, so that it may be stopped."""
    if request.param == "local":
        verdict = apache.available(timeout=300.0)
        if not verdict.yes:
            _absent(verdict.reason, required=True)
    running = start_stack(tmp_path, kafka=request.param, clock=START)
    yield running
    running.stop()


async def test_a_stack_that_stops_in_the_middle_goes_on_where_it_was(own_stack: RunningStack) -> None:
    undisturbed = await in_one_go(own_stack)

    engine = StackEngine(own_stack)
    read = read_text(STORY, file="fortnight.yaml")
    cast = Cast(read)
    stage = Stage(engine=engine, cast=cast)
    await engine.open(cast.starts)
    await open_story(stage)
    for entry in read.story.entries[:2]:
        assert entry.at is not None
        at = stage.instant(entry.at, cast.subscription(entry.subscription))  # type: ignore[attr-defined]
        await engine.live_until(at)
        await PERFORM[type(entry)](entry, stage)
    stopped_at = engine.now() + timedelta(hours=1)
    await engine.live_until(stopped_at)
    first = await engine.seen()
    await engine.shut_down()

    own_stack.stop()
    again = start_stack(own_stack.folder, kafka=own_stack.plan.kafka_kind, clock=START)
    try:
        engine = StackEngine(again, keep=True)
        stage.engine = engine
        await engine.open(stopped_at)
        for name, ids in stage.gateway_ids.items():
            engine.outside.know(ids.subscription, name)
        for entry in read.story.entries[2:]:
            assert entry.at is not None
            at = stage.instant(entry.at, cast.subscription(entry.subscription))  # type: ignore[attr-defined]
            await engine.live_until(at)
            await PERFORM[type(entry)](entry, stage)
        await engine.live_until(cast.until)
        second = await engine.seen()
        charges = await engine.lines.control("GET", "/charges?all=true")
        counts = await engine.lines.mailbox("GET", "/_counts")
        await engine.shut_down()
    finally:
        again.stop()

    facts = Came.of(first).facts + Came.of(second).facts
    assert facts == undisturbed.facts
    assert Came.of(first).mails + Came.of(second).mails == undisturbed.mails
    assert charges["doubles"] == []
    assert counts["duplicates"] == {}


async def in_one_go(stack: RunningStack) -> Came:
    engine = StackEngine(stack)
    played = await tell(engine)
    await engine.shut_down()
    assert played.differences == []
    return Came.of(played.seen)
