"""The same ledger over PostgreSQL, through the composition root."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from services.credits.app import SERVICE, build_api
from shared.clock import FileClock
from shared.database import PgStore, open_pool
from shared.events import Fact
from shared.events.wire import to_bytes, wrap
from shared.hearing import hear
from shared.migrate import migrate
from shared.settings import Settings
from shared.shelf import Message
from tests.credits.conftest import SUB, forfeit, hold, jst, registered, school


def message(fact: Fact, offset: int) -> Message:
    envelope = wrap(fact, cause=None, recorded_at=fact.occurred_at)
    return Message(
        topic=envelope.topic,
        partition=0,
        offset=offset,
        key=envelope.key.encode(),
        value=to_bytes(envelope),
    )


async def test_an_exhaustion_heard_in_one_batch_empties_the_ledger_in_order(
    fresh_postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("clock") / "clock"
    clock = FileClock(file, start=jst("2026-04-01 09:00"))
    pool = await open_pool(fresh_postgres)
    await migrate(pool, SERVICE)
    store = PgStore(pool, "credits")
    first = [message(school(), 0), message(registered(), 1)]
    assert (await hear(SERVICE, store, clock, first)).handled == 2

    app = build_api(Settings(database=fresh_postgres, clock_file=file, api_keys=SecretStr("office")))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://credits",
            headers={"X-Relance-Key": "office"},
        ) as http,
    ):
        assert (await http.get("/ready")).status_code == 200
        grant = {"credits": 5, "expires_on": "2026-05-14"}
        assert (await http.put(f"/subscriptions/{SUB}/grants/g", json=grant)).is_success
        lesson = {"starts_at": "2026-04-28T21:00:00+09:00", "teacher_id": "tom"}
        for _ in range(2):
            assert (await http.put(f"/subscriptions/{SUB}/lessons/l28", json=lesson)).is_success

        clock.move_to(jst("2026-04-25 20:06"))
        batch = [message(hold("2026-04-15 20:10"), 2), message(forfeit("2026-04-25 20:05"), 3)]
        heard = await hear(SERVICE, store, clock, batch)
        assert (heard.handled, heard.parked) == (2, [])

        balance = (await http.get(f"/subscriptions/{SUB}/credits")).json()
        assert (balance["untouched"], balance["reserved"], balance["forfeited"]) == (0, 0, 5)
        ledger = (await http.get(f"/subscriptions/{SUB}/ledger")).json()
        assert [entry["kind"] for entry in ledger] == [
            "granted",
            "booked",
            "held",
            "cancelled_by_admin",
            "forfeited",
        ]
        lessons = (await http.get("/teachers/tom/lessons")).json()
        assert [one["state"] for one in lessons] == ["cancelled_by_admin"]
    await pool.close()
