"""The French school's pages: Premium, the method, the bank's proof, relaunch, cancellation."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.portal.api.acts import form_token, once
from services.portal.api.common import Me, Told, Visitor, built, form_of, go, page, refusal, text_of
from services.portal.telling.standing import Standing
from shared.errors import Refused
from shared.events.words import MethodKind

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]

_RELAUNCH: Final = {
    "not_offered": "relaunch_not_offered",
    "not_suspended": "relaunch_not_needed",
    "under_review": "relaunch_under_review",
    "deadline_passed": "relaunch_too_late",
    "in_flight": "relaunch_in_flight",
    "not_found": "relaunch_not_needed",
}
PAGES: Final = {
    "nothing_to_pay": "nothing_to_prove",
    "not_at_this_gateway": "settle_at_paypal",
    "gateway_refused": "gateway_refused",
}


def build_router() -> APIRouter:
    """Premium and what is done from it."""
    router = APIRouter(include_in_schema=False)
    router.get("/premium")(show_premium)
    router.get("/subscriptions/{subscription_id}/method")(show_method)
    router.post("/subscriptions/{subscription_id}/method")(update_method)
    router.get("/authenticate")(show_any_authenticate)
    router.get("/subscriptions/{subscription_id}/authenticate")(show_authenticate)
    router.post("/subscriptions/{subscription_id}/authenticate")(authenticate)
    router.get("/relaunch")(show_any_relaunch)
    router.get("/subscriptions/{subscription_id}/relaunch")(show_relaunch)
    router.post("/subscriptions/{subscription_id}/relaunch")(relaunch)
    router.get("/subscriptions/{subscription_id}/cancel")(show_cancel)
    router.post("/subscriptions/{subscription_id}/cancel")(cancel)
    return router


async def show_premium(request: Request, me: Me) -> Response:
    """Everything about the learner's subscriptions, the urgent first."""
    if me.school.guided:
        return go("/my-page")
    if not me.standings:
        return go("/premium/start")
    return page(request, me, "premium", live=True, standings=me.standings)


# --- another method ---------------------------------------------------------------------------------------


async def show_method(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """What is accepted and why; the card itself is typed on the gateway's page."""
    standing = me.standing(subscription_id)
    token = form_token(built(request), me, "method", subscription_id)
    return page(request, me, "method", standing=standing, token=token, refused="")


async def update_method(subscription_id: Id, request: Request, me: Me) -> Response:
    """To the gateway's page, or the reason why that way of paying is refused (F6-F8)."""
    home = built(request)
    standing = me.standing(subscription_id)
    form = await form_of(request, me)
    chosen = text_of(form, "method")
    refused = await why_refused(request, me, chosen)
    if refused:
        token = form_token(home, me, "method", subscription_id)
        return page(request, me, "method", status=422, standing=standing, token=token, refused=refused)
    url = await once(
        home, me, form, "method", subscription_id, lambda _: _open(request, me, standing, "method", chosen)
    )
    return RedirectResponse(url, status_code=303)


async def why_refused(request: Request, me: Visitor, chosen: str) -> str:
    """The code of the refusal of a way of paying; empty when it is accepted."""
    if chosen == "card_without_cvc":
        return "cvc_missing"
    offered = {
        "type": "card" if chosen.endswith("card") else chosen or "other",
        "funding": "debit" if chosen == "debit_card" else "credit",
    }
    found = await built(request).owners.why_refused(me.school.school_id, offered)
    return "debit_card_not_accepted" if found and chosen == "debit_card" else found or ""


async def _open(
    request: Request, me: Visitor, standing: Standing, kind: str, method: str | None = None
) -> str:
    home = built(request)
    period = standing.case.period if standing.case and kind == "authenticate" else None
    try:
        visit = await home.owners.open_page(
            standing.subscription.subscription_id,
            kind,
            return_url=f"{home.settings.portal_url.rstrip('/')}/return",
            language=me.speech.language,
            method=method,
            period=period,
        )
    except Refused as error:
        raise refusal(error, PAGES) from error
    return visit.url


# --- the bank's proof -------------------------------------------------------------------------------------


async def show_any_authenticate(me: Me) -> RedirectResponse:
    """The mail's link: to whatever subscription the bank asked about."""
    return _to_first(me, "authenticate", {"authenticate", "retrying", "checking"})


async def show_authenticate(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """What the bank asks, and the way to its page (F23)."""
    standing = me.standing(subscription_id)
    if standing.case is None or not standing.is_bad:
        raise Told("nothing_to_prove", status=409, link="/premium", link_name="premium")
    token = form_token(built(request), me, "authenticate", subscription_id)
    return page(request, me, "authenticate", standing=standing, token=token)


async def authenticate(subscription_id: Id, request: Request, me: Me) -> RedirectResponse:
    """To the bank's page."""
    home = built(request)
    standing = me.standing(subscription_id)
    form = await form_of(request, me)
    url = await once(
        home,
        me,
        form,
        "authenticate",
        subscription_id,
        lambda _: _open(request, me, standing, "authenticate"),
    )
    return RedirectResponse(url, status_code=303)


# --- relaunch ---------------------------------------------------------------------------------------------


async def show_any_relaunch(me: Me) -> RedirectResponse:
    """The mail's link: to the subscription that is suspended."""
    return _to_first(me, "relaunch", {"suspended", "late"})


def _to_first(me: Visitor, what: str, moods: set[str]) -> RedirectResponse:
    for one in me.standings:
        if one.mood in moods:
            return go(f"/subscriptions/{one.subscription.subscription_id}/{what}")
    return go("/premium")


async def show_relaunch(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """Price, new day and the last day to re-enrol, before anything is paid (F20-F22)."""
    standing = me.standing(subscription_id)
    if standing.mood == "checking":
        raise Told("relaunch_in_flight", status=409, link="/premium", link_name="premium")
    if standing.mood != "suspended":
        raise Told("relaunch_not_needed", status=409, link="/premium", link_name="premium")
    if not standing.path_is_open:
        return _too_late(request, me, standing)
    token = form_token(built(request), me, "relaunch", subscription_id)
    return page(request, me, "relaunch", standing=standing, token=token)


def _too_late(request: Request, me: Visitor, standing: Standing) -> HTMLResponse:
    return page(request, me, "relaunch_too_late", status=409, standing=standing)


async def relaunch(subscription_id: Id, request: Request, me: Me) -> Response:
    """One form, one relaunch, one charge; the owner looks at the deadline again."""
    home = built(request)
    standing = me.standing(subscription_id)
    form = await form_of(request, me)
    if standing.mood == "suspended" and not standing.path_is_open:
        return _too_late(request, me, standing)

    async def do(name: str) -> str:
        subscription = standing.subscription
        path_id = standing.path.path_id if standing.path else None
        method = subscription.method or MethodKind.CARD
        try:
            await home.owners.relaunch(subscription_id, name, path_id, method.value)
        except Refused as error:
            raise refusal(error, _RELAUNCH, link="/premium") from error
        return "/premium?done=relaunch"

    return RedirectResponse(await once(home, me, form, "relaunch", subscription_id, do), status_code=303)


# --- the end ----------------------------------------------------------------------------------------------


async def show_cancel(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """What ends with the contract, before it does."""
    standing = me.standing(subscription_id)
    if not standing.may_cancel:
        raise Told("cancelled_already", status=409, link="/premium", link_name="premium")
    token = form_token(built(request), me, "cancel", subscription_id)
    return page(request, me, "cancel", standing=standing, token=token)


async def cancel(subscription_id: Id, request: Request, me: Me) -> RedirectResponse:
    """End the contract, once."""
    home = built(request)
    me.standing(subscription_id)
    form = await form_of(request, me)

    async def do(name: str) -> str:
        await home.owners.cancel(subscription_id, name)
        return f"{'/my-page' if me.school.guided else '/premium'}?done=cancel"

    return RedirectResponse(await once(home, me, form, "cancel", subscription_id, do), status_code=303)
