"""What a gateway in memory knows and remembers: subscriptions, books, scripts, what it has said already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ops.stories.engine import AtGateway, AttemptHappened, BankAnswer, GatewayIds, MoneyTried
from ops.stories.memory.books import OK, Line, Opened, Script, Standing, decline_of
from ops.stories.memory.webhooks import Webhook
from services.payments import news
from shared.errors import Transient
from shared.events import words

Later = Callable[[datetime, "words.Gateway", "Webhook"], None]
"""Sends a webhook at an instant."""


class Accounts:
    """The state of one gateway; ``MemoryGateway`` answers out of it."""

    def __init__(self, name: words.Gateway, later: Later) -> None:
        self._name = name
        self._later = later
        self.standing: dict[str, Standing] = {}
        self.books: list[Line] = []
        self.scripts: dict[str, Script] = {}
        self.pages: dict[str, Opened] = {}
        self.up = True
        self.dies_after_charge = False
        self._done: dict[str, tuple[datetime, tuple[news.News, ...]]] = {}
        self._one_off: dict[str, news.ChargeOrder] = {}
        self._count = 0

    @property
    def name(self) -> words.Gateway:
        """See ``Gateway``."""
        return self._name

    def new_id(self, prefix: str) -> str:
        """An id that was never used here."""
        self._count += 1
        return f"{prefix}_{self._name}_{self._count:04d}"

    # --- before the story ---

    def add(self, told: AtGateway) -> GatewayIds:
        """A subscription that is there already."""
        prefix = "sub" if self._name is words.Gateway.STRIPE else "I"
        gateway_id = told.gateway_subscription_id or f"{prefix}-{told.subscription_id}"
        standing = Standing.of(told, gateway_id)
        self.standing[gateway_id] = standing
        self.script(told.subscription_id)
        return GatewayIds(subscription=gateway_id, customer=standing.customer, plan="plan_monthly")

    def script(self, subscription_id: str) -> Script:
        """What the bank says about a subscription."""
        return self.scripts.setdefault(subscription_id, Script())

    def of(self, subscription_id: str, gateway_id: str | None = None) -> Standing:
        """A subscription by its gateway id, or the newest of the school's own id.

        Raises:
            NotConfirmed: there is none.
        """
        found = [one for one in self.standing.values() if one.subscription_id == subscription_id]
        if gateway_id is not None and gateway_id in self.standing:
            return self.standing[gateway_id]
        if not found:
            raise news.NotConfirmed(f"{self._name} has no subscription {subscription_id}")
        return found[-1]

    # --- what happens by itself ---

    def attempt(self, told: AttemptHappened) -> news.AttemptNews:
        """The gateway acted by itself: into the books, and the news of it."""
        standing = self.of(told.subscription_id, told.gateway_subscription_id)
        answer = OK if told.outcome != "failed" else BankAnswer(decline=told.reason)
        if told.outcome != "pending":
            self.script(told.subscription_id).last = answer
        standing.failed_payments = standing.failed_payments + 1 if told.outcome == "failed" else 0
        period = told.period or standing.due_on(told.at)
        made = news.AttemptNews(
            gateway=self._name,
            occurred_at=told.at,
            refs=(told.gateway_subscription_id or standing.id,),
            outcome=news.Outcome(told.outcome),
            transaction_id=told.transaction_id,
            amount=told.amount,
            invoice_id=self._invoice(standing, period.isoformat()),
            gateway_subscription_id=told.gateway_subscription_id or standing.id,
            covers_from=noon(period) if told.period else None,
            first=told.first,
            next_attempt_at=told.next_attempt_at,
            next_billing_at=told.next_billing_at,
            method=standing.method,
            card=told.card or standing.card,
            **self._refused(told.reason, told) if told.outcome == "failed" else {},
        )
        self._write(made, standing, by="gateway")
        return made

    def webhook(
        self, kind: str, event_id: str, told: news.News, *, amount_text: str | None = None
    ) -> Webhook:
        """A piece of news as it is sent."""
        return Webhook(id=event_id, kind=kind, news=msgspec.to_builtins(told), amount_text=amount_text)

    # --- parts ---

    def one_off(self, invoice_id: str) -> news.ChargeOrder | None:
        """The relaunch that made an invoice of its own."""
        return self._one_off.get(invoice_id)

    def write(self, made: news.AttemptNews, standing: Standing, *, by: str) -> None:
        """Into the books."""
        self._write(made, standing, by=by)

    def subscription_news(self, standing: Standing, at: datetime, **more: Any) -> news.SubscriptionNews:
        """How a subscription stands."""
        return self._subscription(standing, at, **more)

    def say_later(self, at: datetime, kind: str, event_id: str, told: news.News) -> None:
        """A webhook that arrives at ``at``."""
        self._later(at, self._name, self.webhook(kind, event_id, told))

    def refusal(self, reason: str) -> dict[str, Any]:
        """The fields of a failed attempt."""
        return self._refused(reason, BankAnswer())

    def tried(self) -> Sequence[MoneyTried]:
        """Every attempt so far."""
        return [line.tried for line in self.books]

    def _answer_or_not(self) -> None:
        if not self.up:
            raise Transient(f"{self._name} does not answer: the same request is sent again")

    def _write(
        self, made: news.AttemptNews, standing: Standing, *, by: str, request_id: str | None = None
    ) -> None:
        tried = MoneyTried(
            at=made.occurred_at,
            gateway=self._name,
            subscription_id=standing.subscription_id,
            transaction_id=made.transaction_id,
            amount=made.amount,
            outcome=made.outcome.value,
            by=by,
            request_id=request_id,
        )
        self.books.append(Line(tried=tried, news=made, gateway_subscription_id=standing.id))

    def _refused(self, reason: str | None, codes: Any) -> dict[str, Any]:
        network, advice = getattr(codes, "network_code", None), getattr(codes, "advice_code", None)
        found = decline_of(self._name, reason or "", network_code=network, advice_code=advice)
        return {
            "decline": found.decline,
            "fault": found.fault,
            "raw_code": reason or "",
            "network_code": network,
            "advice_code": advice,
        }

    def _invoice(self, standing: Standing, period: str) -> str | None:
        """Stripe has invoices; PayPal's subscriptions have none."""
        return standing.invoice_for(period) if self._name is words.Gateway.STRIPE else None

    def _invoice_of(self, order: news.ChargeOrder, standing: Standing) -> str | None:
        if not order.one_off:
            return order.invoice_id or self._invoice(standing, order.period)
        invoice = f"in_{order.request_id}"
        self._one_off[invoice] = order
        return invoice

    def _subscription(
        self,
        standing: Standing,
        at: datetime,
        *,
        subscription_id: str | None = None,
        by: words.CancelledBy = words.CancelledBy.UNKNOWN,
        **more: Any,
    ) -> news.SubscriptionNews:
        return news.SubscriptionNews(
            gateway=self._name,
            occurred_at=at,
            refs=(standing.id,),
            subscription_id=subscription_id,
            gateway_subscription_id=standing.id,
            status=standing.status,
            by=by,
            **{"failed_payments": standing.failed_payments, **more},
        )

    def _paused(
        self, order: news.PauseOrder | news.ResumeOrder, now: datetime, **more: Any
    ) -> news.PausedNews:
        return news.PausedNews(
            gateway=self._name,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=order.gateway_subscription_id,
            **more,
        )


def noon(day: Any) -> datetime:
    """An instant that no zone takes out of ``day``."""
    return datetime.fromisoformat(str(day)).replace(hour=12, tzinfo=UTC)
