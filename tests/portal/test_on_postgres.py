"""What only a real database shows: many at once still make one, and an open page hears of a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.portal import app
from services.portal.store import PASSING
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.events.wire import to_bytes, wrap
from shared.hearing import hear
from shared.migrate import migrate
from shared.pages.sweeping import Sweeper
from shared.shelf import Message
from shared.transactions import Transactions
from tests.portal.conftest import (
    ADA,
    ECOLE,
    EVERYBODY,
    HANA,
    HANA_SUB,
    KOUMON,
    Town,
    announced_in_april,
    failed_in_june,
    field,
    utc,
)


@pytest.fixture
async def pg(fresh_postgres: str, clock: HandClock) -> AsyncIterator[tuple[Town, PgStore, Any]]:
    """The same town over PostgreSQL."""
    pool = await open_pool(fresh_postgres, size=6)
    await migrate(pool, app.SERVICE, Path(app.__file__).with_name("migrations"))
    store = PgStore(pool, "portal")
    town = Town(clock)
    town.transactions = Transactions(app.SERVICE, store, clock)
    town.app.state.portal.transactions = town.transactions
    await tell(store, clock, *EVERYBODY)
    yield town, store, pool
    await pool.close()


async def tell(store: PgStore, clock: HandClock, *facts: Any) -> None:
    envelopes = [wrap(fact, cause=None, recorded_at=clock.now()) for fact in facts]
    messages = [
        Message(topic=one.topic, partition=0, offset=place, key=one.key.encode(), value=to_bytes(one))
        for place, one in enumerate(envelopes)
    ]
    await hear(app.SERVICE, store, clock, messages)


async def test_a_hundred_redeems_of_one_link_are_one_session(pg: tuple[Town, PgStore, Any]) -> None:
    town, _, pool = pg
    from services.portal.api.doors import new_link  # noqa: PLC0415 - beside its use

    secret = await new_link(town.app.state.portal, ECOLE, ADA, "/")

    async def press() -> int:
        async with town.client() as somebody:
            return (await somebody.post(f"/login/{secret}")).status_code

    answers = await asyncio.gather(*(press() for _ in range(100)))
    assert answers.count(303) == 1
    assert set(answers) <= {303, 410}
    assert await pool.fetchval("select count(*) from portal.sessions") == 1


async def test_a_hundred_clicks_on_pay_are_one_payment(
    pg: tuple[Town, PgStore, Any], clock: HandClock
) -> None:
    town, store, _ = pg
    clock.move_to(utc("2026-06-15T02:00:00Z"))
    await tell(store, clock, *announced_in_april())
    address = f"/subscriptions/{HANA_SUB}/pay"
    async with await town.browser(KOUMON, HANA) as hana:
        page = await hana.get(address)
        form = {"csrf": field(page.text, "csrf"), "token": field(page.text, "token")}
        answers = await asyncio.gather(*(hana.post(address, data=form) for _ in range(100)))
    assert {one.status_code for one in answers} <= {303, 409}
    assert len({one.headers["location"] for one in answers if one.status_code == 303}) == 1
    assert [one[0] for one in town.owners.asked] == ["open_page"]


async def test_an_open_page_hears_of_a_change(pg: tuple[Town, PgStore, Any], clock: HandClock) -> None:
    town, store, pool = pg
    listening = asyncio.create_task(town.changes.listen(pool))
    with town.changes.about(f"{ECOLE}/{ADA}") as changed, town.changes.about(f"{KOUMON}/{HANA}") as other:
        while not await pool.fetchval("select count(*) from pg_stat_activity where query ilike 'listen%'"):
            await asyncio.sleep(0.02)
        await tell(store, clock, *failed_in_june())
        await asyncio.wait_for(changed.wait(), 10)
        assert not other.is_set()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_what_expired_is_swept_out_and_what_is_good_stays(
    pg: tuple[Town, PgStore, Any], clock: HandClock
) -> None:
    town, store, pool = pg
    await town.session()
    clock.move_to(utc("2026-06-03T12:00:00Z"))
    await town.session()
    assert await Sweeper(store, clock, PASSING, kept=timedelta(days=1)).sweep() == 1
    assert await pool.fetchval("select count(*) from portal.sessions") == 1
