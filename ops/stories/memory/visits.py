"""What a learner does on a gateway's page, in memory: stores a method, passes the bank's question, subscribes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ops.stories.engine import BankAnswer, PageEnd, PageVisit
from ops.stories.memory.books import OK, Opened, Standing, next_month
from services.payments import news
from shared.errors import Unreadable
from shared.events.words import Gateway, MethodKind
from shared.methods import OfferedMethod

if TYPE_CHECKING:
    from ops.stories.memory.gateway import MemoryGateway


def visited(gateway: MemoryGateway, visit: PageVisit, now: datetime) -> str:
    """The learner is done with the page: webhooks are on their way; where the browser goes next."""
    page = gateway.pages.get(visit.url)
    if page is None:
        raise Unreadable(f"no page of {gateway.name} is open at {visit.url}")
    if visit.end is PageEnd.LEFT:
        return page.order.cancel_url
    page.visited = True
    match page.order.kind:
        case "method":
            _method(gateway, page, visit, now)
        case "authenticate":
            _proof(gateway, page, visit, now)
        case "resume":
            _subscribed(gateway, page, visit, now, first=False)
        case "sign_up":
            if page.gateway_subscription_id is None:
                _method(gateway, page, visit, now)
            else:
                _subscribed(gateway, page, visit, now, first=True)
    return page.order.return_url


def _method(gateway: MemoryGateway, page: Opened, visit: PageVisit, now: datetime) -> None:
    """A page refuses a card that its bank refuses; a method that only the school refuses is told to it."""
    if visit.end is PageEnd.REFUSED:
        return
    update = visit.update_id or gateway.new_id("seti")
    label = visit.label or ("PayPal" if visit.method is not MethodKind.CARD else "4444")
    stored = news.MethodNews(
        gateway=gateway.name,
        occurred_at=now,
        refs=tuple(ref for ref in (page.order.gateway_subscription_id,) if ref),
        subscription_id=page.order.subscription_id,
        update_id=update,
        method_id=gateway.new_id("pm"),
        method=visit.method,
        label=label,
        card=visit.card or (f"card-{update}" if visit.method is MethodKind.CARD else None),
        card_country=visit.card_country,
        offered=OfferedMethod(
            type=visit.method.value,
            funding=visit.funding,  # type: ignore[arg-type]
            deferred_debit=visit.deferred_debit,
            cvc_provided=visit.cvc,
            three_ds_supported=visit.three_ds,
            recurring_capable=visit.recurring,
        ),
        session_id=page.order.session_id,
        gateway_customer_id=page.order.gateway_customer_id or f"cus_{page.order.subscription_id}",
    )
    script = gateway.script(page.order.subscription_id)
    script.last = OK
    gateway.say_later(now, "method", f"evt_{update}", stored)


def _proof(gateway: MemoryGateway, page: Opened, visit: PageVisit, now: datetime) -> None:
    """The bank's page of an invoice: passing it pays the invoice on the spot."""
    order, invoice = page.order, page.order.invoice_id
    standing = gateway.of(order.subscription_id, order.gateway_subscription_id)
    if visit.end is PageEnd.REFUSED:
        failed = news.ChallengeNews(
            gateway=gateway.name,
            occurred_at=now,
            refs=(standing.id,),
            subscription_id=order.subscription_id,
            challenge_id=f"pi_{invoice}",
            state="failed",
            invoice_id=invoice,
        )
        gateway.say_later(now, "challenge", gateway.new_id("evt"), failed)
        return
    one_off = gateway.one_off(invoice or "")
    script = gateway.script(order.subscription_id)
    answer = script.queue.popleft() if script.queue else OK
    script.last = answer
    made = news.AttemptNews(
        gateway=gateway.name,
        occurred_at=now,
        refs=(standing.id,),
        subscription_id=order.subscription_id,
        outcome=news.Outcome.FAILED if answer.decline else news.Outcome.SUCCEEDED,
        transaction_id=visit.transaction_id or gateway.new_id("ch"),
        amount=visit.amount or answer.amount or (one_off.amount if one_off else standing.price),
        invoice_id=invoice,
        gateway_subscription_id=standing.id,
        one_off=one_off is not None,
        method=standing.method,
        card=standing.card,
        **gateway.refusal(answer.decline) if answer.decline else {},
    )
    gateway.write(made, standing, by="learner")
    gateway.say_later(now, "attempt", f"evt_{made.transaction_id}", made)


def _subscribed(
    gateway: MemoryGateway, page: Opened, visit: PageVisit, now: datetime, *, first: bool
) -> None:
    """PayPal's approval: a new subscription begins and its first payment is taken."""
    if visit.end is PageEnd.REFUSED:
        return
    order = page.order
    made_id = page.gateway_subscription_id or gateway.new_id("I")
    standing = Standing(
        id=made_id,
        subscription_id=order.subscription_id,
        gateway=gateway.name,
        customer=f"payer_{order.subscription_id}",
        price=order.price,
        anchor=now.date(),
        day=now.date().day,
        method=MethodKind.PAYPAL_SUBSCRIPTION if gateway.name is Gateway.PAYPAL else MethodKind.CARD,
        label="PayPal",
    )
    gateway.standing[made_id] = standing
    next_at = visit.next_billing_at or next_month(now)
    amount = visit.amount or order.price
    active = gateway.subscription_news(
        standing, now, subscription_id=order.subscription_id, amount=amount, next_billing_at=next_at
    )
    sale = news.AttemptNews(
        gateway=gateway.name,
        occurred_at=now,
        refs=(made_id,),
        subscription_id=order.subscription_id,
        outcome=news.Outcome.SUCCEEDED,
        transaction_id=visit.transaction_id or gateway.new_id("sale"),
        amount=amount,
        gateway_subscription_id=made_id,
        first=first,
        next_billing_at=next_at,
        method=standing.method,
    )
    gateway.write(sale, standing, by="learner")
    gateway.script(order.subscription_id).last = OK
    gateway.say_later(now, "subscription", gateway.new_id("evt"), active)
    gateway.say_later(now, "attempt", f"evt_{sale.transaction_id}", sale)


def first_payment(
    gateway: MemoryGateway, subscription_id: str, key: str, now: datetime
) -> tuple[news.News, ...]:
    """A sign-up with a stored method: the subscription stays only when its first payment succeeds."""
    page = next(
        one
        for one in reversed(gateway.pages.values())
        if one.order.kind == "sign_up" and one.order.subscription_id == subscription_id
    )
    made_id = f"sub-{subscription_id}"
    if made_id in gateway.standing:
        return ()
    script = gateway.script(subscription_id)
    answer = script.next()
    script.last = replace(answer, takes=BankAnswer().takes)
    standing = Standing(
        id=made_id,
        subscription_id=subscription_id,
        gateway=gateway.name,
        customer=f"cus_{subscription_id}",
        price=page.order.price,
        anchor=now.date(),
        day=now.date().day,
        method=MethodKind.CARD,
    )
    made = news.AttemptNews(
        gateway=gateway.name,
        occurred_at=now,
        refs=(made_id,),
        subscription_id=subscription_id,
        outcome=news.Outcome.FAILED if answer.decline else news.Outcome.SUCCEEDED,
        transaction_id=f"ch-{key.replace('/', '-')}",
        amount=page.order.price,
        gateway_subscription_id=made_id,
        first=True,
        method=standing.method,
        **gateway.refusal(answer.decline) if answer.decline else {},
    )
    gateway.write(made, standing, by="us")
    if answer.decline:
        return ()
    gateway.standing[made_id] = standing
    active = gateway.subscription_news(
        standing, now, subscription_id=subscription_id, amount=page.order.price
    )
    return (active, made)
