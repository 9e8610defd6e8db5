"""When money was tried: once told per transaction, in the right period, under the right kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.payments.domain.periods import period_of, re_anchored, service_day_of
from services.payments.domain.state import Invoice, Request, Role, School, Subscription, Transaction
from services.payments.news import AttemptNews, Outcome
from shared.calendar.wall import local_date
from shared.declines import DeclineClass
from shared.events import Fact
from shared.events.dunning import AttemptRequested
from shared.events.payments import (
    AttemptFailed,
    AttemptPending,
    AttemptSucceeded,
    AuthenticationPassed,
)
from shared.events.words import AttemptKind, MethodKind

_ECHO = timedelta(hours=1)
"""How far a gateway's own word about a request of ours may be from the request itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an attempt changes and what is said of it; everything ``None`` when it was told before."""

    said: tuple[Fact, ...] = ()
    transaction: Transaction | None = None
    invoice: Invoice | None = None
    subscription: Subscription | None = None


MOOT = Decision()


def transaction_key(news: AttemptNews, outcome: Outcome) -> str:
    """(gateway, transaction, outcome) in one text (R-X1)."""
    return f"{news.gateway}:{news.transaction_id}:{outcome}"


def when_attempt(
    subscription: Subscription,
    school: School,
    news: AttemptNews,
    *,
    seen: Sequence[Transaction],
    request: Request | None,
    requests: Sequence[Request],
    invoice: Invoice | None,
    role: Role,
    now: datetime,
) -> Decision:
    """Say an attempt once (R-X1; X-01, X-02).

    ``seen`` are what was told of this transaction, and every success of its gateway subscription;
    ``requests`` those of this subscription; ``role`` what the gateway subscription is to ours.
    """
    if news.one_off and request is None and invoice is None:
        return MOOT
    told = {one.outcome for one in seen if one.transaction_id == news.transaction_id}
    if news.outcome in told or (news.outcome is Outcome.PENDING and told):
        return MOOT
    if request is None:
        news, request = _answer_at_last(news, seen, requests, now)
    if request is None and _is_echo(news, requests):
        return MOOT
    if news.approximate and _was_told_nearby(news, seen):
        return MOOT
    period = _period(subscription, school, news, request, invoice)
    kind = _kind(news, request, invoice, role, seen)
    if kind is AttemptKind.RESUME and request is None:
        period = local_date(news.occurred_at, school.zone)
    transaction = Transaction(
        key=transaction_key(news, news.outcome),
        gateway=news.gateway,
        transaction_id=news.transaction_id,
        outcome=news.outcome,
        subscription_id=subscription.subscription_id,
        period=period,
        kind=kind,
        amount=news.amount,
        occurred_at=news.occurred_at,
        invoice_id=news.invoice_id,
        gateway_subscription_id=news.gateway_subscription_id,
        request_id=request.request_id if request else news.request_id,
    )
    return Decision(
        said=_said(subscription, school, news, transaction, request, now),
        transaction=transaction,
        invoice=_invoice(subscription, news, invoice, period, request),
        subscription=_after(subscription, news, kind, period),
    )


def _answer_at_last(
    news: AttemptNews, seen: Sequence[Transaction], requests: Sequence[Request], now: datetime
) -> tuple[AttemptNews, Request | None]:
    """How a transaction in the air ended answers the request that sent it, although the gateway does not say so.

    Where it does not say either when it ended, but only when it began, it ended when we heard of it.
    """
    began = next(
        (one for one in seen if (one.transaction_id, one.outcome) == (news.transaction_id, Outcome.PENDING)),
        None,
    )
    if began is None:
        return news, None
    ended_at = news.occurred_at if news.occurred_at > began.occurred_at else now
    news = replace(news, occurred_at=ended_at, request_id=news.request_id or began.request_id)
    return news, next((one for one in requests if one.request_id == news.request_id), None)


def _is_echo(news: AttemptNews, requests: Sequence[Request]) -> bool:
    """A gateway's remark, without a charge of its own, about an attempt that we made: its answer tells it."""
    return news.challenged and any(abs(request.asked_at - news.occurred_at) <= _ECHO for request in requests)


def _was_told_nearby(news: AttemptNews, seen: Sequence[Transaction]) -> bool:
    """A failure that has no id of its own was told under a slightly different instant."""
    return any(
        one.outcome is news.outcome
        and one.gateway_subscription_id == news.gateway_subscription_id
        and abs(one.occurred_at - news.occurred_at) <= _ECHO
        for one in seen
    )


def _period(
    subscription: Subscription,
    school: School,
    news: AttemptNews,
    request: Request | None,
    invoice: Invoice | None,
) -> date:
    if request is not None:
        return request.period
    if invoice is not None:
        return invoice.period
    at = news.covers_from or news.occurred_at
    return period_of(service_day_of(at, school), subscription.anchors)


def _kind(
    news: AttemptNews,
    request: Request | None,
    invoice: Invoice | None,
    role: Role,
    seen: Sequence[Transaction],
) -> AttemptKind:
    if request is not None:
        return request.kind
    if role in (Role.RESUME, Role.DUPLICATE):
        before = [
            one
            for one in seen
            if one.outcome is Outcome.SUCCEEDED
            and one.gateway_subscription_id == news.gateway_subscription_id
            and one.transaction_id != news.transaction_id
        ]
        if not before:
            return AttemptKind.RESUME
    if news.first and role is Role.SUBSCRIPTION:
        return AttemptKind.FIRST
    if invoice is not None and invoice.one_off:
        return AttemptKind.RELAUNCH
    if invoice is not None and invoice.owned:
        # Nobody but the learner charges an invoice whose clock is ours: he paid on the gateway's page.
        return AttemptKind.LEARNER
    return AttemptKind.RENEWAL


def _said(
    subscription: Subscription,
    school: School,
    news: AttemptNews,
    transaction: Transaction,
    request: Request | None,
    now: datetime,
) -> tuple[Fact, ...]:
    about = {
        "school_id": subscription.school_id,
        "occurred_at": news.occurred_at,
        "subscription_id": subscription.subscription_id,
        "learner_id": subscription.learner_id,
        "period": transaction.period,
        "kind": transaction.kind,
        "gateway": news.gateway,
        "transaction_id": news.transaction_id,
        "amount": news.amount,
        "request_id": request.request_id if request else news.request_id,
        "received_at": now,
        "method": news.method or subscription.method,
        "card": news.card or subscription.card,
    }
    if news.outcome is Outcome.PENDING:
        return (AttemptPending(**about),)  # type: ignore[arg-type]
    if news.outcome is Outcome.SUCCEEDED:
        next_on = service_day_of(news.next_billing_at, school) if news.next_billing_at else None
        return (AttemptSucceeded(**about, next_billing_on=next_on),)  # type: ignore[arg-type]
    failed = AttemptFailed(
        **about,  # type: ignore[arg-type]
        decline=news.decline or DeclineClass.GENERIC_OR_UNKNOWN,
        raw_code=news.raw_code,
        network_code=news.network_code,
        advice_code=news.advice_code,
        next_attempt_at=news.next_attempt_at,
        fault=news.fault,
    )
    return (failed,)


def _invoice(
    subscription: Subscription,
    news: AttemptNews,
    invoice: Invoice | None,
    period: date,
    request: Request | None,
) -> Invoice | None:
    if invoice is not None or news.invoice_id is None:
        return None
    return Invoice(
        invoice_id=news.invoice_id,
        gateway=news.gateway,
        subscription_id=subscription.subscription_id,
        period=period,
        one_off=request is not None and request.kind is AttemptKind.RELAUNCH,
    )


def _after(
    subscription: Subscription, news: AttemptNews, kind: AttemptKind, period: date
) -> Subscription | None:
    changed = subscription
    if kind is AttemptKind.RESUME and news.outcome is Outcome.SUCCEEDED:
        changed = replace(changed, anchors=re_anchored(changed.anchors, period, period.day))
    if news.card and news.card != changed.card and news.method is MethodKind.CARD:
        changed = replace(changed, card=news.card)
    return None if changed == subscription else changed


# --- requests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it is kept, and whether it is to be carried out now."""

    request: Request
    go: bool


def when_requested(fact: AttemptRequested, known: Request | None, others: Sequence[Request]) -> Asked | None:
    """Never two attempts in the air for one period: the second waits for the first (T7, X-19)."""
    if known is not None:
        return None
    in_the_air = any(
        other.is_open and other.period == fact.period and other.request_id != fact.request_id
        for other in others
    )
    request = Request(
        request_id=fact.request_id,
        case_id=fact.case_id,
        subscription_id=fact.subscription_id,
        period=fact.period,
        kind=fact.kind,
        amount=fact.amount,
        on_session=fact.on_session,
        fallback=fact.fallback,
        asked_at=fact.occurred_at,
        state="waiting" if in_the_air else "asked",
    )
    return Asked(request=request, go=not in_the_air)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A request that has its answer, and the one that waited for it."""

    request: Request
    next: Request | None


def when_request_ended(request: Request, outcome: str, others: Sequence[Request]) -> Ended:
    """The longest waiting request of the same period goes next."""
    waiting = sorted(
        (other for other in others if other.state == "waiting" and other.period == request.period),
        key=lambda other: (other.asked_at, other.request_id),
    )
    following = replace(waiting[0], state="asked") if waiting else None
    return Ended(request=replace(request, state="ended", outcome=outcome), next=following)


def passed_by(
    subscription: Subscription, session_id: str, period: date, at: datetime
) -> AuthenticationPassed:
    """Money that came through a challenge is the challenge's proof."""
    return AuthenticationPassed(
        school_id=subscription.school_id,
        occurred_at=at,
        subscription_id=subscription.subscription_id,
        learner_id=subscription.learner_id,
        period=period,
        challenge_id=session_id,
    )
