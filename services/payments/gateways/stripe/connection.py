"""The line to Stripe: one client, one way to ask, and what each kind of trouble means."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import stripe

from services.payments.gateways.calling import calling
from services.payments.gateways.stripe import shapes
from services.payments.gateways.stripe.verify import TOLERANCE
from services.payments.news import (
    AttemptNews,
    ChargeOrder,
    InvoiceNews,
    News,
    NotConfirmed,
    OwnOrder,
    PauseOrder,
    Standing,
)
from shared.errors import Refused, Transient
from shared.events.words import Gateway

T = TypeVar("T")

API_VERSION: Final = "2026-10-28.endive"
"""Pinned here and in the SDK; webhooks follow the version of their endpoint, so both shapes are read."""
EXPAND: Final = ["payments.data.payment.payment_intent.latest_charge"]
LOST: Final = frozenset({"resource_missing", "resource_already_exists"})


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


class _Http(stripe.AIOHTTPClient):
    """The SDK's own client; each request is counted and followed."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """See the SDK."""
        with calling(Gateway.STRIPE, method, url) as call:
            content, call.status, answered = await super().request_async(method, url, headers, post_data)
            return content, call.status, answered


class Connection:
    """What every part of the client asks through."""

    def __init__(self, config: StripeConfig) -> None:
        stripe.enable_telemetry = False  # global in the SDK; it would write a file and send the platform
        self.config = config
        self.secrets = tuple(secret.encode() for secret in config.webhook_secrets)
        # aiohttp, because httpx warns about the SDK's way of calling it and keeps more connections (facts 1.2)
        self._http = _Http(timeout=aiohttp.ClientTimeout(total=config.timeout, sock_connect=3.0))
        bases: Any = {"api": config.base_url} if config.base_url else {}
        self.api = stripe.StripeClient(
            config.api_key,
            stripe_version=API_VERSION,
            base_addresses=bases,
            max_network_retries=config.retries,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        """See ``Gateway``."""
        closing: Any = self._http.close_async
        await closing()

    async def find_invoice(self, order: ChargeOrder | OwnOrder | PauseOrder) -> shapes.Invoice | None:
        if order.invoice_id is not None:
            return await self.invoice(order.invoice_id)
        wanted = datetime.fromisoformat(order.period).replace(tzinfo=UTC).timestamp()
        near = [
            invoice
            for invoice in await self.invoices(order)
            if abs((invoice.covers_from or invoice.created) - wanted) <= timedelta(days=4).total_seconds()
        ]
        found = min(near, key=lambda one: abs((one.covers_from or one.created) - wanted), default=None)
        return await self.invoice(found.id) if found else None

    async def invoices(self, order: Standing) -> Sequence[shapes.Invoice]:
        listed = await self.ask(
            self.api.invoices.list_async({"subscription": order.gateway_subscription_id, "limit": 24})
        )
        heads = read_as(listed, _InvoiceList).data
        return (
            heads
            if isinstance(order, ChargeOrder | OwnOrder | PauseOrder)
            else [await self.invoice(head.id) for head in heads]
        )

    async def invoice(self, key: str) -> shapes.Invoice:
        found = await self.ask(self.api.invoices.retrieve_async(key, {"expand": EXPAND}))
        return read_as(found, shapes.Invoice)

    async def ask(self, call: Awaitable[T], *, missing_is_fine: bool = False) -> T | None:
        try:
            return await call
        except stripe.InvalidRequestError as error:
            if missing_is_fine:
                return None
            if code_of(error) in LOST:
                raise NotConfirmed(str(error.user_message or error)) from error
            raise trouble(error) from error
        except (stripe.StripeError, aiohttp.ClientError) as error:
            raise trouble(error) from error


class _InvoiceList(msgspec.Struct):
    data: list[shapes.Invoice] = []


def read_as(answer: Any, kind: type[T]) -> T:
    """The exact JSON of an answer as one of our shapes."""
    if answer is None:
        raise Transient("Stripe gave no answer to read: ask again")
    return msgspec.json.decode(answer.last_response.body, type=kind)


def failure_of(error: stripe.CardError) -> shapes.Failure:
    """The bank's words in a 402."""
    body: Any = error.json_body or {}
    return msgspec.convert(body.get("error", {}), shapes.Failure)


def code_of(error: stripe.StripeError) -> str | None:
    """Stripe's code, which the SDK does not lift out of every kind of error (gateways.md 1.1)."""
    return error.error.code if error.error is not None else error.code


def trouble(error: stripe.StripeError | aiohttp.ClientError) -> Exception:
    """What trying again may mend is Transient; a wrong key or request of ours is not."""
    if isinstance(error, aiohttp.ClientError):
        return Transient(
            f"Stripe's answer broke off ({type(error).__name__}): the same request is sent again"
        )
    waits = isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.AuthenticationError)
    status = error.http_status or 0
    if waits or status >= 500 or status in {401, 403, 409, 429} or code_of(error) == "idempotency_key_in_use":
        return Transient(
            f"Stripe did not answer ({type(error).__name__} {status}: {str(error)[:200]}): "
            "the same request is sent again"
        )
    return Refused(
        f"we could not, because Stripe refused the request ({code_of(error)}): {error.user_message or error}",
        status=422,
        code="gateway_refused",
    )


def answering(news: AttemptNews, order: ChargeOrder) -> AttemptNews:
    """An attempt as the answer to one request."""
    return replace(news, request_id=order.request_id, subscription_id=order.subscription_id)


def about(news: News, order: Standing) -> Any:
    """News of the subscription that was asked about."""
    return replace(news, subscription_id=order.subscription_id) if not isinstance(news, InvoiceNews) else news
