"""How long the desk takes for its lists when a school has a million cases: server time over real PostgreSQL."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import msgspec
from pydantic import SecretStr

import services.desk
from ops.bench.ground import Ground
from services.desk import api, entering
from services.desk.api.common import COOKIE
from services.desk.app import SERVICE
from services.desk.domain.case import Case
from services.desk.domain.people import Role
from services.desk.domain.school import School
from services.desk.owners import HttpOwners
from services.desk.settings import DeskSettings
from services.desk.store import CASES, MEMBERS
from shared.database import PgStore, open_pool
from shared.declines import DeclineClass
from shared.events.words import CaseState, Gateway
from shared.migrate import migrate
from shared.money import Money
from shared.transactions import Transactions

SCHOOL: Final = "big"
PAGES: Final = {
    "today": "/",
    "open cases": "/cases",
    "one state": "/cases?state=awaiting_guidance",
    "one reason": "/cases?decline=expired_card",
    "search": "/cases?q=sub-77777&state=all",
    "guidance": "/guidance",
    "reviews": "/reviews",
    "figures": "/figures",
}
_ROUNDS: Final = 15


def pages(run: Ground, *, cases: int) -> dict[str, Any]:
    """Median milliseconds of each list page at a school of ``cases`` cases, a twentieth of them open."""
    return asyncio.run(_measure(run.database("desk"), cases))


async def _measure(dsn: str, cases: int) -> dict[str, Any]:
    pool = await open_pool(dsn, size=8, name="bench desk")
    try:
        await migrate(pool, SERVICE, Path(services.desk.__file__ or "").with_name("migrations"))
        settings = DeskSettings(api_keys=SecretStr("bench"), mode="test", database=dsn)
        opened = Transactions(SERVICE, PgStore(pool, SERVICE.name), settings.clock())
        secret = await _people(opened, settings)
        await _fill(pool, cases)
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9", timeout=1) as nobody:
            owners = HttpOwners(dict.fromkeys(_OWNERS, nobody), key="bench")
            app = api.build_api(settings, owners=owners, transactions=opened)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://desk", cookies={COOKIE: secret}
            ) as browser:
                return {name: await _median(browser, address) for name, address in PAGES.items()}
    finally:
        await pool.close()


_OWNERS: Final = ("payments", "dunning", "access", "credits", "notifications")


async def _median(browser: httpx.AsyncClient, address: str) -> float:
    taken = []
    for _ in range(_ROUNDS):
        at = time.perf_counter()
        answer = await browser.get(address)
        taken.append((time.perf_counter() - at) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}: the figure would be of no page")
    return round(statistics.median(taken), 1)


async def _people(opened: Transactions, settings: DeskSettings) -> str:
    async with opened() as unit:
        person, member, secret = entering.invited(None, "mika@big.example", SCHOOL, Role.ADMIN, unit.now)
        person = entering.joined(settings.master, person, "a long and quiet password", secret, 0)
        session, cookie = entering.opened(person, SCHOOL, unit.now)
        await unit.get(MEMBERS, MEMBERS.key(member))
        unit.keep(
            School(school_id=SCHOOL, name="Big", zone="Europe/Paris", languages=("fr",)),
            person,
            member,
            session,
        )
    return cookie


async def _fill(pool: asyncpg.Pool[Any], cases: int) -> None:
    """Rows as the desk itself writes them, each state with its own columns, numbered by the database."""
    kinds = list(_kinds())
    column_names = list(CASES.columns)
    names = ", ".join(["key", "version", "body", *column_names])
    async with pool.acquire() as connection:
        await connection.execute("alter table desk.cases disable trigger user")
        for place, case in enumerate(kinds):
            row = {name: value_of(case) for name, (_, value_of) in CASES.columns.items()}
            body = msgspec.json.encode(case).decode()
            values = ", ".join(_column(name, f"${position}") for position, name in enumerate(column_names, 2))
            await connection.execute(
                f"insert into desk.cases ({names}) "
                f"select 'sub-' || n || '~2026-05-01', 1, jsonb_set(jsonb_set(jsonb_set($1::jsonb, "
                f"'{{case_id}}', to_jsonb('sub-' || n || '~2026-05-01')), '{{subscription_id}}', to_jsonb('sub-' || n)), "
                f"'{{learner_id}}', to_jsonb('learner-' || n)), {values} "
                f"from generate_series({place}, {cases - 1}, {len(kinds)}) n",
                body,
                *(row[name] for name in column_names),
            )  # fmt: skip
        await connection.execute("alter table desk.cases enable trigger user")
        await connection.execute("analyze desk.cases")


def _column(name: str, given: str) -> str:
    kind = CASES.columns[name][0]
    if name == "subscription_id":
        return f"coalesce('sub-' || n, {given}::text)"
    if name == "learner_id":
        return f"coalesce('learner-' || n, {given}::text)"
    if name == "sort_at":
        return f"{given}::timestamptz + make_interval(secs => n)"
    return f"{given}::{kind}"


def _kinds() -> Any:
    """Twenty sorts of case: most are over, one in twenty is open, in turn of each sort."""
    at = datetime(2026, 5, 1, 7, tzinfo=UTC)
    over = Case(
        case_id="x", school_id=SCHOOL, learner_id="x", subscription_id="x", period=at.date(),
        state=CaseState.RECOVERED, gateway=Gateway.STRIPE, amount=Money(7500, "EUR"), policy_id="fr-elearning",
        policy_version=1, opened_at=at, closed_at=at + timedelta(days=3), decline=DeclineClass.INSUFFICIENT_FUNDS,
        first_decline=DeclineClass.INSUFFICIENT_FUNDS, recovered_by=3, changes=9, changed_at=at,
    )  # fmt: skip
    yield from (replace(over, closed_at=at + timedelta(days=n)) for n in range(57))
    yield replace(over, state=CaseState.RETRYING, closed_at=None, planned=((2, at + timedelta(days=2)),))
    yield replace(over, state=CaseState.SUSPENDED, closed_at=None, decline=DeclineClass.EXPIRED_CARD)
    yield replace(over, state=CaseState.AWAITING_GUIDANCE, closed_at=None, guidance_from=at, exhausted_at=at)
