"""Where payments keeps what it knows, and how a transaction finds it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from services.payments.domain.state import (
    Invoice,
    Reference,
    Request,
    Role,
    School,
    Session,
    Subscription,
    Transaction,
)
from services.payments.news import AttemptNews, News, Outcome
from shared.erasing import ERASURES
from shared.events import Envelope
from shared.events.words import Gateway
from shared.keys import KEYS, Keys, subject_of
from shared.shelf import Table
from shared.unit import Unit

T = TypeVar("T")


def subject_of_payer(gateway: Gateway, payer_id: str) -> str:
    """A payer whom no learner is known for, as keys name them."""
    return f"{gateway}:{payer_id}"


def payer_key(row: Subscription) -> str | None:
    """Who pays at the gateway, where it says so."""
    return subject_of_payer(row.gateway, row.gateway_customer_id) if row.gateway_customer_id else None


SCHOOLS: Final = Table(name="schools", kind=School, key=lambda row: row.school_id)
SUBSCRIPTIONS: Final = Table(
    name="subscriptions",
    kind=Subscription,
    key=lambda row: row.subscription_id,
    columns={
        "school_id": ("text", lambda row: row.school_id),
        "learner_id": ("text", lambda row: row.learner_id),
        "customer": ("text", payer_key),
    },
)
REFERENCES: Final = Table(
    name="gateway_references",
    kind=Reference,
    key=lambda row: row.key,
    columns={"subscription_id": ("text", lambda row: row.subscription_id)},
)
INVOICES: Final = Table(
    name="invoices",
    kind=Invoice,
    key=lambda row: f"{row.gateway}:{row.invoice_id}",
    columns={"subscription_id": ("text", lambda row: row.subscription_id)},
)
TRANSACTIONS: Final = Table(
    name="transactions",
    kind=Transaction,
    key=lambda row: row.key,
    columns={
        "subscription_id": ("text", lambda row: row.subscription_id),
        "gateway_subscription_id": ("text", lambda row: row.gateway_subscription_id),
        "invoice_id": ("text", lambda row: row.invoice_id),
    },
)
REQUESTS: Final = Table(
    name="requests",
    kind=Request,
    key=lambda row: row.request_id,
    columns={"subscription_id": ("text", lambda row: row.subscription_id)},
)
SESSIONS: Final = Table(
    name="sessions",
    kind=Session,
    key=lambda row: row.session_id,
    columns={
        "subscription_id": ("text", lambda row: row.subscription_id),
        "gateway_name": ("text", lambda row: f"{row.gateway}:{row.gateway_id}"),
    },
)

TABLES: Final[tuple[Table[Any], ...]] = (
    SCHOOLS,
    SUBSCRIPTIONS,
    REFERENCES,
    INVOICES,
    TRANSACTIONS,
    REQUESTS,
    SESSIONS,
    KEYS,
    ERASURES,
)
_TABLE_OF: Final[dict[type[Any], Table[Any]]] = {table.kind: table for table in TABLES}


class PaymentsUnit(Unit):
    """One transaction of payments."""

    async def school(self, school_id: str) -> School | None:
        return await self.get(SCHOOLS, school_id)

    async def subscription(self, subscription_id: str) -> Subscription | None:
        return await self.get(SUBSCRIPTIONS, subscription_id)

    async def subscriptions_of(self, learner_id: str) -> list[Subscription]:
        return await self.find(SUBSCRIPTIONS, "learner_id", learner_id)

    async def reference(self, gateway: Gateway, gateway_id: str) -> Reference | None:
        return await self.get(REFERENCES, f"{gateway}:{gateway_id}")

    async def invoice(self, gateway: Gateway, invoice_id: str) -> Invoice | None:
        return await self.get(INVOICES, f"{gateway}:{invoice_id}")

    async def invoices_of(self, subscription_id: str) -> list[Invoice]:
        return await self.find(INVOICES, "subscription_id", subscription_id)

    async def request(self, request_id: str) -> Request | None:
        return await self.get(REQUESTS, request_id)

    async def requests_of(self, subscription_id: str) -> list[Request]:
        return await self.find(REQUESTS, "subscription_id", subscription_id)

    async def session(self, session_id: str) -> Session | None:
        return await self.get(SESSIONS, session_id)

    async def sessions_of(self, subscription_id: str) -> list[Session]:
        return await self.find(SESSIONS, "subscription_id", subscription_id)

    async def transactions(self, gateway: Gateway, transaction_id: str) -> list[Transaction]:
        """What was told of one transaction: at most one row per outcome."""
        return await self.several(TRANSACTIONS, _keys_of(gateway, transaction_id))

    async def transactions_of(self, gateway_subscription_id: str) -> list[Transaction]:
        return await self.find(TRANSACTIONS, "gateway_subscription_id", gateway_subscription_id)

    async def transactions_for(self, invoice_id: str) -> list[Transaction]:
        return await self.find(TRANSACTIONS, "invoice_id", invoice_id)

    async def transactions_under(self, subscription_id: str) -> list[Transaction]:
        return await self.find(TRANSACTIONS, "subscription_id", subscription_id)

    async def several(self, table: Table[T], keys: Iterable[str]) -> list[T]:
        """The rows of those keys that exist, in one statement."""
        wanted = sorted(set(keys))
        await self.fetch(table, wanted)
        found: list[T] = []
        for key in wanted:
            row = await self.get(table, key)
            if row is not None:
                found.append(row)
        return found

    @property
    def keys(self) -> Keys:
        """The keys of learners and payers, as this transaction sees them."""
        return Keys(self)

    async def write(self) -> None:
        """Write; of a learner who was erased, nothing is kept that they would recognise, whatever a gateway tells late."""
        changed = [
            row for row in self._changed.get(SUBSCRIPTIONS, {}).values() if row and (row.label or row.card)
        ]
        await self.keys.fetch([subject_of(row.school_id, row.learner_id) for row in changed])
        for row in changed:
            if await self.keys.is_erased(subject_of(row.school_id, row.learner_id)):
                self.keep(replace(row, label="", card=None, card_country=None))
        await super().write()

    async def references_of(self, keys: Iterable[str]) -> list[Reference]:
        """The references of those ``gateway:id`` that are known."""
        return await self.several(REFERENCES, keys)

    async def subscriptions_named(self, names: Iterable[str]) -> list[Subscription]:
        """The subscriptions of those ids that are registered."""
        return await self.several(SUBSCRIPTIONS, names)

    async def references_to(self, subscription_id: str) -> list[Reference]:
        """What a subscription is known by at its gateway."""
        return await self.find(REFERENCES, "subscription_id", subscription_id)

    async def paid_by(self, payer: str) -> list[Subscription]:
        """Every subscription of one customer of a gateway."""
        return await self.find(SUBSCRIPTIONS, "customer", payer)

    async def bodies_of(self, subjects: Sequence[str]) -> int:
        """How many raw webhooks are kept of those subjects."""
        connection = getattr(self.shelf, "connection", None)
        if connection is None:
            return 0
        found: int = await connection.fetchval(
            "select count(*) from payments.webhooks where subject = any($1::text[]) and body <> ''",
            list(subjects),
        )
        return found

    async def empty_bodies(self, subjects: Sequence[str]) -> int:
        """Empty the raw webhooks of those subjects; how many went. What waits can wait no more."""
        connection = getattr(self.shelf, "connection", None)
        if connection is None:
            return 0
        done = await connection.execute(
            """update payments.webhooks set body = '',
                   state = case when state in ('new', 'waiting') then 'refused' else state end,
                   reason = case when state in ('new', 'waiting') then 'its learner was erased' else reason end
               where subject = any($1::text[]) and body <> ''""",
            list(subjects),
        )
        return int(done.rsplit(" ", 1)[-1])

    def keep(self, *rows: Any) -> None:
        """Keep each row in the table of its kind; ``None`` is nothing to keep."""
        for row in rows:
            if row is not None:
                self.put(_TABLE_OF[type(row)], row)

    async def refer(self, *references: Reference) -> None:
        """Keep references; a customer of two subscriptions tells nothing any more."""
        for reference in references:
            known = await self.get(REFERENCES, reference.key)
            if known is not None and known.role is Role.SEVERAL:
                continue
            if (
                known is not None
                and reference.role is Role.CUSTOMER
                and known.subscription_id != reference.subscription_id
            ):
                reference = Reference(  # noqa: PLW2901 - the same reference, seen for what it is
                    key=reference.key, subscription_id=known.subscription_id, role=Role.SEVERAL
                )
            if reference != known:
                self.put(REFERENCES, reference)


def _keys_of(gateway: Gateway, transaction_id: str) -> list[str]:
    return [f"{gateway}:{transaction_id}:{outcome}" for outcome in Outcome]


async def prefetch_news(news: Sequence[News], unit: PaymentsUnit) -> None:
    """What a batch of news will ask for, in a few statements."""
    references = {f"{one.gateway}:{ref}" for one in news for ref in one.refs}
    attempts = [one for one in news if isinstance(one, AttemptNews)]
    references |= {f"{one.gateway}:{key}" for one in attempts if (key := one.gateway_subscription_id)}
    names = {one.subscription_id for one in await unit.several(REFERENCES, references)}
    names |= {one.subscription_id for one in news if one.subscription_id}
    subscriptions = await unit.several(SUBSCRIPTIONS, names)
    await unit.fetch(SCHOOLS, {one.school_id for one in subscriptions})
    invoices = {f"{one.gateway}:{key}" for one in news if (key := getattr(one, "invoice_id", None))}
    await unit.fetch(INVOICES, invoices)
    keys = {key for one in attempts for key in _keys_of(one.gateway, one.transaction_id)}
    await unit.fetch(TRANSACTIONS, keys)


async def prefetch(envelopes: Sequence[Envelope], unit: PaymentsUnit) -> None:
    """What a batch will need, in a few statements."""
    subscriptions = {
        key for envelope in envelopes if (key := getattr(envelope.fact, "subscription_id", None))
    }
    await unit.fetch(SUBSCRIPTIONS, subscriptions)
    await unit.fetch(SCHOOLS, {envelope.fact.school_id for envelope in envelopes})
    requests = {key for envelope in envelopes if (key := getattr(envelope.fact, "request_id", None))}
    await unit.fetch(REQUESTS, requests)
