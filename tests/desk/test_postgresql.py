"""Doors and acts over PostgreSQL, where a row that was not read is not written over."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from pydantic import SecretStr

from services.desk import api, entering
from services.desk import app as desk
from services.desk.domain.people import Role
from services.desk.domain.school import School
from services.desk.owners import HttpOwners
from services.desk.settings import DeskSettings
from shared.clock import HandClock
from shared.database import PgStore, open_pool
from shared.migrate import migrate
from shared.transactions import Transactions
from tests.desk.conftest import fields

_PASSWORD = "a quiet long password"


@pytest.fixture
async def pool(postgres_dsn: str) -> AsyncIterator[Any]:
    pool = await open_pool(postgres_dsn, size=2)
    await pool.execute("drop schema if exists desk cascade")
    await migrate(pool, desk.SERVICE, Path(desk.__file__).with_name("migrations"))
    yield pool
    await pool.close()


async def _silent(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


async def test_an_invitation_a_login_and_acts_are_kept(pool: Any) -> None:
    clock = HandClock(datetime(2026, 4, 27, 1, tzinfo=UTC))
    opened = Transactions(desk.SERVICE, PgStore(pool, "desk"), clock)
    async with opened() as unit:
        person, member, secret = entering.invited(None, "mika@example.jp", "nihongo", Role.ADMIN, unit.now)
        unit.keep(person, member, School(school_id="nihongo", name="Nihongo"))
    names = ("payments", "dunning", "access", "credits", "notifications")
    owners = {
        name: httpx.AsyncClient(transport=httpx.MockTransport(_silent), base_url="http://owner")
        for name in names
    }
    settings = DeskSettings(api_keys=SecretStr("k"), mode="test")
    app = api.build_api(settings, owners=HttpOwners(owners, key="k"), transactions=opened)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://desk") as browser:
        page = await browser.get(f"/join/{secret}")
        found = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)
        assert found
        totp = pyotp.TOTP(found[1].replace(" ", ""))
        sent = {"password": _PASSWORD, "again": _PASSWORD, "code": totp.at(clock.now())}
        assert (await browser.post(f"/join/{secret}", data=sent)).status_code == 303
        login = {"email": "mika@example.jp", "password": _PASSWORD}
        assert (await browser.post("/login", data={**login, "code": sent["code"]})).status_code == 401
        clock.move_to(clock.now() + timedelta(minutes=1))
        answer = await browser.post("/login", data={**login, "code": totp.at(clock.now())})
        assert answer.status_code == 303
        for role in ("viewer", "office"):
            clock.move_to(clock.now() + timedelta(minutes=6))
            form = fields((await browser.get("/people")).text, "/people")
            page = await browser.post("/people", data={**form, "email": "new@example.jp", "role": role})
            assert page.status_code == 200, page.text
            assert "/join/" in page.text
        front = await browser.get("/")
        assert front.status_code == 200
        assert "Nothing waits for a person." in front.text
        audit = await browser.get("/audit")
        assert audit.text.count("Change a role") == 2
        assert audit.text.count("done") >= 2
        form = fields((await browser.get("/people")).text, "/logout")
        assert (await browser.post("/logout", data=form)).status_code == 303
        assert (await browser.get("/")).status_code == 303
    for client in owners.values():
        await client.aclose()
