"""Books every recovered payment once: a subscriber of Relance in twenty lines (docs/how-to/subscribe.md)."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3

from aiokafka import AIOKafkaConsumer


async def main() -> None:
    """Listen until stopped."""
    book = sqlite3.connect(os.environ.get("BOOK", "recovered.db"))
    book.execute(
        "create table if not exists recovered (fact_id primary key, case_id, amount_minor, currency)"
    )
    consumer = AIOKafkaConsumer(
        "dunning.events", bootstrap_servers=os.environ.get("RELANCE_KAFKA", "127.0.0.1:9092"),
        group_id=os.environ.get("GROUP", "bookkeeping"), enable_auto_commit=False, auto_offset_reset="earliest",
        session_timeout_ms=6000, heartbeat_interval_ms=1000,
    )  # fmt: skip
    async with consumer:
        async for message in consumer:
            said = json.loads(message.value)
            if said["type"] == "dunning.CaseRecovered":
                fact, amount = said["fact"], said["fact"]["amount"]
                row = (said["id"], fact["case_id"], amount["amount_minor"], amount["currency"])
                with book:  # one transaction: the fact's id and what it made us do
                    book.execute("insert or ignore into recovered values (?, ?, ?, ?)", row)
            await consumer.commit()  # only now: a crash before this line means that the fact comes again


asyncio.run(main())
