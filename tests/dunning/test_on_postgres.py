"""The same decisions over PostgreSQL, through the composition root."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr

from services.dunning.app import SERVICE, build_api
from services.dunning.store import CASES
from shared.clock import FileClock
from shared.database import PgStore, open_pool
from shared.declines import DeclineClass
from shared.events import Fact, payments
from shared.events.wire import to_bytes, wrap
from shared.events.words import AttemptKind, Gateway, MethodKind
from shared.hearing import hear
from shared.migrate import migrate
from shared.money import Money
from shared.settings import Settings
from shared.shelf import Message

START = datetime(2026, 4, 15, 11, 10, tzinfo=UTC)
APRIL = date(2026, 4, 15)


def message(fact: Fact, offset: int) -> Message:
    envelope = wrap(fact, cause=None, recorded_at=fact.occurred_at)
    return Message(
        topic=envelope.topic,
        partition=0,
        offset=offset,
        key=envelope.key.encode(),
        value=to_bytes(envelope),
    )


def registered(name: str) -> Fact:
    return payments.SubscriptionRegistered(
        school_id="eikaiwa",
        occurred_at=START,
        subscription_id=name,
        learner_id=f"{name}-l",
        gateway=Gateway.PAYPAL,
        price=Money(12800, "JPY"),
        current_price=Money(12800, "JPY"),
        billing_day=15,
        started_on=date(2026, 1, 15),
        method=MethodKind.PAYPAL_SUBSCRIPTION,
    )


def failed(name: str, n: int) -> Fact:
    return payments.AttemptFailed(
        school_id="eikaiwa",
        occurred_at=START + timedelta(days=5 * n),
        subscription_id=name,
        learner_id=f"{name}-l",
        period=APRIL,
        kind=AttemptKind.RENEWAL,
        gateway=Gateway.PAYPAL,
        transaction_id=f"{name}-{n}",
        amount=Money(12800, "JPY"),
        received_at=START + timedelta(days=5 * n),
        method=MethodKind.PAYPAL_SUBSCRIPTION,
        decline=DeclineClass.INSUFFICIENT_FUNDS,
        raw_code="denied",
    )


async def test_a_batch_of_months_is_decided_kept_and_shown(
    fresh_postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("clock") / "clock"
    clock = FileClock(file, start=START + timedelta(days=11))
    pool = await open_pool(fresh_postgres)
    await migrate(pool, SERVICE)
    store = PgStore(pool, "dunning")
    app = build_api(Settings(database=fresh_postgres, clock_file=file, api_keys=SecretStr("office")))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://dunning",
            headers={"X-Relance-Key": "office"},
        ) as http,
    ):
        school = await http.put("/schools/eikaiwa", json={"name": "Eikaiwa", "policy_id": "jp-school"})
        assert school.status_code == 200, school.text
        names = [f"s{n}" for n in range(5)]
        facts = [registered(name) for name in names] + [failed(name, n) for n in range(3) for name in names]
        batch = [message(fact, offset) for offset, fact in enumerate(facts)]
        assert (await hear(SERVICE, store, clock, batch)).handled == len(facts)
        assert (await hear(SERVICE, store, clock, batch)).duplicates == len(facts)

        queue = (await http.get("/schools/eikaiwa/guidance-queue")).json()
        assert [one["subscription_id"] for one in queue] == names
        first = (await http.get("/cases?school=eikaiwa&limit=2")).json()
        rest = (await http.get(f"/cases?school=eikaiwa&after={first[-1]['case_id']}")).json()
        assert [one["subscription_id"] for one in first + rest] == names
        detail = (await http.get(f"/cases/s0~{APRIL}?lang=ja")).json()
        assert detail["state"] == "awaiting_guidance"
        closed = await http.post(f"/cases/s0~{APRIL}/close", json={"by": "mori"})
        assert closed.status_code == 202
        assert (
            await http.put("/schools/eikaiwa/policy", json={"overrides": {"R-J1": "fixed_5"}})
        ).status_code == 200

    async with store.transaction() as shelf:
        rows = await shelf.load(CASES, [f"s1~{APRIL}"])
    assert rows[f"s1~{APRIL}"].attempts[2].transaction_id == "s1-2"
    planned = await pool.fetch("select type from dunning.journal where tell_at > $1", clock.now())
    assert "dunning.GuidanceFellDue" in {row["type"] for row in planned}
    await pool.close()
