"""Asking PayPal through its own SDK, in threads of its own; hints are confirmed here or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import anyio
import msgspec
import requests
from paypalhttp import HttpError

from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.certs import CertConfig, Certificates, Fetch
from services.payments.gateways.paypal.parse import parse
from services.payments.gateways.paypal.reading import OUR_NOTE, refs_of, status_news, told_by
from services.payments.gateways.paypal.sdk import Ask, Client, Reply, environment
from services.payments.gateways.paypal.verify import VerifyConfig, verify
from services.payments.news import (
    AdoptOrder,
    Arrived,
    AttemptNews,
    CancelOrder,
    ChargeOrder,
    Described,
    Heard,
    Look,
    MoneyBackNews,
    News,
    NotConfirmed,
    Outcome,
    OwnOrder,
    Page,
    PageOrder,
    PausedNews,
    PauseOrder,
    ReadOrder,
    ResumeOrder,
    Standing,
    SubscribeOrder,
    UnknownNews,
    Visit,
)
from shared.errors import Refused, Transient
from shared.events.words import Gateway, MethodKind

T = TypeVar("T")

BACK: Final = timedelta(days=31)
"""How far back the transactions are read for a hint: a whole period."""
_KEYS_LIVE: Final = timedelta(hours=24)
_NEAR: Final = timedelta(hours=1)
_OVER: Final = frozenset({"CANCELLED", "EXPIRED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalConfig:
    """How to reach a PayPal account."""

    client_id: str
    secret: str
    webhooks: VerifyConfig
    certs: CertConfig
    live: bool = True
    base_url: str | None = None
    """Another address than PayPal's own, for a simulator."""
    timeout: tuple[float, float] = (3.0, 20.0)
    """Seconds to connect, and to wait for an answer."""
    threads: int = 8


class _NotFoundError(Exception):
    """PayPal answered 404."""


class _ImpossibleError(Exception):
    """PayPal answered 422: understood, and impossible in this state."""

    def __init__(self, problem: shapes.Problem) -> None:
        super().__init__(", ".join(problem.issues) or problem.name)
        self.issues = problem.issues


class PayPalGateway:
    """PayPal, as ``gateways.gateway.Gateway`` describes."""

    def __init__(self, config: PayPalConfig, *, fetch: Fetch | None = None) -> None:
        self._config = config
        self._certificates = Certificates(config.certs, fetch=fetch)
        self._limiter: anyio.CapacityLimiter | None = None
        self._client = Client(
            environment(config.client_id, config.secret, live=config.live, base_url=config.base_url),
            timeout=config.timeout,
        )

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return Gateway.PAYPAL

    async def close(self) -> None:
        """Nothing is held that a process's end would not let go."""

    # --- webhooks ---

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrived:
        """See ``Gateway``."""
        return await verify(
            headers, body, config=self._config.webhooks, certificates=self._certificates, now=now
        )

    def parse(self, body: bytes) -> Heard:
        """See ``Gateway``."""
        return parse(body)

    async def look(self, hint: Look, now: datetime) -> tuple[News, ...]:
        """Read the books; what they say is told, and what the webhook claimed must be in them."""
        if hint.reversal is not None:
            return (await self._money_back(hint, now),)
        if hint.subscription is None:
            return ()
        news = await self._books(hint.subscription, since=now - BACK, now=now)
        if not await self._confirms(hint, news):
            raise NotConfirmed(f"{hint.kind} of {hint.subscription} is not in its books")
        return news

    async def _confirms(self, hint: Look, news: tuple[News, ...]) -> bool:
        attempts = [one for one in news if isinstance(one, AttemptNews)]
        if hint.kind.startswith("PAYMENT.SALE."):
            return hint.kind.endswith("DENIED") or any(
                one.transaction_id == hint.transaction for one in attempts
            )
        if hint.kind.endswith("PAYMENT.FAILED"):
            at = hint.failed_at
            if at is None or any(
                one.outcome is Outcome.FAILED and abs(one.occurred_at - at) <= _NEAR for one in attempts
            ):
                return True
            return await self._event_exists(hint)
        statuses = {
            "BILLING.SUBSCRIPTION.SUSPENDED": {"suspended", "cancelled", "active"},
            "BILLING.SUBSCRIPTION.CANCELLED": {"cancelled"},
            "BILLING.SUBSCRIPTION.EXPIRED": {"cancelled"},
        }.get(hint.kind, {"active", "suspended", "cancelled"})
        return any(getattr(one, "status", None) in statuses for one in news)

    async def _event_exists(self, hint: Look) -> bool:
        """PayPal keeps the events it sent: one that it knows by this id and content was not made up."""
        if not hint.event_id:
            return False
        try:
            found = await self._ask(
                "GET", f"/v1/notifications/webhooks-events/{quote(hint.event_id, safe='')}"
            )
        except _NotFoundError:
            return False
        told = parse(found.body)
        return isinstance(told, Look) and (told.subscription, told.failed_at) == (
            hint.subscription,
            hint.failed_at,
        )

    async def _money_back(self, hint: Look, now: datetime) -> News:
        if hint.kind == "CUSTOMER.DISPUTE.CREATED":
            return await self._chargeback(hint, now)
        sale = await self._sale(hint.transaction or "")
        refunded = hint.kind == "PAYMENT.SALE.REFUNDED"
        wanted = {"refunded", "partially_refunded"} if refunded else {"reversed"}
        if sale.state not in wanted:
            raise NotConfirmed(f"the sale {sale.id} is {sale.state}")
        amount = sale.amount.money if sale.amount else None
        at = shapes.instant(sale.update_time) or now
        if refunded and hint.reversal != sale.id:
            refund = await self._read(f"/v1/payments/refund/{_safe(hint.reversal or '')}", shapes.Refund)
            if refund.sale_id not in {None, sale.id}:
                raise NotConfirmed(f"the refund {refund.id} is of another sale")
            amount = (refund.amount.money if refund.amount else None) or amount
            at = shapes.instant(refund.create_time) or at
        return self._went_back(hint, sale, "refund" if refunded else "reversal", amount, at)

    async def _chargeback(self, hint: Look, now: datetime) -> News:
        sale = await self._sale(hint.transaction or "")
        if not await self._event_known(hint):
            raise NotConfirmed(f"PayPal does not know the dispute {hint.reversal}")
        return self._went_back(hint, sale, "chargeback", sale.amount.money if sale.amount else None, now)

    async def _event_known(self, hint: Look) -> bool:
        try:
            found = await self._ask(
                "GET", f"/v1/notifications/webhooks-events/{quote(hint.event_id, safe='')}"
            )
        except _NotFoundError:
            return False
        told = parse(found.body)
        return isinstance(told, Look) and (told.transaction, told.reversal) == (
            hint.transaction,
            hint.reversal,
        )

    def _went_back(
        self, hint: Look, sale: shapes.Sale, what: Any, amount: Any, at: datetime
    ) -> MoneyBackNews:
        if amount is None:
            raise NotConfirmed(f"the sale {sale.id} has no amount")
        return MoneyBackNews(
            gateway=Gateway.PAYPAL,
            occurred_at=at,
            refs=(sale.billing_agreement_id,) if sale.billing_agreement_id else (),
            what=what,
            reversal_id=hint.reversal or sale.id,
            transaction_id=sale.id,
            amount=amount,
        )

    # --- what we ask ---

    async def charge(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """PayPal charges subscriptions by itself; only a balance it gave up can be captured (J16)."""
        if order.tries > 1:
            found = await self._since(order, now)
            if found:
                return found
            if now - order.asked_at > _KEYS_LIVE:
                return (self._unknown(order, now),)
        subscription = await self._subscription(order.gateway_subscription_id)
        info = subscription.billing_info
        balance = info.outstanding_balance.money if info and info.outstanding_balance else None
        if balance is None or balance.is_zero:
            raise Refused(
                "we could not charge because PayPal alone decides when, and holds no unpaid balance to capture"
            )
        amount = {"currency_code": order.amount.currency, "value": order.amount.decimal_text}
        try:
            reply = await self._ask(
                "POST",
                f"/v1/billing/subscriptions/{_safe(subscription.id)}/capture",
                {
                    "note": f"{OUR_NOTE} {order.period}",
                    "capture_type": "OUTSTANDING_BALANCE",
                    "amount": amount,
                },
                request_id=order.request_id,
            )
        except _ImpossibleError as error:
            raise Refused(
                f"we could not capture the balance because PayPal says {error}", code="not_payable"
            ) from error
        if reply.status == 202:
            found = await self._since(order, now)
            if not found:
                raise Transient(
                    "PayPal has taken the capture in and not done it yet: its books are read again"
                )
            return found
        captured = msgspec.json.decode(reply.body, type=shapes.Captured)
        return (
            AttemptNews(
                gateway=Gateway.PAYPAL,
                occurred_at=shapes.instant(captured.time) or now,
                refs=refs_of(subscription),
                subscription_id=order.subscription_id,
                outcome=Outcome.SUCCEEDED,
                transaction_id=captured.id,
                amount=order.amount,
                request_id=order.request_id,
                gateway_subscription_id=subscription.id,
                method=MethodKind.PAYPAL_SUBSCRIPTION,
            ),
        )

    async def _since(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """Attempts of this amount since the order, which we do not know yet: its answer."""
        books = await self._books(order.gateway_subscription_id, since=order.asked_at, now=now)
        return tuple(
            replace(one, request_id=order.request_id, subscription_id=order.subscription_id)
            for one in books
            if isinstance(one, AttemptNews)
            and one.occurred_at >= order.asked_at
            and one.amount == order.amount
            and one.transaction_id not in order.known_transactions
        )[:1]

    def _unknown(self, order: ChargeOrder, now: datetime) -> UnknownNews:
        return UnknownNews(
            gateway=Gateway.PAYPAL,
            occurred_at=now,
            subscription_id=order.subscription_id,
            request_id=order.request_id,
            detail="PayPal's books show no capture within a day of the request",
        )

    async def own_clock(self, order: OwnOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """PayPal's clock cannot be taken over."""
        return ()

    async def cancel(self, order: CancelOrder, now: datetime) -> tuple[News, ...]:
        """Cancelled by whoever was first; asked again, it is cancelled still (R-J12)."""
        subscription = await self._subscription(order.gateway_subscription_id)
        if subscription.status not in _OVER:
            with suppress(_ImpossibleError):  # somebody else was faster: the books tell
                await self._ask(
                    "POST",
                    f"/v1/billing/subscriptions/{_safe(subscription.id)}/cancel",
                    {"reason": f"{OUR_NOTE}: the procedure for failed payments ended"},
                )
            subscription = await self._subscription(order.gateway_subscription_id)
        if subscription.status not in _OVER:
            raise Transient(
                f"PayPal still shows {subscription.id} as {subscription.status}: asked again later"
            )
        return _known(status_news(subscription, now), order)

    async def pause(self, order: PauseOrder, now: datetime) -> tuple[News, ...]:
        """Suspended at PayPal: nothing is collected."""
        return await self._move(order, now, "suspend", reached={"SUSPENDED", *_OVER}, paused=True)

    async def resume(self, order: ResumeOrder, now: datetime) -> tuple[News, ...]:
        """Active again; PayPal keeps its own billing day."""
        return await self._move(order, now, "activate", reached={"ACTIVE"}, paused=False)

    async def _move(
        self, order: PauseOrder | ResumeOrder, now: datetime, action: str, *, reached: set[str], paused: bool
    ) -> tuple[News, ...]:
        subscription = await self._subscription(order.gateway_subscription_id)
        if subscription.status not in reached:
            try:
                await self._ask(
                    "POST",
                    f"/v1/billing/subscriptions/{_safe(subscription.id)}/{action}",
                    {"reason": f"{OUR_NOTE}: {order.request_id}"[:128]},
                )
            except _ImpossibleError as error:
                raise Refused(
                    f"we could not {action} {subscription.id} because it is {subscription.status}"
                ) from error
            subscription = await self._subscription(order.gateway_subscription_id)
        info = subscription.billing_info
        news = PausedNews(
            gateway=Gateway.PAYPAL,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=subscription.id,
            paused=paused,
            next_billing_at=shapes.instant(info.next_billing_time) if info else None,
        )
        return (news,)

    async def adopt(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """The method behind a PayPal subscription is the payer's own affair."""
        raise Refused("we could not change the method because the payer does that in the PayPal account")

    async def detach(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """Nothing is stored with us."""
        return ()

    async def subscribe(self, order: SubscribeOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A PayPal subscription is made by its payer's approval alone."""
        raise Refused(
            "we could not subscribe because the payer approves a PayPal subscription on PayPal's page"
        )

    async def read(self, order: ReadOrder, now: datetime) -> tuple[News, ...]:
        """See ``Gateway``."""
        news = await self._books(order.gateway_subscription_id, since=order.since, now=now)
        return tuple(replace(one, subscription_id=order.subscription_id) for one in news)

    # --- pages ---

    async def page(self, order: PageOrder, now: datetime) -> Page:  # noqa: ARG002 - Gateway's shape
        """A new subscription waits for the payer's approval; it bears our id (J26)."""
        if order.kind not in {"sign_up", "resume"} or order.plan is None:
            raise Refused(
                "we could not open a page because PayPal keeps the payer's methods and proofs itself: "
                "the learner settles them in the PayPal account",
                code="not_at_this_gateway",
            )
        price = {"currency_code": order.price.currency, "value": order.price.decimal_text}
        cycle = {"sequence": 1, "total_cycles": 0, "pricing_scheme": {"fixed_price": price}}
        body: dict[str, Any] = {
            "plan_id": order.plan,
            "custom_id": order.subscription_id,
            "plan": {"billing_cycles": [cycle]},
            "application_context": {
                "locale": {"fr": "fr-FR", "ja": "ja-JP"}.get(order.language, "en-US"),
                "shipping_preference": "NO_SHIPPING",
                "user_action": "SUBSCRIBE_NOW",
                "return_url": order.return_url,
                "cancel_url": order.cancel_url,
            },
        }
        if order.starts_at is not None:
            body["start_time"] = f"{order.starts_at:%Y-%m-%dT%H:%M:%SZ}"
        try:
            reply = await self._ask("POST", "/v1/billing/subscriptions", body, request_id=order.session_id)
        except _ImpossibleError as error:
            raise Refused(
                f"we could not open PayPal's page because PayPal says {error}: check the plan"
            ) from error
        made = msgspec.json.decode(reply.body, type=shapes.Subscription)
        approve = next((link.href for link in made.links if link.rel == "approve"), None)
        if approve is None:
            raise Transient("PayPal gave no address for the payer's approval: try again")
        return Page(url=approve, gateway_id=made.id, gateway_subscription_id=made.id)

    async def visit(self, page: Visit, now: datetime) -> tuple[News, ...]:
        """The payer came back: what the new subscription's books say."""
        news = await self._books(page.gateway_id, since=page.started_at - _NEAR, now=now)
        return tuple(replace(one, subscription_id=page.subscription_id) for one in news)

    async def describe(self, gateway_subscription_id: str, now: datetime) -> Described:
        """See ``Gateway``."""
        path = f"/v1/billing/subscriptions/{_safe(gateway_subscription_id)}?fields=plan"
        found = await self._read(path, shapes.Planned)
        info = found.billing_info or shapes.BillingInfo()
        paid = info.last_payment.amount if info.last_payment else None
        price = (paid.money if paid else None) or found.price
        started = shapes.instant(found.start_time) or now
        if price is None:
            raise NotConfirmed(f"PayPal tells no price of {found.id}")
        return Described(
            price=price,
            started_at=started,
            due_at=shapes.instant(info.next_billing_time) or started,
            method=MethodKind.PAYPAL_SUBSCRIPTION,
            gateway_customer_id=found.subscriber.payer_id if found.subscriber else None,
            gateway_plan=found.plan_id,
            label="PayPal",
        )

    # --- the books ---

    async def _books(self, subscription_id: str, *, since: datetime, now: datetime) -> tuple[News, ...]:
        subscription = await self._subscription(subscription_id)
        lines: list[shapes.Transaction] = []
        if subscription.status not in {"APPROVAL_PENDING", "APPROVED"}:
            span = urlencode(
                {"start_time": f"{since:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{now + _NEAR:%Y-%m-%dT%H:%M:%SZ}"}
            )
            path = f"/v1/billing/subscriptions/{_safe(subscription_id)}/transactions?{span}"
            lines = (await self._read(path, shapes.Transactions)).transactions
        news = told_by(subscription, lines, now=now)
        own = subscription.custom_id
        return tuple(replace(one, subscription_id=own) for one in news) if own else news

    async def _subscription(self, key: str) -> shapes.Subscription:
        return await self._read(
            f"/v1/billing/subscriptions/{_safe(key)}?fields=last_failed_payment", shapes.Subscription
        )

    async def _sale(self, key: str) -> shapes.Sale:
        return await self._read(f"/v1/payments/sale/{_safe(key)}", shapes.Sale)

    async def _read(self, path: str, kind: type[T]) -> T:
        try:
            reply = await self._ask("GET", path)
        except _NotFoundError as error:
            raise NotConfirmed(f"PayPal knows nothing at {path.split('?', maxsplit=1)[0]}") from error
        return msgspec.json.decode(reply.body, type=kind)

    async def _ask(self, verb: str, path: str, body: Any = None, *, request_id: str | None = None) -> Reply:
        ask = Ask(verb=verb, path=path, body=body, headers={"Content-Type": "application/json"})
        if request_id is not None:
            ask.headers["PayPal-Request-Id"] = _short(request_id)
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._config.threads)
        try:
            reply: Reply = await anyio.to_thread.run_sync(self._client.execute, ask, limiter=self._limiter)
        except HttpError as error:
            raise _refusal(error) from error
        except requests.RequestException as error:
            raise Transient(
                f"PayPal did not answer ({type(error).__name__}): the same request is sent again"
            ) from error
        return reply


def _refusal(error: Any) -> Exception:
    status = int(error.status_code)
    if status == 404:
        return _NotFoundError()
    try:
        problem = msgspec.json.decode(str(error.message), type=shapes.Problem)
    except msgspec.MsgspecError:
        problem = shapes.Problem()
    if status == 422:
        return _ImpossibleError(problem)
    if status >= 500 or status in {401, 403, 408, 409, 429}:
        return Transient(f"PayPal answered {status}: the same request is sent again")
    return Refused(f"we could not, because PayPal refused the request ({status} {problem.name})", status=422)


def _known(news: News | None, order: Standing) -> tuple[News, ...]:
    return () if news is None else (replace(news, subscription_id=order.subscription_id),)


def _safe(key: str) -> str:
    """An id as one segment of a path (gateways.md 2.3, defect 8)."""
    return quote(key, safe="")


def _short(request_id: str) -> str:
    """PayPal takes keys of up to 108 characters."""
    return request_id if len(request_id) <= 100 else hashlib.sha256(request_id.encode()).hexdigest()
