"""A learner in one call: known to a gateway, with a card or an account, and a subscription that runs."""

from __future__ import annotations

from datetime import datetime

from ops.simulators.clock import from_unix, interval_after, unix, zulu
from ops.simulators.control.models import CardBody, PayPalSetup, PlanBody, StripeSetup
from ops.simulators.paypal import billing, plans
from ops.simulators.paypal.objects import amount as paypal_amount
from ops.simulators.paypal.objects import find, keep
from ops.simulators.paypal.subscriptions import engine_of, keep_engine
from ops.simulators.paypal.subscriptions import new_subscription as new_paypal_subscription
from ops.simulators.store import Json
from ops.simulators.stripe import billing_shapes, shapes
from ops.simulators.stripe.events import emit
from ops.simulators.stripe.methods import attach_to, new_card, new_paypal
from ops.simulators.stripe.objects import find as find_stripe
from ops.simulators.stripe.objects import now, save, set_aside
from ops.simulators.stripe.renewals import period_end, plan_renewal
from ops.simulators.stripe.subscriptions import new_subscription
from ops.simulators.world import World


def remember(world: World, learner: str, facts: Json) -> Json:
    """Keep what a learner's name stands for; the latest set-up wins."""
    return world.store.put("learner", learner, {"learner": learner, **facts})


def set_up_stripe(world: World, body: StripeSetup) -> Json:
    """Customer, method, product, price and subscription; told as Stripe would unless ``quiet``."""
    reference = body.reference or body.learner
    metadata = {"reference": reference, **body.metadata}
    customer = save(world, shapes.customer(world.ids.stripe("cus"), now(world)))
    customer.update({"email": body.email, "name": body.name, "metadata": dict(metadata)})
    customer["currency"] = body.currency.lower()
    method = _method(world, body)
    product = save(world, billing_shapes.product(world.ids.stripe("prod"), now(world), "Lessons"))
    price = save(
        world,
        billing_shapes.price(
            world.ids.stripe("price"),
            now(world),
            product=product["id"],
            amount=body.amount,
            currency=body.currency.lower(),
            interval=body.interval,
        ),
    )
    anchor, cycle = _first_cycle(world, body)
    with world.ids.given({"stripe.sub": body.subscription}):
        subscription = new_subscription(
            world, customer["id"], items=[(price, 1)], anchor=unix(anchor), start=unix(anchor)
        )
    subscription["metadata"] = dict(metadata)
    subscription["items"]["data"][0]["current_period_start"] = unix(period_end(subscription, cycle - 1))
    if not body.quiet:
        emit(world, "customer.created", customer)
    if method is not None:
        _attach(world, method, customer, quiet=body.quiet)
        customer["invoice_settings"]["default_payment_method"] = method["id"]
        subscription["default_payment_method"] = method["id"]
    for other in _others(world, body):
        _attach(world, other, customer, quiet=body.quiet)
    save(world, customer)
    plan_renewal(world, subscription, cycle=cycle)
    set_aside(world, subscription["id"], retries=body.stripe_retries_days, ending=body.stripe_ending)
    if not body.quiet:
        emit(world, "customer.subscription.created", subscription)
    item = subscription["items"]["data"][0]
    return remember(
        world,
        body.learner,
        {
            "gateway": "stripe",
            "customer": customer["id"],
            "payment_method": method["id"] if method else None,
            "product": product["id"],
            "price": price["id"],
            "subscription": subscription["id"],
            "subscription_item": item["id"],
            "reference": reference,
            "next_billing": zulu(from_unix(item["current_period_end"])),
        },
    )


def _method(world: World, body: StripeSetup) -> Json | None:
    if body.paypal_email is not None:
        return new_paypal(world, body.paypal_email)
    return None if body.card is None else _card(world, body.card)


def _others(world: World, body: StripeSetup) -> list[Json]:
    found = [] if body.also_card is None else [_card(world, body.also_card)]
    return found if body.also_paypal is None else [*found, new_paypal(world, body.also_paypal)]


def _card(world: World, card: CardBody) -> Json:
    return new_card(
        world,
        card.number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        details=card.details(),
        set_up=card.set_up,
    )


def _attach(world: World, method: Json, customer: Json, *, quiet: bool) -> None:
    if quiet:
        method["customer"] = customer["id"]
        save(world, method)
    else:
        attach_to(world, method, customer["id"])


def _first_cycle(world: World, body: StripeSetup) -> tuple[datetime, int]:
    """The anchor, and the number of the cycle that ends next."""
    moment = world.clock.now()
    if body.next_billing is not None:
        return body.next_billing, 0
    anchor = body.anchor or moment
    if anchor > moment:
        return anchor, 0
    cycle = 1
    while interval_after(anchor, body.interval, cycle) <= moment:
        cycle += 1
    return anchor, cycle


def set_up_paypal(world: World, body: PayPalSetup) -> Json:
    """Product, plan and an active subscription whose next attempt is at ``next_billing``."""
    reference = body.reference or body.learner
    currency = body.currency.upper()
    product = keep(world, "product", {"id": world.ids.paypal_named("PROD", 17), "name": "Lessons"})
    plan = plans.new_plan(
        world,
        product=product["id"],
        name="Monthly lessons",
        cycles=[plans.monthly(paypal_amount(body.amount, currency))],
        preferences={
            "payment_failure_threshold": body.threshold,
            "auto_bill_outstanding": body.auto_bill_outstanding,
        },
    )
    subscriber = {
        "email_address": body.email or f"{body.learner}@example.com",
        "payer_id": world.ids.paypal("payer")[:13],
        "name": {"given_name": body.learner.title(), "surname": "Example"},
    }
    facts = {
        **plans.engine_facts(plan),
        "retry_days": body.retry_intervals_days,
        "ending": body.ending,
        "ending_after": body.ending_after,
        "quirks": list(body.quirks),
    }
    with world.ids.given({"paypal.I": body.subscription}):
        subscription = new_paypal_subscription(
            world,
            plan=plan,
            price=body.amount,
            currency=currency,
            subscriber=subscriber,
            custom_id=reference,
            start=interval_after(body.next_billing, "month", -1),
            **facts,
        )
    billing.begin(world, subscription, body.next_billing, told=not body.quiet)
    if world.only_told:  # the story says when, if it says it
        keep_engine(world, subscription["id"], next_billing=None)
    return remember(
        world,
        body.learner,
        {
            "gateway": "paypal",
            "subscription": subscription["id"],
            "plan": plan["id"],
            "product": product["id"],
            "payer": subscriber["payer_id"],
            "email": subscriber["email_address"],
            "reference": reference,
            "next_billing": zulu(body.next_billing),
            "next_billing_time": engine_of(world, subscription["id"])["next_billing"],
        },
    )


def make_plan(world: World, body: PlanBody) -> Json:
    """A price or plan of one month; the one that is there already stays."""
    if body.gateway == "stripe":
        known = find_stripe(world, "price", body.id)
        if known is not None:
            return known
        product = save(world, billing_shapes.product(world.ids.stripe("prod"), now(world), "Lessons"))
        price = billing_shapes.price(
            body.id,
            now(world),
            product=product["id"],
            amount=body.amount,
            currency=body.currency.lower(),
            interval="month",
        )
        return save(world, price)
    known = find(world, "plan", body.id)
    if known is not None:
        return known
    made = keep(world, "product", {"id": world.ids.paypal_named("PROD", 17), "name": "Lessons"})
    with world.ids.given({"paypal.P": body.id}):
        return plans.new_plan(
            world,
            product=made["id"],
            name="Monthly lessons",
            cycles=[plans.monthly(paypal_amount(body.amount, body.currency.upper()))],
            preferences={},
        )
