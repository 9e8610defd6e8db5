"""Tells a learning platform by HTTP: one signed JSON message per change, safe to receive twice.

Headers of each POST: ``Relance-Id`` (the same for the same notice), ``Relance-Timestamp`` (Unix seconds) and
``Relance-Signature``: ``v1=`` and the hex HMAC-SHA256 of ``<timestamp>.<body>`` under the school's secret. The
receiver answers 2xx once it has kept the notice, and ignores a ``version`` that is not newer than its last.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

import httpx
import msgspec

from services.access.domain import Notice
from services.access.platforms import PlatformWouldNotError
from shared.errors import Transient


class PlatformAwayError(Transient):
    """The platform does not answer now; ``retry_after`` is its own wish, when it named one."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def secret_of(school_id: str, master: bytes) -> str:
    """The secret of one school's messages, derived so that none is stored."""
    return hmac.new(master, f"access platform of {school_id}".encode(), sha256).hexdigest()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What the receiver computes again to know that a message is ours."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()


class WebhookPlatform:
    """Any platform that takes our messages at an address of its own."""

    def __init__(self, client: httpx.AsyncClient, master: bytes) -> None:
        self._client = client
        self._master = master

    async def tell(self, url: str, notice: Notice, now: datetime) -> None:
        """See ``Platform``."""
        body = msgspec.json.encode(notice)
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "Relance-Id": notice.id,
            "Relance-Timestamp": str(timestamp),
            "Relance-Signature": signature(secret_of(notice.school_id, self._master), timestamp, body),
        }
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise PlatformAwayError(f"the learning platform at {url} does not answer: {error!r}") from error
        status = answer.status_code
        if answer.is_success:
            return
        if status in {408, 425, 429} or status >= 500:
            raise PlatformAwayError(
                f"the learning platform at {url} answered {status}", _wish(answer.headers.get("Retry-After"))
            )
        raise PlatformWouldNotError(
            f"the learning platform at {url} answered {status}: check its address and our signing secret there"
        )


def _wish(retry_after: str | None) -> timedelta | None:
    if retry_after is None or not retry_after.isdecimal():
        return None
    return min(timedelta(seconds=int(retry_after)), timedelta(hours=1))
