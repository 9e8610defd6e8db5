"""The lines into a running stack: HTTP to its doors, its mailbox and its simulators, SQL to its database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from ops.stack.plan import SERVICES, Plan
from ops.stories.engine import Answer
from shared.clock import FileClock


@dataclass(slots=True)
class Lines:
    """Open connections of one event loop; ``close`` lets go of them, the stack runs on."""

    plan: Plan
    clock: FileClock = field(init=False)
    http: httpx.AsyncClient = field(init=False)
    database: Any = field(init=False)

    async def open(self) -> None:
        """Connect."""
        self.clock = FileClock(Path(self.plan.clock_file))
        self.http = httpx.AsyncClient(timeout=30, follow_redirects=False)
        self.database = await asyncpg.connect(
            self.plan.database, server_settings={"application_name": "relance story", "timezone": "UTC"}
        )
        await self.database.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )

    async def close(self) -> None:
        """Disconnect."""
        await self.http.aclose()
        await self.database.close()

    # --- the services' doors ---

    async def knock(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request to a service, with the API key unless ``raw`` bytes are sent."""
        url = self.plan.url(service) + path
        if raw is not None:
            answer = await self.http.request(method, url, content=raw, headers=dict(headers or {}))
        else:
            keyed = {"X-Relance-Key": self.plan.secrets["api_key"], **(headers or {})}
            answer = await self.http.request(method, url, json=body, headers=keyed)
        return Answer(status=answer.status_code, body=_read(answer))

    # --- the world outside ---

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call to the simulators' control API.

        Raises:
            ControlRefused: with the simulators' reason.
        """
        answer = await self.http.request(method, f"{self.plan.url('simulators')}/_sim{path}", json=body)
        if answer.is_error:
            raise ControlRefused(f"{method} /_sim{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    async def mailbox(self, method: str, path: str, body: Any = None) -> Any:
        """One call to the mailbox."""
        answer = await self.http.request(method, self.plan.url("mailbox") + path, json=body)
        answer.raise_for_status()
        return answer.json()

    # --- the database ---

    async def wake(self) -> None:
        """The clock moved: whoever sleeps on it looks at once."""
        channels = [f"{service}_{what}" for service in SERVICES for what in ("journal", "errands")]
        await self.database.execute(";".join(f"notify {channel}" for channel in channels))


class ControlRefused(Exception):
    """The simulators would not do as a story says."""


def instant(text: str) -> datetime:
    """An instant as the simulators write it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _read(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        return answer.text
