"""PayPal's own pages: where a buyer agrees to a subscription or an order, or walks away."""

from __future__ import annotations

from ops.simulators import pages
from ops.simulators.http import Reply, Request, html_reply, redirect
from ops.simulators.paypal import billing_api, orders
from ops.simulators.paypal.errors import PayPalError
from ops.simulators.paypal.objects import find
from ops.simulators.paypal.subscriptions import engine_of
from ops.simulators.store import Json
from ops.simulators.words import Language, language_of, say
from ops.simulators.world import World
from shared import formatting
from shared.money import Money

SUBSCRIPTIONS = "/webapps/billing/subscriptions"
ORDERS = "/checkoutnow"


def answer(world: World, request: Request) -> Reply:
    """One of PayPal's pages."""
    args = {**request.args(), **(request.form() if request.method == "POST" else {})}
    try:
        if request.path == SUBSCRIPTIONS:
            return _subscription_page(world, request, args)
        if request.path == ORDERS:
            return _order_page(world, request, args)
    except PayPalError as error:
        page = pages.message(_language(request, None), "This page cannot be used", error.description)
        return html_reply(page, error.status)
    page = pages.message(_language(request, None), "Page not found", "There is nothing at this address.")
    return html_reply(page, 404)


def _language(request: Request, locale: str | None) -> Language:
    """What the school asked for, else the browser's."""
    return language_of(locale, request.headers.get("accept-language", ""))


def _subscription_page(world: World, request: Request, args: dict[str, str]) -> Reply:
    token = args.get("ba_token", "")
    subscription = billing_api.by_token(world, token)
    if subscription is None:
        raise PayPalError(404, "INVALID_RESOURCE_ID", "There is no such subscription.")
    engine = engine_of(world, subscription["id"])
    if request.method == "GET":
        language = _language(request, engine.get("locale"))
        if subscription["status"] != "APPROVAL_PENDING":
            return html_reply(
                pages.message(language, "PayPal", f"This subscription is {subscription['status']}.")
            )
        price = formatting.amount(Money(engine["price"], engine["currency"]), language)
        what = say(language, "paypal_subscribe", price=price)
        button = say(language, "paypal_subscribe_button")
        return html_reply(pages.approval_form(language, what, button=button, hidden={"ba_token": token}))
    query = f"subscription_id={subscription['id']}&ba_token={token}"
    if args.get("answer") != "approve":
        return _back(engine.get("cancel_url"), query)
    billing_api.approve(world, subscription)
    return _back(engine.get("return_url"), query)


def _order_page(world: World, request: Request, args: dict[str, str]) -> Reply:
    order: Json | None = find(world, "order", args.get("token", ""))
    if order is None:
        raise PayPalError(404, "INVALID_RESOURCE_ID", "There is no such order.")
    aside = world.store.table("paypal.order_aside")[order["id"]]
    if request.method == "GET":
        language = _language(request, aside.get("locale"))
        if order["status"] != "CREATED":
            return html_reply(pages.message(language, "PayPal", f"This order is {order['status']}."))
        money = order["purchase_units"][0]["amount"]
        what = say(language, "paypal_order", price=f"{money['value']} {money['currency_code']}")
        button = say(language, "pay")
        return html_reply(pages.approval_form(language, what, button=button, hidden={"token": order["id"]}))
    if args.get("answer") != "approve":
        return _back(aside["cancel_url"], f"token={order['id']}")
    orders.approve(world, order)
    return _back(aside["return_url"], f"token={order['id']}&PayerID={order['payer']['payer_id']}")


def _back(address: str | None, query: str) -> Reply:
    if not address:
        return html_reply(pages.message("en", "PayPal", say("en", "close")))
    return redirect(f"{address}{'&' if '?' in address else '?'}{query}")
