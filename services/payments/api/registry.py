"""The registry: what the school tells of its subscriptions, and what the office reads and records of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from services.payments import orders
from services.payments.api.shapes import (
    Accepted,
    FromGatewayIn,
    OfferedIn,
    SubscriptionIn,
    SubscriptionLine,
    SubscriptionOut,
    TemporaryPaymentIn,
    TransactionOut,
    Verdict,
)
from services.payments.api.shared import Built, LetterBox, Opened, PathId, subscription_of
from services.payments.domain.methods import why_refused
from services.payments.domain.periods import billing_day_of, period_of, service_day_of
from services.payments.domain.registration import Registered, when_registered
from services.payments.domain.state import Registration, Subscription
from services.payments.inbox import Inbox
from services.payments.store import REFERENCES, PaymentsUnit
from shared.calendar.wall import local_date
from shared.errors import NotFound, Refused, Unreadable
from shared.events.payments import TemporaryPaymentReceived
from shared.keys import PLACEHOLDER, subject_of
from shared.methods import OfferedMethod
from shared.openapi import sheet
from shared.sheets import Report, WrongLine, read_sheet
from shared.web import READS, Keyed


def build_router() -> APIRouter:
    """Every route of the registry, behind an API key."""
    router = APIRouter(dependencies=[Keyed])
    router.put("/subscriptions/{subscription_id}", tags=["registry"])(put_subscription)
    router.put("/subscriptions/{subscription_id}/from-gateway", tags=["registry"])(put_from_gateway)
    router.get("/subscriptions/{subscription_id}", tags=["registry"])(get_subscription)
    router.get("/learners/{learner_id}/subscriptions", tags=["registry"])(list_subscriptions)
    router.post("/imports/subscriptions", tags=["imports"], openapi_extra=sheet(SubscriptionLine))(
        import_subscriptions
    )
    router.get("/subscriptions/{subscription_id}/transactions", tags=["money"])(list_transactions)
    router.put("/subscriptions/{subscription_id}/temporary-payments/{receipt_id}", tags=["money"])(
        put_temporary_payment
    )
    router.post("/subscriptions/{subscription_id}/reconciliation", tags=["money"], status_code=202)(reconcile)
    router.post("/schools/{school_id}/methods/check", tags=["methods"], openapi_extra=READS)(check_method)
    return router


async def register(unit: PaymentsUnit, told: Registration) -> Registered:
    """Record one registration; ``unit`` commits it."""
    school = await unit.school(told.school_id)
    if school is not None and school.currency and told.price.currency != school.currency:
        raise Refused(
            f"we could not register {told.subscription_id} because its price is in {told.price.currency} and the "
            f"school's fees are in {school.currency}: correct the currency",
            status=422,
            code="currency_mismatch",
        )
    today = local_date(unit.now, school.zone) if school else unit.now.date()
    known = await unit.subscription(told.subscription_id)
    registered = when_registered(known, told, today=today, now=unit.now)
    for reference in registered.references:
        await check_reference(unit, reference.key, told.subscription_id)
    unit.keep(registered.subscription if registered.subscription != known else None)
    await unit.refer(*registered.references)
    unit.say(*registered.said)
    return registered


async def check_reference(unit: PaymentsUnit, key: str, subscription_id: str) -> None:
    """A key of some schools neither reads nor takes over what another school is known by at its gateway.

    Raises:
        Refused: 403; nothing is told of whose it is.
    """
    known = await unit.get(REFERENCES, key)
    if known is None or known.subscription_id == subscription_id:
        return
    try:
        await unit.subscription(known.subscription_id)
    except NotFound:
        raise Refused(
            f"we could not use {key} for {subscription_id} because your key is not for its school: "
            "check the id at the gateway, or ask the operator for a key of that school",
            status=403,
            code="forbidden",
        ) from None


async def _wake(inbox: Inbox | None, registered: list[Registered]) -> None:
    """What waited for these subscriptions is translated at once (X-28)."""
    keys = [reference.key for one in registered if one.said for reference in one.references]
    if inbox is not None and keys:
        await inbox.wake(keys)


async def put_subscription(
    subscription_id: PathId, body: SubscriptionIn, opened: Opened, inbox: LetterBox
) -> SubscriptionOut:
    """Register a subscription, or change what is known of it; telling the same twice is telling it once."""
    async with opened() as unit:
        registered = await register(unit, body.registration(subscription_id))
    await _wake(inbox, [registered])
    return SubscriptionOut.of(registered.subscription)


async def put_from_gateway(
    subscription_id: PathId, body: FromGatewayIn, opened: Opened, built: Built, inbox: LetterBox
) -> SubscriptionOut:
    """Register a subscription by reading price, billing day, payer and method at the gateway."""
    async with opened() as unit:
        now = unit.now
        school = await unit.school(body.school_id)
        await unit.subscription(subscription_id)
        await check_reference(unit, f"{body.gateway}:{body.gateway_subscription_id}", subscription_id)
    if school is None:
        raise NotFound(
            f"we could not register from the gateway because school {body.school_id} is not known here yet"
        )
    described = await built.gateway(body.gateway).describe(body.gateway_subscription_id, now)
    started_on = service_day_of(described.started_at, school)
    due_on = service_day_of(described.due_at, school)
    told = Registration(
        subscription_id=subscription_id,
        school_id=body.school_id,
        learner_id=body.learner_id,
        gateway=body.gateway,
        gateway_subscription_id=body.gateway_subscription_id,
        gateway_customer_id=described.gateway_customer_id,
        gateway_plan=described.gateway_plan,
        price=described.price,
        current_price=body.current_price.money if body.current_price else described.price,
        grandfathered=body.current_price is not None and body.current_price.money != described.price,
        billing_day=billing_day_of(started_on, due_on),
        started_on=started_on,
        path_id=body.path_id,
        method=described.method,
        label=described.label,
        card=described.card,
        card_country=described.card_country,
    )
    async with opened() as unit:
        registered = await register(unit, told)
    await _wake(inbox, [registered])
    return SubscriptionOut.of(registered.subscription)


async def get_subscription(subscription_id: PathId, opened: Opened) -> SubscriptionOut:
    """What payments knows of a subscription."""
    async with opened.looking() as unit:
        return SubscriptionOut.of(await subscription_of(unit, subscription_id))


async def list_subscriptions(learner_id: PathId, opened: Opened) -> list[SubscriptionOut]:
    """Every subscription of a learner."""
    async with opened.looking() as unit:
        return [SubscriptionOut.of(row) for row in await unit.subscriptions_of(learner_id)]


async def import_subscriptions(request: Request, opened: Opened, inbox: LetterBox) -> Report:
    """Many subscriptions as CSV (``subscription_id, school_id, learner_id, ...``); each line stands alone."""
    report = Report()
    taken: list[Registered] = []
    for row in read_sheet(await request.body(), SubscriptionLine):
        if row.value is None:
            report.wrong.append(WrongLine(line=row.line, problem=row.problem))
            continue
        try:
            async with opened() as unit:
                registered = await register(unit, row.value.registration())
        except (Refused, Unreadable) as error:
            report.wrong.append(WrongLine(line=row.line, problem=str(error)))
            continue
        if registered.said:
            report.taken += 1
            taken.append(registered)
        else:
            report.unchanged += 1
    await _wake(inbox, taken)
    return report


async def list_transactions(
    subscription_id: PathId, opened: Opened, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[TransactionOut]:
    """Every attempt that was told, the latest first."""
    async with opened.looking() as unit:
        await subscription_of(unit, subscription_id)
        rows = await unit.transactions_under(subscription_id)
    rows.sort(key=lambda row: (row.occurred_at, row.key), reverse=True)
    return [TransactionOut.of(row) for row in rows[:limit]]


async def put_temporary_payment(
    subscription_id: PathId, receipt_id: PathId, body: TemporaryPaymentIn, opened: Opened
) -> Accepted:
    """Record money that came outside the gateway (J23); the same receipt counts once."""
    async with opened() as unit:
        subscription = await subscription_of(unit, subscription_id)
        school = await unit.school(subscription.school_id)
        today = local_date(unit.now, school.zone) if school else unit.now.date()
        fact: Any = TemporaryPaymentReceived(
            school_id=subscription.school_id,
            occurred_at=body.received_at or unit.now,
            subscription_id=subscription_id,
            learner_id=subscription.learner_id,
            period=body.period or period_of(today, subscription.anchors),
            receipt_id=receipt_id,
            amount=body.amount.money,
            reference=await _sealed(unit, subscription, body.reference),
            recorded_by=body.recorded_by,
        )
        unit.say(fact)
    return Accepted()


async def _sealed(unit: PaymentsUnit, subscription: Subscription, reference: str) -> str:
    """What stood on the bank's statement, often a payer's name: it travels sealed."""
    subject = subject_of(subscription.school_id, subscription.learner_id)
    return await unit.keys.seal(subject, reference) or (PLACEHOLDER if reference else "")


async def reconcile(subscription_id: PathId, opened: Opened) -> Accepted:
    """Read the gateway's books and tell what is new in them."""
    async with opened() as unit:
        subscription = await subscription_of(unit, subscription_id)
        school = await unit.school(subscription.school_id)
        if school is None:
            raise NotFound("we could not reconcile because the subscription's school is not known here yet")
        period = period_of(service_day_of(unit.now, school), subscription.anchors)
        order = orders.read_since(subscription, period, school)
        unit.errand(
            "reconcile", f"reconcile/{subscription_id}/{unit.now.isoformat()}", subscription_id, order
        )
    return Accepted()


async def check_method(school_id: PathId, body: OfferedIn, opened: Opened) -> Verdict:
    """Whether a school takes this way of paying; refused before anything is stored (R-F12, FR-29)."""
    async with opened.looking() as unit:
        school = await unit.school(school_id)
    if school is None:
        raise NotFound(f"we could not check the method because school {school_id} is not registered")
    reason = why_refused(school.accepted_methods, OfferedMethod(**body.model_dump()))
    return Verdict(accepted=reason is None, reason=reason, accepted_methods=list(school.accepted_methods))
