"""The Japanese school's pages: My Page with its four steps, the report, the payment, two months, credits."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.portal.api.acts import form_token, once
from services.portal.api.common import Me, Told, Visitor, built, form_of, go, page, refusal, text_of
from services.portal.telling.standing import Standing
from shared.errors import NotFound, Refused
from shared.paypal_support import Support, built_in, country_of, support_for

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]

_PAYMENT: Final = {
    "self_payment_locked": "pay_locked",
    "self_payment_not_open": "pay_not_open",
    "gateway_refused": "gateway_refused",
}
_LONGEST_REPORT: Final = 2000


def build_router() -> APIRouter:
    """My Page and what is done from it."""
    router = APIRouter(include_in_schema=False)
    router.get("/my-page")(show_my_page)
    router.get("/subscriptions/{subscription_id}/report")(show_report)
    router.post("/subscriptions/{subscription_id}/report")(report)
    router.get("/pay")(show_any_pay)
    router.get("/subscriptions/{subscription_id}/pay")(show_pay)
    router.post("/subscriptions/{subscription_id}/pay")(pay)
    router.get("/subscriptions/{subscription_id}/two-months")(show_two_months)
    router.get("/subscriptions/{subscription_id}/credits")(show_credits)
    return router


def paypal_block(me: Visitor, standing: Standing) -> Support:
    """Where this learner's PayPal is reached: by the country of the card (J33, J36)."""
    country = standing.subscription.card_country
    name = country_of(country, me.speech.language)
    return support_for(built_in(), country, country_name=name, language=me.speech.language)


async def show_my_page(request: Request, me: Me) -> Response:
    """The four steps with the learner's own dates."""
    if not me.school.guided:
        return go("/premium")
    blocks = {one.subscription.subscription_id: paypal_block(me, one) for one in me.standings}
    return page(request, me, "my_page", live=True, standings=me.standings, blocks=blocks)


# --- the report -------------------------------------------------------------------------------------------


def _reportable(me: Visitor, subscription_id: str) -> Standing:
    standing = me.standing(subscription_id)
    if standing.case is None or not standing.case.is_open:
        raise Told("nothing_to_report", status=409, link="/my-page", link_name="my_page")
    return standing


async def show_report(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """The problem at PayPal is solved: tell the school (J11, J39)."""
    standing = _reportable(me, subscription_id)
    token = form_token(built(request), me, "report", subscription_id)
    return page(request, me, "report", standing=standing, token=token, text="", wrong="")


async def report(subscription_id: Id, request: Request, me: Me) -> Response:
    """Keep the learner's words with dunning, once, and say that they came."""
    home = built(request)
    standing = _reportable(me, subscription_id)
    form = await form_of(request, me)
    text = text_of(form, "text").replace("\r\n", "\n").strip()
    if len(text) > _LONGEST_REPORT or text_of(form, "solved") != "yes":
        wrong = "too_long" if len(text) > _LONGEST_REPORT else "not_ticked"
        token = form_token(home, me, "report", subscription_id)
        return page(
            request, me, "report", status=422, standing=standing, token=token, text=text[:4000], wrong=wrong
        )
    case = standing.case
    assert case is not None  # noqa: S101 - _reportable

    async def do(name: str) -> str:
        await home.owners.report(case.case_id, name, text)
        return "/my-page?done=report"

    return RedirectResponse(await once(home, me, form, "report", subscription_id, do), status_code=303)


# --- the payment ------------------------------------------------------------------------------------------


async def show_any_pay(me: Me) -> RedirectResponse:
    """The mail's link: to the subscription that waits for it."""
    for one in me.standings:
        return go(f"/subscriptions/{one.subscription.subscription_id}/pay")
    return go("/my-page")


async def show_pay(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """Locked and until when, open today only, or done (J8, J31, J44)."""
    standing = me.standing(subscription_id)
    if not me.school.guided:
        raise NotFound("this school has no such page")
    token = form_token(built(request), me, "pay", subscription_id) if standing.mood == "open_today" else ""
    return page(request, me, "pay", live=True, standing=standing, token=token)


async def pay(subscription_id: Id, request: Request, me: Me) -> RedirectResponse:
    """To PayPal's page, if it is the day: we look, dunning looks, and payments looks once more."""
    home = built(request)
    standing = me.standing(subscription_id)
    form = await form_of(request, me)
    link = f"/subscriptions/{subscription_id}/pay"
    if standing.mood != "open_today":
        raise Told(_closed(standing), status=409, link=link, link_name="pay")

    async def do(_: str) -> str:
        told = await home.owners.self_payment(subscription_id)
        if told != "open_today":
            raise Told(_ANSWERS.get(told, "pay_not_open"), status=409, link=link, link_name="pay")
        try:
            visit = await home.owners.open_page(
                subscription_id,
                "resume",
                return_url=f"{home.settings.portal_url.rstrip('/')}/return",
                language=me.speech.language,
            )
        except Refused as error:
            raise refusal(error, _PAYMENT, link=link) from error
        return visit.url

    return RedirectResponse(await once(home, me, form, "pay", subscription_id, do), status_code=303)


_ANSWERS: Final = {
    "day_over": "pay_day_over",
    "no_open_case": "pay_done",
    "wait_for_announcement": "pay_locked",
}


def _closed(standing: Standing) -> str:
    words = {"resumed": "pay_done", "overdue": "pay_day_over", "announced": "pay_not_open"}
    return words.get(standing.mood, "pay_locked")


# --- two months, credits ----------------------------------------------------------------------------------


async def show_two_months(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """How the two months are paid, what came, what is missing (J23, J24)."""
    standing = me.standing(subscription_id)
    if standing.case is None or standing.case.guided is None:
        raise Told("no_two_months", status=409, link="/my-page", link_name="my_page")
    return page(request, me, "two_months", live=True, standing=standing)


async def show_credits(subscription_id: Id, request: Request, me: Me) -> HTMLResponse:
    """Credits and lessons, with the careful words of the rule (J40-J47)."""
    standing = me.standing(subscription_id)
    return page(request, me, "credits", live=True, standing=standing)
