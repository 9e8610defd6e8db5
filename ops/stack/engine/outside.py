"""The world outside as the simulators play it: subscriptions, what happens to them, what banks say, pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from ops.stack.engine.lines import ControlRefused, Lines
from ops.stack.engine.refusal import NotOnThisEngine
from ops.stories import engine as verbs
from shared.calendar.months import add_months
from shared.decline_codes import paypal_decline, stripe_decline
from shared.declines import DeclineClass
from shared.events.words import Gateway, MethodKind

_CODES: Final = {
    Gateway.STRIPE: {
        DeclineClass.INSUFFICIENT_FUNDS: "insufficient_funds",
        DeclineClass.LIMIT_EXCEEDED: "card_velocity_exceeded",
        DeclineClass.EXPIRED_CARD: "expired_card",
        DeclineClass.AUTHENTICATION_REQUIRED: "authentication_required",
        DeclineClass.GENERIC_OR_UNKNOWN: "generic_decline",
        DeclineClass.HARD_NEVER_RETRY: "stolen_card",
        DeclineClass.TECHNICAL_ERROR: "processing_error",
    },
    Gateway.PAYPAL: {
        DeclineClass.INSUFFICIENT_FUNDS: "PAYER_CANNOT_PAY",
        DeclineClass.LIMIT_EXCEEDED: "SENDING_LIMIT_EXCEEDED",
        DeclineClass.EXPIRED_CARD: "CARD_EXPIRED",
        DeclineClass.AUTHENTICATION_REQUIRED: "PAYER_ACTION_REQUIRED",
        DeclineClass.GENERIC_OR_UNKNOWN: "PAYMENT_DENIED",
        DeclineClass.HARD_NEVER_RETRY: "CARD_CLOSED",
        DeclineClass.TECHNICAL_ERROR: "INTERNAL_SERVER_ERROR",
    },
}
_NOON: Final = time(12, tzinfo=UTC)
_STATUS: Final = {"activated": "active", "suspended": "suspended", "cancelled": "cancelled"}
_REFUSED_CARD: Final = "4000000000000002"


def code_of(gateway: Gateway, reason: str) -> str:
    """A gateway's own code for a story's reason: for a class of ours one that means it, else as it is."""
    known = _CODES[gateway].get(DeclineClass(reason)) if reason in set(DeclineClass) else None
    return known or reason


def means(gateway: Gateway, code: str) -> DeclineClass:
    """What our tables make of a gateway's code."""
    found = stripe_decline(code) if gateway is Gateway.STRIPE else paypal_decline(code)
    return found.decline


@dataclass(slots=True)
class Outside:
    """The simulators, as a story speaks to them."""

    lines: Lines
    subscriptions: dict[str, str] = field(default_factory=dict)
    """The gateway's id -> the school's."""
    gateway_ids: dict[str, str] = field(default_factory=dict)
    """The school's id -> the gateway's."""
    names: set[str] = field(default_factory=set)
    """The school's ids of this story, registered or not."""
    events: set[str] = field(default_factory=set)
    """Ids of events that the story knows."""
    visits: dict[str, str] = field(default_factory=dict)
    """The address of a page -> the id of the visit."""

    def begin(self) -> None:
        """A new story."""
        for known in (self.subscriptions, self.gateway_ids, self.visits):
            known.clear()
        self.events.clear()
        self.names.clear()

    # --- what is there ---

    async def add(self, told: verbs.AtGateway, now: datetime) -> verbs.GatewayIds:
        """A subscription that its gateway does not bill by itself."""
        due = _next_due(told, now)
        body: dict[str, Any] = {
            "gateway": told.gateway.value,
            "learner": told.subscription_id,
            "reference": told.subscription_id,
            "amount": told.price.amount_minor,
            "currency": told.price.currency,
            "next_billing": due.isoformat(),
            "subscription": told.gateway_subscription_id,
            "quiet": True,
        }
        if told.gateway is Gateway.STRIPE:
            body |= self._method(told) | _stored_beside(told)
        made = await self.lines.control("POST", "/setup", body)
        await self.lines.control("POST", "/script", {"id": told.subscription_id, "outcomes": []})
        self.know(made["subscription"], told.subscription_id)
        if told.gateway is Gateway.STRIPE:
            return verbs.GatewayIds(
                subscription=made["subscription"], customer=made["customer"], plan=made["price"]
            )
        return verbs.GatewayIds(subscription=made["subscription"], customer=made["payer"], plan=made["plan"])

    def _method(self, told: verbs.AtGateway) -> dict[str, Any]:
        if told.method is not MethodKind.CARD:
            return {"card": None, "paypal_email": f"{told.subscription_id}@payer.example"}
        card = {"fingerprint": told.card or f"card-{told.subscription_id}"}
        if told.card_country is not None:
            card["country"] = told.card_country
        return {"card": card}

    def know(self, gateway_id: str, subscription_id: str) -> None:
        """Remember whose subscription a gateway's id is."""
        self.subscriptions[gateway_id] = subscription_id
        self.names.add(subscription_id)
        self.gateway_ids.setdefault(subscription_id, gateway_id)

    async def plan(self, body: Any) -> None:
        """See that the plan exists that a sign-up names."""
        price = body["price"]
        wanted = {
            "gateway": body["gateway"],
            "id": body["gateway_plan"],
            "amount": price["amount_minor"],
            "currency": price["currency"],
        }
        await self.lines.control("POST", "/plan", wanted)

    # --- what happens ---

    async def happens(self, told: verbs.Happening, arrivals: Sequence[datetime]) -> None:
        """It happens, and its webhooks are on their way.

        Raises:
            NotOnThisEngine: it cannot happen at this gateway.
        """
        known = self.gateway_ids.get(told.subscription_id)
        named = told.gateway_subscription_id or known
        if named is None:
            raise NotOnThisEngine(f"no gateway knows {told.subscription_id}")
        body: dict[str, Any] = {
            "gateway": told.gateway.value,
            "subscription": named,
            "like": known,
            "at": told.at.isoformat(),
            "event": told.event_id,
            "arrivals": [at.isoformat() for at in arrivals],
            **_body(told),
        }
        self.events.add(told.event_id)
        self.know(named, told.subscription_id)
        try:
            await self.lines.control("POST", "/happen", body)
        except ControlRefused as error:
            raise NotOnThisEngine(str(error)) from error

    # --- what banks say ---

    async def bank_will_say(
        self,
        subscription_id: str,
        answers: Sequence[verbs.BankAnswer],
        otherwise: verbs.BankAnswer | None,
        *,
        first: bool,
    ) -> None:
        """Script the answers to our own charges; both gateways read it."""
        gateway = self._gateway_of(subscription_id)
        self.names.add(subscription_id)
        body = {
            "id": subscription_id,
            "outcomes": [_outcome(gateway, one) for one in answers],
            "default": _outcome(gateway, otherwise) if otherwise else None,
            "first": first,
        }
        await self.lines.control("POST", "/script", body)

    def _gateway_of(self, subscription_id: str) -> Gateway:
        known = self.gateway_ids.get(subscription_id, "sub_")
        return Gateway.PAYPAL if known.startswith("I-") else Gateway.STRIPE

    async def say_yes_from_now_on(self, subscription_id: str) -> None:
        """Another method: its bank has nothing against it."""
        await self.lines.control("POST", "/script", {"id": subscription_id, "last": "ok"})

    # --- pages ---

    async def visit(self, visit: verbs.PageVisit) -> None:
        """What the learner does on the page, and the browser's way back through our own door."""
        if visit.end is not verbs.PageEnd.LEFT:
            await self._on_page(visit)
        visit_id = self.visits.get(visit.url)
        if visit_id is None:
            raise NotOnThisEngine(f"no page of ours is open at {visit.url}")
        left = "?left=1" if visit.end is verbs.PageEnd.LEFT else ""
        await self.lines.knock("payments", "GET", f"/returns/{visit_id}{left}")

    async def _on_page(self, visit: verbs.PageVisit) -> None:
        if session := re.search(r"cs_[A-Za-z0-9_]+", visit.url):
            await self._type_card(visit, session.group())
        elif invoice := re.search(r"invoices/([^/?]+)", visit.url):
            await self._prove(visit, invoice.group(1))
        elif visit.end is verbs.PageEnd.DONE:
            await self._approve(visit)

    async def _type_card(self, visit: verbs.PageVisit, session: str) -> None:
        ids = {"stripe.seti": visit.update_id} if visit.update_id else {}
        if visit.method is MethodKind.PAYPAL:
            email = f"{visit.subscription_id}@payer.example"
            await self._act(action="update_card", id=session, paypal_email=email, ids=ids)
        else:
            await self._act(action="update_card", id=session, card=self._card(visit, session), ids=ids)
        if visit.end is verbs.PageEnd.DONE:
            await self.say_yes_from_now_on(visit.subscription_id)

    def _card(self, visit: verbs.PageVisit, session: str) -> dict[str, Any]:
        return {
            "number": _REFUSED_CARD if visit.end is verbs.PageEnd.REFUSED else "4242424242424242",
            # What is printed on a deferred-debit card is what Stripe reads (EU regulation 2015/751).
            "funding": "credit" if visit.deferred_debit else visit.funding,
            "cvc": visit.cvc,
            "three_ds": visit.three_ds,
            "country": visit.card_country,
            "fingerprint": visit.card or f"card-{visit.update_id or session[-12:]}",
            "last4": visit.label if visit.label and visit.label.isdigit() else "4444",
        }

    async def _prove(self, visit: verbs.PageVisit, invoice: str) -> None:
        ids = {"stripe.ch": visit.transaction_id} if visit.transaction_id else {}
        passed = visit.end is verbs.PageEnd.DONE
        try:
            await self._act(action="pass_3ds" if passed else "fail_3ds", id=invoice, ids=ids)
        except ControlRefused:
            if passed:  # nobody asks for a proof any more: the page takes the payment as it is
                await self._act(action="pay_invoice", id=invoice, ids=ids)

    async def _approve(self, visit: verbs.PageVisit) -> None:
        token = re.search(r"ba_token=([^&]+)", visit.url)
        outcome: dict[str, Any] = {"amount": visit.amount.amount_minor} if visit.amount else {}
        script = {"id": visit.subscription_id, "outcomes": [outcome], "first": True}
        await self.lines.control("POST", "/script", script)
        await self.say_yes_from_now_on(visit.subscription_id)
        body: dict[str, Any] = {"action": "approve", "id": token.group(1) if token else visit.url}
        if visit.transaction_id:
            body["ids"] = {"paypal.sale": visit.transaction_id}
        if visit.next_billing_at:
            body["next_billing"] = visit.next_billing_at.isoformat()
        made = await self._act(**body)
        self.know(made["id"], visit.subscription_id)

    async def _act(self, **body: Any) -> Any:
        return await self.lines.control("POST", "/act", body)

    # --- bad days ---

    async def answers(self, gateway: Gateway, *, up: bool) -> None:
        """The gateway's API answers, or breaks every line before anything is done."""
        if up:
            await self.lines.control("DELETE", f"/fault?gateway={gateway.value}")
            return
        fault = {"gateway": gateway.value, "route": "* /v[12]/*", "kind": "drop_before", "times": 10**9}
        await self.lines.control("POST", "/fault", fault)


def _next_due(told: verbs.AtGateway, now: datetime) -> datetime:
    day: date = told.started_on
    count = 0
    while datetime.combine(day, _NOON) <= now:
        count += 1
        day = add_months(told.started_on, count, anchor_day=told.billing_day)
    return datetime.combine(day, _NOON)


def _stored_beside(told: verbs.AtGateway) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if MethodKind.CARD in told.other_methods:
        found["also_card"] = {"fingerprint": f"other-card-{told.subscription_id}"}
    if MethodKind.PAYPAL in told.other_methods:
        found["also_paypal"] = f"{told.subscription_id}-other@payer.example"
    return found


def _body(told: verbs.Happening) -> dict[str, Any]:
    match told:
        case verbs.AttemptHappened():
            return {
                "what": "attempt",
                "outcome": told.outcome,
                "amount": told.amount.amount_minor,
                "currency": told.amount.currency,
                "amount_text": told.amount_text,
                "transaction": told.transaction_id,
                "reason": code_of(told.gateway, told.reason) if told.outcome == "failed" else "",
                "first": told.first,
                "period": told.period.isoformat() if told.period else None,
                "next_attempt": _iso(told.next_attempt_at),
                "next_billing": _iso(told.next_billing_at),
                "network_code": told.network_code,
                "advice_code": told.advice_code,
                "card": told.card,
            }
        case verbs.SubscriptionChanged():
            return {
                "what": "status",
                "status": _STATUS[told.status],
                "by": told.by,
                "failed_payments": told.failed_payments,
                "outstanding": told.outstanding.amount_minor if told.outstanding else None,
                "amount": told.amount.amount_minor if told.amount else None,
                "next_billing": _iso(told.next_billing_at),
            }
        case verbs.MoneyWentBack():
            return {
                "what": told.what,
                "id": told.reversal_id,
                "transaction": told.transaction_id,
                "amount": told.amount.amount_minor,
                "currency": told.amount.currency,
            }
        case verbs.ChallengeHappened():
            return {"what": "challenge", "state": told.state}
        case _:
            raise NotOnThisEngine(f"{type(told).__name__} happens at no gateway")


def _outcome(gateway: Gateway, answer: verbs.BankAnswer) -> dict[str, Any]:
    body: dict[str, Any] = {
        "decline": code_of(gateway, answer.decline) if answer.decline else None,
        "amount": answer.amount.amount_minor if answer.amount else None,
        "currency": answer.amount.currency if answer.amount else None,
        "takes": _seconds(answer.takes),
        "lost": answer.lost,
        "network_decline_code": answer.network_code,
        "network_advice_code": answer.advice_code,
    }
    if answer.pending_for is not None:
        body |= {"pending": True, "after": _seconds(answer.pending_for)}
        body["then"] = _outcome(gateway, answer.then) if answer.then else None
    return body


def _seconds(length: timedelta) -> float:
    return length.total_seconds()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
