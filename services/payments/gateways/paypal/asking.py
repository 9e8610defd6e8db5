"""What can be asked of PayPal: capture a balance it gave up, cancel, suspend, activate; each safe to repeat."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.connection import Connection, ImpossibleError, safe
from services.payments.gateways.paypal.reading import OUR_NOTE, refs_of, status_news
from services.payments.news import (
    AdoptOrder,
    AttemptNews,
    CancelOrder,
    ChargeOrder,
    News,
    Outcome,
    OwnOrder,
    PausedNews,
    PauseOrder,
    ResumeOrder,
    Standing,
    SubscribeOrder,
    UnknownNews,
    no_other_method,
)
from shared.errors import Refused, Transient
from shared.events.words import Gateway, MethodKind

_KEYS_LIVE: Final = timedelta(hours=24)
_OVER: Final = frozenset({"CANCELLED", "EXPIRED"})


class Asking(Connection):
    """See ``gateways.gateway.Gateway``."""

    async def charge(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """PayPal charges subscriptions by itself; only a balance it gave up can be captured (J16).

        Which of the payer's cards or accounts pays is settled between payer and PayPal: there is no other stored
        method to fall back on, and nothing is captured in its place.
        """
        if order.fallback:
            return (no_other_method(order, now),)
        if order.tries > 1:
            found = await self._since(order, now)
            if found:
                return found
            if now - order.asked_at > _KEYS_LIVE:
                return (self._unknown(order, now),)
        subscription = await self.subscription(order.gateway_subscription_id)
        info = subscription.billing_info
        balance = info.outstanding_balance.money if info and info.outstanding_balance else None
        if balance is None or balance.is_zero:
            raise Refused(
                "we could not charge because PayPal alone decides when, and holds no unpaid balance to capture"
            )
        amount = {"currency_code": order.amount.currency, "value": order.amount.decimal_text}
        try:
            reply = await self.ask(
                "POST",
                f"/v1/billing/subscriptions/{safe(subscription.id)}/capture",
                {
                    "note": f"{OUR_NOTE} {order.period}",
                    "capture_type": "OUTSTANDING_BALANCE",
                    "amount": amount,
                },
                request_id=order.request_id,
            )
        except ImpossibleError as error:
            raise Refused(
                f"we could not capture the balance because PayPal says {error}", code="not_payable"
            ) from error
        if reply.status == 202:
            found = await self._since(order, now)
            if not found:
                raise Transient(
                    "PayPal has taken the capture in and not done it yet: its books are read again"
                )
            return found
        captured = msgspec.json.decode(reply.body, type=shapes.Captured)
        return (
            AttemptNews(
                gateway=Gateway.PAYPAL,
                occurred_at=shapes.instant(captured.time) or now,
                refs=refs_of(subscription),
                subscription_id=order.subscription_id,
                outcome=Outcome.SUCCEEDED,
                transaction_id=captured.id,
                amount=order.amount,
                request_id=order.request_id,
                gateway_subscription_id=subscription.id,
                method=MethodKind.PAYPAL_SUBSCRIPTION,
            ),
        )

    async def _since(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """Attempts of this amount since the order, which we do not know yet: its answer."""
        books = await self.books(order.gateway_subscription_id, since=order.asked_at, now=now)
        return tuple(
            replace(one, request_id=order.request_id, subscription_id=order.subscription_id)
            for one in books
            if isinstance(one, AttemptNews)
            and one.occurred_at >= order.asked_at
            and one.amount == order.amount
            and one.transaction_id not in order.known_transactions
        )[:1]

    def _unknown(self, order: ChargeOrder, now: datetime) -> UnknownNews:
        return UnknownNews(
            gateway=Gateway.PAYPAL,
            occurred_at=now,
            subscription_id=order.subscription_id,
            request_id=order.request_id,
            detail="PayPal's books show no capture within a day of the request",
        )

    async def own_clock(self, order: OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """PayPal's clock cannot be taken over."""
        return ()

    async def cancel(self, order: CancelOrder, now: datetime) -> tuple[News, ...]:
        """Cancelled by whoever was first; asked again, it is cancelled still (R-J12)."""
        subscription = await self.subscription(order.gateway_subscription_id)
        if subscription.status not in _OVER:
            with suppress(ImpossibleError):  # somebody else was faster: the books tell
                await self.ask(
                    "POST",
                    f"/v1/billing/subscriptions/{safe(subscription.id)}/cancel",
                    {"reason": f"{OUR_NOTE}: the procedure for failed payments ended"},
                )
            subscription = await self.subscription(order.gateway_subscription_id)
        if subscription.status not in _OVER:
            raise Transient(
                f"PayPal still shows {subscription.id} as {subscription.status}: asked again later"
            )
        return _known(status_news(subscription, now), order)

    async def pause(self, order: PauseOrder, now: datetime) -> tuple[News, ...]:
        """Suspended at PayPal: nothing is collected."""
        return await self._move(order, now, "suspend", reached={"SUSPENDED", *_OVER}, paused=True)

    async def resume(self, order: ResumeOrder, now: datetime) -> tuple[News, ...]:
        """Active again; PayPal keeps its own billing day."""
        return await self._move(order, now, "activate", reached={"ACTIVE"}, paused=False)

    async def _move(
        self, order: PauseOrder | ResumeOrder, now: datetime, action: str, *, reached: set[str], paused: bool
    ) -> tuple[News, ...]:
        subscription = await self.subscription(order.gateway_subscription_id)
        if subscription.status not in reached:
            try:
                await self.ask(
                    "POST",
                    f"/v1/billing/subscriptions/{safe(subscription.id)}/{action}",
                    {"reason": f"{OUR_NOTE}: {order.request_id}"[:128]},
                )
            except ImpossibleError as error:
                raise Refused(
                    f"we could not {action} {subscription.id} because it is {subscription.status}"
                ) from error
            subscription = await self.subscription(order.gateway_subscription_id)
        info = subscription.billing_info
        news = PausedNews(
            gateway=Gateway.PAYPAL,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=subscription.id,
            paused=paused,
            next_billing_at=shapes.instant(info.next_billing_time) if info else None,
        )
        return (news,)

    async def adopt(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """The method behind a PayPal subscription is the payer's own affair."""
        raise Refused("we could not change the method because the payer does that in the PayPal account")

    async def detach(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """Nothing is stored with us."""
        return ()

    async def subscribe(self, order: SubscribeOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A PayPal subscription is made by its payer's approval alone."""
        raise Refused(
            "we could not subscribe because the payer approves a PayPal subscription on PayPal's page"
        )


def _known(news: News | None, order: Standing) -> tuple[News, ...]:
    return () if news is None else (replace(news, subscription_id=order.subscription_id),)
