"""Reading PayPal's books: a hint is confirmed here, or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.connection import NEAR, Connection, NotThereError, safe
from services.payments.gateways.paypal.parse import parse
from services.payments.news import (
    AttemptNews,
    Described,
    Look,
    MoneyBackNews,
    News,
    NotConfirmed,
    Outcome,
    ReadOrder,
)
from shared.events.words import Gateway, MethodKind

BACK: Final = timedelta(days=31)
"""How far back the transactions are read for a hint: a whole period."""


class Looking(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def look(self, hint: Look, now: datetime) -> tuple[News, ...]:
        """Read the books; what they say is told, and what the webhook claimed must be in them."""
        if hint.reversal is not None:
            return (await self._money_back(hint, now),)
        if hint.subscription is None:
            return ()
        news = await self.books(hint.subscription, since=now - BACK, now=now)
        if not await self._confirms(hint, news):
            raise NotConfirmed(f"{hint.kind} of {hint.subscription} is not in its books")
        return news

    async def _confirms(self, hint: Look, news: tuple[News, ...]) -> bool:
        attempts = [one for one in news if isinstance(one, AttemptNews)]
        if hint.kind.startswith("PAYMENT.SALE."):
            return hint.kind.endswith("DENIED") or any(
                one.transaction_id == hint.transaction for one in attempts
            )
        if hint.kind.endswith("PAYMENT.FAILED"):
            at = hint.failed_at
            if at is None or any(
                one.outcome is Outcome.FAILED and abs(one.occurred_at - at) <= NEAR for one in attempts
            ):
                return True
            return await self._event_exists(hint)
        statuses = {
            "BILLING.SUBSCRIPTION.SUSPENDED": {"suspended", "cancelled", "active"},
            "BILLING.SUBSCRIPTION.CANCELLED": {"cancelled"},
            "BILLING.SUBSCRIPTION.EXPIRED": {"cancelled"},
        }.get(hint.kind, {"active", "suspended", "cancelled"})
        return any(getattr(one, "status", None) in statuses for one in news)

    async def _event_exists(self, hint: Look) -> bool:
        """PayPal keeps the events it sent: one that it knows by this id and content was not made up."""
        if not hint.event_id:
            return False
        try:
            found = await self.ask(
                "GET", f"/v1/notifications/webhooks-events/{quote(hint.event_id, safe='')}"
            )
        except NotThereError:
            return False
        told = parse(found.body)
        return isinstance(told, Look) and (told.subscription, told.failed_at) == (
            hint.subscription,
            hint.failed_at,
        )

    async def _money_back(self, hint: Look, now: datetime) -> News:
        if hint.kind == "CUSTOMER.DISPUTE.CREATED":
            return await self._chargeback(hint, now)
        sale = await self.sale(hint.transaction or "")
        refunded = hint.kind == "PAYMENT.SALE.REFUNDED"
        wanted = {"refunded", "partially_refunded"} if refunded else {"reversed"}
        if sale.state not in wanted:
            raise NotConfirmed(f"the sale {sale.id} is {sale.state}")
        amount = sale.amount.money if sale.amount else None
        at = shapes.instant(sale.update_time) or now
        if refunded and hint.reversal != sale.id:
            refund = await self.read_at(f"/v1/payments/refund/{safe(hint.reversal or '')}", shapes.Refund)
            if refund.sale_id not in {None, sale.id}:
                raise NotConfirmed(f"the refund {refund.id} is of another sale")
            amount = (refund.amount.money if refund.amount else None) or amount
            at = shapes.instant(refund.create_time) or at
        return self._went_back(hint, sale, "refund" if refunded else "reversal", amount, at)

    async def _chargeback(self, hint: Look, now: datetime) -> News:
        sale = await self.sale(hint.transaction or "")
        if not await self._event_known(hint):
            raise NotConfirmed(f"PayPal does not know the dispute {hint.reversal}")
        return self._went_back(hint, sale, "chargeback", sale.amount.money if sale.amount else None, now)

    async def _event_known(self, hint: Look) -> bool:
        try:
            found = await self.ask(
                "GET", f"/v1/notifications/webhooks-events/{quote(hint.event_id, safe='')}"
            )
        except NotThereError:
            return False
        told = parse(found.body)
        return isinstance(told, Look) and (told.transaction, told.reversal) == (
            hint.transaction,
            hint.reversal,
        )

    def _went_back(
        self, hint: Look, sale: shapes.Sale, what: Any, amount: Any, at: datetime
    ) -> MoneyBackNews:
        if amount is None:
            raise NotConfirmed(f"the sale {sale.id} has no amount")
        return MoneyBackNews(
            gateway=Gateway.PAYPAL,
            occurred_at=at,
            refs=(sale.billing_agreement_id,) if sale.billing_agreement_id else (),
            what=what,
            reversal_id=hint.reversal or sale.id,
            transaction_id=sale.id,
            amount=amount,
        )

    async def read(self, order: ReadOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``."""
        news = await self.books(order.gateway_subscription_id, since=order.since, now=now)
        return tuple(replace(one, subscription_id=order.subscription_id) for one in news)

    async def describe(self, gateway_subscription_id: str, now: datetime) -> Described:
        """See ``Gateway``."""
        path = f"/v1/billing/subscriptions/{safe(gateway_subscription_id)}?fields=plan"
        found = await self.read_at(path, shapes.Planned)
        info = found.billing_info or shapes.BillingInfo()
        paid = info.last_payment.amount if info.last_payment else None
        price = (paid.money if paid else None) or found.price
        started = shapes.instant(found.start_time) or now
        if price is None:
            raise NotConfirmed(f"PayPal tells no price of {found.id}")
        return Described(
            price=price,
            started_at=started,
            due_at=shapes.instant(info.next_billing_time) or started,
            method=MethodKind.PAYPAL_SUBSCRIPTION,
            gateway_customer_id=found.subscriber.payer_id if found.subscriber else None,
            gateway_plan=found.plan_id,
            label="PayPal",
        )
