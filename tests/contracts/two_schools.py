"""Two schools on one installation over real PostgreSQL: the same services, ids of their own, and one id that both use.

Everything personal or local of a school has the school's own name in it, so that one word finds what leaked.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from ops.contracts.apis import DOORS
from ops.contracts.examples import example_fact
from ops.keys_cli import DOORS as WITH_KEYS
from ops.stack.children import app_of
from ops.stack.plan import SERVICES
from services.payments.domain.state import Session
from shared.api_keyring import PgKeyring
from shared.api_keys import mint
from shared.clock import FileClock
from shared.database import PgStore, open_pool
from shared.events import payments
from shared.events.wire import to_bytes, wrap
from shared.events.words import AttemptKind, Gateway
from shared.hearing import hear
from shared.migrate import migrate
from shared.money import Money
from shared.shelf import Message
from shared.transactions import Transactions

NOW: Final = datetime(2026, 6, 2, 9, tzinfo=UTC)
OPERATOR: Final = "operator-of-both"
LILLE, KOBE = "lille", "kobe"
BOTH: Final = "marc"
"""A learner's and a teacher's id that each school uses for somebody of its own."""


def ids(school: str) -> dict[str, Any]:
    """What a caller of that school names: by the names of parameters and fields."""
    return {
        "school_id": school,
        "school": school,
        "learner_id": f"{school}-learner",
        "learner": f"{school}-learner",
        "learner_ids": [f"{school}-learner"],
        "teacher_id": f"{school}-teacher",
        "subscription_id": f"{school}-sub",
        "subscription": f"{school}-sub",
        "new_subscription_id": f"{school}-sub",
        "case_id": f"{school}-sub~2026-06-01",
        "path_id": f"{school}-path",
        "path": f"{school}-path",
        "closure_id": f"{school}-closure",
        "grant_id": f"{school}-grant",
        "lesson_id": f"{school}-lesson",
        "receipt_id": f"{school}-receipt",
        "offer_id": f"{school}-offer",
        "visit_id": f"{school}-visit-of-the-learner-0",
        "mail_id": f"{school}-sub~2026-06-01/fr.payment_failed/1",
        "gateway_subscription_id": f"sub_{school}",
        "gateway_customer_id": f"cus_{school}",
        "email": f"learner@{school}.example",
    }


@dataclass
class Place:
    """The doors of an installation, what each school's hooks are called, and keys of every kind."""

    dsn: str
    clients: dict[str, httpx.AsyncClient]
    pool: Any
    clock: Any
    hooks: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def ids(self, school: str) -> dict[str, Any]:
        """``ids`` with what the installation itself made."""
        nowhere = {"endpoint_id": "ep_0000000000000000", "fact_id": "00000000-0000-4000-8000-000000000000"}
        own = {"endpoint_id": self.hooks.get(school), "fact_id": self.facts.get(school)}
        return {**ids(school), **{name: own[name] or nowhere[name] for name in nowhere}}

    async def key(self, service: str, scope: str, *schools: str) -> str:
        """A key at one service's door; made once."""
        name = (f"{service} {scope}", ",".join(schools))
        if name not in self.keys:
            key, shown = mint("matrix", (scope,), now=NOW, schools=schools)
            await PgKeyring(self.pool, service, self.clock).add(key)
            self.keys[name] = shown
        return self.keys[name]

    async def rows(self, word: str) -> set[str]:
        """Every row of every service's tables in which that word stands; keys of doors apart."""
        found = set()
        for service in SERVICES:
            for (table,) in await self.pool.fetch(
                "select table_name from information_schema.tables where table_schema = $1", service
            ):
                if table == "api_keys":
                    continue
                for (row,) in await self.pool.fetch(
                    f"select t::text from (select * from {service}.{table}) t"
                ):
                    readable = row + _unhexed(row)
                    if word in readable:
                        found.add(f"{service}.{table} {row}")
        return found


def _unhexed(row: str) -> str:
    parts = []
    for piece in row.split('"\\\\x')[1:]:
        digits = piece.split('"', 1)[0]
        parts.append(bytes.fromhex(digits).decode(errors="replace"))
    for piece in row.split(",\\x")[1:]:
        digits = piece.split(",", 1)[0].rstrip(")")
        parts.append(bytes.fromhex(digits).decode(errors="replace"))
    return " ".join(parts)


@asynccontextmanager
async def place(dsn: str, folder: Path) -> AsyncIterator[Place]:
    """Open every door over that database; ``settle`` it first with ``settled``."""
    FileClock(folder / "clock", start=NOW)
    async with AsyncExitStack() as stack:
        clients = {}
        for service in DOORS:
            module = app_of(service)
            settings = module.SETTINGS(
                database=dsn,
                clock_file=folder / "clock",
                mode="test",
                api_keys=SecretStr(OPERATOR),
                pool=1,
                **({"platform_master": SecretStr("m" * 32)} if service == "access" else {}),
            )
            app = module.build_api(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            clients[service] = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://door")
            )
        pool = await open_pool(dsn, size=2)
        yield Place(dsn=dsn, clients=clients, pool=pool, clock=FileClock(folder / "clock"))
        await pool.close()


async def settled(there: Place) -> None:
    """Both schools with a learner in trouble, lessons, mails, hooks, offers."""
    for service in SERVICES:
        module = app_of(service)
        await migrate(there.pool, module.SERVICE, Path(module.__file__ or "").with_name("migrations"))
    for school in (LILLE, KOBE):
        await _people_of(there, school)
    await _told(there)
    for school in (LILLE, KOBE):
        await _lessons_of(there, school)
        await _failure_of(there, school)
    await _told(there)
    for school in (LILLE, KOBE):
        await _visit_of(there, school)
        found = await there.clients["hooks"].get(
            f"/schools/{school}/endpoints/{there.hooks[school]}/deliveries", headers=_HEADERS
        )
        there.facts[school] = found.json()[0]["fact_id"]


_HEADERS: Final = {"X-Relance-Key": OPERATOR}


async def _asked(there: Place, service: str, method: str, path: str, body: Any) -> Any:
    answer = await there.clients[service].request(method, path, json=body, headers=_HEADERS)
    assert answer.is_success, (service, path, answer.text)
    return answer.json()


async def _people_of(there: Place, school: str) -> None:
    named = ids(school)
    await _asked(there, "dunning", "PUT", f"/schools/{school}", {
        "name": f"School of {school}", "policy_id": "fr-elearning", "support_contact": f"help@{school}.example",
        "staff_email": f"office@{school}.example",
    })  # fmt: skip
    await _told(there)
    for learner in (named["learner_id"], BOTH):
        person = {
            "school_id": school, "name": f"Somebody of {school}", "email": f"{learner.removeprefix(school + '-')}@{school}.example",
            "language": "fr",
        }  # fmt: skip
        await _asked(
            there, "notifications", "PUT", f"/learners/{learner}", {**person, "zone": "Europe/Paris"}
        )
        await _asked(there, "access", "PUT", f"/learners/{learner}/paths/{named['path_id']}", {
            "school_id": school, "title": f"Path of {school}", "re_enrolment_deadline": "2026-09-30",
        })  # fmt: skip
        subscription = named["subscription_id"] if learner != BOTH else f"{school}-sub-2"
        await _asked(there, "payments", "PUT", f"/subscriptions/{subscription}", {
            "school_id": school, "learner_id": learner, "gateway": "stripe", "billing_day": 1,
            "started_on": "2026-01-01", "method": "card", "gateway_subscription_id": f"sub_{subscription.replace('-sub', '')}",
            "gateway_customer_id": f"cus_{subscription.replace('-sub', '')}",
            "price": {"amount_minor": 7500, "currency": "EUR"}, "path_id": named["path_id"],
        })  # fmt: skip
    for teacher in (named["teacher_id"], BOTH):
        await _asked(there, "notifications", "PUT", f"/teachers/{teacher}", {
            "school_id": school, "name": f"Teacher of {school}", "email": f"t@{school}.example", "language": "fr",
        })  # fmt: skip
    closure = {"name": f"Works at {school}", "first": "2026-10-05", "last": "2026-10-09"}
    await _asked(there, "dunning", "PUT", f"/schools/{school}/closures/{named['closure_id']}", closure)
    await _asked(there, "portal", "PUT", f"/api/schools/{school}/offers/{named['offer_id']}", {
        "titles": {"fr": f"Offre de {school}"}, "amount_minor": 7500, "currency": "EUR", "plans": {"stripe": "p"},
    })  # fmt: skip
    made = await _asked(there, "hooks", "POST", f"/schools/{school}/endpoints", {
        "url": f"https://93.184.216.34/{school}", "types": ["dunning.CaseOpened"],
    })  # fmt: skip
    there.hooks[school] = made["endpoint_id"]


async def _lessons_of(there: Place, school: str) -> None:
    named = ids(school)
    for subscription, lesson in (
        (named["subscription_id"], named["lesson_id"]),
        (f"{school}-sub-2", f"{school}-lesson-2"),
    ):
        under = f"/subscriptions/{subscription}"
        await _asked(there, "credits", "PUT", f"{under}/plan", {"credits_per_month": 8})
        await _asked(there, "credits", "PUT", f"{under}/grants/{named['grant_id']}", {"credits": 4})
        body = {"starts_at": "2026-06-20T16:00:00+02:00", "teacher_id": BOTH}
        await _asked(there, "credits", "PUT", f"{under}/lessons/{lesson}", body)


async def _failure_of(there: Place, school: str) -> None:
    named = ids(school)
    failed: payments.AttemptFailed = replace(
        example_fact(payments.AttemptFailed),
        school_id=school,
        learner_id=named["learner_id"],
        subscription_id=named["subscription_id"],
        period=date(2026, 6, 1),
        kind=AttemptKind.RENEWAL,
        request_id=None,
        received_at=NOW,
        next_attempt_at=None,
        card=f"fp_{school}",
        amount=Money(7500, "EUR"),
        transaction_id=f"ch_{school}",
        occurred_at=datetime(2026, 6, 1, 7, tzinfo=UTC),
    )
    await _hear(there, [to_bytes(wrap(failed, cause=None, recorded_at=NOW))], failed.subscription_id)


async def _visit_of(there: Place, school: str) -> None:
    module = app_of("payments")
    named = ids(school)
    async with Transactions(module.SERVICE, PgStore(there.pool, "payments"), there.clock)() as unit:
        unit.keep(
            Session(
                session_id=named["visit_id"], kind="method", subscription_id=named["subscription_id"], school_id=school,
                gateway=Gateway.STRIPE, gateway_id=f"cs_{school}", url=f"https://pay.example/{school}",
                return_url=f"https://portal.{school}.example/", started_at=NOW,
            )
        )  # fmt: skip


async def _told(there: Place) -> None:
    """What is due in the journals is heard by everybody, until nothing is left to tell."""
    while True:
        values = []
        for service in SERVICES:
            rows = await there.pool.fetch(
                f"update {service}.journal set told_at = $1 where told_at is null and tell_at <= $1 returning seq, value",
                NOW,
            )
            values += [row["value"] for row in sorted(rows, key=lambda row: row["seq"])]
        if not values:
            return
        await _hear(there, values, "x")


async def _hear(there: Place, values: list[bytes], key: str) -> None:
    for service in SERVICES:
        module = app_of(service)
        batch = [
            Message(
                topic=f"{json.loads(value)['type'].split('.')[0]}.events",
                partition=0,
                offset=number,
                key=key.encode(),
                value=value,
            )
            for number, value in enumerate(values)
        ]
        heard = await hear(module.SERVICE, PgStore(there.pool, service), there.clock, batch)
        assert heard.parked == [], (service, heard.parked)


def put_in(example: Any, named: Mapping[str, Any]) -> Any:
    """The example with a school's own ids in the place of those it has."""
    if isinstance(example, dict):
        return {name: named.get(name, put_in(value, named)) for name, value in example.items()}
    return example


WITH_A_KEYRING: Final = frozenset(WITH_KEYS)
