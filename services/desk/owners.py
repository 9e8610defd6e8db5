"""The owners of what people do at the desk: each act is posted to the service that decides on it, in their name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from shared.errors import NotFound, Refused, Transient
from shared.logs import logger

log = logger("desk.owners")


class Owners(Protocol):
    """What the desk asks of the other services. Raises Refused with their words, NotFound, or Transient."""

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """The answer as data; a page's text where it is none."""
        ...


class HttpOwners:
    """The owners' APIs, with the installation's key."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient], *, key: str) -> None:
        self._clients = clients
        self._headers = {"X-Relance-Key": key}

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """See ``Owners``."""
        if service not in self._clients:
            raise NotFound(f"no {service} runs beside this desk: ask whoever runs the installation")
        params = {name: value for name, value in (query or {}).items() if value is not None}
        client = self._clients.get(service)
        if client is None:
            raise Transient(
                f"{service} is not reached from here: set its address (RELANCE_{service.upper()}_URL)"
            )
        try:
            answer = await client.request(method, path, json=body, params=params, headers=self._headers)
        except httpx.HTTPError as error:
            log.warning("owner_silent", service=service, method=method, reason=repr(error))
            raise Transient(f"{service} does not answer now: try again in a moment") from error
        if answer.status_code >= 500:
            log.warning("owner_ill", service=service, method=method, status=answer.status_code)
            raise Transient(f"{service} cannot answer now: try again in a moment")
        is_data = "json" in answer.headers.get("content-type", "")
        told = answer.json() if is_data and answer.content else answer.text
        if answer.status_code >= 400:
            why = told if isinstance(told, dict) else {}
            detail = str(why.get("detail", "it was refused"))
            if answer.status_code == 404:
                raise NotFound(detail)
            raise Refused(detail, status=answer.status_code, code=str(why.get("title", "refused")))
        return told


async def maybe(asked: Any) -> Any:
    """The answer, or ``None`` when its owner knows nothing or is silent: a page shows what can be shown."""
    try:
        return await asked
    except (NotFound, Transient):
        return None


async def together(**asked: Any) -> dict[str, Any]:
    """Several questions at once, each answered or ``None``."""
    answers = await asyncio.gather(*(maybe(one) for one in asked.values()))
    return dict(zip(asked, answers, strict=True))
