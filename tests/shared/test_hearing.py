"""Each fact counts once, the unreadable is set aside with its reason, and its neighbours do not suffer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from shared.clock import HandClock
from shared.database import PgStore, hold, open_pool
from shared.errands import run_due_errands
from shared.errors import Transient
from shared.events import Envelope, Fact, dunning
from shared.events.wire import to_bytes, wrap
from shared.hearing import Heard, TooManyParked, hear
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.shelf import Errand, Message, Planned, Store
from shared.transactions import Transactions
from tests.shared.counting import COUNTING, COUNTS, NOON, Count, failed

Read = Callable[[str], Awaitable[Count | None]]


class Post:
    """Something outside that can be away."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.away = False

    async def send(self, errand: Errand, _now: Any) -> None:
        if self.away:
            raise Transient("the post is away: try again")
        self.sent.append(errand.id)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else str(request.getfixturevalue("fresh_postgres"))


@pytest.fixture
async def store(place: str | None) -> AsyncIterator[Store]:
    if place is None:
        yield MemoryStore()
        return
    pool = await open_pool(place, size=4)
    await migrate(pool, COUNTING)
    yield PgStore(pool, "counting")
    await pool.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


def message(fact: Fact, offset: int = 0) -> Message:
    return from_envelope(wrap(fact, cause=None, recorded_at=NOON), offset)


def from_envelope(envelope: Envelope, offset: int = 0) -> Message:
    return Message(
        topic=envelope.topic, partition=0, offset=offset, key=envelope.key.encode(), value=to_bytes(envelope)
    )


def messages(facts: Sequence[Fact]) -> list[Message]:
    return [message(fact, number) for number, fact in enumerate(facts)]


def a_plan(at: datetime) -> dunning.DeadlineFellDue:
    return dunning.DeadlineFellDue(
        school_id="school",
        subscription_id="s",
        learner_id="ada",
        case_id="c",
        period=NOON.date(),
        occurred_at=at,
    )


async def count(store: Store, clock: HandClock, learner: str = "ada") -> Count | None:
    async with Transactions(COUNTING, store, clock)() as unit:
        found: Count | None = await unit.get(COUNTS, learner)
        return found


async def heard(store: Store, clock: HandClock, batch: Sequence[Message]) -> Heard:
    return await hear(COUNTING, store, clock, batch)


async def test_a_fact_that_comes_twice_counts_once(store: Store, clock: HandClock) -> None:
    twice = messages([failed(1), failed(1), failed(2)])
    await heard(store, clock, twice)
    again = await heard(store, clock, twice)

    assert again.duplicates == 3
    assert await count(store, clock) == Count(learner_id="ada", failures=2, seen=("ada-1", "ada-2"))


async def test_one_bad_fact_is_parked_and_leaves_no_trace_of_itself(store: Store, clock: HandClock) -> None:
    result = await heard(store, clock, messages([failed(1), failed(2, code="poison"), failed(3)]))

    assert [parked.reason for parked in result.parked] == [
        "payments.AttemptFailed could not be handled: ValueError('this handler does not like it')"
    ]
    assert (await count(store, clock)) == Count(learner_id="ada", failures=2, seen=("ada-1", "ada-3"))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no value"),
        (b"\xff\xfe", "no envelope"),
        (b'{"id": 1}', "no envelope"),
        (b'{"id":"x","type":"moon.Landed","recorded_at":"2026-06-01T00:00:00Z","fact":{}}', "moon.Landed"),
        (
            b'{"id":"x","type":"payments.AttemptFailed","recorded_at":"2026-06-01T00:00:00Z","fact":{}}',
            "do not fit",
        ),
    ],
)
async def test_what_cannot_be_read_is_parked_with_its_reason(
    store: Store, clock: HandClock, value: bytes | None, why: str
) -> None:
    junk = Message(topic="payments.events", partition=3, offset=9, key=None, value=value)
    result = await heard(store, clock, [junk, message(failed(1))])

    assert len(result.parked) == 1
    assert result.parked[0].id == "payments.events/3/9"
    assert why in result.parked[0].reason
    assert result.handled == 1


async def test_when_everything_is_unreadable_the_worker_stops_instead(store: Store, clock: HandClock) -> None:
    junk = [Message(topic="t", partition=0, offset=n, key=None, value=b"?") for n in range(4)]
    with pytest.raises(TooManyParked, match="the fault is likely here"):
        await hear(COUNTING, store, clock, [message(failed(1)), *junk], parked_limit=3)

    assert await count(store, clock) is None


async def test_a_plan_heard_before_its_hour_is_put_back_and_still_runs_once(
    store: Store, clock: HandClock
) -> None:
    await heard(store, clock, messages([failed(1)]))
    at = NOON + timedelta(minutes=3)
    plan = dunning.DeadlineFellDue(
        school_id="school",
        subscription_id="s",
        learner_id="ada",
        case_id="c",
        period=NOON.date(),
        occurred_at=at,
    )
    early = await heard(store, clock, [message(plan)])
    assert early.early == 1
    assert (await count(store, clock)) == Count(learner_id="ada", failures=1, seen=("ada-1",))

    clock.move_to(at)
    again = from_envelope(wrap(plan, cause=None, recorded_at=NOON, again=1))
    await heard(store, clock, [again])
    await heard(store, clock, [again])
    found = await count(store, clock)
    assert found is not None
    assert found.seen == ("ada-1", "deadline at 12:03")


async def test_a_teller_three_minutes_ahead_tells_a_plan_a_dozen_times_at_most(clock: HandClock) -> None:
    store = MemoryStore()
    at, ahead = NOON + timedelta(hours=1), timedelta(minutes=3)
    await heard(store, clock, messages([failed(1)]))
    store.write_all([Planned(tell_at=at, envelope=wrap(a_plan(at), cause=None, recorded_at=NOON))])
    clock.move_to(at - ahead)
    told = 0
    while clock.now() < at + timedelta(minutes=10):
        while (planned := store.due(clock.now() + ahead)) is not None:
            told += 1
            await heard(store, clock, [from_envelope(planned.envelope)])
        clock.move_to(clock.now() + timedelta(seconds=1))

    found = await count(store, clock)
    assert found is not None
    assert len(found.seen) == 2
    assert told <= 13


async def test_an_errand_waits_for_what_is_outside_and_is_recorded_once(
    store: Store, clock: HandClock
) -> None:
    post = Post()
    post.away = True
    await heard(store, clock, messages([failed(1), failed(2), failed(3)]))
    assert await run_due_errands(COUNTING, store, post, clock) == 1
    assert await run_due_errands(COUNTING, store, post, clock) == 0

    post.away = False
    clock.move_to(NOON + timedelta(minutes=10))
    assert await run_due_errands(COUNTING, store, post, clock) == 1
    assert await run_due_errands(COUNTING, store, post, clock) == 0
    found = await count(store, clock)
    assert found is not None
    assert (post.sent, found.sent) == (["send/ada"], 1)


async def test_an_errand_that_somebody_does_is_not_given_to_another(store: Store, clock: HandClock) -> None:
    await heard(store, clock, messages([failed(1), failed(2), failed(3)]))
    assert len(await store.claim_errands(clock.now(), limit=5, lease=timedelta(minutes=2))) == 1
    assert await store.claim_errands(clock.now(), limit=5, lease=timedelta(minutes=2)) == []


async def test_a_lease_that_is_over_is_free(store: Store, clock: HandClock) -> None:
    await heard(store, clock, messages([failed(1), failed(2), failed(3)]))
    assert len(await store.claim_errands(clock.now(), limit=5, lease=timedelta(0))) == 1
    assert [again.tries for again in await store.claim_errands(clock.now(), limit=5, lease=timedelta(0))] == [
        2
    ]


@pytest.mark.postgres
async def test_an_errand_of_a_dead_process_is_taken_up_at_once(fresh_postgres: str, clock: HandClock) -> None:
    pool = await open_pool(fresh_postgres, size=4)
    await migrate(pool, COUNTING)
    living, dying = (PgStore(pool, "counting", holder=holder) for holder in (1, 2))
    life = await asyncpg.connect(fresh_postgres)
    await hold(life, 2)
    await heard(living, clock, messages([failed(1), failed(2), failed(3)]))
    hour = timedelta(hours=1)
    assert len(await dying.claim_errands(clock.now(), limit=5, lease=hour)) == 1
    assert await living.claim_errands(clock.now(), limit=5, lease=hour) == []

    await life.close()
    assert [errand.tries for errand in await living.claim_errands(clock.now(), limit=5, lease=hour)] == [2]
    await pool.close()


@pytest.mark.postgres
async def test_two_processes_that_decide_on_one_row_at_once_lose_nothing(
    fresh_postgres: str, clock: HandClock
) -> None:
    pool = await open_pool(fresh_postgres, size=4)
    await migrate(pool, COUNTING)
    store = PgStore(pool, "counting")
    first, second = Transactions(COUNTING, store, clock), Transactions(COUNTING, store, clock)

    async def overtaken() -> None:
        async with first() as one:
            assert await one.get(COUNTS, "ada") is None
            async with second() as two:
                assert await two.get(COUNTS, "ada") is None
                two.put(COUNTS, Count(learner_id="ada", failures=1))
            one.put(COUNTS, Count(learner_id="ada", failures=7))

    with pytest.raises(Transient, match="changed by another process"):
        await overtaken()

    assert await count(store, clock) == Count(learner_id="ada", failures=1)
    await pool.close()


@pytest.mark.postgres
async def test_what_the_database_refuses_is_parked_alone(fresh_postgres: str, clock: HandClock) -> None:
    pool = await open_pool(fresh_postgres, size=4)
    await migrate(pool, COUNTING)
    store = PgStore(pool, "counting")
    result = await heard(store, clock, messages([failed(1), failed(2, code="unwritable"), failed(3)]))

    assert [parked.message.offset for parked in result.parked] == [1]
    assert await count(store, clock) == Count(learner_id="ada", failures=2, seen=("ada-1", "ada-3"))
    async with pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from counting.parked") == 1
    await pool.close()


async def test_rows_are_found_by_what_they_say_now(store: Store, clock: HandClock) -> None:
    await heard(store, clock, messages([failed(1), failed(1, "bob"), failed(2, "bob")]))
    async with Transactions(COUNTING, store, clock)() as unit:
        assert [row.learner_id for row in await unit.find(COUNTS, "failures", 2)] == ["bob"]
        ada = await unit.get(COUNTS, "ada")
        unit.put(COUNTS, replace(ada, failures=2))
        assert [row.learner_id for row in await unit.find(COUNTS, "failures", 2)] == ["ada", "bob"]
