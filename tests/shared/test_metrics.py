"""What is counted while Relance runs has a name in the docs, costs a bounded number of series, and tells no secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from ops.metrics_reference import reference
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.errors import Transient
from shared.events import Fact, Later
from shared.events.wire import to_bytes, wrap
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.meters import INSTRUMENTS, Bounded, Count, exposition
from shared.metrics import ATTEMPTS, FACTS_HEARD, FACTS_PARKED, WEBHOOKS
from shared.migrate import migrate
from shared.settings import Settings
from shared.shelf import Message
from shared.standing import Readiness, say_alive, say_goodbye, standing_of
from shared.transactions import Transactions
from shared.web import build_app
from tests.conftest import ROOT
from tests.shared.counting import COUNTING, COUNTS, NOON, failed


def test_the_docs_name_every_metric_with_its_labels() -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")

    assert page == reference(), (
        "docs/reference/metrics.md is old: relance metrics > docs/reference/metrics.md"
    )


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_metric_follows_prometheus_own_rules(name: str) -> None:
    meter = INSTRUMENTS[name]

    assert name.startswith("relance_")
    assert name.endswith("_total") == isinstance(meter, Count)
    assert meter.says.endswith(".")
    forbidden = {"case", "subscription", "learner", "school", "id", "email", "name", "address", "amount"}
    assert not forbidden & set(meter.labels)


def test_a_value_that_no_list_names_becomes_other() -> None:
    before = WEBHOOKS.value("other", "kept")

    WEBHOOKS.add("zoe@example.org", "kept")

    assert WEBHOOKS.value("other", "kept") == before + 1
    assert b"zoe" not in exposition()


def test_a_label_without_a_list_ends_somewhere() -> None:
    meter = Count("relance_flood_total", "A flood.", route=Bounded("nothing"))
    try:
        for number in range(5000):
            meter.add(f"route-{number}")
        lines = [line for line in exposition().splitlines() if line.startswith(b"relance_flood_total")]
        assert len(lines) <= 2001
        assert meter.value("other") >= 2999
    finally:
        del INSTRUMENTS[meter.name]


# --- over HTTP ----------------------------------------------------------------------------------------------


def client(settings: Settings) -> httpx.AsyncClient:
    app = build_app("Relance dunning", settings)
    app.get("/cases/{case_id}")(lambda case_id: case_id)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://dunning")


async def test_metrics_are_shown_to_whoever_shows_the_token() -> None:
    async with client(Settings(metrics_token=SecretStr("a-token"))) as http:
        shown = await http.get("/metrics", headers={"Authorization": "Bearer a-token"})
        refused = [
            await http.get("/metrics", headers=headers)
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "a-token"})
        ]

    families = {family.name for family in text_string_to_metric_families(shown.text)}
    assert shown.status_code == 200
    assert {"relance_webhooks", "process_cpu_seconds"} <= families
    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert "RELANCE_METRICS_TOKEN" in refused[0].text


async def test_without_a_token_metrics_are_shown_in_test_mode_only() -> None:
    async with client(Settings(mode="test")) as test, client(Settings(mode="production")) as production:
        assert (await test.get("/metrics")).status_code == 200
        assert (await production.get("/metrics")).status_code == 401


async def test_a_request_is_timed_under_its_route_and_not_under_what_was_asked_for() -> None:
    async with client(Settings(mode="test")) as http:
        await http.get("/cases/case-of-zoe")
        await http.get("/no/such/place/zoe")
        shown = (await http.get("/metrics")).text

    assert 'route="/cases/{case_id}",service="dunning",status="2xx"' in shown
    assert 'route="none",service="dunning",status="4xx"' in shown
    assert "zoe" not in shown


# --- what a service hears and how it stands --------------------------------------------------------------------


def message(number: int, value: bytes | None) -> Message:
    return Message(topic="payments.events", partition=0, offset=number, key=None, value=value)


def told(fact: Fact, number: int) -> Message:
    return message(number, to_bytes(wrap(fact, cause=None, recorded_at=NOON)))


@pytest.fixture
async def pool(fresh_postgres: str) -> AsyncIterator[Any]:
    pool = await open_pool(fresh_postgres)
    await migrate(pool, COUNTING)
    yield pool
    await pool.close()


@pytest.mark.postgres
async def test_what_was_heard_is_counted_when_it_is_committed(pool: Any) -> None:
    name, kind = "counting", "payments.AttemptFailed"
    before = {what: FACTS_HEARD.value(name, kind, what) for what in ("handled", "duplicate")}
    parked = {why: FACTS_PARKED.value(name, why) for why in ("unreadable", "not_handled")}

    store = PgStore(pool, name)
    batch = [
        told(failed(1), 1),
        told(failed(1), 2),
        message(3, b"no fact"),
        told(failed(4, code="poison"), 4),
    ]
    await hear(COUNTING, store, HandClock(NOON), batch)

    assert FACTS_HEARD.value(name, kind, "handled") == before["handled"] + 1
    assert FACTS_HEARD.value(name, kind, "duplicate") == before["duplicate"] + 1
    assert FACTS_PARKED.value(name, "unreadable") == parked["unreadable"] + 1
    assert FACTS_PARKED.value(name, "not_handled") == parked["not_handled"] + 1


async def test_an_attempt_is_counted_with_its_reason_once_it_was_said() -> None:
    before = ATTEMPTS.value("failed", "insufficient_funds")
    transactions = Transactions(COUNTING, MemoryStore(), HandClock(NOON))

    async with transactions() as unit:
        unit.say(failed(1))
    with suppress(RuntimeError):
        async with transactions() as unit:
            unit.say(failed(2))
            raise RuntimeError("something outside broke")

    assert ATTEMPTS.value("failed", "insufficient_funds") == before + 1


@pytest.mark.postgres
async def test_a_service_says_what_waits_in_it_and_since_when(pool: Any) -> None:
    async with Transactions(COUNTING, PgStore(pool, "counting"), HandClock(NOON))() as unit:
        unit.say(failed(1), Later(NOON + timedelta(days=2), failed(2)))
        unit.errand("send", "send/ada", "ada", {}, due_at=NOON + timedelta(minutes=5))
    await hear(COUNTING, PgStore(pool, "counting"), HandClock(NOON), [message(1, b"no fact")])
    await say_alive(pool, COUNTING, 7, {"payments.events/0": 12})

    standing = await standing_of(pool, COUNTING, NOON + timedelta(minutes=15))

    assert {one.what: (one.count, one.oldest_seconds) for one in standing.waiting} == {
        "untold": (1, 900.0),
        "errand": (1, 600.0),
        "parked": (1, 900.0),
    }
    (worker,) = standing.workers
    assert worker.lag == {"payments.events/0": 12}
    assert worker.seen_seconds < 60
    await say_goodbye(pool, COUNTING, 7)
    assert (await standing_of(pool, COUNTING, NOON)).workers == ()


@pytest.mark.postgres
async def test_a_service_is_ready_once_its_tables_are_those_of_its_code(fresh_postgres: str) -> None:
    pool = await open_pool(fresh_postgres)
    ready = Readiness(COUNTING, lambda: pool)
    try:
        with pytest.raises(Transient, match="relance migrate counting"):
            await ready()
        await migrate(pool, COUNTING)
        await ready()
        newer = replace(COUNTING, tables=[replace(COUNTS, columns={})])
        with pytest.raises(Transient, match="older than this code"):
            await Readiness(newer, lambda: pool)()
    finally:
        await pool.close()
    with pytest.raises(Transient, match="database does not answer"):
        await ready()
