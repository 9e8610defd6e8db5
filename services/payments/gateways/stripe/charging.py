"""Taking money at Stripe, once per request: paid before, paid now, refused, in the air or not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import msgspec
import stripe

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.connection import (
    EXPAND,
    Connection,
    answering,
    failure_of,
    read_as,
    trouble,
)
from services.payments.gateways.stripe.reading import attempt_of, failed_intent, latest_intent, place
from services.payments.news import (
    AttemptNews,
    ChargeOrder,
    News,
    Outcome,
    ReviewNews,
    Standing,
    UnknownNews,
    no_other_method,
)
from shared.declines import DeclineClass
from shared.errors import Refused, Transient
from shared.events.words import Gateway, ReviewReason

KEYS_LIVE: Final = timedelta(hours=24)
"""Stripe may forget an idempotency key after this: an older request is read about, never sent again."""


class _Methods(msgspec.Struct):
    data: list[shapes.PaymentMethod] = []


class Charging(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def charge(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """Pay the period's invoice (or a new one, for a relaunch) with the request's own key.

        A request whose answer was lost is first looked up in the books, then sent again under the same key;
        past the life of keys it is only looked up (P-facts B: never retried blind).
        """
        expired = now - order.asked_at > KEYS_LIVE and order.tries > 1
        if order.one_off:
            invoice = None if expired else await self._new_invoice(order)
        else:
            invoice = await self.find_invoice(order)
        if invoice is None:
            return (self._unknown(order, now, "no invoice of this period was found at Stripe"),)
        answered = self._answer_in_books(invoice, order, now)
        if answered is not None:
            return answered
        if expired:
            return (
                self._unknown(
                    order, now, "the request is older than its key lives, and no attempt is on the books"
                ),
            )
        if invoice.status not in {"open", "uncollectible"}:
            return (self._unknown(order, now, f"the invoice {invoice.id} is {invoice.status}"),)
        guarded = await self._guard(invoice, order, now)
        other = await self._other_method(order) if order.fallback else None
        if order.fallback and other is None:
            return (*guarded, no_other_method(order, now))
        return (*guarded, *await self._pay(invoice, order, now, by=other))

    def _answer_in_books(
        self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> tuple[News, ...] | None:
        attempt = attempt_of(invoice, now=now)
        if attempt is None:
            return None
        if invoice.status == "paid" or attempt.outcome is Outcome.PENDING:
            return (answering(attempt, order),)
        is_new = (
            attempt.transaction_id not in order.known_transactions and attempt.occurred_at >= order.asked_at
        )
        return (answering(attempt, order),) if order.tries > 1 and is_new else None

    async def _guard(self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """One owner of the clock: a retry that Stripe still plans is taken off before ours."""
        if invoice.next_payment_attempt is None:
            return ()
        released = await self.ask(self.api.invoices.update_async(invoice.id, {"auto_advance": False}))
        if read_as(released, shapes.Invoice).next_payment_attempt is None:
            return ()
        return (
            ReviewNews(
                gateway=Gateway.STRIPE,
                occurred_at=now,
                subscription_id=order.subscription_id,
                reason=ReviewReason.GATEWAY_OWNS_RETRIES,
                about=invoice.id,
                detail="Stripe goes on planning its own retries: turn them off in its dashboard",
            ),
        )

    async def _other_method(self, order: ChargeOrder) -> str | None:
        """The newest stored method that is not the one which usually pays."""
        customer, usual = await self._payer(order)
        found = await self.ask(self.api.customers.payment_methods.list_async(customer, {"limit": 100}))
        stored = read_as(found, _Methods).data
        return next((one.id for one in stored if one.id != usual), None)

    async def _pay(
        self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime, *, by: str | None = None
    ) -> tuple[News, ...]:
        try:
            paid = await self.api.invoices.pay_async(
                invoice.id,
                {
                    "off_session": not order.on_session,
                    "expand": EXPAND,
                    **({"payment_method": by} if by else {}),
                },
                {"idempotency_key": order.request_id},
            )
        except stripe.CardError as error:
            refusal = self._refusal(error, invoice, order, now)
            if order.one_off and refusal.decline is not DeclineClass.AUTHENTICATION_REQUIRED:
                # The learner may try again with a new invoice: this one must not be paid by mistake.
                await self.ask(self.api.invoices.void_invoice_async(invoice.id), missing_is_fine=True)
            return (refusal,)
        except stripe.InvalidRequestError as error:
            return await self._not_payable(error, invoice, order, now)
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error
        attempt = attempt_of(read_as(paid, shapes.Invoice), now=now)
        if attempt is None:
            raise Transient(
                f"Stripe answered for {invoice.id} without saying how the payment went: read again"
            )
        return (answering(attempt, order),)

    def _refusal(
        self, error: stripe.CardError, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> AttemptNews:
        failure = failure_of(error)
        intent = failure.payment_intent
        if not isinstance(intent, shapes.Intent):
            intent = shapes.Intent(
                id=latest.id if (latest := latest_intent(invoice)) else invoice.id,
                amount=invoice.amount_remaining,
                currency=invoice.currency,
            )
        news = place(failed_intent(intent, failure, at=now), invoice)
        if not isinstance(intent.latest_charge, shapes.Charge):
            news = replace(news, undated=True)
        if news.challenged:
            # No charge of its own: the request is what makes this attempt one.
            news = replace(news, transaction_id=f"{intent.id}/{order.request_id}", challenged=False)
        return answering(news, order)

    async def _not_payable(
        self, error: stripe.InvalidRequestError, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> tuple[News, ...]:
        again = await self.invoice(invoice.id)
        answered = self._answer_in_books(again, replace(order, tries=max(order.tries, 2)), now)
        if answered is not None:
            return answered
        raise Refused(
            f"we could not charge {invoice.id} because Stripe says: {error.user_message or error}; "
            "look at the invoice in its dashboard",
            code="not_payable",
        ) from error

    async def _new_invoice(self, order: ChargeOrder) -> shapes.Invoice | None:
        """A relaunch pays an invoice of its own; each step has its key, so that it is made once."""
        customer, method = await self._payer(order)
        made = await self.ask(
            self.api.invoices.create_async(
                {
                    "customer": customer,
                    "auto_advance": False,
                    "collection_method": "charge_automatically",
                    "currency": order.amount.currency.lower(),
                    "pending_invoice_items_behavior": "exclude",
                    **({"default_payment_method": method} if method else {}),
                    "metadata": {
                        "subscription_id": order.subscription_id,
                        "relance_request": order.request_id,
                    },
                },
                {"idempotency_key": f"{order.request_id}/invoice"},
            )
        )
        invoice = await self.invoice(read_as(made, shapes.Invoice).id)
        if invoice.status != "draft":
            return invoice
        await self.ask(
            self.api.invoice_items.create_async(
                {
                    "customer": customer,
                    "invoice": invoice.id,
                    "amount": order.amount.amount_minor,
                    "currency": order.amount.currency.lower(),
                },
                {"idempotency_key": f"{order.request_id}/item"},
            )
        )
        await self.ask(
            self.api.invoices.finalize_invoice_async(
                invoice.id, {"auto_advance": False}, {"idempotency_key": f"{order.request_id}/finalize"}
            )
        )
        return await self.invoice(invoice.id)

    async def _payer(self, order: Standing) -> tuple[str, str | None]:
        found = await self.ask(self.api.subscriptions.retrieve_async(order.gateway_subscription_id))
        subscription = read_as(found, shapes.Subscription)
        customer = shapes.id_of(subscription.customer) or order.gateway_customer_id
        if customer is None:
            raise Refused(
                f"we could not charge because {subscription.id} has no customer: see it in the dashboard"
            )
        return customer, shapes.id_of(subscription.default_payment_method)

    def _unknown(self, order: ChargeOrder, now: datetime, why: str) -> UnknownNews:
        return UnknownNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            subscription_id=order.subscription_id,
            request_id=order.request_id,
            detail=why,
        )
