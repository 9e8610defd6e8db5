"""The same decisions over PostgreSQL, through the composition root."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from services.access.app import SERVICE, AccessSettings, build_api
from shared.clock import FileClock, HandClock
from shared.database import PgStore, open_pool
from shared.events import Fact
from shared.events.wire import to_bytes, wrap
from shared.hearing import hear
from shared.migrate import migrate
from shared.shelf import Message
from tests.access.conftest import ADA, DEADLINE, JUNE, Said, school, utc


def message(fact: Fact, offset: int) -> Message:
    envelope = wrap(fact, cause=None, recorded_at=max(fact.occurred_at, utc("2026-06-01T07:00:00Z")))
    return Message(
        topic=envelope.topic,
        partition=0,
        offset=offset,
        key=envelope.key.encode(),
        value=to_bytes(envelope),
    )


async def test_a_suspension_heard_in_one_batch_is_answered_over_http(
    fresh_postgres: str, tmp_path_factory: pytest.TempPathFactory, said: Said
) -> None:
    file = tmp_path_factory.mktemp("clock") / "clock"
    FileClock(file, start=utc("2026-06-01T08:00:00Z"))
    pool = await open_pool(fresh_postgres)
    await migrate(pool, SERVICE)
    facts: list[Fact] = [
        said.registered("2026-01-01T09:00:00Z"),
        said.deadline("2026-06-01T07:00:00Z", DEADLINE),
    ]
    batch = [message(fact, offset) for offset, fact in enumerate(facts)]
    store = PgStore(pool, "access")
    clock = HandClock(utc("2026-06-01T07:00:01Z"))
    heard = await hear(SERVICE, store, clock, [*batch, *batch])
    assert (heard.handled, heard.duplicates, heard.parked) == (2, 2, [])

    settings = AccessSettings(
        database=fresh_postgres,
        clock_file=file,
        api_keys=SecretStr("office"),
        platform_master=SecretStr("m"),
    )
    app = build_api(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://access",
            headers={"X-Relance-Key": "office"},
        ) as http,
    ):
        assert (await http.get("/ready")).status_code == 200
        path = f"/learners/{ADA}/paths/data"
        body = {"school_id": "ecole", "re_enrolment_deadline": "2026-09-30"}
        assert (await http.put(path, json=body)).json()["closes_at"] is None
        assert (await http.put("/schools/ecole/platform", json={"url": "https://lms.example/"})).is_success
        later = [message(school(), 10), message(said.suspension(DEADLINE), 11)]
        clock.move_to(DEADLINE)
        assert (await hear(SERVICE, store, clock, later)).parked == []
        answer = (await http.get(f"/access/{ADA}", params={"at": DEADLINE.isoformat()})).json()
        assert (answer["level"], answer["case_ids"]) == ("none", [JUNE])
        assert answer["paths"][0]["closes_at"] == "2026-09-30T22:00:00Z"

    errands = await pool.fetch("select key, body from access.errands")
    assert [row["key"] for row in errands] == ["ecole/ada"]
    told = await pool.fetch("select type from access.journal")
    assert "access.AccessSuspended" in [row["type"] for row in told]
    await pool.close()
