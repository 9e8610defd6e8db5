"""Reading Stripe's books: what a webhook hints at, what happened to a period, what a subscription is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import aiohttp
import stripe

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.connection import LOST, Connection, about, code_of, read_as, trouble
from services.payments.gateways.stripe.parse import subscription_news
from services.payments.gateways.stripe.reading import (
    from_unix,
    invoice_news,
    method_kind,
    method_news,
    minor,
    place,
    told_by,
)
from services.payments.news import ChallengeNews, Described, Look, News, NotConfirmed, ReadOrder
from shared.events.words import Gateway


class Looking(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def look(self, hint: Look, now: datetime) -> tuple[News, ...]:
        """Read the invoice that an event speaks of; an event that tells all by itself is only placed."""
        if hint.method is not None:
            return (await self._stored_method(hint),)
        invoice = await self._invoice_of(hint)
        if invoice is None:
            return ()
        if hint.kind == "payment_intent.payment_failed" and hint.news is None:
            return (self._left_challenge(hint, invoice),)
        if hint.news is not None:
            refs = tuple(ref for ref in (hint.intent,) if ref)
            news = place(replace(hint.news, refs=refs), invoice)
            return (invoice_news(invoice, now=hint.occurred_at), news) if invoice.subscription_id else (news,)
        return told_by(invoice, now=now)

    async def _invoice_of(self, hint: Look) -> shapes.Invoice | None:
        invoice = hint.invoice
        if invoice is None and hint.intent is not None:
            listed = await self.ask(
                self.api.invoice_payments.list_async(
                    {"payment": {"type": "payment_intent", "payment_intent": hint.intent}, "limit": 1}
                )
            )
            found = read_as(listed, shapes.InvoicePayments).data
            invoice = shapes.id_of(found[0].invoice) if found else None
        return await self.invoice(invoice) if invoice else None

    def _left_challenge(self, hint: Look, invoice: shapes.Invoice) -> ChallengeNews:
        refs = tuple(ref for ref in (invoice.subscription_id, hint.intent) if ref)
        return ChallengeNews(
            gateway=Gateway.STRIPE,
            occurred_at=hint.occurred_at,
            refs=refs,
            subscription_id=invoice.own_subscription,
            challenge_id=hint.intent or invoice.id,
            state="failed",
            invoice_id=invoice.id,
        )

    async def _stored_method(self, hint: Look) -> News:
        found = await self.ask(self.api.payment_methods.retrieve_async(hint.method or ""))
        return method_news(
            read_as(found, shapes.PaymentMethod),
            at=hint.occurred_at,
            update_id=hint.transaction or hint.event_id,
            subscription_id=hint.own_subscription,
            session_id=hint.session_id,
        )

    async def read(self, order: ReadOrder, now: datetime) -> tuple[News, ...]:
        """The subscription's state and every attempt on its invoices since then."""
        try:
            found = await self.api.subscriptions.retrieve_async(order.gateway_subscription_id)
        except stripe.InvalidRequestError as error:
            if code_of(error) in LOST:
                raise NotConfirmed(f"Stripe knows no {order.gateway_subscription_id}") from error
            raise trouble(error) from error
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error
        news: list[News] = []
        standing = subscription_news(read_as(found, shapes.Subscription), now)
        if standing is not None:
            news.append(about(standing, order))
        for invoice in await self.invoices(order):
            if invoice.id == order.invoice_id or (
                from_unix(invoice.created) or now
            ) >= order.since - timedelta(days=2):
                news += [about(one, order) for one in told_by(invoice, now=now)]
        return tuple(news)

    async def describe(self, gateway_subscription_id: str, now: datetime) -> Described:
        """See ``Gateway``."""
        found = await self.ask(
            self.api.subscriptions.retrieve_async(
                gateway_subscription_id, {"expand": ["default_payment_method"]}
            )
        )
        subscription = read_as(found, shapes.Subscription)
        price = subscription.price
        if price is None:
            raise NotConfirmed(f"Stripe tells no price of {gateway_subscription_id}")
        method = subscription.default_payment_method
        card = method.card if isinstance(method, shapes.PaymentMethod) else None
        return Described(
            price=minor(price[0], price[1]),
            started_at=from_unix(subscription.start_date or subscription.created) or now,
            due_at=from_unix(subscription.billing_cycle_anchor) or from_unix(subscription.renews_at) or now,
            method=method_kind(method.type if isinstance(method, shapes.PaymentMethod) else "card"),
            gateway_customer_id=shapes.id_of(subscription.customer),
            gateway_plan=subscription.plan_id,
            label=(card.last4 or "") if card else "",
            card=card.fingerprint if card else None,
            card_country=card.country if card else None,
        )
