"""Tables stay small for years, and what is forgotten is never done twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.events import dunning
from shared.events.wire import wrap
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.retention import KEPT, LATEST, REMEMBERED, Retention, forget
from shared.shelf import Message
from shared.transactions import Transactions
from tests.shared.counting import COUNTING, COUNTS, NOON, failed
from tests.shared.test_hearing import from_envelope, message, messages


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Any]:
    pool = await open_pool(postgres, size=3)
    await migrate(pool, COUNTING)
    yield pool
    await pool.execute(
        "truncate counting.heard, counting.journal, counting.errands, counting.parked, counting.counts"
    )
    await pool.close()


async def rows(pool: Any, table: str) -> int:
    found: int = await pool.fetchval(f"select count(*) from counting.{table}")
    return found


async def three_failures(pool: Any) -> None:
    store = PgStore(pool, "counting")
    junk = Message(topic="payments.events", partition=0, offset=99, key=None, value=b"?")
    batch = [*messages([failed(1), failed(2), failed(3)]), junk]
    await hear(COUNTING, store, HandClock(NOON), batch)


async def test_what_still_waits_stays_whatever_its_age(pool: Any) -> None:
    await three_failures(pool)
    await forget(pool, "counting", NOON + timedelta(days=4000))

    assert [await rows(pool, table) for table in ("journal", "errands", "parked")] == [1, 1, 1]
    assert await rows(pool, "heard") == 0


async def test_what_is_done_with_goes_when_its_time_is_over_and_not_before(pool: Any) -> None:
    await three_failures(pool)
    await pool.execute("update counting.journal set told_at = $1", NOON)
    await pool.execute("update counting.errands set done_at = $1", NOON)
    await pool.execute("update counting.parked set settled_at = $1", NOON)

    for kept in sorted({kept for _, kept in KEPT.values()}):
        due = [table for table, (_, its) in KEPT.items() if its == kept]
        await forget(pool, "counting", NOON + kept)
        assert all([await rows(pool, table) for table in due])
        await forget(pool, "counting", NOON + kept + timedelta(seconds=1))
        assert not any([await rows(pool, table) for table in due])


async def test_the_order_of_hearing_outlives_what_was_forgotten(pool: Any) -> None:
    store, clock = PgStore(pool, "counting"), HandClock(NOON)
    old = [failed(number) for number in range(1, 300)]
    await hear(COUNTING, store, clock, messages(old))
    await pool.execute("delete from counting.heard where place % 3 = 0")
    await pool.execute("vacuum counting.heard")  # the next rows fill the holes

    fresh = [failed(number) for number in range(300, 400)]
    await hear(COUNTING, store, clock, messages(fresh))

    found = await pool.fetch("select id from counting.heard order by heard_at, place")
    assert [row["id"] for row in found][-100:] == [
        wrap(one, cause=None, recorded_at=NOON).id for one in fresh
    ]


async def test_much_is_forgotten_little_by_little(pool: Any) -> None:
    await three_failures(pool)
    late = NOON + timedelta(days=4000)

    assert [await forget(pool, "counting", late, chunk=2) for _ in range(3)] == [2, 1, 0]


async def test_the_chore_rests_for_an_hour_once_all_is_forgotten(pool: Any) -> None:
    clock = HandClock(NOON + timedelta(days=4000))
    chore = Retention(partial(forget, pool, "counting"), clock)
    await three_failures(pool)
    assert [await chore.forget_due() for _ in range(2)] == [3, 0]

    await three_failures_again(pool)
    assert await chore.forget_due() == 0
    clock.move_to(clock.now() + timedelta(hours=1))
    assert await chore.forget_due() == 3


async def three_failures_again(pool: Any) -> None:
    await hear(COUNTING, PgStore(pool, "counting"), HandClock(NOON), messages([failed(n) for n in (4, 5, 6)]))


async def test_a_duplicate_that_comes_after_its_id_was_forgotten_is_set_aside() -> None:
    store, clock = MemoryStore(), HandClock(NOON)
    await hear(COUNTING, store, clock, [message(failed(1))])
    store.heard.clear()

    clock.move_to(NOON + REMEMBERED)
    late = await hear(COUNTING, store, clock, [message(failed(1))])

    assert [parked.reason.split(":")[0] for parked in late.parked] == [
        f"it is older than {LATEST.days} days, and ids are not known that long"
    ]
    async with Transactions(COUNTING, store, clock)() as unit:
        count = await unit.get(COUNTS, "ada")
    assert count is not None
    assert count.failures == 1


async def test_a_duplicate_of_any_age_is_known_while_its_id_is() -> None:
    store, clock = MemoryStore(), HandClock(NOON)
    await hear(COUNTING, store, clock, [message(failed(1))])

    clock.move_to(NOON + 2 * REMEMBERED)
    again = await hear(COUNTING, store, clock, [message(failed(1))])

    assert (again.duplicates, again.parked) == (1, [])


async def test_a_plan_made_long_ago_is_heard_at_its_hour() -> None:
    store, clock = MemoryStore(), HandClock(NOON)
    await hear(COUNTING, store, clock, [message(failed(1))])
    at = NOON + timedelta(days=300)
    about: Any = {"school_id": "s", "subscription_id": "s", "learner_id": "ada", "case_id": "c"}
    plan = dunning.DeadlineFellDue(**about, period=NOON.date(), occurred_at=at)

    clock.move_to(at)
    heard = await hear(COUNTING, store, clock, [from_envelope(wrap(plan, cause=None, recorded_at=NOON))])

    assert heard.handled == 1
