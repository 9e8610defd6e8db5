"""A real history on PostgreSQL is replayed: it says the same again, and damage is named, mended and mended once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ops.replay import applying
from ops.replay.redelivering import look_ahead, redeliver
from ops.replay.running import dry_run, mend
from ops.replay.wording import effects_in_words, lines
from ops.stack.plan import SERVICES
from ops.topics.asking import Asked
from ops.topics.place import database, place_of, unseal
from shared.clock import FileClock
from shared.errors import Refused
from shared.events import TOPICS
from shared.retention import forget
from tests.integration.conftest import tell

if TYPE_CHECKING:
    from ops.stack.engine import StackEngine
    from ops.stack.running import RunningStack
    from ops.topics.place import Place

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]


class Operator:
    """Somebody who replays what the stack has lived through."""

    def __init__(self, engine: StackEngine, place: Place, pool: Any) -> None:
        self.engine, self.place, self.pool = engine, place, pool

    async def looks(self, *names: str) -> str:
        found = await dry_run(self.pool, self.place.clock, names or SERVICES)
        return "\n".join([line for one in found for line in lines(one)] + [effects_in_words(found)])

    async def mends(self) -> str:
        return "\n".join(
            one.in_words() for one in await mend(self.pool, self.place.clock, SERVICES, by="mika")
        )

    async def differs(self) -> bool:
        return not all(one.is_none for one in await dry_run(self.pool, self.place.clock, SERVICES))

    async def outside(self) -> tuple[Any, Any, Any]:
        """Mails, charges and the ledger: what must never happen twice."""
        charges = await self.engine.lines.control("GET", "/charges?all=true")
        counts = await self.engine.lines.mailbox("GET", "/_counts")
        ledger = await self.pool.fetch("select key, body from credits.entries order by key")
        return charges, counts, [(row["key"], row["body"]) for row in ledger]

    async def settled(self) -> None:
        """Whatever the stack still has to do is done."""
        await self.engine.live_until(self.engine.now())


@pytest.fixture
async def operator(engine: StackEngine, stack: RunningStack) -> AsyncIterator[Operator]:
    played = await tell(engine)
    assert played.differences == []
    place = place_of(stack.folder)
    unseal(place)
    async with database(place, size=6) as pool:
        yield Operator(engine, place, pool)


async def test_a_history_replayed_says_the_same_and_twice_changes_nothing(operator: Operator) -> None:
    before = await operator.outside()
    said = await operator.looks()
    assert "would" not in said
    assert said.count("no difference") == len(SERVICES)
    assert said.endswith("outside: 0 mails, 0 charges")

    for _ in range(2):
        for name in SERVICES:
            ahead = await look_ahead(operator.place, name, Asked(topics=TOPICS, limit=1_000_000))
            assert ahead.new == []
            await redeliver(operator.pool, operator.place.clock, name, ahead, by="mika")
        assert "0 rows restored or put right, 0 facts said, 0 errands asked for, 0 lost facts heard" in (
            await operator.mends()
        )
    await operator.settled()
    assert await operator.outside() == before


async def test_rows_that_were_deleted_are_named_and_restored_once(operator: Operator) -> None:
    before = await operator.outside()
    learners = await operator.pool.fetch("select key, body from access.learners order by key")
    await operator.pool.execute("delete from access.learners")
    await operator.pool.execute(
        "delete from credits.entries where key = (select max(key) from credits.entries)"
    )
    await operator.pool.execute(
        """update dunning.cases set body = jsonb_set(body, '{state}', '"retrying"')"""
    )

    said = await operator.looks()
    assert "access: 2 learners would be restored" in said
    assert "credits: 1 entries would be restored" in said
    assert "dunning: 2 cases would be put right" in said
    assert "cases ada~2026-04-15: different (state)" in said

    assert "access: 2 rows restored or put right" in await operator.mends()
    assert "access: 0 rows restored or put right" in await operator.mends()
    assert not await operator.differs()
    assert await operator.pool.fetch("select key, body from access.learners order by key") == learners
    await operator.settled()
    assert await operator.outside() == before
    assert await operator.pool.fetchval("select count(*) from access.replay_acts where who = 'mika'") == 1


async def test_who_applies_is_killed_midway_and_the_next_one_ends_it(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await operator.outside()
    await operator.pool.execute("delete from portal.mails")
    await operator.pool.execute("delete from access.learners")
    monkeypatch.setattr(applying, "_TOGETHER", 1)  # so that there is a middle
    dying = asyncio.create_task(operator.mends())
    while not await operator.pool.fetchval("select count(*) from access.replay_acts"):
        await asyncio.sleep(0)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    await asyncio.gather(operator.mends(), operator.mends())

    assert not await operator.differs()
    await operator.settled()
    assert await operator.outside() == before


async def test_a_journal_that_forgot_says_from_when_on_it_can_speak(operator: Operator) -> None:
    later = operator.place.clock.now() + timedelta(days=801)
    await forget(operator.pool, "dunning", later)
    await operator.pool.execute("delete from access.learners")

    said = await operator.looks("access")

    assert "the journals reach back to" in said
    assert "rows that differ may only be older and are not judged" in said


async def test_a_range_that_does_not_exist_is_refused_with_the_one_that_does(operator: Operator) -> None:
    clock = operator.place.clock
    assert isinstance(clock, FileClock)
    with pytest.raises(Refused, match="ask for a time in between"):
        await look_ahead(
            operator.place, "dunning", Asked(topics=TOPICS, since=clock.now() + timedelta(days=9))
        )
