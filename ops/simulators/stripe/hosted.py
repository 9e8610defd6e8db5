"""Stripe's own pages: typing a card, the bank's one-time code, paying an invoice."""

from __future__ import annotations

from collections.abc import Callable

from ops.simulators import pages
from ops.simulators.http import Reply, Request, Routes, html_reply, redirect
from ops.simulators.money import for_people
from ops.simulators.store import Json
from ops.simulators.stripe import checkout, payer
from ops.simulators.stripe.errors import StripeError
from ops.simulators.stripe.objects import by_id, find, load
from ops.simulators.stripe.payer import TypedCard, Went
from ops.simulators.world import World

Page = Callable[[World, Request, str], Reply]
WRONG_CODE = "000000"
"""The one-time code that fails; any other six digits pass."""


def answer(world: World, request: Request) -> Reply:
    """One of Stripe's hosted pages."""
    found = PAGES.find(request.method, request.path)
    if found is None:
        return html_reply(pages.message("Page not found", "There is nothing at this address."), 404)
    _, page, ids = found
    try:
        return page(world, request, ids.get("key", ""))
    except StripeError as error:
        return html_reply(pages.message("This page cannot be used", str(error)), error.status)


def show_checkout(world: World, request: Request, key: str) -> Reply:
    """The card form of a checkout session."""
    del request
    session = load(world, "checkout.session", key)
    if checkout.is_over(world, session):
        return html_reply(pages.message("This page has expired", "Ask the school for a new link."), 410)
    return html_reply(_card_page(session, None))


def _card_page(session: Json, refused: str | None) -> str:
    if session["mode"] == "setup":
        return pages.card_form(
            "Save your card", "School", button="Save card", back=session["cancel_url"], refused=refused
        )
    price = for_people(session["amount_total"], session["currency"])
    return pages.card_form("Pay", price, button=f"Pay {price}", back=session["cancel_url"], refused=refused)


def submit_checkout(world: World, request: Request, key: str) -> Reply:
    """The card form was sent."""
    session = load(world, "checkout.session", key)
    went = payer.type_card(world, session, _typed(request))
    if went.refused:
        return html_reply(_card_page(session, went.refused), 402)
    return _onward(world, went, checkout.success_address(session))


def _typed(request: Request) -> TypedCard:
    form = request.form()
    month, _, year = form.get("expiry", "12/39").partition("/")
    if not (month.strip().isdigit() and year.strip().isdigit()):
        raise StripeError(400, "Your card's expiration date is invalid.")
    return TypedCard(
        number="".join(sign for sign in form.get("number", "") if sign.isdigit()),
        exp_month=int(month),
        exp_year=2000 + int(year) % 100,
    )


def _onward(world: World, went: Went, address: str) -> Reply:
    if went.challenge:
        return redirect(f"{world.settings.base_url}/stripe/hosted/3ds/{went.challenge}")
    return redirect(address or f"{world.settings.base_url}/stripe/hosted/done")


def show_challenge(world: World, request: Request, key: str) -> Reply:
    """The bank's page: a one-time code sent by SMS."""
    del request
    intent = _intent(world, key)
    if intent["status"] != "requires_action":
        return redirect(checkout.way_back(world, intent))
    what = for_people(intent["amount"], intent["currency"]) if "amount" in intent else "card registration"
    return html_reply(pages.code_form(what))


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


def show_invoice(world: World, request: Request, key: str) -> Reply:
    """The hosted invoice page."""
    del request
    return html_reply(_invoice_page(world, load(world, "invoice", key), None))


def _invoice_page(world: World, invoice: Json, refused: str | None) -> str:
    price = for_people(invoice["amount_remaining"], invoice["currency"])
    if invoice["status"] not in {"open", "uncollectible"}:
        words = {"paid": "Thank you, this invoice is paid.", "void": "This invoice was cancelled."}
        return pages.message(f"Invoice {invoice['number']}", words.get(invoice["status"], "Not open yet."))
    challenge = payer.challenge_of(world, invoice["id"])
    waiting = _intent(world, challenge)["status"] == "requires_action"
    link = f"{world.settings.base_url}/stripe/hosted/3ds/{challenge}" if waiting else None
    title = f"Invoice {invoice['number']}"
    return pages.card_form(title, price, button=f"Pay {price}", refused=refused, confirm_at=link)


def submit_invoice(world: World, request: Request, key: str) -> Reply:
    """The invoice page was sent: with a new card, or with the saved one when no number was typed."""
    invoice = load(world, "invoice", key)
    typed = _typed(request) if request.form().get("number") else None
    went = payer.pay_invoice(world, invoice, typed)
    if went.refused:
        return html_reply(_invoice_page(world, invoice, went.refused), 402)
    return _onward(world, went, f"{world.settings.base_url}/stripe/hosted/invoices/{key}")


def show_portal(world: World, request: Request, key: str) -> Reply:
    """The portal page to replace a card."""
    del request
    session = load(world, "billing_portal.session", key)
    page = pages.card_form("Replace your card", "School", button="Save card", back=session["return_url"])
    return html_reply(page)


def submit_portal(world: World, request: Request, key: str) -> Reply:
    """The new card was typed."""
    session = load(world, "billing_portal.session", key)
    customer = load(world, "customer", session["customer"])
    went = payer.replace_card(world, customer, _typed(request), portal=session)
    if went.refused:
        page = pages.card_form("Replace your card", "School", button="Save card", refused=went.refused)
        return html_reply(page, 402)
    return _onward(world, went, session["return_url"] or "")


def show_done(world: World, request: Request, key: str) -> Reply:
    """Where a payer ends who has nowhere to return to."""
    del world, request, key
    return html_reply(pages.message("Done", "You can close this page."))


def show_receipt(world: World, request: Request, key: str) -> Reply:
    """The receipt of a charge."""
    del request
    charge = find(world, "charge", key)
    if charge is None:
        raise StripeError(404, "There is no such receipt.")
    return html_reply(pages.message("Receipt", f"Paid: {for_people(charge['amount'], charge['currency'])}."))


PAGES: Routes[Page] = Routes(
    {
        "GET /hosted/checkout/{key}": show_checkout,
        "POST /hosted/checkout/{key}": submit_checkout,
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
