"""The same mails over PostgreSQL, through the composition root, to a real mailbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ops.servers import mailbox
from services.notifications import app
from services.notifications.app import SERVICE, NotificationsSettings, build_api, hands
from shared.clock import FileClock
from shared.database import PgStore, open_pool
from shared.errands import run_due_errands
from shared.events import Fact
from shared.events.wire import to_bytes, wrap
from shared.events.words import Template
from shared.hearing import hear
from shared.migrate import migrate
from shared.shelf import Message
from tests.notifications.conftest import CLOSURES_2026, Said, closure, hibari, jst

AT = jst("2026-04-15 20:10")


def message(fact: Fact, offset: int) -> Message:
    envelope = wrap(fact, cause=None, recorded_at=fact.occurred_at)
    key = envelope.key.encode()
    return Message(topic=envelope.topic, partition=0, offset=offset, key=key, value=to_bytes(envelope))


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[mailbox.Mailbox]:
    started = mailbox.start(tmp_path / "mailbox")
    yield started
    started.stop()


async def test_a_request_heard_in_a_batch_becomes_one_mail_and_a_deferred_one_waits(
    fresh_postgres: str, tmp_path: Path, box: mailbox.Mailbox
) -> None:
    file = tmp_path / "clock"
    clock = FileClock(file, start=AT)
    settings = NotificationsSettings(
        database=fresh_postgres,
        clock_file=file,
        api_keys=SecretStr("office"),
        smtp_host="127.0.0.1",
        smtp_port=box.smtp_port,
        mailbox_url=box.url,
        mail_from="no-reply@relance.example",
    )
    pool = await open_pool(fresh_postgres)
    await migrate(pool, SERVICE, Path(app.__file__).with_name("migrations"))
    store = PgStore(pool, SERVICE.name)
    said, held = Said(), Said("2026-04-18")
    built = build_api(settings)
    async with (
        built.router.lifespan_context(built),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=built),
            base_url="http://notifications",
            headers={"X-Relance-Key": "office"},
        ) as http,
    ):
        assert (await http.get("/ready")).status_code == 200
        body = {
            "school_id": "hibari",
            "name": "佐藤 花子",
            "email": "hana@example.org",
            "language": "ja",
            "zone": "Asia/Tokyo",
        }
        assert (await http.put("/learners/hana", json=body)).is_success

        facts: list[Fact] = [
            hibari(),
            *(closure(*one) for one in CLOSURES_2026),
            said.asks(Template.JP_PAYMENT_FAILED, AT, due_at=jst("2026-04-18 00:00")),
            held.asks(Template.JP_PAYMENT_FAILED, AT, not_before=jst("2026-04-18 20:00")),
        ]
        batch = [message(fact, offset) for offset, fact in enumerate(facts)]
        heard = await hear(SERVICE, store, clock, [*batch, *batch])
        assert (heard.handled, heard.duplicates, heard.parked) == (6, 6, [])

        worker = hands(settings)
        assert await run_due_errands(SERVICE, store, worker, clock) == 1
        assert await run_due_errands(SERVICE, store, worker, clock) == 0

        sent = (await http.get(f"/cases/{said.case_id}/mails")).json()
        assert [mail["status"] for mail in sent] == ["sent"]
        outbox = (await http.get("/outbox", params={"school_id": "hibari"})).json()
        assert [day["day"] for day in outbox["days"]] == ["2026-04-20"]
        act = {"mail_id": held.mail_id(Template.JP_PAYMENT_FAILED), "by": "mori", "reason": "told by phone"}
        assert (await http.post("/mails/drop", json=act)).json()["status"] == "dropped"

    async with httpx.AsyncClient(base_url=box.url) as reader:
        listed = (await reader.get("/messages")).json()
        assert listed["total"] == 1
        assert listed["messages"][0]["subject"] == "【重要】2026年4月分の月謝をお引き落としできませんでした"
    told = [row["type"] for row in await pool.fetch("select type from notifications.journal order by seq")]
    assert {"notifications.MailSent", "notifications.MailDeferred", "notifications.MailDropped"} <= set(told)
    bodies = await pool.fetch("select value from notifications.journal")
    assert not [row for row in bodies if b"hana@example.org" in row["value"]]
    await worker.close()
    await pool.close()
