"""What payments does when a gateway has news, whoever brought it: load, decide, record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Any

from services.payments import orders
from services.payments.domain import attempts, changes, periods
from services.payments.domain.methods import why_refused
from services.payments.domain.registration import when_registered
from services.payments.domain.state import Invoice, Reference, Role, School, Session, Subscription
from services.payments.handlers.books import Books
from services.payments.news import (
    AdoptOrder,
    AttemptNews,
    ChallengeNews,
    InvoiceNews,
    MethodNews,
    MoneyBackNews,
    News,
    Outcome,
    PausedNews,
    ReviewNews,
    SubscribeOrder,
    SubscriptionNews,
    UnknownNews,
)
from shared.calendar.wall import local_date
from shared.events.words import Gateway


class Hearing(StrEnum):
    """What became of one piece of news."""

    TOLD = "told"
    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    UNKNOWN_SCHOOL = "unknown_school"


async def hear_news(news: News, unit: Books) -> Hearing:
    """The one place where news becomes facts, whoever brought it: a webhook, an answer, a reading, a twin."""
    reference, subscription = await _whose(news, unit)
    if subscription is None and news.subscription_id is not None:
        session = await _sign_up_of(news.subscription_id, unit)
        if session is not None:
            return await _tell_sign_up(news, unit, session)
    if subscription is None:
        return Hearing.UNKNOWN_SUBSCRIPTION
    school = await unit.school(subscription.school_id)
    if school is None:
        return Hearing.UNKNOWN_SCHOOL
    await _TELLERS[type(news)](news, unit, subscription, school, reference)
    await _learn_payer(news, unit, subscription)
    return Hearing.TOLD


async def _learn_payer(news: News, unit: Books, subscription: Subscription) -> None:
    """Who pays the current subscription is remembered: he may register another one by himself (JP-11)."""
    current, *payers = news.refs or ("",)
    if news.gateway is not Gateway.PAYPAL or current != subscription.gateway_subscription_id:
        return
    for payer in payers:
        key = f"{news.gateway}:{payer}"
        await unit.refer(Reference(key=key, subscription_id=subscription.subscription_id, role=Role.CUSTOMER))


async def _whose(news: News, unit: Books) -> tuple[Reference | None, Subscription | None]:
    """Whom news is about: a known id of the gateway, else the id it carries for us, else a known payer."""
    found = [ref for ref in [await unit.reference(news.gateway, one) for one in news.refs] if ref is not None]
    sure = [ref for ref in found if ref.role not in (Role.CUSTOMER, Role.SEVERAL)]
    payers = [ref for ref in found if ref.role is Role.CUSTOMER]
    carried = (None, news.subscription_id)
    for reference, name in (
        *((ref, ref.subscription_id) for ref in sure),
        carried,
        *((ref, ref.subscription_id) for ref in payers),
        (None, await _whose_money(news, unit)),
    ):
        subscription = await unit.subscription(name) if name else None
        if subscription is not None:
            return reference, subscription
    return None, None


async def _whose_money(news: News, unit: Books) -> str | None:
    """The subscription whose payment went back."""
    if not isinstance(news, MoneyBackNews) or news.transaction_id is None:
        return None
    known = await unit.transactions(news.gateway, news.transaction_id)
    return known[0].subscription_id if known else None


async def _sign_up_of(subscription_id: str, unit: Books) -> Session | None:
    sessions = await unit.sessions_of(subscription_id)
    open_ones = [one for one in sessions if one.kind == "sign_up" and one.registration is not None]
    return max(
        open_ones,
        key=lambda one: (bool(one.paying_with) and one.state != "refused", one.started_at),
        default=None,
    )


async def _tell_sign_up(news: News, unit: Books, session: Session) -> Hearing:
    """A sign-up becomes a subscription when it is paid; a refused or unpaid one leaves nothing (R-F12, R-F14)."""
    school = await unit.school(session.school_id)
    if school is None:
        return Hearing.UNKNOWN_SCHOOL
    if isinstance(news, MethodNews):
        await _tell_first_method(news, unit, school, session)
        return Hearing.TOLD
    paid = isinstance(news, AttemptNews) and news.outcome is Outcome.SUCCEEDED
    active = isinstance(news, SubscriptionNews) and news.status == "active"
    gateway_id = getattr(news, "gateway_subscription_id", None)
    if not (paid or active) or gateway_id is None or session.registration is None:
        return Hearing.TOLD
    told = replace(session.registration, gateway_subscription_id=gateway_id)
    today = local_date(unit.now, school.zone)
    registered = when_registered(None, told, today=today, now=unit.now)
    unit.keep(registered.subscription, replace(session, state="done"))
    await unit.refer(*registered.references)
    unit.say(*registered.said)
    return await hear_news(news, unit)


async def _tell_first_method(news: MethodNews, unit: Books, school: School, latest: Session) -> None:
    """Two pages may be open, but one method pays: a second one that is stored meanwhile is taken away again."""
    sessions = await unit.sessions_of(news.subscription_id or latest.subscription_id)
    mine = next((one for one in sessions if one.session_id == news.session_id), latest)
    is_paying = any(
        one.paying_with not in {"", news.update_id} and one.state not in {"refused", "done"}
        for one in sessions
    )
    if is_paying:
        unit.keep(replace(mine, state="refused", reason="already_paying"))
        _take_away(news, unit, latest.subscription_id)
        return
    unit.keep(replace(mine, paying_with=news.update_id))
    _judge_method(news, unit, school, mine, orders.sign_up(mine, news))


async def _tell_attempt(
    news: AttemptNews, unit: Books, subscription: Subscription, school: School, reference: Reference | None
) -> None:
    role = await _role(news, unit, subscription, reference)
    seen = await unit.transactions(news.gateway, news.transaction_id)
    if news.gateway_subscription_id and (news.approximate or role in (Role.RESUME, Role.DUPLICATE)):
        seen = [*seen, *await unit.transactions_of(news.gateway_subscription_id)]
    asked = news.request_id is not None or news.challenged
    requests = await unit.requests_of(subscription.subscription_id) if asked else []
    request = next((one for one in requests if one.request_id == news.request_id), None)
    invoice = await unit.invoice(news.gateway, news.invoice_id) if news.invoice_id else None
    decision = attempts.when_attempt(
        subscription,
        school,
        news,
        seen=seen,
        request=request,
        requests=requests,
        invoice=invoice,
        role=role,
        now=unit.now,
    )
    unit.say(*decision.said)
    unit.keep(decision.transaction, decision.invoice, decision.subscription)
    if decision.transaction is not None and news.outcome is Outcome.SUCCEEDED and news.invoice_id:
        await _close_challenge(news, unit, decision.subscription or subscription, decision.transaction.period)


async def _role(
    news: AttemptNews, unit: Books, subscription: Subscription, reference: Reference | None
) -> Role:
    """What the gateway subscription that paid is to ours; one nobody announced is a duplicate (T32)."""
    if news.gateway_subscription_id is None:
        return reference.role if reference else Role.SUBSCRIPTION
    if news.gateway_subscription_id == subscription.gateway_subscription_id:
        known = await unit.reference(news.gateway, news.gateway_subscription_id)
        return known.role if known else Role.SUBSCRIPTION
    own = await unit.reference(news.gateway, news.gateway_subscription_id)
    return own.role if own else Role.DUPLICATE


async def _close_challenge(news: AttemptNews, unit: Books, subscription: Subscription, period: date) -> None:
    sessions = await unit.sessions_of(subscription.subscription_id)
    session = changes.open_challenge(sessions, news, period)
    if session is not None:
        unit.say(attempts.passed_by(subscription, session.session_id, period, news.occurred_at))
        unit.keep(replace(session, state="done"), replace(subscription, authenticated=True))


async def _tell_subscription(
    news: SubscriptionNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    reference = await unit.reference(news.gateway, news.gateway_subscription_id)
    _record(unit, changes.when_subscription(subscription, school, news, reference=reference))


async def _tell_method(
    news: MethodNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    session = await unit.session(news.session_id) if news.session_id else None
    if news.settled:
        _record(unit, changes.when_method(subscription, news))
        unit.keep(replace(session, state="done") if session else None)
    else:
        _judge_method(news, unit, school, session, orders.adopt(subscription, news))


def _judge_method(
    news: MethodNews,
    unit: Books,
    school: School,
    session: Session | None,
    order: AdoptOrder | SubscribeOrder,
) -> None:
    """Accept a stored method or take it away again, by the school's white list (R-F12)."""
    refusal = why_refused(school.accepted_methods, news.offered)
    if refusal is None:
        kind = "adopt" if isinstance(order, AdoptOrder) else "subscribe"
        unit.errand(kind, f"{kind}/{news.update_id}", order.subscription_id, order)
        return
    unit.keep(replace(session, state="refused", reason=refusal) if session else None)
    _take_away(news, unit, order.subscription_id)


def _take_away(news: MethodNews, unit: Books, subscription_id: str) -> None:
    unit.errand("detach", f"detach/{news.update_id}", subscription_id, orders.detach(subscription_id, news))


async def _tell_challenge(
    news: ChallengeNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    invoice = await unit.invoice(news.gateway, news.invoice_id) if news.invoice_id else None
    day = periods.service_day_of(news.occurred_at, school)
    period = invoice.period if invoice else periods.period_of(day, subscription.anchors)
    sessions = await unit.sessions_of(subscription.subscription_id)
    session = changes.open_challenge(sessions, news, period)
    if session is not None:
        news = replace(news, challenge_id=session.session_id)
    _record(unit, changes.when_challenge(subscription, news, period))


async def _tell_money_back(
    news: MoneyBackNews, unit: Books, subscription: Subscription, _school: School, _: Reference | None
) -> None:
    known = await unit.transactions(news.gateway, news.transaction_id) if news.transaction_id else []
    _record(unit, changes.when_money_back(subscription, news, known))


async def _tell_unknown(
    news: UnknownNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    request = await unit.request(news.request_id)
    day = periods.service_day_of(news.occurred_at, school)
    period = request.period if request else periods.period_of(day, subscription.anchors)
    _record(unit, changes.when_unknown(subscription, news, period))


async def _tell_review(
    news: ReviewNews, unit: Books, subscription: Subscription, _school: School, _: Reference | None
) -> None:
    _record(unit, changes.when_review(subscription, news))


async def _tell_invoice(
    news: InvoiceNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    known = await unit.invoice(news.gateway, news.invoice_id)
    if known is None:
        day = periods.service_day_of(news.covers_from or news.occurred_at, school)
        known = Invoice(
            invoice_id=news.invoice_id,
            gateway=news.gateway,
            subscription_id=subscription.subscription_id,
            period=periods.period_of(day, subscription.anchors),
            owned=news.owned,
        )
        unit.keep(known)
    elif news.owned and not known.owned:
        unit.keep(replace(known, owned=True))
    if news.intent:
        await unit.refer(
            Reference(
                key=f"{news.gateway}:{news.intent}",
                subscription_id=subscription.subscription_id,
                role=Role.INTENT,
            )
        )


async def _tell_paused(
    news: PausedNews, unit: Books, subscription: Subscription, school: School, _: Reference | None
) -> None:
    _record(unit, changes.when_paused(subscription, school, news))


def _record(unit: Books, change: changes.Change) -> None:
    unit.say(*change.said)
    unit.keep(change.subscription, change.reference)


_Teller = Callable[[Any, Books, Subscription, School, Reference | None], Awaitable[None]]

_TELLERS: dict[type[News], _Teller] = {
    AttemptNews: _tell_attempt,
    SubscriptionNews: _tell_subscription,
    MethodNews: _tell_method,
    ChallengeNews: _tell_challenge,
    MoneyBackNews: _tell_money_back,
    UnknownNews: _tell_unknown,
    ReviewNews: _tell_review,
    InvoiceNews: _tell_invoice,
    PausedNews: _tell_paused,
}
