"""Stripe's own pages: typing a card or going to PayPal, the bank's one-time code, paying an invoice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ops.simulators import pages
from ops.simulators.http import Reply, Request, Routes, html_reply, redirect
from ops.simulators.store import Json
from ops.simulators.stripe import checkout, payer
from ops.simulators.stripe.errors import StripeError
from ops.simulators.stripe.objects import aside, by_id, find, load
from ops.simulators.stripe.payer import TypedCard, Went
from ops.simulators.words import Language, language_of, say
from ops.simulators.world import World
from shared import formatting
from shared.money import Money

Page = Callable[[World, Request, str], Reply]
WRONG_CODE = "000000"
"""The one-time code that fails; any other six digits pass."""
_SHORTEST: Final = 12
"""Digits of the shortest card number."""


def answer(world: World, request: Request) -> Reply:
    """One of Stripe's hosted pages."""
    language = _language(request, None)
    found = PAGES.find(request.method, request.path)
    if found is None:
        page = pages.message(language, "Page not found", "There is nothing at this address.")
        return html_reply(page, 404)
    _, show, ids = found
    try:
        return show(world, request, ids.get("key", ""))
    except StripeError as error:
        return html_reply(pages.message(language, "This page cannot be used", str(error)), error.status)


def _language(request: Request, session: Json | None) -> Language:
    """The session's own, else the browser's."""
    return language_of((session or {}).get("locale"), request.headers.get("accept-language", ""))


def _price(amount: int, currency: str, language: Language) -> str:
    return formatting.amount(Money(amount, currency.upper()), language)


# --- checkout: a card, or PayPal ---------------------------------------------------------------------------


def show_checkout(world: World, request: Request, key: str) -> Reply:
    """What a checkout session takes."""
    session = load(world, "checkout.session", key)
    language = _language(request, session)
    if checkout.is_over(world, session):
        page = pages.message(language, say(language, "expired_title"), say(language, "expired"))
        return html_reply(page, 410)
    return html_reply(_checkout_page(session, language, None))


def _checkout_page(session: Json, language: Language, refused: str | None) -> str:
    takes, back = session["payment_method_types"], session["cancel_url"]
    if session["mode"] == "setup":
        title = say(language, "save_card" if takes == ["card"] else "save_method")
        subtitle, button = say(language, "school"), say(language, "save_card_button")
    else:
        title, subtitle = say(language, "pay"), _price(session["amount_total"], session["currency"], language)
        button = say(language, "pay_button", price=subtitle)
    return pages.method_form(
        language, title, subtitle, button=button, takes=takes, back=back, refused=refused
    )


def submit_checkout(world: World, request: Request, key: str) -> Reply:
    """The card form was sent, or PayPal was chosen."""
    session = load(world, "checkout.session", key)
    language = _language(request, session)
    if request.form().get("choose") == "paypal":
        if "paypal" not in session["payment_method_types"]:
            raise StripeError(400, "This page does not take PayPal.")
        return redirect(f"{world.settings.base_url}/stripe/hosted/paypal/{key}")
    card = _typed(request)
    if isinstance(card, str):
        return html_reply(_checkout_page(session, language, say(language, card)), 402)
    went = payer.type_card(world, session, card)
    if went.refused:
        refused = say(language, "declined", reason=went.refused)
        return html_reply(_checkout_page(session, language, refused), 402)
    return _onward(world, went, checkout.success_address(session))


def show_paypal(world: World, request: Request, key: str) -> Reply:
    """PayPal's page, where Stripe sends a payer who chose it."""
    session = load(world, "checkout.session", key)
    language = _language(request, session)
    if checkout.is_over(world, session):
        return show_checkout(world, request, key)
    what, button = say(language, "paypal_agree"), say(language, "paypal_agree_button")
    return html_reply(pages.approval_form(language, what, button=button, hidden={}))


def submit_paypal(world: World, request: Request, key: str) -> Reply:
    """The payer agreed, or came back without."""
    session = load(world, "checkout.session", key)
    if request.form().get("answer") != "approve":
        return redirect(session["url"] or session["cancel_url"] or "")
    went = payer.choose_paypal(world, session, "payer@paypal.example")
    if went.refused:
        language = _language(request, session)
        return html_reply(_checkout_page(session, language, went.refused), 402)
    return _onward(world, went, checkout.success_address(session))


def _typed(request: Request) -> TypedCard | str:
    """The card that was typed, or the name of the sentence that says what is wrong with it."""
    form = request.form()
    number = "".join(sign for sign in form.get("number", "") if sign.isdigit())
    if len(number) < _SHORTEST:
        return "number_wrong"
    month, _, year = (part.strip() for part in form.get("expiry", "12/39").partition("/"))
    if not (month.isdigit() and year.isdigit() and 1 <= int(month) <= 12):
        return "expiry_wrong"
    if not form.get("cvc", "123").strip().isdigit():
        return "cvc_wrong"
    return TypedCard(number=number, exp_month=int(month), exp_year=2000 + int(year) % 100)


def _onward(world: World, went: Went, address: str) -> Reply:
    if went.challenge:
        return redirect(f"{world.settings.base_url}/stripe/hosted/3ds/{went.challenge}")
    return redirect(address or f"{world.settings.base_url}/stripe/hosted/done")


# --- the bank's page ---------------------------------------------------------------------------------------


def show_challenge(world: World, request: Request, key: str) -> Reply:
    """The bank's page: a one-time code sent by SMS."""
    intent = _intent(world, key)
    if intent["status"] != "requires_action":
        return redirect(checkout.way_back(world, intent))
    language = _language(request, find(world, "checkout.session", aside(world, key).get("session", "")))
    what = (
        _price(intent["amount"], intent["currency"], language)
        if "amount" in intent
        else say(language, "code_card")
    )
    return html_reply(pages.code_form(language, what))


def submit_challenge(world: World, request: Request, key: str) -> Reply:
    """The code was typed, or the payer cancelled at the bank."""
    intent = _intent(world, key)
    form = request.form()
    passed = "cancel" not in form and form.get("code", "") != WRONG_CODE
    if intent["status"] == "requires_action":
        payer.answer_challenge(world, key, passed=passed)
    return redirect(checkout.way_back(world, intent))


def _intent(world: World, key: str) -> Json:
    intent = by_id(world, key)
    if intent is None or intent["object"] not in {"payment_intent", "setup_intent"}:
        raise StripeError(404, "There is no payment to confirm at this address.")
    return intent


# --- invoices, the portal, receipts -----------------------------------------------------------------------


def show_invoice(world: World, request: Request, key: str) -> Reply:
    """The hosted invoice page."""
    language = _language(request, None)
    return html_reply(_invoice_page(world, load(world, "invoice", key), language, None))


def _invoice_page(world: World, invoice: Json, language: Language, refused: str | None) -> str:
    price = _price(invoice["amount_remaining"], invoice["currency"], language)
    title = say(language, "invoice", number=str(invoice["number"]))
    if invoice["status"] not in {"open", "uncollectible"}:
        word = invoice["status"] if invoice["status"] in {"paid", "void"} else "not_open"
        return pages.message(language, title, say(language, word))
    challenge = payer.challenge_of(world, invoice["id"])
    waiting = _intent(world, challenge)["status"] == "requires_action"
    link = f"{world.settings.base_url}/stripe/hosted/3ds/{challenge}" if waiting else None
    button = say(language, "pay_button", price=price)
    subtitle = f"{price}. {say(language, 'saved_card')}"
    return pages.method_form(language, title, subtitle, button=button, refused=refused, confirm_at=link)


def submit_invoice(world: World, request: Request, key: str) -> Reply:
    """The invoice page was sent: with a new card, or with the saved one when no number was typed."""
    invoice = load(world, "invoice", key)
    language = _language(request, None)
    card = _typed(request) if request.form().get("number") else None
    if isinstance(card, str):
        return html_reply(_invoice_page(world, invoice, language, say(language, card)), 402)
    went = payer.pay_invoice(world, invoice, card)
    if went.refused:
        refused = say(language, "declined", reason=went.refused)
        return html_reply(_invoice_page(world, invoice, language, refused), 402)
    return _onward(world, went, f"{world.settings.base_url}/stripe/hosted/invoices/{key}")


def show_portal(world: World, request: Request, key: str) -> Reply:
    """The portal page to replace a card."""
    session = load(world, "billing_portal.session", key)
    return html_reply(_portal_page(session, _language(request, session), None))


def _portal_page(session: Json, language: Language, refused: str | None) -> str:
    return pages.method_form(
        language,
        say(language, "replace_card"),
        say(language, "school"),
        button=say(language, "save_card_button"),
        back=session["return_url"],
        refused=refused,
    )


def submit_portal(world: World, request: Request, key: str) -> Reply:
    """The new card was typed."""
    session = load(world, "billing_portal.session", key)
    language = _language(request, session)
    customer = load(world, "customer", session["customer"])
    card = _typed(request)
    if isinstance(card, str):
        return html_reply(_portal_page(session, language, say(language, card)), 402)
    went = payer.replace_card(world, customer, card, portal=session)
    if went.refused:
        refused = say(language, "declined", reason=went.refused)
        return html_reply(_portal_page(session, language, refused), 402)
    return _onward(world, went, session["return_url"] or "")


def show_done(world: World, request: Request, key: str) -> Reply:
    """Where a payer ends who has nowhere to return to."""
    del world, key
    language = _language(request, None)
    return html_reply(pages.message(language, say(language, "done"), say(language, "close")))


def show_receipt(world: World, request: Request, key: str) -> Reply:
    """The receipt of a charge."""
    charge = find(world, "charge", key)
    if charge is None:
        raise StripeError(404, "There is no such receipt.")
    language = _language(request, None)
    price = _price(charge["amount"], charge["currency"], language)
    return html_reply(pages.message(language, say(language, "paid"), price))


PAGES: Routes[Page] = Routes(
    {
        "GET /hosted/checkout/{key}": show_checkout,
        "POST /hosted/checkout/{key}": submit_checkout,
        "GET /hosted/paypal/{key}": show_paypal,
        "POST /hosted/paypal/{key}": submit_paypal,
        "GET /hosted/3ds/{key}": show_challenge,
        "POST /hosted/3ds/{key}": submit_challenge,
        "GET /hosted/invoices/{key}": show_invoice,
        "POST /hosted/invoices/{key}": submit_invoice,
        "GET /hosted/portal/{key}": show_portal,
        "POST /hosted/portal/{key}": submit_portal,
        "GET /hosted/receipts/{key}": show_receipt,
        "GET /hosted/done": show_done,
    }
)
