"""How a service tells: its journal goes to Kafka, in order, at least once, by one teller at a time.

A row is marked as told only after the brokers have it; a teller that dies in between tells it again, and
hearers know its id. Plans wait in the same table until their hour.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.bell import Bell
from shared.clock import Clock
from shared.database import OUTAGES, PgStore
from shared.logs import logger
from shared.metrics import FACTS_TOLD, TELLING_LAG
from shared.producing import send_all
from shared.settings import Settings

log = logger("telling")

BATCH: Final = 1000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK_AT_ALL: Final = 30.0
"""Seconds between looks at the whole journal, whatever notices said: one may have been lost."""


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Connection options that every aiokafka client of this process uses."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka,
        "security_protocol": settings.kafka_security,
    }
    if "SSL" in settings.kafka_security:
        options["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if "SASL" in settings.kafka_security:
        options["sasl_mechanism"] = settings.kafka_mechanism
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


class Teller:
    """Tells one service's journal. ``run`` returns only when cancelled."""

    def __init__(
        self,
        store: PgStore,
        clock: Clock,
        settings: Settings,
        *,
        on_told: Callable[[int], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._on_told = on_told
        self._bell = Bell(clock)
        self._low = self._noticed = _EVER
        self._looked_at_all = 0.0

    async def run(self) -> None:
        """Tell for ever: an outage of the database or the brokers is waited out, nothing is skipped."""
        pause = 0.1
        while True:
            try:
                await self._tell_while_connected()
            except (*OUTAGES, KafkaError) as error:
                log.warning("telling_paused", reason=repr(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                pause = 0.1

    async def _tell_while_connected(self) -> None:
        producer = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            max_batch_size=256 * 1024,
            compression_type="lz4",
            **kafka_options(self._settings),
        )
        try:
            await producer.start()
            async with self._store.pool.acquire(timeout=10) as connection:
                await self._tell_with(connection, producer)
        finally:
            with suppress(Exception):
                await asyncio.wait_for(producer.stop(), 5)

    async def _tell_with(self, connection: Any, producer: Any) -> None:
        schema = self._store.schema
        while not await connection.fetchval(f"select pg_try_advisory_lock(hashtext('{schema}.teller'))"):
            await asyncio.sleep(0.5)
        channel = f"{schema}_journal"
        await connection.add_listener(channel, self._on_notice)
        self._low = _EVER
        try:
            while True:
                mark = self._bell.mark()
                told = await self._tell_due(connection, producer)
                if told < BATCH:
                    await self._bell.wait(mark)
        finally:
            if not connection.is_closed():
                with suppress(Exception):
                    await connection.remove_listener(channel, self._on_notice)
                    await connection.execute("select pg_advisory_unlock_all()")

    async def _tell_due(self, connection: Any, producer: Any) -> int:
        schema = self._store.schema
        now, low = self._clock.now(), self._low_mark()
        self._noticed = now
        rows = await connection.fetch(
            f"""select id, topic, key, value, trace, tell_at from {schema}.journal
                where told_at is null and tell_at <= $1 and tell_at >= $2
                order by tell_at, seq limit {BATCH}""",
            now,
            low,
        )
        self._low = min(self._noticed, rows[-1]["tell_at"] if len(rows) == BATCH else now)
        if not rows:
            return 0
        await self._send(producer, rows)
        await connection.execute(
            f"update {schema}.journal set told_at = $2 where id = any($1) and told_at is null",
            [row["id"] for row in rows],
            self._clock.now(),
        )
        FACTS_TOLD.add(schema, by=len(rows))
        TELLING_LAG.add(schema, value=max((now - rows[0]["tell_at"]).total_seconds(), 0))
        if self._on_told is not None:
            self._on_told(len(rows))
        return len(rows)

    async def _send(self, producer: Any, rows: Sequence[Any]) -> None:
        await send_all(producer, rows)

    def _low_mark(self) -> datetime:
        """Nothing untold lies before it: dead rows of what was told are not walked over again (facts A4).

        Whoever writes for an earlier hour says so in the notice; one look in a while goes over everything.
        """
        at = asyncio.get_running_loop().time()
        if at - self._looked_at_all >= _LOOK_AT_ALL:
            self._looked_at_all, self._low = at, _EVER
        return self._low

    def _on_notice(self, _connection: Any, _pid: int, _channel: str, earliest: str) -> None:
        at = datetime.fromisoformat(earliest) if earliest else _EVER
        self._low, self._noticed = min(self._low, at), min(self._noticed, at)
        self._bell.ring()
