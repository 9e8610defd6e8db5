"""Changing what stands at Stripe: who owns an invoice's clock, cancelling, pausing, resuming, another method."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import aiohttp
import stripe

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.connection import (
    EXPAND,
    LOST,
    Connection,
    about,
    code_of,
    read_as,
    trouble,
)
from services.payments.gateways.stripe.parse import subscription_news
from services.payments.gateways.stripe.reading import invoice_news, told_by
from services.payments.news import (
    AdoptOrder,
    CancelOrder,
    News,
    OwnOrder,
    PausedNews,
    PauseOrder,
    ResumeOrder,
    SubscribeOrder,
    SubscriptionNews,
)
from shared.events.words import CancelledBy, Gateway


class Keeping(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def own_clock(self, order: OwnOrder, now: datetime) -> tuple[News, ...]:
        """``auto_advance=false``: neither retries nor end-state transitions of Stripe's own."""
        invoice = await self.find_invoice(order)
        if invoice is None or invoice.status != "open":
            return ()
        if invoice.auto_advance is not False:
            updated = await self.ask(
                self.api.invoices.update_async(invoice.id, {"auto_advance": False, "expand": EXPAND})
            )
            invoice = read_as(updated, shapes.Invoice)
        return (replace(invoice_news(invoice, now=now, owned=True), subscription_id=order.subscription_id),)

    async def cancel(self, order: CancelOrder, now: datetime) -> tuple[News, ...]:
        """Cancel at once; a subscription that is gone already is cancelled."""
        try:
            ended = await self.api.subscriptions.cancel_async(order.gateway_subscription_id, {})
        except stripe.InvalidRequestError as error:
            if code_of(error) not in LOST:
                raise trouble(error) from error
            return (await self._cancelled_before(order, now),)
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error
        news = subscription_news(read_as(ended, shapes.Subscription), now)
        return (about(news, order),) if news else ()

    async def _cancelled_before(self, order: CancelOrder, now: datetime) -> News:
        try:
            found = await self.api.subscriptions.retrieve_async(order.gateway_subscription_id)
        except stripe.InvalidRequestError:
            news: SubscriptionNews | None = None
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error
        else:
            news = subscription_news(read_as(found, shapes.Subscription), now)
        gone = SubscriptionNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            gateway_subscription_id=order.gateway_subscription_id,
            status="cancelled",
            by=CancelledBy.UNKNOWN,
        )
        ended: News = about(news or gone, order)
        return ended

    async def pause(self, order: PauseOrder, now: datetime) -> tuple[News, ...]:
        """New invoices are void while paused, and the failed one is written off (R-F9: waived)."""
        await self.ask(
            self.api.subscriptions.update_async(
                order.gateway_subscription_id, {"pause_collection": {"behavior": "void"}}
            ),
            missing_is_fine=True,
        )
        invoice = await self.find_invoice(order)
        if invoice is not None and invoice.status == "open":
            await self.ask(self.api.invoices.mark_uncollectible_async(invoice.id), missing_is_fine=True)
        return (self._paused(order, now, paused=True),)

    async def resume(self, order: ResumeOrder, now: datetime) -> tuple[News, ...]:
        """Collect again; a trial that ends on the next billing day moves the anchor there, unprorated."""
        await self.ask(
            self.api.subscriptions.update_async(
                order.gateway_subscription_id,
                {
                    "pause_collection": "",
                    "trial_end": int(order.next_billing_at.timestamp()),
                    "proration_behavior": "none",
                },
            )
        )
        return (self._paused(order, now, paused=False, next_billing_at=order.next_billing_at),)

    def _paused(
        self,
        order: PauseOrder | ResumeOrder,
        now: datetime,
        *,
        paused: bool,
        next_billing_at: datetime | None = None,
    ) -> PausedNews:
        return PausedNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=order.gateway_subscription_id,
            paused=paused,
            next_billing_at=next_billing_at,
        )

    async def adopt(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """The subscription's own default wins over the customer's: set it there (gateways.md 1.4)."""
        await self.ask(
            self.api.subscriptions.update_async(
                order.gateway_subscription_id, {"default_payment_method": order.news.method_id}
            )
        )
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def detach(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A refused method is not kept (FR-29)."""
        await self.ask(self.api.payment_methods.detach_async(order.news.method_id), missing_is_fine=True)
        return ()

    async def subscribe(self, order: SubscribeOrder, now: datetime) -> tuple[News, ...]:
        """Sign up with a method that was found good; no subscription stays when its first payment fails."""
        try:
            made = await self.api.subscriptions.create_async(
                {
                    "customer": order.gateway_customer_id or "",
                    "items": [{"price": order.plan}],
                    "default_payment_method": order.method_id,
                    "payment_behavior": "error_if_incomplete",
                    "metadata": {"subscription_id": order.subscription_id},
                },
                {"idempotency_key": order.request_id},
            )
        except stripe.CardError:
            return ()
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error
        subscription = read_as(made, shapes.Subscription)
        news = subscription_news(subscription, now)
        invoice = shapes.id_of(subscription.latest_invoice)
        first = told_by(await self.invoice(invoice), now=now) if invoice else ()
        return tuple(one for one in (news, *first) if one is not None)
