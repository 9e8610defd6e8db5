"""The owners of what a learner does: payments opens gateways' pages, dunning decides, notifications writes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

import httpx

from shared.errors import NotFound, Refused, Transient
from shared.logs import logger

log = logger("portal.owners")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A learner's way to a gateway's page and back, as payments knows it."""

    visit_id: str
    kind: str
    subscription_id: str
    url: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A subscription to be."""

    subscription_id: str
    school_id: str
    learner_id: str
    gateway: str
    method: str
    amount_minor: int
    currency: str
    billing_day: int
    started_on: date
    path_id: str | None
    plan: str | None


class OwnerBusy(Transient):
    """An owner could not do it just now, or hung up before it answered."""


_PAUSES: Final = (0.05, 0.2, 0.6)
"""Seconds before an owner that is busy is asked again."""


class Owners(Protocol):
    """What the portal asks of the other services. Raises Refused with their words, or Transient."""

    async def open_page(
        self,
        subscription_id: str,
        kind: str,
        *,
        return_url: str,
        language: str,
        method: str | None = None,
        period: date | None = None,
    ) -> Visit: ...

    async def sign_up(self, order: SignUp, *, return_url: str, language: str) -> Visit: ...

    async def visit(self, visit_id: str) -> Visit: ...

    async def why_refused(self, school_id: str, offered: dict[str, Any]) -> str | None: ...

    async def report(self, case_id: str, report_id: str, text: str) -> None: ...

    async def relaunch(
        self, subscription_id: str, request: str, path_id: str | None, method: str
    ) -> None: ...

    async def cancel(self, subscription_id: str, request: str) -> None: ...

    async def self_payment(self, subscription_id: str) -> str: ...

    async def learners_at(self, school_id: str, email: str) -> list[str]: ...

    async def send_login_link(self, school_id: str, learner_id: str, url: str, minutes: int) -> None: ...


class HttpOwners:
    """The owners' APIs, with the installation's key."""

    def __init__(
        self, client: httpx.AsyncClient, *, key: str, payments: str, dunning: str, notifications: str
    ) -> None:
        self._client = client
        self._headers = {"X-Relance-Key": key}
        self._payments = payments.rstrip("/")
        self._dunning = dunning.rstrip("/")
        self._notifications = notifications.rstrip("/")

    async def open_page(
        self,
        subscription_id: str,
        kind: str,
        *,
        return_url: str,
        language: str,
        method: str | None = None,
        period: date | None = None,
    ) -> Visit:
        """See ``Owners``."""
        body = {
            "kind": kind,
            "return_url": return_url,
            "language": language,
            "method": method,
            "period": period.isoformat() if period else None,
        }
        return _visit(
            await self._ask("POST", f"{self._payments}/subscriptions/{subscription_id}/visits", body)
        )

    async def sign_up(self, order: SignUp, *, return_url: str, language: str) -> Visit:
        """See ``Owners``."""
        body = {
            "school_id": order.school_id,
            "learner_id": order.learner_id,
            "gateway": order.gateway,
            "gateway_plan": order.plan,
            "method": order.method,
            "price": {"amount_minor": order.amount_minor, "currency": order.currency},
            "billing_day": order.billing_day,
            "started_on": order.started_on.isoformat(),
            "path_id": order.path_id,
            "return_url": return_url,
            "language": language,
        }
        return _visit(await self._ask("POST", f"{self._payments}/sign-ups/{order.subscription_id}", body))

    async def visit(self, visit_id: str) -> Visit:
        """See ``Owners``."""
        return _visit(await self._ask("GET", f"{self._payments}/visits/{visit_id}"))

    async def why_refused(self, school_id: str, offered: dict[str, Any]) -> str | None:
        """See ``Owners``: the code of the refusal, ``None`` when the method is accepted."""
        told = await self._ask("POST", f"{self._payments}/schools/{school_id}/methods/check", offered)
        return None if told["accepted"] else str(told["reason"])

    async def report(self, case_id: str, report_id: str, text: str) -> None:
        """See ``Owners``."""
        await self._ask(
            "POST", f"{self._dunning}/cases/{case_id}/report", {"report_id": report_id, "text": text}
        )

    async def relaunch(self, subscription_id: str, request: str, path_id: str | None, method: str) -> None:
        """See ``Owners``: one ``request``, one charge."""
        body = {"request": request, "path_id": path_id, "method": method}
        await self._ask("POST", f"{self._dunning}/subscriptions/{subscription_id}/relaunch", body)

    async def cancel(self, subscription_id: str, request: str) -> None:
        """See ``Owners``."""
        await self._ask(
            "POST", f"{self._dunning}/subscriptions/{subscription_id}/cancel", {"request": request}
        )

    async def self_payment(self, subscription_id: str) -> str:
        """See ``Owners``: ``open_today``, or why My Page takes no payment now."""
        told = await self._ask("GET", f"{self._dunning}/subscriptions/{subscription_id}/self-payment")
        return str(told["reason"])

    async def learners_at(self, school_id: str, email: str) -> list[str]:
        """See ``Owners``: whose address it is; nobody's is an empty list."""
        body = {"school_id": school_id, "email": email}
        told = await self._ask("POST", f"{self._notifications}/login-links/recipients", body)
        return [str(one) for one in told["learner_ids"]]

    async def send_login_link(self, school_id: str, learner_id: str, url: str, minutes: int) -> None:
        """See ``Owners``."""
        body = {"school_id": school_id, "learner_id": learner_id, "url": url, "minutes": minutes}
        await self._ask("POST", f"{self._notifications}/login-links", body)

    async def _ask(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        """What is asked bears its own id, so asking again is safe: an owner that was overtaken answers the next time."""
        for pause in _PAUSES:
            try:
                return await self._ask_once(method, url, body)
            except OwnerBusy:
                await asyncio.sleep(pause)
        return await self._ask_once(method, url, body)

    async def _ask_once(self, method: str, url: str, body: dict[str, Any] | None) -> Any:
        try:
            answer = await self._client.request(method, url, json=body, headers=self._headers)
        except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
            log.info("owner_gone", method=method, reason=repr(error))
            raise OwnerBusy("the service that decides this hung up: try again in a moment") from error
        except httpx.HTTPError as error:
            log.warning("owner_silent", method=method, reason=repr(error))
            raise Transient(
                "the service that decides this does not answer now: try again in a moment"
            ) from error
        if answer.status_code == 503:
            raise OwnerBusy("the service that decides this is busy: try again in a moment")
        if answer.status_code >= 500:
            raise Transient("the service that decides this cannot answer now: try again in a moment")
        told = answer.json() if answer.content else {}
        if answer.status_code == 404:
            raise NotFound(str(told.get("detail", "there is nothing of that name")))
        if answer.status_code >= 400:
            log.info("owner_refused", method=method, code=told.get("title"))
            raise Refused(str(told.get("detail", "it was refused")), code=str(told.get("title", "refused")))
        return told


def _visit(told: dict[str, Any]) -> Visit:
    return Visit(
        visit_id=told["visit_id"],
        kind=told["kind"],
        subscription_id=told["subscription_id"],
        url=told["url"],
        state=told["state"],
        reason=told.get("reason", ""),
    )
