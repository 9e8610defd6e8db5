"""A first school of each kind with its learners, so that a newcomer who starts a stack has somebody to be.

Nothing is written where a school is registered already: this is for looking around, never for a real installation.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from ops.stack.gateways import control
from ops.stack.plan import Plan
from shared.calendar import local_date
from shared.clock import clock_for

LUMIERE, SAKURA = "lumiere", "sakura"
NEWCOMER, CAMILLE, HANA, YUI = "noe", "camille", "hana", "yui"
CAMILLE_SUB, HANA_SUB = "camille-web", "hana-lessons"
OFFER: Final = "dev-web"
LESSONS: Final = "eight-lessons"
_TRIES: Final = 10
_PRICE: Final = "price_dev_web"
_LESSONS_PLAN: Final = "P-EIGHTLESSONS"
_SOON: Final = timedelta(minutes=1)
_LEARNERS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    (NEWCOMER, LUMIERE, {"name": "Noé Martin", "language": "fr", "zone": "Europe/Paris"}),
    (CAMILLE, LUMIERE, {"name": "Camille Durand", "language": "fr", "zone": "Europe/Paris"}),
    (HANA, SAKURA, {"name": "花 ルロワ", "language": "ja", "zone": "Europe/Paris"}),
    (YUI, SAKURA, {"name": "結衣 田中", "language": "ja", "zone": "Asia/Tokyo"}),
)


def call(plan: Plan, service: str, method: str, path: str, body: Any = None) -> Any:
    """One request to a service of the stack; what it answered.

    Raises:
        urllib.error.HTTPError: it refused; the body says why.
    """
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        plan.url(service) + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json", "x-relance-key": plan.secrets["api_key"]},
        method=method,
    )
    for left in reversed(range(_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:
                raise
            time.sleep(0.2)  # the worker was faster with the same row: the second time it is free
    raise AssertionError("the last try answers or raises")


def welcome(plan: Plan) -> list[str]:
    """Register the newcomers where no school is; the lines that tell a person where to begin."""
    if not call(plan, "dunning", "GET", "/schools"):
        _schools(plan)
        _learners(plan)
        now = clock_for(Path(plan.clock_file) if plan.clock_file else None).now()
        failing_card(plan, now, CAMILLE, CAMILLE_SUB)
        _japanese(plan, now)
    return lines(plan)


def lines(plan: Plan) -> list[str]:
    """Where each learner begins; the links that sign them in arrive in the mailbox."""
    known = {school["school_id"] for school in call(plan, "dunning", "GET", "/schools")}
    told: list[str] = []
    for school, of, who in (
        (LUMIERE, "French", ((NEWCOMER, "signs up"), (CAMILLE, "has a card that fails in a minute"))),
        (SAKURA, "Japanese", ((YUI, "signs up"), (HANA, "has a PayPal account that fails in a minute"))),
    ):
        if school in known:
            told.append(f"  {of + ' school':<16} {plan.url('portal')}/at/{school}")
            told += [f"  {'':<16} as {name + '@example.org':<20} {what}" for name, what in who]
    if not told:
        return []
    mailbox = f"{plan.url('mailbox')}/"
    return [
        *told,
        f"  {'sign-in links':<16} and every mail: {mailbox}",
        "  cards to pay with are named on the payment page",
    ]


def _schools(plan: Plan) -> None:
    door = plan.url("portal")
    call(plan, "dunning", "PUT", f"/schools/{LUMIERE}", {
        "name": "École Lumière", "policy_id": "fr-elearning", "support_contact": "aide@lumiere.example",
        "staff_email": "bureau@lumiere.example", "site_url": f"{door}/premium",
        "help_urls": {"premium": f"{door}/premium", "authenticate": f"{door}/authenticate",
                      "relaunch": f"{door}/relaunch", "resume_path": f"{door}/at/{LUMIERE}/help#monthly"},
        "accepted_methods": ["credit_card", "paypal"],
    })  # fmt: skip
    call(plan, "dunning", "PUT", f"/schools/{SAKURA}", {
        "name": "さくら語学院", "policy_id": "jp-school", "support_contact": "jimu@sakura.example",
        "staff_email": "jimu@sakura.example", "site_url": f"{door}/my-page",
        "help_urls": {"my_page": f"{door}/my-page"}, "accepted_methods": ["paypal_subscription"],
    })  # fmt: skip
    control(plan, "/_sim/plan", {"gateway": "stripe", "id": _PRICE, "amount": 7500, "currency": "EUR"})
    call(plan, "portal", "PUT", f"/api/schools/{LUMIERE}/offers/{OFFER}", {
        "titles": {"fr": "Parcours Développeuse web", "en": "Web developer path", "ja": "ウェブ開発コース"},
        "amount_minor": 7500, "currency": "EUR", "path_id": OFFER, "plans": {"stripe": _PRICE},
    })  # fmt: skip
    control(
        plan, "/_sim/plan", {"gateway": "paypal", "id": _LESSONS_PLAN, "amount": 12800, "currency": "JPY"}
    )
    call(plan, "portal", "PUT", f"/api/schools/{SAKURA}/offers/{LESSONS}", {
        "titles": {"ja": "オンラインレッスン 月8回コース", "fr": "Huit leçons par mois", "en": "Eight lessons a month"},
        "amount_minor": 12800, "currency": "JPY", "plans": {"paypal": _LESSONS_PLAN},
    })  # fmt: skip


def _learners(plan: Plan) -> None:
    for learner_id, school_id, about in _LEARNERS:
        register(plan, learner_id, school_id, **about)


def register(plan: Plan, learner_id: str, school_id: str, **about: str) -> None:
    """A learner whose mails arrive in the stack's mailbox."""
    body = {"school_id": school_id, "email": f"{learner_id}@example.org", **about}
    call(plan, "notifications", "PUT", f"/learners/{learner_id}", body)


def failing_card(plan: Plan, now: datetime, learner_id: str, subscription_id: str) -> None:
    """A French subscription whose card will be refused at the renewal that is due in a minute."""
    made = control(plan, "/_sim/setup", {
        "gateway": "stripe", "learner": learner_id, "amount": 7500, "currency": "EUR", "quiet": True,
        "next_billing": _text(now + _SOON), "card": {"number": "4000000000000341", "set_up": True},
    })  # fmt: skip
    started = local_date(now + _SOON, "Europe/Paris") - timedelta(days=90)
    call(plan, "payments", "PUT", f"/subscriptions/{subscription_id}", {
        "school_id": LUMIERE, "learner_id": learner_id, "gateway": "stripe", "method": "card", "label": "0341",
        "gateway_subscription_id": made["subscription"], "gateway_customer_id": made["customer"],
        "gateway_plan": made["price"], "price": {"amount_minor": 7500, "currency": "EUR"},
        "billing_day": local_date(now + _SOON, "Europe/Paris").day, "started_on": started.isoformat(), "path_id": OFFER,
    })  # fmt: skip
    call(plan, "access", "PUT", f"/learners/{learner_id}/paths/{OFFER}", {
        "school_id": LUMIERE, "subscription_id": subscription_id, "title": "Développeuse web",
        "re_enrolment_deadline": (local_date(now, "Europe/Paris") + timedelta(days=45)).isoformat(),
    })  # fmt: skip


def _japanese(plan: Plan, now: datetime) -> None:
    """Hana's PayPal account refuses from the debit that is due in a minute."""
    made = control(plan, "/_sim/setup", {
        "gateway": "paypal", "learner": HANA, "amount": 12800, "currency": "JPY", "quiet": True,
        "next_billing": _text(now + _SOON),
    })  # fmt: skip
    control(plan, "/_sim/script", {"learner": HANA, "outcomes": ["INSTRUMENT_DECLINED"] * 3})
    started = local_date(now + _SOON, "Asia/Tokyo") - timedelta(days=90)
    call(plan, "payments", "PUT", f"/subscriptions/{HANA_SUB}", {
        "school_id": SAKURA, "learner_id": HANA, "gateway": "paypal", "method": "paypal_subscription",
        "label": "PayPal", "gateway_subscription_id": made["subscription"], "gateway_plan": made["plan"],
        "price": {"amount_minor": 12800, "currency": "JPY"},
        "billing_day": local_date(now + _SOON, "Asia/Tokyo").day, "started_on": started.isoformat(),
    })  # fmt: skip
    call(plan, "credits", "PUT", f"/subscriptions/{HANA_SUB}/plan", {
        "school_id": SAKURA, "learner_id": HANA, "credits_per_month": 8,
    })  # fmt: skip
    until = local_date(now, "Asia/Tokyo") + timedelta(days=60)
    call(
        plan,
        "credits",
        "PUT",
        f"/subscriptions/{HANA_SUB}/grants/first",
        {"credits": 8, "expires_on": until.isoformat()},
    )
    for number, days in enumerate((2, 9), start=1):
        at = (now + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        body = {"starts_at": _text(at), "teacher_id": "sensei"}
        call(plan, "credits", "PUT", f"/subscriptions/{HANA_SUB}/lessons/lesson-{number}", body)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
