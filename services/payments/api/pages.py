"""A learner's way to a gateway's own page and back: sign-up, another method, the bank's challenge, resumption.

No page of ours ever sees a card number. A page opened twice for the same purpose is the same page, so a
second click makes no second subscription.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse

from services.payments.api.shapes import PageIn, SignUpIn, VisitOut
from services.payments.api.shared import Built, Opened, PathId, State, subscription_of
from services.payments.domain.changes import when_challenge
from services.payments.domain.state import Reference, Role, Session, Subscription
from services.payments.handlers import hear_news
from services.payments.news import ChallengeNews, News, NotConfirmed, Page, PageOrder, Visit
from services.payments.store import PaymentsUnit
from shared.errors import NotFound, Refused, Transient
from shared.events import words
from shared.logs import logger
from shared.transactions import Transactions
from shared.web import Keyed

log = logger("payments.pages")

REUSED: Final = timedelta(minutes=30)
"""A page opened again within this is the one that is open already."""
VisitId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{20,64}$")]


def build_router() -> APIRouter:
    """What the school's pages ask, behind an API key."""
    router = APIRouter(dependencies=[Keyed], tags=["visits"])
    router.post("/subscriptions/{subscription_id}/visits", status_code=201)(open_page)
    router.post("/sign-ups/{subscription_id}", status_code=201)(sign_up)
    router.get("/visits/{visit_id}")(get_visit)
    return router


def build_public_router() -> APIRouter:
    """Where browsers come back from a gateway: nothing is believed from the address but the visit's id."""
    router = APIRouter(tags=["visits"])
    router.get("/returns/{visit_id}", status_code=303, response_class=RedirectResponse)(come_back)
    return router


async def open_page(subscription_id: PathId, body: PageIn, opened: Opened, built: Built) -> VisitOut:
    """Open a page of the gateway for a learner. 409 in words when My Page payment is locked (R-J10)."""
    async with opened() as unit:
        subscription = await subscription_of(unit, subscription_id)
        if body.kind == "resume":
            check_open(subscription, unit.now)
        known = await _reusable(unit, subscription_id, body.kind, body)
        if known is not None:
            return VisitOut.of(known)
        period, invoice = await _what_for(unit, subscription, body)
        now = unit.now
    session_id = secrets.token_urlsafe(24)
    order = PageOrder(
        kind=body.kind,
        subscription_id=subscription_id,
        session_id=session_id,
        return_url=f"{built.public_url}/returns/{session_id}",
        cancel_url=f"{built.public_url}/returns/{session_id}?left=1",
        price=subscription.current_price if body.kind == "resume" else subscription.price,
        language=body.language,
        method=body.method,
        gateway_subscription_id=subscription.gateway_subscription_id,
        gateway_customer_id=subscription.gateway_customer_id,
        plan=subscription.gateway_plan,
        invoice_id=invoice,
    )
    page = await _page(built, subscription.gateway, order, now)
    session = Session(
        session_id=session_id,
        kind=body.kind,
        subscription_id=subscription_id,
        school_id=subscription.school_id,
        gateway=subscription.gateway,
        gateway_id=page.gateway_id,
        url=page.url,
        return_url=body.return_url,
        started_at=now,
        method=body.method,
        period=period,
    )
    async with opened() as unit:
        await _keep_visit(unit, subscription, session, page)
    return VisitOut.of(session)


async def _page(built: State, gateway: words.Gateway, order: PageOrder, now: datetime) -> Page:
    try:
        return await built.gateway(gateway).page(order, now)
    except NotConfirmed as error:
        raise Refused(f"we could not open the page because {error}", code="gateway_refused") from error


async def _keep_visit(unit: PaymentsUnit, subscription: Subscription, session: Session, page: Page) -> None:
    unit.keep(session)
    if page.gateway_subscription_id is not None:
        key = f"{session.gateway}:{page.gateway_subscription_id}"
        await unit.refer(Reference(key=key, subscription_id=subscription.subscription_id, role=Role.RESUME))
    if session.kind == "authenticate" and session.period is not None:
        news = ChallengeNews(
            gateway=session.gateway,
            occurred_at=session.started_at,
            challenge_id=session.session_id,
            state="started",
        )
        unit.say(*when_challenge(subscription, news, session.period).said)


def check_open(subscription: Subscription, now: datetime) -> None:
    """Server-side: nobody resumes before the announced day, or after it (J31, J44).

    Raises:
        Refused: 409.
    """
    if subscription.locked:
        raise Refused(
            "we could not open the payment because it is locked until the day the school announces "
            f"({subscription.locked}): paying now could register you twice",
            code="self_payment_locked",
        )
    too_early = subscription.opens_at is not None and now < subscription.opens_at
    too_late = subscription.closes_at is not None and now >= subscription.closes_at
    if too_early or too_late or (subscription.opens_at is None and subscription.closes_at is None):
        raise Refused(
            "we could not open the payment because it is open on the announced day only: wait for the school's mail",
            code="self_payment_not_open",
        )


async def _reusable(
    unit: PaymentsUnit, subscription_id: str, kind: str, body: PageIn | SignUpIn
) -> Session | None:
    same = [
        session
        for session in await unit.sessions_of(subscription_id)
        if session.kind == kind
        and session.state == "started"
        and session.return_url == body.return_url
        and session.method == body.method
        and unit.now - session.started_at < REUSED
    ]
    return max(same, key=lambda session: session.started_at, default=None)


async def _what_for(
    unit: PaymentsUnit, subscription: Subscription, body: PageIn
) -> tuple[date | None, str | None]:
    if body.kind != "authenticate":
        return None, None
    invoices = [
        invoice
        for invoice in await unit.invoices_of(subscription.subscription_id)
        if body.period is None or invoice.period == body.period
    ]
    latest = max(invoices, key=lambda invoice: (invoice.period, invoice.one_off), default=None)
    if latest is None:
        raise Refused(
            "we could not open the bank's page because no invoice waits for a proof", code="nothing_to_pay"
        )
    return latest.period, latest.invoice_id


async def sign_up(subscription_id: PathId, body: SignUpIn, opened: Opened, built: Built) -> VisitOut:
    """Begin a subscription: nothing is registered, and nothing stored, before method and payment are good.

    The same id asked for again opens the same page, so a second tab makes no second subscription.
    """
    async with opened() as unit:
        now = unit.now
        known = await unit.subscription(subscription_id)
        school = await unit.school(body.school_id)
        opened_before = await _reusable(unit, subscription_id, "sign_up", body)
    if known is not None:
        raise Refused(
            f"we could not sign {subscription_id} up because it is registered already", code="exists"
        )
    if school is None:
        raise NotFound(f"we could not sign up because school {body.school_id} is not known here yet")
    registration = body.registration(subscription_id)
    if opened_before is not None and opened_before.registration == registration:
        return VisitOut.of(opened_before)
    session_id = secrets.token_urlsafe(24)
    order = PageOrder(
        kind="sign_up",
        subscription_id=subscription_id,
        session_id=session_id,
        return_url=f"{built.public_url}/returns/{session_id}",
        cancel_url=f"{built.public_url}/returns/{session_id}?left=1",
        price=registration.price,
        language=body.language,
        method=body.method,
        plan=registration.gateway_plan,
    )
    page = await _page(built, body.gateway, order, now)
    session = Session(
        session_id=session_id,
        kind="sign_up",
        subscription_id=subscription_id,
        school_id=body.school_id,
        gateway=body.gateway,
        gateway_id=page.gateway_id,
        url=page.url,
        return_url=body.return_url,
        started_at=now,
        method=body.method,
        registration=registration,
    )
    async with opened() as unit:
        unit.keep(session)
    return VisitOut.of(session)


async def get_visit(visit_id: VisitId, opened: Opened) -> VisitOut:
    """How a visit stands; ``reason`` is the code of a refused method."""
    async with opened.looking() as unit:
        return VisitOut.of(await _visit(unit, visit_id))


async def _visit(unit: PaymentsUnit, visit_id: str) -> Session:
    found = await unit.session(visit_id)
    if found is None:
        raise NotFound("we could not find this visit: begin again from your page")
    return found


async def come_back(
    visit_id: VisitId, opened: Opened, built: Built, left: Annotated[bool, Query()] = False
) -> RedirectResponse:
    """The browser is back: read at the gateway what the learner did there, then send him home."""
    async with opened() as unit:
        session = await _visit(unit, visit_id)
        now = unit.now
    if session.state == "started":
        news = () if left else await _what_happened(built, session, now)
        session = await _record(opened, visit_id, news, "left" if left else "returned")
    joint = "&" if "?" in session.return_url else "?"
    home = f"{session.return_url}{joint}{urlencode({'visit': visit_id})}"
    return RedirectResponse(home, status_code=303, headers={"Referrer-Policy": "no-referrer"})


async def _what_happened(built: State, session: Session, now: datetime) -> tuple[News, ...]:
    visit = Visit(
        subscription_id=session.subscription_id,
        gateway=session.gateway,
        gateway_subscription_id="",
        kind=session.kind,
        session_id=session.session_id,
        gateway_id=session.gateway_id,
        started_at=session.started_at,
    )
    try:
        return await built.gateway(session.gateway).visit(visit, now)
    except (Transient, NotConfirmed) as error:
        log.warning("visit_not_read", kind=session.kind, reason=str(error))  # the webhook tells it as well
        return ()


async def _record(opened: Transactions, visit_id: str, news: tuple[News, ...], state: str) -> Session:
    async with opened() as unit:
        for one in news:
            await hear_news(one, unit)
        session = await _visit(unit, visit_id)
        if session.state == "started":
            session = replace(session, state=state)
            unit.keep(session)
    return session
