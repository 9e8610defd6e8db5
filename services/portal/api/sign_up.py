"""Signing up: what the school offers, what is accepted and why not the rest, and the gateway's own page.

A sign-up's id is drawn from learner and offer, so a second tab, or the same form a day later, is the same sign-up:
nobody subscribes twice to the same thing by pressing twice.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.portal.api.acts import form_token, once
from services.portal.api.common import Me, Told, Visitor, built, form_of, page, refusal, text_of
from services.portal.api.premium import PAGES, why_refused
from services.portal.domain.doors import Offer
from services.portal.domain.money import Subscription
from services.portal.owners import SignUp
from services.portal.settings import PortalSettings
from shared.calendar import local_date
from shared.errors import NotFound, Refused
from shared.pages.secrets import is_same, token_for

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
_REFUSALS: Final = {**PAGES, "exists": "subscribed_already"}


def build_router() -> APIRouter:
    """The beginning."""
    router = APIRouter(include_in_schema=False)
    router.get("/premium/start")(show_start)
    router.post("/premium/start/{offer_id}")(start)
    return router


async def show_start(request: Request, me: Me) -> HTMLResponse:
    """What the school offers, what is accepted, and how the bank's proof goes (F6-F12)."""
    return _page(request, me, await _offers(request, me))


async def _offers(request: Request, me: Visitor) -> list[Offer]:
    async with built(request).opened.looking() as unit:
        return list(await unit.offers(me.school.school_id))


def _page(request: Request, me: Visitor, offers: list[Offer], *, refused: str = "") -> HTMLResponse:
    home = built(request)
    tokens = {offer.offer_id: form_token(home, me, "start", offer.offer_id) for offer in offers}
    return page(
        request,
        me,
        "start",
        status=422 if refused else 200,
        offers=offers,
        tokens=tokens,
        refused=refused,
        mine={offer.offer_id: _running(home.settings, me, offer) is not None for offer in offers},
    )


async def start(offer_id: Id, request: Request, me: Me) -> Response:
    """To the gateway's page: a card or PayPal at Stripe, or the agreement at PayPal."""
    home = built(request)
    form = await form_of(request, me)
    offers = await _offers(request, me)
    offer = next((one for one in offers if one.offer_id == offer_id), None)
    if offer is None:
        raise NotFound("there is no such offer here")
    if _running(home.settings, me, offer) is not None:
        raise Told("subscribed_already", status=409)
    chosen = text_of(form, "method")
    refused = await why_refused(request, me, chosen)
    if refused:
        return _page(request, me, offers, refused=refused)

    async def do(_: str) -> str:
        return await _sign_up(request, me, offer, chosen)

    return RedirectResponse(await once(home, me, form, "start", offer_id, do), status_code=303)


def _running(settings: PortalSettings, me: Visitor, offer: Offer) -> Subscription | None:
    """The learner's subscription to what is offered, unless its contract ended: it is repaired, not bought again."""
    for one in me.picture.subscriptions:
        is_this = (offer.path_id is not None and one.path_id == offer.path_id) or (
            is_sign_up_of(settings, me, one.subscription_id)
            and one.subscription_id.startswith(f"{offer.offer_id[:24]}-")
        )
        if is_this and not one.is_over:
            return one
    return None


def sign_up_id(settings: PortalSettings, me: Visitor, offer_id: str) -> str:
    """The id of a subscription to be: its end is a seal that only this learner's page recognises.

    It is counted on only after a contract that ended.
    """
    taken = {one.subscription_id for one in me.picture.subscriptions if one.is_over}
    for number in range(1, len(taken) + 2):
        drawn = f"{offer_id[:24]}-{number}"
        name = f"{drawn}-{_seal(settings, me, drawn)}"
        if name not in taken:
            return name
    raise AssertionError("one more number than there are names is free")


def _seal(settings: PortalSettings, me: Visitor, drawn: str) -> str:
    return token_for(settings.master, "sign-up", me.picture.learner.key, drawn)[:16]


def is_sign_up_of(settings: PortalSettings, me: Visitor, subscription_id: str) -> bool:
    """Whether the seal is this learner's."""
    drawn, _, seal = subscription_id.rpartition("-")
    return is_same(_seal(settings, me, drawn), seal)


async def _sign_up(request: Request, me: Visitor, offer: Offer, chosen: str) -> str:
    home = built(request)
    gateway = offer.gateway_of(chosen)
    today = local_date(me.now, me.school.zone)
    order = SignUp(
        subscription_id=sign_up_id(home.settings, me, offer.offer_id),
        school_id=me.school.school_id,
        learner_id=me.picture.learner.learner_id,
        gateway=gateway,
        method=chosen,
        amount_minor=offer.amount_minor,
        currency=offer.currency,
        billing_day=today.day,
        started_on=today,
        path_id=offer.path_id,
        plan=offer.plans.get(gateway),
    )
    try:
        visit = await home.owners.sign_up(
            order,
            return_url=f"{home.settings.portal_url.rstrip('/')}/return",
            language=me.speech.language,
        )
    except Refused as error:
        raise refusal(error, _REFUSALS, link="/premium/start") from error
    return visit.url
