"""An admin sees which service stands still, since when, and how far behind it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from services.desk.domain.machinery import standing
from services.desk.owners import HttpOwners
from services.hooks import api as hooks_api
from services.hooks.app import SERVICE as HOOKS
from services.hooks.app import HooksSettings
from shared.database import PgStore, open_pool
from shared.hearing import hear
from shared.memory import MemoryStore
from shared.migrate import migrate
from shared.settings import Settings
from shared.shelf import Message
from shared.standing import Readiness, say_alive
from shared.transactions import Transactions
from shared.web import build_app
from tests.desk.conftest import FRENCH, JAPANESE, Town
from tests.shared.counting import COUNTING, failed


@pytest.fixture
async def owners(town: Town, fresh_postgres: str) -> AsyncIterator[HttpOwners]:
    """Dunning answers over a real database, in which a fact and an errand wait and a message is parked."""
    pool = await open_pool(fresh_postgres)
    await migrate(pool, COUNTING)
    clock = town.engine.line.clock
    async with Transactions(COUNTING, PgStore(pool, "counting"), clock)() as unit:
        unit.say(failed(1))
        unit.errand("send", "send/ada", "ada", {}, due_at=unit.now - timedelta(hours=3))
    nonsense = Message(topic="payments.events", partition=0, offset=1, key=None, value=b"no fact")
    await hear(COUNTING, PgStore(pool, "counting"), clock, [nonsense])
    await say_alive(pool, COUNTING, 7, {"payments.events/0": 12, "payments.events/1": 3})
    settings = Settings(api_keys=SecretStr("story"), mode="test")
    app = build_app("Relance dunning", settings, ready=Readiness(COUNTING, lambda: pool))
    nowhere = httpx.AsyncClient(base_url="http://127.0.0.1:1")
    clients = dict.fromkeys(("payments", "access", "credits", "notifications", "portal"), nowhere)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://dunning") as dunning, nowhere:
        yield HttpOwners({**clients, "dunning": dunning}, key="story")
    await pool.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("language", "late", "silent"),
    [("en", "late", "does not answer"), ("fr", "en retard", "ne répond pas"), ("ja", "遅延", "応答なし")],
)
async def test_an_admin_sees_who_is_late_and_who_does_not_answer(
    town: Town, owners: HttpOwners, language: str, late: str, silent: str
) -> None:
    town.app.state.desk.owners = owners
    browser = await town.enter("admin", language=language)

    shown = (await browser.get("/machinery")).text

    assert late in shown
    assert shown.count(silent) >= 5
    assert "payments.events 15" in shown


@pytest.mark.parametrize("role", ["viewer", "office", "billing"])
async def test_nobody_else_does(town: Town, role: str) -> None:
    browser = await town.enter(role)
    answer = await browser.get("/machinery")
    assert answer.status_code == 403
    assert 'href="/machinery"' not in (await browser.get("/")).text


def test_a_service_whose_workers_are_gone_stands_still_whatever_waits() -> None:
    worker = {"worker": "7", "seen_seconds": 300.0, "lag": {"dunning.events/0": 4}}
    told = {"waiting": [{"what": "parked", "count": 2, "oldest_seconds": 9.0}], "workers": [worker]}

    assert standing("dunning", told).state == "idle"
    assert standing("dunning", {**told, "workers": [{**worker, "seen_seconds": 4.0}]}).state == "person"
    assert standing("dunning", {"waiting": [], "workers": [{**worker, "seen_seconds": 4.0}]}).state == "good"
    assert standing("dunning", None).state == "silent"


async def test_an_admin_sees_where_the_schools_facts_go_as_webhooks(town: Town) -> None:
    hooks = hooks_api.build_api(
        HooksSettings(api_keys=SecretStr("story"), mode="test"),
        master=b"m" * 32,
        transactions=Transactions(HOOKS, MemoryStore(), town.engine.line.clock),
    )
    transport = httpx.ASGITransport(app=hooks)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hooks", headers={"X-Relance-Key": "story"}
    ) as client:
        for school in (JAPANESE, FRENCH):
            body = {"url": f"https://books.{school}.example/in", "types": ["dunning.CaseRecovered"]}
            assert (await client.post(f"/schools/{school}/endpoints", json=body)).status_code == 201
        town.app.state.desk.owners = HttpOwners({**town.engine._doors.clients, "hooks": client}, key="story")
        shown = (await (await town.enter("admin")).get("/machinery")).text
    assert "https://books.nihongo.example/in" in shown
    assert "takes everything" in shown
    assert "paris" not in shown
