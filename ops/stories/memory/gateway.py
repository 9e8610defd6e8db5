"""The in-memory twin of a payment gateway: takes money once per request, keeps books, opens pages, sends webhooks.

It speaks the words of ``services.payments.news`` and stands where Stripe's or PayPal's client stands in production,
so that letter box, translator, errands and pages above it are the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ops.stories.engine import BankAnswer
from ops.stories.memory import visits
from ops.stories.memory.accounts import Accounts, noon
from ops.stories.memory.books import OK, Opened, Standing
from ops.stories.memory.line import Died
from ops.stories.memory.webhooks import parsed, verified
from services.payments import news
from shared.errors import Transient
from shared.events import words


class MemoryGateway(Accounts):
    """One gateway, as ``services.payments.gateways.gateway.Gateway`` describes."""

    async def close(self) -> None:
        """See ``Gateway``."""

    # --- webhooks ---

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> news.Arrived:
        """See ``Gateway``."""
        return verified(self._name, headers, body, now)

    def parse(self, body: bytes) -> news.Heard:
        """See ``Gateway``."""
        return parsed(body)

    async def look(self, hint: news.Look, now: datetime) -> tuple[news.News, ...]:  # noqa: ARG002 - Gateway's shape
        """See ``Gateway``; the twin's webhooks tell all by themselves."""
        raise news.NotConfirmed(f"{hint.kind} is no hint of this gateway")

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
        others = self.of(order.subscription_id, order.gateway_subscription_id).others
        if order.fallback and (self._name is words.Gateway.PAYPAL or not others):
            self._done[order.request_id] = (now, (news.no_other_method(order, now),))
            return
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
            method=standing.others[0] if order.fallback else standing.method,
            card=None if order.fallback else standing.card,
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
            self._write(ended, standing, by="us", request_id=order.request_id)
        return (made,)

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
            covers_from=noon(order.period),
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
            started_at=noon(standing.anchor),
            due_at=noon(standing.due_on(now)),
            method=standing.method,
            gateway_customer_id=standing.customer,
            label=standing.label,
            card=standing.card,
            card_country=standing.card_country,
        )


def _outcome(answer: BankAnswer) -> news.Outcome:
    if answer.pending_for is not None:
        return news.Outcome.PENDING
    return news.Outcome.FAILED if answer.decline else news.Outcome.SUCCEEDED


def _slow(wait: timedelta) -> Transient:
    slow = Transient("the gateway is still working on this request: the same one is sent again")
    slow.retry_after = wait  # type: ignore[attr-defined]
    return slow
