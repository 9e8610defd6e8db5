"""Asking Stripe through its own SDK: every request that moves money has a key, every answer becomes news."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import stripe

from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.parse import parse, subscription_news
from services.payments.gateways.stripe.reading import (
    attempt_of,
    failed_intent,
    from_unix,
    invoice_news,
    latest_intent,
    method_kind,
    method_news,
    minor,
    place,
    told_by,
)
from services.payments.gateways.stripe.verify import TOLERANCE, verify
from services.payments.news import (
    AdoptOrder,
    Arrived,
    AttemptNews,
    CancelOrder,
    ChallengeNews,
    ChargeOrder,
    Described,
    Heard,
    InvoiceNews,
    Look,
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
    ReviewNews,
    Standing,
    SubscribeOrder,
    SubscriptionNews,
    UnknownNews,
    Visit,
)
from shared.declines import DeclineClass
from shared.errors import Refused, Transient
from shared.events.words import CancelledBy, Gateway, ReviewReason

T = TypeVar("T")

API_VERSION: Final = "2026-10-28.endive"
"""Pinned here and in the SDK; webhooks follow the version of their endpoint, so both shapes are read."""
_EXPAND: Final = ["payments.data.payment.payment_intent.latest_charge"]
KEYS_LIVE: Final = timedelta(hours=24)
"""Stripe may forget an idempotency key after this: an older request is read about, never sent again."""
_LOST: Final = frozenset({"resource_missing", "resource_already_exists"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeConfig:
    """How to reach a Stripe account."""

    api_key: str
    webhook_secrets: tuple[str, ...]
    """The endpoint's signing secret; two while one is being replaced."""
    base_url: str | None = None
    """Another address than Stripe's own, for a simulator."""
    tolerance: int = TOLERANCE
    timeout: float = 20.0
    retries: int = 0
    """Of the SDK, inside one call; our own errands try again anyway, with the same key."""


class StripeGateway:
    """Stripe, as ``gateways.gateway.Gateway`` describes."""

    def __init__(self, config: StripeConfig) -> None:
        stripe.enable_telemetry = False  # global in the SDK; it would write a file and send the platform
        self._config = config
        self._secrets = tuple(secret.encode() for secret in config.webhook_secrets)
        # aiohttp, because httpx warns about the SDK's way of calling it and keeps more connections (facts 1.2)
        self._http = stripe.AIOHTTPClient(
            timeout=aiohttp.ClientTimeout(total=config.timeout, sock_connect=3.0)
        )
        bases: Any = {"api": config.base_url} if config.base_url else {}
        self._client = stripe.StripeClient(
            config.api_key,
            stripe_version=API_VERSION,
            base_addresses=bases,
            max_network_retries=config.retries,
            http_client=self._http,
        ).v1

    @property
    def name(self) -> Gateway:
        """See ``Gateway``."""
        return Gateway.STRIPE

    async def close(self) -> None:
        """See ``Gateway``."""
        closing: Any = self._http.close_async
        await closing()

    # --- webhooks ---

    async def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrived:
        """See ``Gateway``."""
        return verify(
            headers.get("stripe-signature"),
            body,
            secrets=self._secrets,
            now=now,
            tolerance=self._config.tolerance,
        )

    def parse(self, body: bytes) -> Heard:
        """See ``Gateway``."""
        return parse(body)

    async def look(self, hint: Look, now: datetime) -> tuple[News, ...]:
        """Read the invoice that an event speaks of; an event that tells all by itself is only placed."""
        if hint.method is not None:
            return (await self._stored_method(hint),)
        invoice = await self._invoice_of(hint)
        if invoice is None:
            return ()
        if hint.kind == "payment_intent.payment_failed" and hint.news is None:
            return (self._left_challenge(hint, invoice),)
        if hint.news is not None:
            refs = tuple(ref for ref in (hint.intent,) if ref)
            news = place(replace(hint.news, refs=refs), invoice)
            return (invoice_news(invoice, now=hint.occurred_at), news) if invoice.subscription_id else (news,)
        return told_by(invoice, now=now)

    async def _invoice_of(self, hint: Look) -> shapes.Invoice | None:
        invoice = hint.invoice
        if invoice is None and hint.intent is not None:
            listed = await self._ask(
                self._client.invoice_payments.list_async(
                    {"payment": {"type": "payment_intent", "payment_intent": hint.intent}, "limit": 1}
                )
            )
            found = _read(listed, shapes.InvoicePayments).data
            invoice = shapes.id_of(found[0].invoice) if found else None
        return await self._invoice(invoice) if invoice else None

    def _left_challenge(self, hint: Look, invoice: shapes.Invoice) -> ChallengeNews:
        refs = tuple(ref for ref in (invoice.subscription_id, hint.intent) if ref)
        return ChallengeNews(
            gateway=Gateway.STRIPE,
            occurred_at=hint.occurred_at,
            refs=refs,
            subscription_id=invoice.own_subscription,
            challenge_id=hint.intent or invoice.id,
            state="failed",
            invoice_id=invoice.id,
        )

    async def _stored_method(self, hint: Look) -> News:
        found = await self._ask(self._client.payment_methods.retrieve_async(hint.method or ""))
        return method_news(
            _read(found, shapes.PaymentMethod),
            at=hint.occurred_at,
            update_id=hint.transaction or hint.event_id,
            subscription_id=hint.own_subscription,
            session_id=hint.session_id,
        )

    # --- charging ---

    async def charge(self, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """Pay the period's invoice (or a new one, for a relaunch) with the request's own key.

        A request whose answer was lost is first looked up in the books, then sent again under the same key;
        past the life of keys it is only looked up (P-facts B: never retried blind).
        """
        expired = now - order.asked_at > KEYS_LIVE and order.tries > 1
        if order.one_off:
            invoice = None if expired else await self._new_invoice(order)
        else:
            invoice = await self._find_invoice(order)
        if invoice is None:
            return (self._unknown(order, now, "no invoice of this period was found at Stripe"),)
        answered = self._answer_in_books(invoice, order, now)
        if answered is not None:
            return answered
        if expired:
            return (
                self._unknown(
                    order, now, "the request is older than its key lives, and no attempt is on the books"
                ),
            )
        if invoice.status not in {"open", "uncollectible"}:
            return (self._unknown(order, now, f"the invoice {invoice.id} is {invoice.status}"),)
        guarded = await self._guard(invoice, order, now)
        return (*guarded, *await self._pay(invoice, order, now))

    def _answer_in_books(
        self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> tuple[News, ...] | None:
        attempt = attempt_of(invoice, now=now)
        if attempt is None:
            return None
        if invoice.status == "paid" or attempt.outcome is Outcome.PENDING:
            return (_for(attempt, order),)
        is_new = (
            attempt.transaction_id not in order.known_transactions and attempt.occurred_at >= order.asked_at
        )
        return (_for(attempt, order),) if order.tries > 1 and is_new else None

    async def _guard(self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        """One owner of the clock: a retry that Stripe still plans is taken off before ours."""
        if invoice.next_payment_attempt is None:
            return ()
        released = await self._ask(self._client.invoices.update_async(invoice.id, {"auto_advance": False}))
        if _read(released, shapes.Invoice).next_payment_attempt is None:
            return ()
        return (
            ReviewNews(
                gateway=Gateway.STRIPE,
                occurred_at=now,
                subscription_id=order.subscription_id,
                reason=ReviewReason.GATEWAY_OWNS_RETRIES,
                about=invoice.id,
                detail="Stripe goes on planning its own retries: turn them off in its dashboard",
            ),
        )

    async def _pay(self, invoice: shapes.Invoice, order: ChargeOrder, now: datetime) -> tuple[News, ...]:
        try:
            paid = await self._client.invoices.pay_async(
                invoice.id,
                {"off_session": not order.on_session, "expand": _EXPAND},
                {"idempotency_key": order.request_id},
            )
        except stripe.CardError as error:
            refusal = self._refusal(error, invoice, order, now)
            if order.one_off and refusal.decline is not DeclineClass.AUTHENTICATION_REQUIRED:
                # The learner may try again with a new invoice: this one must not be paid by mistake.
                await self._ask(self._client.invoices.void_invoice_async(invoice.id), missing_is_fine=True)
            return (refusal,)
        except stripe.InvalidRequestError as error:
            return await self._not_payable(error, invoice, order, now)
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise _trouble(error) from error
        attempt = attempt_of(_read(paid, shapes.Invoice), now=now)
        if attempt is None:
            raise Transient(
                f"Stripe answered for {invoice.id} without saying how the payment went: read again"
            )
        return (_for(attempt, order),)

    def _refusal(
        self, error: stripe.CardError, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> AttemptNews:
        failure = _failure(error)
        intent = failure.payment_intent
        if not isinstance(intent, shapes.Intent):
            intent = shapes.Intent(
                id=latest.id if (latest := latest_intent(invoice)) else invoice.id,
                amount=invoice.amount_remaining,
                currency=invoice.currency,
            )
        news = place(failed_intent(intent, failure, at=now), invoice)
        if news.challenged:
            # No charge of its own: the request is what makes this attempt one.
            news = replace(news, transaction_id=f"{intent.id}/{order.request_id}", challenged=False)
        return _for(news, order)

    async def _not_payable(
        self, error: stripe.InvalidRequestError, invoice: shapes.Invoice, order: ChargeOrder, now: datetime
    ) -> tuple[News, ...]:
        again = await self._invoice(invoice.id)
        answered = self._answer_in_books(again, replace(order, tries=max(order.tries, 2)), now)
        if answered is not None:
            return answered
        raise Refused(
            f"we could not charge {invoice.id} because Stripe says: {error.user_message or error}; "
            "look at the invoice in its dashboard",
            code="not_payable",
        ) from error

    async def _new_invoice(self, order: ChargeOrder) -> shapes.Invoice | None:
        """A relaunch pays an invoice of its own; each step has its key, so that it is made once."""
        customer, method = await self._payer(order)
        made = await self._ask(
            self._client.invoices.create_async(
                {
                    "customer": customer,
                    "auto_advance": False,
                    "collection_method": "charge_automatically",
                    "currency": order.amount.currency.lower(),
                    "pending_invoice_items_behavior": "exclude",
                    **({"default_payment_method": method} if method else {}),
                    "metadata": {
                        "subscription_id": order.subscription_id,
                        "relance_request": order.request_id,
                    },
                },
                {"idempotency_key": f"{order.request_id}/invoice"},
            )
        )
        invoice = await self._invoice(_read(made, shapes.Invoice).id)
        if invoice.status != "draft":
            return invoice
        await self._ask(
            self._client.invoice_items.create_async(
                {
                    "customer": customer,
                    "invoice": invoice.id,
                    "amount": order.amount.amount_minor,
                    "currency": order.amount.currency.lower(),
                },
                {"idempotency_key": f"{order.request_id}/item"},
            )
        )
        await self._ask(
            self._client.invoices.finalize_invoice_async(
                invoice.id, {"auto_advance": False}, {"idempotency_key": f"{order.request_id}/finalize"}
            )
        )
        return await self._invoice(invoice.id)

    async def _payer(self, order: Standing) -> tuple[str, str | None]:
        found = await self._ask(self._client.subscriptions.retrieve_async(order.gateway_subscription_id))
        subscription = _read(found, shapes.Subscription)
        customer = shapes.id_of(subscription.customer) or order.gateway_customer_id
        if customer is None:
            raise Refused(
                f"we could not charge because {subscription.id} has no customer: see it in the dashboard"
            )
        return customer, shapes.id_of(subscription.default_payment_method)

    def _unknown(self, order: ChargeOrder, now: datetime, why: str) -> UnknownNews:
        return UnknownNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            subscription_id=order.subscription_id,
            request_id=order.request_id,
            detail=why,
        )

    # --- the rest of what we ask ---

    async def own_clock(self, order: OwnOrder, now: datetime) -> tuple[News, ...]:
        """``auto_advance=false``: neither retries nor end-state transitions of Stripe's own."""
        invoice = await self._find_invoice(order)
        if invoice is None or invoice.status != "open":
            return ()
        if invoice.auto_advance is not False:
            updated = await self._ask(
                self._client.invoices.update_async(invoice.id, {"auto_advance": False, "expand": _EXPAND})
            )
            invoice = _read(updated, shapes.Invoice)
        return (replace(invoice_news(invoice, now=now, owned=True), subscription_id=order.subscription_id),)

    async def cancel(self, order: CancelOrder, now: datetime) -> tuple[News, ...]:
        """Cancel at once; a subscription that is gone already is cancelled."""
        try:
            ended = await self._client.subscriptions.cancel_async(order.gateway_subscription_id, {})
        except stripe.InvalidRequestError as error:
            if _code(error) not in _LOST:
                raise _trouble(error) from error
            return (await self._cancelled_before(order, now),)
        except stripe.StripeError as error:
            raise _trouble(error) from error
        news = subscription_news(_read(ended, shapes.Subscription), now)
        return (_known(news, order),) if news else ()

    async def _cancelled_before(self, order: CancelOrder, now: datetime) -> News:
        try:
            found = await self._client.subscriptions.retrieve_async(order.gateway_subscription_id)
        except stripe.InvalidRequestError:
            news: SubscriptionNews | None = None
        except stripe.StripeError as error:
            raise _trouble(error) from error
        else:
            news = subscription_news(_read(found, shapes.Subscription), now)
        gone = SubscriptionNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            gateway_subscription_id=order.gateway_subscription_id,
            status="cancelled",
            by=CancelledBy.UNKNOWN,
        )
        ended: News = _known(news or gone, order)
        return ended

    async def pause(self, order: PauseOrder, now: datetime) -> tuple[News, ...]:
        """New invoices are void while paused, and the failed one is written off (R-F9: waived)."""
        await self._ask(
            self._client.subscriptions.update_async(
                order.gateway_subscription_id, {"pause_collection": {"behavior": "void"}}
            ),
            missing_is_fine=True,
        )
        invoice = await self._find_invoice(order)
        if invoice is not None and invoice.status == "open":
            await self._ask(self._client.invoices.mark_uncollectible_async(invoice.id), missing_is_fine=True)
        return (self._paused(order, now, paused=True),)

    async def resume(self, order: ResumeOrder, now: datetime) -> tuple[News, ...]:
        """Collect again; a trial that ends on the next billing day moves the anchor there, unprorated."""
        await self._ask(
            self._client.subscriptions.update_async(
                order.gateway_subscription_id,
                {
                    "pause_collection": "",
                    "trial_end": int(order.next_billing_at.timestamp()),
                    "proration_behavior": "none",
                },
            )
        )
        return (self._paused(order, now, paused=False, next_billing_at=order.next_billing_at),)

    def _paused(
        self,
        order: PauseOrder | ResumeOrder,
        now: datetime,
        *,
        paused: bool,
        next_billing_at: datetime | None = None,
    ) -> PausedNews:
        return PausedNews(
            gateway=Gateway.STRIPE,
            occurred_at=now,
            subscription_id=order.subscription_id,
            case_id=order.request_id,
            gateway_subscription_id=order.gateway_subscription_id,
            paused=paused,
            next_billing_at=next_billing_at,
        )

    async def adopt(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """The subscription's own default wins over the customer's: set it there (gateways.md 1.4)."""
        await self._ask(
            self._client.subscriptions.update_async(
                order.gateway_subscription_id, {"default_payment_method": order.news.method_id}
            )
        )
        return (replace(order.news, subscription_id=order.subscription_id, settled=True),)

    async def detach(self, order: AdoptOrder, now: datetime) -> tuple[News, ...]:  # noqa: ARG002 - Gateway's shape
        """A refused method is not kept (FR-29)."""
        await self._ask(self._client.payment_methods.detach_async(order.news.method_id), missing_is_fine=True)
        return ()

    async def subscribe(self, order: SubscribeOrder, now: datetime) -> tuple[News, ...]:
        """Sign up with a method that was found good; no subscription stays when its first payment fails."""
        try:
            made = await self._client.subscriptions.create_async(
                {
                    "customer": order.gateway_customer_id or "",
                    "items": [{"price": order.plan}],
                    "default_payment_method": order.method_id,
                    "payment_behavior": "error_if_incomplete",
                    "metadata": {"subscription_id": order.subscription_id},
                },
                {"idempotency_key": order.request_id},
            )
        except stripe.CardError:
            return ()
        except stripe.StripeError as error:
            raise _trouble(error) from error
        subscription = _read(made, shapes.Subscription)
        news = subscription_news(subscription, now)
        invoice = shapes.id_of(subscription.latest_invoice)
        first = told_by(await self._invoice(invoice), now=now) if invoice else ()
        return tuple(one for one in (news, *first) if one is not None)

    async def read(self, order: ReadOrder, now: datetime) -> tuple[News, ...]:
        """The subscription's state and every attempt on its invoices since then."""
        try:
            found = await self._client.subscriptions.retrieve_async(order.gateway_subscription_id)
        except stripe.InvalidRequestError as error:
            if _code(error) in _LOST:
                raise NotConfirmed(f"Stripe knows no {order.gateway_subscription_id}") from error
            raise _trouble(error) from error
        except stripe.StripeError as error:
            raise _trouble(error) from error
        news: list[News] = []
        standing = subscription_news(_read(found, shapes.Subscription), now)
        if standing is not None:
            news.append(_known(standing, order))
        for invoice in await self._invoices(order):
            if invoice.id == order.invoice_id or (
                from_unix(invoice.created) or now
            ) >= order.since - timedelta(days=2):
                news += [_known(one, order) for one in told_by(invoice, now=now)]
        return tuple(news)

    # --- pages ---

    async def page(self, order: PageOrder, now: datetime) -> Page:  # noqa: ARG002 - Gateway's shape
        """A checkout page that stores a method, or the invoice's own page that asks for the proof."""
        if order.kind == "authenticate":
            return await self._invoice_page(order)
        if order.kind == "resume":
            raise Refused("we could not open a page because Stripe subscriptions are relaunched, not resumed")
        carried = {"subscription_id": order.subscription_id, "session_id": order.session_id}
        customer = order.gateway_customer_id
        if customer is None:
            made = await self._ask(
                self._client.customers.create_async(
                    {"metadata": {"subscription_id": order.subscription_id}},
                    {"idempotency_key": f"{order.session_id}/customer"},
                )
            )
            customer = _read(made, shapes.Named).id
        params: Any = {
            "mode": "setup",
            "customer": customer,
            "currency": order.price.currency.lower(),
            "locale": order.language,
            "allowed_payment_method_types": ["card"],
            "payment_method_options": {"card": {"request_three_d_secure": "any"}},
            "metadata": carried,
            "setup_intent_data": {"metadata": carried},
            "success_url": order.return_url,
            "cancel_url": order.cancel_url,
        }
        session = _read(
            await self._ask(
                self._client.checkout.sessions.create_async(params, {"idempotency_key": order.session_id})
            ),
            shapes.CheckoutSession,
        )
        return Page(url=session.url or "", gateway_id=session.id)

    async def _invoice_page(self, order: PageOrder) -> Page:
        invoice = await self._invoice(order.invoice_id) if order.invoice_id else None
        if invoice is None or not invoice.hosted_invoice_url or invoice.status != "open":
            raise Refused(
                "we could not open the bank's page because no open invoice waits for it",
                code="nothing_to_pay",
            )
        return Page(url=invoice.hosted_invoice_url, gateway_id=invoice.id)

    async def visit(self, page: Visit, now: datetime) -> tuple[News, ...]:
        """The browser came back: read what it did, without waiting for the webhook."""
        if page.kind == "authenticate":
            return told_by(await self._invoice(page.gateway_id), now=now)
        found = await self._ask(
            self._client.checkout.sessions.retrieve_async(
                page.gateway_id, {"expand": ["setup_intent.payment_method"]}
            )
        )
        setup = _read(found, shapes.CheckoutSession).setup_intent
        if not isinstance(setup, shapes.SetupIntent) or setup.status != "succeeded":
            return ()
        if not isinstance(setup.payment_method, shapes.PaymentMethod):
            return ()
        return (
            method_news(
                setup.payment_method,
                at=now,
                update_id=setup.id,
                subscription_id=page.subscription_id,
                session_id=page.session_id,
            ),
        )

    async def describe(self, gateway_subscription_id: str, now: datetime) -> Described:
        """See ``Gateway``."""
        found = await self._ask(
            self._client.subscriptions.retrieve_async(
                gateway_subscription_id, {"expand": ["default_payment_method"]}
            )
        )
        subscription = _read(found, shapes.Subscription)
        price = subscription.price
        if price is None:
            raise NotConfirmed(f"Stripe tells no price of {gateway_subscription_id}")
        method = subscription.default_payment_method
        card = method.card if isinstance(method, shapes.PaymentMethod) else None
        return Described(
            price=minor(price[0], price[1]),
            started_at=from_unix(subscription.start_date or subscription.created) or now,
            due_at=from_unix(subscription.billing_cycle_anchor) or from_unix(subscription.renews_at) or now,
            method=method_kind(method.type if isinstance(method, shapes.PaymentMethod) else "card"),
            gateway_customer_id=shapes.id_of(subscription.customer),
            gateway_plan=subscription.plan_id,
            label=(card.last4 or "") if card else "",
            card=card.fingerprint if card else None,
            card_country=card.country if card else None,
        )

    # --- reading ---

    async def _find_invoice(self, order: ChargeOrder | OwnOrder | PauseOrder) -> shapes.Invoice | None:
        if order.invoice_id is not None:
            return await self._invoice(order.invoice_id)
        wanted = datetime.fromisoformat(order.period).replace(tzinfo=UTC).timestamp()
        near = [
            invoice
            for invoice in await self._invoices(order)
            if abs((invoice.covers_from or invoice.created) - wanted) <= timedelta(days=4).total_seconds()
        ]
        found = min(near, key=lambda one: abs((one.covers_from or one.created) - wanted), default=None)
        return await self._invoice(found.id) if found else None

    async def _invoices(self, order: Standing) -> Sequence[shapes.Invoice]:
        listed = await self._ask(
            self._client.invoices.list_async({"subscription": order.gateway_subscription_id, "limit": 24})
        )
        heads = _read(listed, _InvoiceList).data
        return (
            heads
            if isinstance(order, ChargeOrder | OwnOrder | PauseOrder)
            else [await self._invoice(head.id) for head in heads]
        )

    async def _invoice(self, key: str) -> shapes.Invoice:
        found = await self._ask(self._client.invoices.retrieve_async(key, {"expand": _EXPAND}))
        return _read(found, shapes.Invoice)

    async def _ask(self, call: Awaitable[T], *, missing_is_fine: bool = False) -> T | None:
        try:
            return await call
        except stripe.InvalidRequestError as error:
            if missing_is_fine:
                return None
            if _code(error) in _LOST:
                raise NotConfirmed(str(error.user_message or error)) from error
            raise _trouble(error) from error
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise _trouble(error) from error


class _InvoiceList(msgspec.Struct):
    data: list[shapes.Invoice] = []


def _read(answer: Any, kind: type[T]) -> T:
    """The exact JSON of an answer as one of our shapes."""
    if answer is None:
        raise Transient("Stripe gave no answer to read: ask again")
    return msgspec.json.decode(answer.last_response.body, type=kind)


def _failure(error: stripe.CardError) -> shapes.Failure:
    body: Any = error.json_body or {}
    return msgspec.convert(body.get("error", {}), shapes.Failure)


def _code(error: stripe.StripeError) -> str | None:
    return error.error.code if error.error is not None else error.code


def _trouble(error: stripe.StripeError | aiohttp.ClientError) -> Exception:
    """What trying again may mend is Transient; a wrong key or request of ours is not."""
    if isinstance(error, aiohttp.ClientError):
        return Transient(
            f"Stripe's answer broke off ({type(error).__name__}): the same request is sent again"
        )
    waits = isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.AuthenticationError)
    status = error.http_status or 0
    if waits or status >= 500 or status in {401, 403, 409, 429} or _code(error) == "idempotency_key_in_use":
        return Transient(
            f"Stripe did not answer ({type(error).__name__} {status}: {str(error)[:200]}): "
            "the same request is sent again"
        )
    return Refused(
        f"we could not, because Stripe refused the request ({_code(error)}): {error.user_message or error}",
        status=422,
        code="gateway_refused",
    )


def _for(news: AttemptNews, order: ChargeOrder) -> AttemptNews:
    return replace(news, request_id=order.request_id, subscription_id=order.subscription_id)


def _known(news: News, order: Standing) -> Any:
    return replace(news, subscription_id=order.subscription_id) if not isinstance(news, InvoiceNews) else news
