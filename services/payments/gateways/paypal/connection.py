"""The line to PayPal: its SDK in threads of its own, what each refusal means, and the books of one subscription."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import anyio
import msgspec
import requests
from paypalhttp import HttpError

from services.payments.gateways.calling import calling
from services.payments.gateways.paypal import shapes
from services.payments.gateways.paypal.certs import CertConfig, Certificates, Fetch
from services.payments.gateways.paypal.reading import told_by
from services.payments.gateways.paypal.sdk import Ask, Client, Reply, environment
from services.payments.gateways.paypal.verify import VerifyConfig
from services.payments.news import News, NotConfirmed
from shared.errors import Refused, Transient
from shared.events.words import Gateway

T = TypeVar("T")

NEAR: Final = timedelta(hours=1)


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


class NotThereError(Exception):
    """PayPal answered 404."""


class ImpossibleError(Exception):
    """PayPal answered 422: understood, and impossible in this state."""

    def __init__(self, problem: shapes.Problem) -> None:
        super().__init__(", ".join(problem.issues) or problem.name)
        self.issues = problem.issues


class Connection:
    """What every part of the client asks through."""

    def __init__(self, config: PayPalConfig, *, fetch: Fetch | None = None) -> None:
        self.config = config
        self.certificates = Certificates(config.certs, fetch=fetch)
        self._limiter: anyio.CapacityLimiter | None = None
        self.sdk = Client(
            environment(config.client_id, config.secret, live=config.live, base_url=config.base_url),
            timeout=config.timeout,
        )

    async def books(self, subscription_id: str, *, since: datetime, now: datetime) -> tuple[News, ...]:
        subscription = await self.subscription(subscription_id)
        lines: list[shapes.Transaction] = []
        if subscription.status not in {"APPROVAL_PENDING", "APPROVED"}:
            span = urlencode(
                {"start_time": f"{since:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{now + NEAR:%Y-%m-%dT%H:%M:%SZ}"}
            )
            path = f"/v1/billing/subscriptions/{safe(subscription_id)}/transactions?{span}"
            lines = (await self.read_at(path, shapes.Transactions)).transactions
        news = told_by(subscription, lines, now=now)
        own = subscription.custom_id
        return tuple(replace(one, subscription_id=own) for one in news) if own else news

    async def subscription(self, key: str) -> shapes.Subscription:
        return await self.read_at(
            f"/v1/billing/subscriptions/{safe(key)}?fields=last_failed_payment", shapes.Subscription
        )

    async def sale(self, key: str) -> shapes.Sale:
        return await self.read_at(f"/v1/payments/sale/{safe(key)}", shapes.Sale)

    async def read_at(self, path: str, kind: type[T]) -> T:
        try:
            reply = await self.ask("GET", path)
        except NotThereError as error:
            raise NotConfirmed(f"PayPal knows nothing at {path.split('?', maxsplit=1)[0]}") from error
        return msgspec.json.decode(reply.body, type=kind)

    async def ask(self, verb: str, path: str, body: Any = None, *, request_id: str | None = None) -> Reply:
        ask = Ask(verb=verb, path=path, body=body, headers={"Content-Type": "application/json"})
        if request_id is not None:
            ask.headers["PayPal-Request-Id"] = _short(request_id)
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.config.threads)
        try:
            with calling(Gateway.PAYPAL, verb, path) as call:
                try:
                    reply: Reply = await anyio.to_thread.run_sync(
                        self.sdk.execute, ask, limiter=self._limiter
                    )
                except HttpError as error:
                    call.status = int(error.status_code)
                    raise
                call.status = reply.status
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
        return NotThereError()
    try:
        problem = msgspec.json.decode(str(error.message), type=shapes.Problem)
    except msgspec.MsgspecError:
        problem = shapes.Problem()
    if status == 422:
        return ImpossibleError(problem)
    if status >= 500 or status in {401, 403, 408, 409, 429}:
        return Transient(f"PayPal answered {status}: the same request is sent again")
    return Refused(f"we could not, because PayPal refused the request ({status} {problem.name})", status=422)


def safe(key: str) -> str:
    """An id as one segment of a path (gateways.md 2.3, defect 8)."""
    return quote(key, safe="")


def _short(request_id: str) -> str:
    """PayPal takes keys of up to 108 characters."""
    return request_id if len(request_id) <= 100 else hashlib.sha256(request_id.encode()).hexdigest()
