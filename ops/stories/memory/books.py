"""What a gateway knows in memory: subscriptions, every attempt at money, what the bank was told to say."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from ops.stories.engine import AtGateway, BankAnswer, MoneyTried
from services.payments.news import AttemptNews, PageOrder
from shared.calendar.months import add_months
from shared.decline_codes import Decline, paypal_decline, stripe_decline
from shared.declines import DeclineClass
from shared.events.words import Gateway, MethodKind
from shared.money import Money

OK = BankAnswer()


@dataclass(slots=True, kw_only=True)
class Standing:
    """One subscription at a gateway."""

    id: str
    subscription_id: str
    gateway: Gateway
    customer: str
    price: Money
    anchor: date
    """A due day; the day of the month is ``day``."""
    day: int
    method: MethodKind
    label: str = ""
    card: str | None = None
    card_country: str | None = None
    others: tuple[MethodKind, ...] = ()
    """Stored beside the one that usually pays."""
    status: Literal["active", "suspended", "cancelled", "paused"] = "active"
    failed_payments: int = 0
    first_paid: bool = True

    @classmethod
    def of(cls, told: AtGateway, gateway_id: str) -> Standing:
        """As the story has it before it begins."""
        return cls(
            id=gateway_id,
            subscription_id=told.subscription_id,
            gateway=told.gateway,
            customer=f"cus_{told.subscription_id}",
            price=told.price,
            anchor=told.started_on,
            day=told.billing_day,
            method=told.method,
            label="PayPal" if told.method is not MethodKind.CARD else "4242",
            card=told.card,
            card_country=told.card_country,
            others=told.other_methods,
        )

    def due_on(self, at: datetime) -> date:
        """The due day that a charge at ``at`` is for: the latest on or before it, one day of tolerance."""
        day = at.astimezone(UTC).date() + timedelta(days=1)
        due = add_months(day, 0, anchor_day=self.day)
        if due > day:
            due = add_months(day, -1, anchor_day=self.day)
        return max(due, self.anchor)

    def invoice_for(self, period: str) -> str:
        """The gateway's own id of a period's invoice."""
        return f"in_{self.id}_{period}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One attempt in the books."""

    tried: MoneyTried
    news: AttemptNews
    gateway_subscription_id: str


@dataclass(slots=True, kw_only=True)
class Opened:
    """A page that was opened for a learner."""

    order: PageOrder
    gateway_id: str
    gateway_subscription_id: str | None = None
    visited: bool = False


@dataclass(slots=True)
class Script:
    """What the bank says to our own charges of one subscription."""

    queue: deque[BankAnswer] = field(default_factory=deque)
    otherwise: BankAnswer | None = None
    last: BankAnswer = OK
    """What the latest attempt of any kind came to: the bank says it again unless it is told otherwise."""

    def next(self) -> BankAnswer:
        """The answer to the next charge."""
        if self.queue:
            return self.queue.popleft()
        return self.otherwise or self.last


def decline_of(
    gateway: Gateway, reason: str, *, network_code: str | None = None, advice_code: str | None = None
) -> Decline:
    """Our class of a story's reason: a class of ours as it is, a gateway's own code by our tables."""
    if reason in set(DeclineClass):
        return Decline(decline=DeclineClass(reason), by=f"story {reason}")
    if gateway is Gateway.STRIPE:
        return stripe_decline(reason, advice=advice_code, network_code=network_code)
    return paypal_decline(reason, processor_code=network_code)


def next_month(at: datetime) -> datetime:
    """PayPal's next billing instant: the same day of the next month by its own (UTC) dates, at 10:00 UTC."""
    day = at.astimezone(UTC).date()
    due = add_months(day, 1, anchor_day=day.day)
    return datetime(due.year, due.month, due.day, 10, tzinfo=UTC)
