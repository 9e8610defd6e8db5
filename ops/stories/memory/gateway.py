"""The in-memory twin of a payment gateway: takes money once per request, keeps books, opens pages, sends webhooks.

It speaks the words of ``services.payments.news`` and stands where Stripe's or PayPal's client stands in production,
so that letter box, translator, errands and pages above it are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from ops.stories.engine import AtGateway, AttemptHappened, BankAnswer, GatewayIds, MoneyTried
from ops.stories.memory import visits
from ops.stories.memory.books import OK, Line, Opened, Script, Standing, decline_of
from ops.stories.memory.line import Died
from services.payments import news
from shared.errors import Refused, Transient
from shared.events import words
from shared.money import Money

SIGNED: Final = {"x-twin-signature": "good"}

Later = Callable[[datetime, "words.Gateway", "Webhook"], None]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the twin: one piece of news with its kind."""

    id: str
    kind: str
    news: dict[str, Any]
    amount_text: str | None = None


class MemoryGateway:
    """One gateway, as ``services.payments.gateways.gateway.Gateway`` describes."""

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

    async def close(self) -> None:
        """See ``Gateway``."""

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

    # --- webhooks ---

    def webhook(
        self, kind: str, event_id: str, told: news.News, *, amount_text: str | None = None
    ) -> Webhook:
        """A piece of news as it is sent."""
        return Webhook(id=event_id, kind=kind, news=msgspec.to_builtins(told), amount_text=amount_text)

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:
        """See ``Gateway``."""
        signature = headers.get("x-twin-signature")
        if signature != SIGNED["x-twin-signature"]:
            why = "it is not signed" if signature is None else "its signature does not fit its body"
            raise Refused(
                f"we could not accept the webhook because {why}: only {self._name} can send one",
                status=400,
                code="webhook_refused",
            )
        sent_at = headers.get("x-twin-time")
        if sent_at and abs(datetime.fromisoformat(sent_at) - now) > timedelta(minutes=5):
            raise Refused(
                "we could not accept the webhook because it was signed at another time: send it again",
                status=400,
                code="webhook_refused",
            )
        try:
            sent = msgspec.json.decode(body, type=Webhook)
        except msgspec.MsgspecError as error:
            raise Refused(
                f"we could not accept the webhook because it is no event: {error}",
                status=400,
                code="webhook_refused",
            ) from error
        return news.Arrived(dedupe_key=f"{self._name}:{sent.id}", gateway=self._name, kind=sent.kind)

    def parse(self, body: bytes) -> news.Heard:
        """See ``Gateway``."""
        sent = msgspec.json.decode(body, type=Webhook)
        kind = _KINDS.get(sent.kind)
        if kind is None:
            return news.NotOurs(reason=f"{sent.kind} is nothing we act upon")
        told = msgspec.convert(sent.news, kind)
        if sent.amount_text is not None and isinstance(told, news.AttemptNews):
            told = replace(told, amount=Money.parse(sent.amount_text, told.amount.currency))
        return (told,)

    async def look(self, hint: news.Look, now: datetime) -> tuple[news.News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``; the twin's webhooks tell all by themselves."""
        raise news.NotConfirmed(f"{hint.kind} is no hint of this gateway")

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
            covers_from=_noon(period) if told.period else None,
            first=told.first,
            next_attempt_at=told.next_attempt_at,
            next_billing_at=told.next_billing_at,
            method=standing.method,
            card=told.card or standing.card,
            **self._refused(told.reason, told) if told.outcome == "failed" else {},
        )
        self._write(made, standing, by="gateway")
        return made

    # --- what we ask ---

    async def charge(self, order: news.ChargeOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``: one request takes money once, however often it is sent."""
        self._answer_or_not()
        if order.request_id not in self._done:
            self._take(order, now)
        ready_at, told = self._done[order.request_id]
        if ready_at > now:
            raise _slow(ready_at - now)
        return told

    def _take(self, order: news.ChargeOrder, now: datetime) -> None:
        script = self.script(order.subscription_id)
        answer = script.next()
        if answer.lost == "before":
            raise Transient(f"{self._name} did not answer: the same request is sent again")
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        at = now + answer.takes
        told = self._judge(order, standing, answer, at)
        self._done[order.request_id] = (at, told)
        script.last = (
            answer.then or OK if answer.pending_for is not None else replace(answer, takes=timedelta(0))
        )
        script.last = replace(script.last, lost=None)
        if self.dies_after_charge:
            self.dies_after_charge = False
            raise Died
        if answer.lost == "after":
            raise Transient(f"{self._name}'s answer never came: the same request is sent again")

    def _judge(
        self, order: news.ChargeOrder, standing: Standing, answer: BankAnswer, at: datetime
    ) -> tuple[news.News, ...]:
        invoice = self._invoice_of(order, standing)
        made = news.AttemptNews(
            gateway=self._name,
            occurred_at=at,
            subscription_id=order.subscription_id,
            outcome=_outcome(answer),
            transaction_id=self.new_id("ch"),
            amount=answer.amount or order.amount,
            request_id=order.request_id,
            invoice_id=invoice,
            gateway_subscription_id=standing.id,
            one_off=order.one_off,
            method=standing.method,
            card=standing.card,
            **self._refused(answer.decline, answer) if answer.decline else {},
        )
        self._write(made, standing, by="us", request_id=order.request_id)
        if answer.pending_for is not None:
            then = answer.then or OK
            ends = at + answer.pending_for
            ended = replace(
                made,
                outcome=_outcome(then),
                occurred_at=ends,
                amount=then.amount or order.amount,
                **self._refused(then.decline, then) if then.decline else {},
            )
            self._later(ends, self._name, self.webhook("attempt", f"evt_{made.transaction_id}", ended))
            self._books_later(ended, standing, order.request_id)
        return (made,)

    def _books_later(self, made: news.AttemptNews, standing: Standing, request_id: str) -> None:
        self._write(made, standing, by="us", request_id=request_id)

    async def own_clock(self, order: news.OwnOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        invoice = order.invoice_id or self._invoice(standing, order.period)
        if invoice is None:
            return ()
        owned = news.InvoiceNews(
            gateway=self._name,
            occurred_at=now,
            subscription_id=order.subscription_id,
            invoice_id=invoice,
            covers_from=_noon(order.period),
            owned=True,
        )
        return (owned,)

    async def cancel(self, order: news.CancelOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        standing.status = "cancelled"
        return (
            self._subscription(
                standing, now, subscription_id=order.subscription_id, by=words.CancelledBy.SCHOOL
            ),
        )

    async def pause(self, order: news.PauseOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``."""
        self._answer_or_not()
        self.of(order.subscription_id, order.gateway_subscription_id).status = "paused"
        return (self._paused(order, now, paused=True),)

    async def resume(self, order: news.ResumeOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        standing.status = "active"
        standing.anchor, standing.day = order.next_billing_at.date(), order.next_billing_at.date().day
        return (self._paused(order, now, paused=False, next_billing_at=order.next_billing_at),)

    async def adopt(self, order: news.AdoptOrder, now: datetime) -> tuple[news.News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        standing.method, standing.label = order.news.method, order.news.label
        standing.card = order.news.card or standing.card
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def detach(self, order: news.AdoptOrder, now: datetime) -> tuple[news.News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        return ()

    async def subscribe(self, order: news.SubscribeOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``: no subscription stays when its first payment fails."""
        self._answer_or_not()
        return visits.first_payment(self, order.subscription_id, f"subscribe/{order.request_id}", now)

    async def read(self, order: news.ReadOrder, now: datetime) -> tuple[news.News, ...]:
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.of(order.subscription_id, order.gateway_subscription_id)
        told: list[news.News] = []
        if standing.status in {"active", "suspended", "cancelled"}:
            told.append(self._subscription(standing, now, subscription_id=order.subscription_id))
        told += [
            replace(line.news, subscription_id=order.subscription_id)
            for line in self.books
            if line.gateway_subscription_id == standing.id and order.since <= line.news.occurred_at <= now
        ]
        return tuple(told)

    async def page(self, order: news.PageOrder, now: datetime) -> news.Page:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``."""
        self._answer_or_not()
        gateway_id = self.new_id("page")
        makes = order.kind == "resume" or (order.kind == "sign_up" and self._name is words.Gateway.PAYPAL)
        made = self.new_id("I") if makes else None
        url = f"https://{self._name}.twin.example/{order.kind}/{order.session_id}"
        self.pages[url] = Opened(
            order=order, gateway_id=made or order.invoice_id or gateway_id, gateway_subscription_id=made
        )
        return news.Page(url=url, gateway_id=self.pages[url].gateway_id, gateway_subscription_id=made)

    async def visit(self, page: news.Visit, now: datetime) -> tuple[news.News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``: the webhook of what was done on the page is on its way; the browser knows no more."""
        self._answer_or_not()
        return ()

    async def describe(self, gateway_subscription_id: str, now: datetime) -> news.Described:
        """See ``Gateway``."""
        self._answer_or_not()
        standing = self.standing.get(gateway_subscription_id)
        if standing is None:
            raise news.NotConfirmed(f"{self._name} knows no {gateway_subscription_id}")
        return news.Described(
            price=standing.price,
            started_at=_noon(standing.anchor),
            due_at=_noon(standing.due_on(now)),
            method=standing.method,
            gateway_customer_id=standing.customer,
            label=standing.label,
            card=standing.card,
            card_country=standing.card_country,
        )

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


def _outcome(answer: BankAnswer) -> news.Outcome:
    if answer.pending_for is not None:
        return news.Outcome.PENDING
    return news.Outcome.FAILED if answer.decline else news.Outcome.SUCCEEDED


def _slow(wait: timedelta) -> Transient:
    slow = Transient("the gateway is still working on this request: the same one is sent again")
    slow.retry_after = wait  # type: ignore[attr-defined]
    return slow


def _noon(day: Any) -> datetime:
    return datetime.fromisoformat(str(day)).replace(hour=12, tzinfo=UTC)


_KINDS: Final[Mapping[str, type[news.News]]] = {
    "attempt": news.AttemptNews,
    "subscription": news.SubscriptionNews,
    "method": news.MethodNews,
    "challenge": news.ChallengeNews,
    "money_back": news.MoneyBackNews,
}
