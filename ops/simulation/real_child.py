"""One process of the real kills: it does everything that is due at one instant, unless it dies before."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import selectors
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from ops.simulation.histories import History
from ops.simulation.outside import SimGateway, Webhook, attempt
from ops.simulation.town import SERVICES
from services.access import app as access_app
from services.access.domain import Notice
from services.notifications.sending import Hands
from services.payments import news
from services.payments.inbox import Inbox
from services.payments.ingress import Door
from services.payments.news import News
from services.payments.translator import Translator
from shared.clock import HandClock
from shared.database import OUTAGES, PgStore, hold, open_pool
from shared.errands import run_due_errands
from shared.events.words import CancelledBy, Gateway
from shared.hearing import hear
from shared.service import Service
from shared.settings import Settings
from shared.shelf import Message
from shared.telling import Teller
from shared.transactions import Transactions

DIED: Final = 9
"""The status of a process that died where it was told to."""
CONSUMED: Final = 3
"""The status of one whose database went away."""
_BATCH: Final = 7
_SETTINGS: Final = Settings()

SCHEMA: Final = """
create schema outside;
create table outside.topics (seq bigserial primary key, id text, type text, topic text, key bytea, value bytea);
-- A number is given only when every smaller one is there for good: a broker shows no message before an earlier one.
create function outside.append(ids text[], types text[], topic text, keys bytea[], bodies bytea[]) returns void
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('outside.topics'));
    insert into outside.topics (id, type, topic, key, value)
    select i, t, topic, k, v from unnest(ids, types, keys, bodies) as u(i, t, k, v);
end $$;
create table outside.offsets (service text primary key, seq bigint not null);
create table outside.charges (what text primary key, times int not null, news jsonb);
create table outside.cancellations (what text primary key, times int not null);
create table outside.mails (what text primary key, times int not null, message_id text);
create table outside.posts (id text primary key, gateway text not null, body bytea not null, taken boolean not null default false);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What one process is to do."""

    dsn: str
    history: History
    at: datetime
    dies_at: int
    """The step at which it dies; 0: it lives."""
    acks: Path


class _DyingLoop(asyncio.SelectorEventLoop):
    """Counts every step that is scheduled, and dies at one of them."""

    def __init__(self, dies_at: int) -> None:
        super().__init__(selectors.DefaultSelector())
        self._left = dies_at

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]  # typeshed's TypeVarTuple says the same
        self._left -= 1
        if self._left == 0:
            os._exit(DIED)
        return super().call_soon(callback, *args, context=context)


def child(orders: Orders) -> int:
    """Run in a forked process; its exit status."""
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
    loop = _DyingLoop(orders.dies_at)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_Work(orders).run())
    except (
        *OUTAGES,
        asyncpg.InternalClientError,
    ):  # the latter: a connection that broke while it was given back
        return CONSUMED
    except BaseException:  # noqa: BLE001 - a child never returns into its parent's code
        import traceback  # noqa: PLC0415 - only a broken child needs it

        traceback.print_exc()
        return 1
    return 0


class Outside:
    """Broker, bank and provider: each statement is there at once."""

    def __init__(self, pool: Any, at: datetime) -> None:
        self.pool = pool
        self.at = at

    # What SimGateway asks of a world: here nothing goes wrong but death.

    def now(self) -> datetime:
        """The instant at hand."""
        return self.at


class RealBank(SimGateway):
    """A gateway whose books are rows."""

    def __init__(self, outside: Outside, name: Gateway, history: History) -> None:
        super().__init__(outside, name)  # type: ignore[arg-type]  # what is overridden needs no more of a world
        self._outside = outside
        self._history = history
        self._to_post: list[Webhook] = []
        self.post = lambda _gateway, webhook: self._to_post.append(webhook)

    async def write_down(self) -> None:
        """Webhooks that are to be sent."""
        for webhook in self._to_post:
            body = msgspec.structs.replace(webhook, hint=False)
            await self._outside.pool.execute(
                "insert into outside.posts (id, gateway, body) values ($1, $2, $3) on conflict do nothing",
                webhook.id,
                str(self.name),
                msgspec.json.encode(body),
            )
        self._to_post.clear()

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``: one answer per request id; asked again it answers the same."""
        pool = self._outside.pool
        known = await pool.fetchval("select news from outside.charges where what = $1", order.request_id)
        if known is None:
            number = await pool.fetchval("select count(*) from outside.charges")
            decline = self._history.answers[min(number, len(self._history.answers) - 1)]
            told = attempt(
                self.name,
                order.gateway_subscription_id,
                self._outside.at,
                f"ch_{order.request_id}",
                order.amount,
                decline,
            )
            told = replace(told, subscription_id=order.subscription_id, request_id=order.request_id)
            known = await pool.fetchval(
                """insert into outside.charges (what, times, news) values ($1, 1, $2)
                   on conflict (what) do update set what = excluded.what returning news""",
                order.request_id,
                msgspec.json.encode(told).decode(),
            )
        told = msgspec.json.decode(known, type=news.AttemptNews)
        self.happens(told)
        await self.write_down()
        return (told,)

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        await self._outside.pool.execute(
            "insert into outside.cancellations values ($1, 1) on conflict do nothing",
            order.gateway_subscription_id,
        )
        told = news.SubscriptionNews(
            gateway=self.name,
            occurred_at=self._outside.at,
            refs=(order.gateway_subscription_id,),
            subscription_id=order.subscription_id,
            gateway_subscription_id=order.gateway_subscription_id,
            status="cancelled",
            by=CancelledBy.SCHOOL,
        )
        return (told,)

    async def _ask(self, what: str) -> None:  # noqa: ARG002 - as in the storms
        await asyncio.sleep(0)

    def _answered(self, what: str) -> None:
        """The answer arrives, if anybody lives to hear it."""

    async def _read(self, key: str, since: datetime | None) -> tuple[News, ...]:  # noqa: ARG002 - as in the storms
        return ()

    async def adopt(self, order: news.AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return ()

    async def _paused(
        self, order: Any, now: datetime, *, paused: bool, next_billing_at: datetime | None
    ) -> tuple[News, ...]:
        return (
            news.PausedNews(
                gateway=self.name,
                occurred_at=now,
                subscription_id=order.subscription_id,
                case_id=order.request_id,
                gateway_subscription_id=order.gateway_subscription_id,
                paused=paused,
                next_billing_at=next_billing_at,
            ),
        )


class _Provider:
    """Takes mails into a table and can be asked for a Message-ID."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def deliver(self, message: EmailMessage) -> None:
        """See ``Channel``."""
        await self._pool.execute(
            """insert into outside.mails values ($1, 1, $2)
               on conflict (what) do update set times = outside.mails.times + 1""",
            str(message["X-Relance-Mail"]),
            str(message["Message-ID"]),
        )

    async def was_delivered(self, message_id: str) -> bool | None:
        """See ``Channel``."""
        return bool(
            await self._pool.fetchval("select count(*) from outside.mails where message_id = $1", message_id)
        )


class _Platform:
    async def tell(self, url: str, notice: Notice, now: datetime) -> None:
        """See ``Platform``; an older notice changes nothing, so a repeated one does not either."""


class _Batch:
    def __init__(self) -> None:
        self.rows: list[tuple[bytes, bytes]] = []

    def append(self, *, key: bytes, value: bytes, timestamp: int | None, headers: Any = ()) -> int | None:
        """As aiokafka's."""
        del timestamp, headers
        if len(self.rows) >= _BATCH:
            return None
        self.rows.append((key, value))
        return len(self.rows)


class _Producer:
    """Appends to topics that are a table."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def partitions_for(self, topic: str) -> list[int]:
        """One is enough: order is not at stake here."""
        del topic
        return [0]

    def create_batch(self) -> _Batch:
        """As aiokafka's."""
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> Any:
        """As aiokafka's: a future of its acknowledgement."""
        del partition
        values = [value for _, value in batch.rows]
        heads = [json.loads(value) for value in values]
        return asyncio.ensure_future(
            self._pool.execute(
                "select outside.append($1, $2, $3, $4, $5)",
                [head["id"] for head in heads],
                [head["type"] for head in heads],
                topic,
                [key for key, _ in batch.rows],
                values,
            )
        )


def gateways(outside: Outside, history: History) -> dict[Gateway, RealBank]:
    """Both gateways."""
    return {name: RealBank(outside, name, history) for name in (Gateway.STRIPE, Gateway.PAYPAL)}


class _Work:
    """Everything that is due."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._clock = HandClock(orders.at)
        self._holder = secrets.randbits(31)
        self._stores: dict[str, PgStore] = {}
        self._hands: dict[str, Any] = {}
        self._outside: Any = None

    async def run(self) -> None:
        """Until nothing is left to do at the instant."""
        pool = await open_pool(self._orders.dsn, size=8)
        self._outside = await open_pool(self._orders.dsn, size=4)
        async with pool.acquire() as alive:
            await hold(alive, self._holder)
            self._stores = {one.name: PgStore(pool, one.name, holder=self._holder) for one in SERVICES}
            banks = gateways(Outside(self._outside, self._orders.at), self._orders.history)
            reading = Transactions(_of("notifications"), self._stores["notifications"], self._clock)
            self._hands = {
                "payments": banks,
                "notifications": Hands(channel=_Provider(self._outside), transactions=reading),
                "access": access_app.Hands(platform=_Platform()),
            }
            inbox = Inbox(pool, holder=self._holder)
            door = Door(banks, inbox=lambda: inbox, clock=self._clock)
            transactions = Transactions(_of("payments"), self._stores["payments"], self._clock)
            translator = Translator(inbox, transactions, banks)
            while sum(
                await asyncio.gather(
                    self._take_webhooks(door, banks),
                    translator.translate_due(),
                    *(self._serve(one) for one in SERVICES),
                )
            ):
                pass

    async def _take_webhooks(self, door: Door, banks: dict[Gateway, RealBank]) -> int:
        rows = await self._outside.fetch("select id, gateway, body from outside.posts where not taken")
        for row in rows:
            gateway = banks[Gateway(row["gateway"])]
            answer = await door.take(gateway, {}, row["body"])
            if answer.status != 200:
                continue
            _note(self._orders.acks, f"{row['gateway']}:{row['id']}")
            await self._outside.execute("update outside.posts set taken = true where id = $1", row["id"])
        return len(rows)

    async def _serve(self, service: Service) -> int:
        store = self._stores[service.name]
        return sum(
            await asyncio.gather(
                self._tell(store),
                self._hear(service, store),
                run_due_errands(service, store, self._hands.get(service.name), self._clock),
            )
        )

    async def _tell(self, store: PgStore) -> int:
        teller = Teller(store, self._clock, _SETTINGS)
        async with store.pool.acquire() as connection:
            return await teller._tell_due(connection, _Producer(self._outside))  # noqa: SLF001 - one turn of its loop

    async def _hear(self, service: Service, store: PgStore) -> int:
        read = (
            await self._outside.fetchval("select seq from outside.offsets where service = $1", service.name)
            or 0
        )
        rows = await self._outside.fetch(
            "select seq, topic, key, value from outside.topics where seq > $1 and topic = any($2) order by seq limit $3",
            read,
            list(service.topics),
            _BATCH,
        )
        if rows:
            await hear(service, store, self._clock, [_message(row) for row in rows])
            await self._outside.execute(
                """insert into outside.offsets values ($1, $2)
                   on conflict (service) do update set seq = excluded.seq""",
                service.name,
                rows[-1]["seq"],
            )
        return len(rows)


def _of(name: str) -> Service:
    return next(service for service in SERVICES if service.name == name)


def _message(row: Any) -> Message:
    return Message(topic=row["topic"], partition=0, offset=row["seq"], key=row["key"], value=row["value"])


def _note(file: Path, line: str) -> None:
    with file.open("a") as out:
        out.write(line + "\n")


__all__: Sequence[str] = ["CONSUMED", "DIED", "SCHEMA", "Orders", "Outside", "child", "gateways"]
