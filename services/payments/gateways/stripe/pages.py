"""Stripe's own pages: where a learner stores a card or meets the bank, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.connection import Connection, read_as
from services.payments.gateways.stripe.reading import method_news, told_by
from services.payments.news import News, Page, PageOrder, Visit
from shared.errors import Refused
from shared.events.words import MethodKind

_STORED: Final[dict[MethodKind | None, list[str]]] = {
    MethodKind.CARD: ["card"],
    MethodKind.PAYPAL: ["paypal"],
}
"""What a page stores when the learner has chosen already."""


class Pages(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def page(self, order: PageOrder, now: datetime) -> Page:  # noqa: ARG002 - Gateway's shape
        """A checkout page that stores a method, or the invoice's own page that asks for the proof."""
        if order.kind == "authenticate":
            return await self._invoice_page(order)
        if order.kind == "resume":
            raise Refused("we could not open a page because Stripe subscriptions are relaunched, not resumed")
        carried = {"subscription_id": order.subscription_id, "session_id": order.session_id}
        customer = order.gateway_customer_id
        if customer is None:
            made = await self.ask(
                self.api.customers.create_async(
                    {"metadata": {"subscription_id": order.subscription_id}},
                    {"idempotency_key": f"{order.session_id}/customer"},
                )
            )
            customer = read_as(made, shapes.Named).id
        params: Any = {
            "mode": "setup",
            "customer": customer,
            "currency": order.price.currency.lower(),
            "locale": order.language,
            "allowed_payment_method_types": _STORED.get(order.method, ["card", "paypal"]),
            "payment_method_options": {"card": {"request_three_d_secure": "any"}},
            "metadata": carried,
            "setup_intent_data": {"metadata": carried},
            "success_url": order.return_url,
            "cancel_url": order.cancel_url,
        }
        session = read_as(
            await self.ask(
                self.api.checkout.sessions.create_async(params, {"idempotency_key": order.session_id})
            ),
            shapes.CheckoutSession,
        )
        return Page(url=session.url or "", gateway_id=session.id)

    async def _invoice_page(self, order: PageOrder) -> Page:
        invoice = await self.invoice(order.invoice_id) if order.invoice_id else None
        if invoice is None or not invoice.hosted_invoice_url or invoice.status != "open":
            raise Refused(
                "we could not open the bank's page because no open invoice waits for it",
                code="nothing_to_pay",
            )
        return Page(url=invoice.hosted_invoice_url, gateway_id=invoice.id)

    async def visit(self, page: Visit, now: datetime) -> tuple[News, ...]:
        """The browser came back: read what it did, without waiting for the webhook."""
        if page.kind == "authenticate":
            return told_by(await self.invoice(page.gateway_id), now=now)
        found = await self.ask(
            self.api.checkout.sessions.retrieve_async(
                page.gateway_id, {"expand": ["setup_intent.payment_method"]}
            )
        )
        setup = read_as(found, shapes.CheckoutSession).setup_intent
        if not isinstance(setup, shapes.SetupIntent) or setup.status != "succeeded":
            return ()
        if not isinstance(setup.payment_method, shapes.PaymentMethod):
            return ()
        return (
            method_news(
                setup.payment_method,
                at=now,
                update_id=setup.id,
                subscription_id=page.subscription_id,
                session_id=page.session_id,
            ),
        )
