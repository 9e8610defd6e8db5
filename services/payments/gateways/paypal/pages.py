"""PayPal's page: where a payer agrees to a new subscription, and what came of it (J26)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.connection import NEAR, Connection, ImpossibleError
from services.payments.news import News, Page, PageOrder, Visit
from shared.errors import Refused, Transient


class Pages(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def page(self, order: PageOrder, now: datetime) -> Page:  # noqa: ARG002 - Gateway's shape
        """A new subscription waits for the payer's approval; it bears our id (J26)."""
        if order.kind not in {"sign_up", "resume"} or order.plan is None:
            raise Refused(
                "we could not open a page because PayPal keeps the payer's methods and proofs itself: "
                "the learner settles them in the PayPal account",
                code="not_at_this_gateway",
            )
        price = {"currency_code": order.price.currency, "value": order.price.decimal_text}
        cycle = {"sequence": 1, "total_cycles": 0, "pricing_scheme": {"fixed_price": price}}
        body: dict[str, Any] = {
            "plan_id": order.plan,
            "custom_id": order.subscription_id,
            "plan": {"billing_cycles": [cycle]},
            "application_context": {
                "locale": {"fr": "fr-FR", "ja": "ja-JP"}.get(order.language, "en-US"),
                "shipping_preference": "NO_SHIPPING",
                "user_action": "SUBSCRIBE_NOW",
                "return_url": order.return_url,
                "cancel_url": order.cancel_url,
            },
        }
        if order.starts_at is not None:
            body["start_time"] = f"{order.starts_at:%Y-%m-%dT%H:%M:%SZ}"
        try:
            reply = await self.ask("POST", "/v1/billing/subscriptions", body, request_id=order.session_id)
        except ImpossibleError as error:
            raise Refused(
                f"we could not open PayPal's page because PayPal says {error}: check the plan"
            ) from error
        made = msgspec.json.decode(reply.body, type=shapes.Subscription)
        approve = next((link.href for link in made.links if link.rel == "approve"), None)
        if approve is None:
            raise Transient("PayPal gave no address for the payer's approval: try again")
        return Page(url=approve, gateway_id=made.id, gateway_subscription_id=made.id)

    async def visit(self, page: Visit, now: datetime) -> tuple[News, ...]:
        """The payer came back: what the new subscription's books say."""
        news = await self.books(page.gateway_id, since=page.started_at - NEAR, now=now)
        return tuple(replace(one, subscription_id=page.subscription_id) for one in news)
