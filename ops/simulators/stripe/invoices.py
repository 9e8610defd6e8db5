"""Invoices as the school's code reads them, pays them, gives them up or writes a new one."""

from __future__ import annotations

from ops.simulators.clock import from_unix
from ops.simulators.store import Json
from ops.simulators.stripe import invoice_shapes, invoicing, status
from ops.simulators.stripe.call import Call, page
from ops.simulators.stripe.errors import StripeError, bad, missing, required, unexpected
from ops.simulators.stripe.events import before, emit, emit_change
from ops.simulators.stripe.forms import merged_metadata
from ops.simulators.stripe.methods import attach_to, usable
from ops.simulators.stripe.objects import aside, every, load, now, save, set_aside
from ops.simulators.stripe.payments import Verdict, card_error
from ops.simulators.world import World

_ACTION = (
    "This payment requires additional user action before it can be completed successfully. "
    "Payment can be completed using the PaymentIntent associated with the invoice."
)


def create(world: World, call: Call) -> Json:
    """POST /v1/invoices: a draft; pending invoice items join it when they may."""
    customer = load(world, "customer", call.need("customer"), param="customer")
    pending = [item for item in every(world, "invoiceitem", customer=customer["id"]) if not item["invoice"]]
    currency = call.text("currency") or (pending[0]["currency"] if pending else customer["currency"])
    if not currency:
        raise required("currency")
    invoice = invoicing.draft(
        world,
        customer,
        currency=currency.lower(),
        reason="manual",
        auto_advance=call.flag("auto_advance"),
        collection_method=call.text("collection_method") or "charge_automatically",
        description=call.text("description"),
        metadata=merged_metadata({}, call.nested("metadata")),
    )
    if key := call.text("default_payment_method"):
        invoice["default_payment_method"] = load(world, "payment_method", key)["id"]
    if key := call.text("subscription"):
        _belong_to(world, invoice, load(world, "subscription", key, param="subscription"))
    if call.text("pending_invoice_items_behavior") == "include":
        for item in pending:
            _take_item(world, invoice, item)
    save(world, invoice)
    emit(world, "invoice.created", invoice)
    return invoice


def _belong_to(world: World, invoice: Json, subscription: Json) -> None:
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    invoice["parent"] = {
        "quote_details": None,
        "subscription_details": details,
        "type": "subscription_details",
    }
    period = from_unix(subscription["items"]["data"][0]["current_period_start"]).date().isoformat()
    set_aside(world, invoice["id"], subscription=subscription["id"], period=period)


def _take_item(world: World, invoice: Json, item: Json) -> None:
    line = invoice_shapes.line_item(
        world.ids.stripe("il"),
        invoice=invoice["id"],
        amount=item["amount"],
        currency=item["currency"],
        start=item["period"]["start"],
        end=item["period"]["end"],
    )
    line["description"] = item["description"]
    line["parent"] = {
        "invoice_item_details": {
            "invoice_item": item["id"],
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": None,
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }
    invoice["lines"]["data"].append(line)
    invoicing.total(invoice)
    item["invoice"] = invoice["id"]
    save(world, item)
    save(world, invoice)


def create_item(world: World, call: Call) -> Json:
    """POST /v1/invoiceitems."""
    customer = load(world, "customer", call.need("customer"), param="customer")
    amount = call.number("amount")
    if amount is None:
        raise required("amount")
    moment = now(world)
    item: Json = {
        "id": world.ids.stripe("ii"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": (call.text("currency") or customer["currency"] or "eur").lower(),
        "customer": customer["id"],
        "date": moment,
        "description": call.text("description"),
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": merged_metadata({}, call.nested("metadata")),
        "parent": None,
        "period": {"end": moment, "start": moment},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "tax_rates": [],
        "test_clock": None,
    }
    save(world, item)
    if key := call.text("invoice"):
        invoice = load(world, "invoice", key, param="invoice")
        if invoice["status"] != "draft":
            raise unexpected("invoice_not_editable", "The invoice is not a draft and cannot be edited.")
        _take_item(world, invoice, item)
    emit(world, "invoiceitem.created", item)
    return item


def retrieve(world: World, call: Call, key: str) -> Json:
    """GET /v1/invoices/{id}."""
    del call
    return load(world, "invoice", key)


def index(world: World, call: Call) -> Json:
    """GET /v1/invoices."""
    found = every(world, "invoice")
    if key := call.text("subscription"):
        found = [obj for obj in found if aside(world, obj["id"]).get("subscription") == key]
    return page(call, found, "customer", "status", "collection_method")


def update(world: World, call: Call, key: str) -> Json:
    """POST /v1/invoices/{id}; ``auto_advance=false`` takes the retries out of Stripe's hands."""
    invoice = load(world, "invoice", key)
    if invoice["status"] in {"paid", "void"} and call.has("auto_advance"):
        raise unexpected(
            "invoice_not_editable", f"You can't update auto_advance on a {invoice['status']} invoice."
        )
    old = before(invoice)
    if call.has("auto_advance"):
        invoice["auto_advance"] = call.flag("auto_advance")
        if not invoice["auto_advance"]:
            invoice["next_payment_attempt"] = None
            world.agenda.cancel(status.RETRY, key)
    if call.has("default_payment_method"):
        method = call.text("default_payment_method")
        invoice["default_payment_method"] = load(world, "payment_method", method)["id"] if method else None
    if call.has("metadata"):
        invoice["metadata"] = merged_metadata(invoice["metadata"], call.params["metadata"])
    for name in ("description", "footer"):
        if call.has(name):
            invoice[name] = call.text(name)
    save(world, invoice)
    emit_change(world, "invoice.updated", old, invoice)
    return invoice


def finalise(world: World, call: Call, key: str) -> Json:
    """POST /v1/invoices/{id}/finalize."""
    invoice = load(world, "invoice", key)
    if call.has("auto_advance"):
        invoice["auto_advance"] = call.flag("auto_advance")
    invoicing.finalise(world, invoice)
    return invoice


def pay(world: World, call: Call, key: str) -> Json:
    """POST /v1/invoices/{id}/pay: one attempt now, off session unless told otherwise.

    402 with the bank's words when declined; ``invoice_payment_intent_requires_action`` when it asks for
    3-D Secure. Each refused try keeps the invoice open; ``attempt_count`` does not grow past the first.
    """
    invoice = load(world, "invoice", key)
    if invoice["status"] == "draft":
        invoicing.finalise(world, invoice)
    if invoice["status"] == "paid":
        raise StripeError(400, "Invoice is already paid")
    if invoice["status"] == "void":
        raise StripeError(400, "Voided invoices cannot be paid.")
    if call.flag("paid_out_of_band"):
        invoicing.close_out_of_band(world, invoice)
        return invoice
    method = invoicing.method_for(world, invoice)
    if token := call.text("payment_method"):
        method = usable(world, token)
        if method["customer"] not in {invoice["customer"], None}:
            raise missing("PaymentMethod", token, "payment_method")
        attach_to(world, method, invoice["customer"])
    off_session = call.flag("off_session", default=True)
    verdict, intent = invoicing.collect(
        world, invoice, method, off_session=off_session, by="api", automatic=False
    )
    if verdict is Verdict.ACTION:
        raise card_error(intent, code="invoice_payment_intent_requires_action", message=_ACTION)
    if verdict is Verdict.DECLINED:
        raise card_error(intent)
    return invoice


def void(world: World, call: Call, key: str) -> Json:
    """POST /v1/invoices/{id}/void."""
    del call
    return _give_up(world, key, "void")


def mark_uncollectible(world: World, call: Call, key: str) -> Json:
    """POST /v1/invoices/{id}/mark_uncollectible."""
    del call
    return _give_up(world, key, "uncollectible")


def _give_up(world: World, key: str, how: str) -> Json:
    invoice = load(world, "invoice", key)
    if invoice["status"] not in {"open", "uncollectible"} or invoice["status"] == how:
        raise StripeError(400, f"You can only pass in open invoices. This invoice is {invoice['status']}.")
    invoicing.close_unpaid(world, invoice, how, reason="user_forgiven" if how == "uncollectible" else None)
    return invoice


def delete(world: World, call: Call, key: str) -> Json:
    """DELETE /v1/invoices/{id}: drafts only."""
    del call
    invoice = load(world, "invoice", key)
    if invoice["status"] != "draft":
        raise unexpected("invoice_not_editable", "You can only delete draft invoices.")
    world.store.drop("stripe.invoice", key)
    emit(world, "invoice.deleted", invoice)
    return {"id": key, "object": "invoice", "deleted": True}


def list_payments(world: World, call: Call) -> Json:
    """GET /v1/invoice_payments, by invoice or by ``payment[payment_intent]``."""
    found = every(world, "invoice_payment")
    payment = call.nested("payment")
    if payment and payment.get("type") != "payment_intent":
        raise bad("Only payment[type]=payment_intent is simulated.", param="payment[type]")
    if intent := payment.get("payment_intent"):
        found = [obj for obj in found if obj["payment"]["payment_intent"] == intent]
    return page(call, found, "invoice", "status")


def retrieve_payment(world: World, call: Call, key: str) -> Json:
    """GET /v1/invoice_payments/{id}."""
    del call
    return load(world, "invoice_payment", key)


def list_lines(world: World, call: Call, key: str) -> Json:
    """GET /v1/invoices/{id}/lines."""
    return page(call, [dict(line, created=0) for line in load(world, "invoice", key)["lines"]["data"]])
