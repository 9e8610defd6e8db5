"""What nobody would send: every operation of every API is knocked at with made-up requests, and none answers 5xx."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from ops.contracts.apis import DOORS, documents
from shared.openapi import operations
from tests.contracts.two_schools import OPERATOR, Place

EXAMPLES = int(os.environ.get("RELANCE_KNOCKS", "3"))
"""Requests of each kind (as described, and against the description) for each of about a hundred operations."""
UNASKED = {"GET /health", "GET /ready", "POST /schools/{school_id}/what-if"}
"""No input, or months of living for every question."""


SCHEMAS = {service: schemathesis.openapi.from_dict(documents()[service]) for service in DOORS}
EVERY = [
    pytest.param(service, method, path, id=f"{service} {method} {path}")
    for service in DOORS
    for method, path, _ in operations(documents()[service])
    if f"{method} {path}" not in UNASKED
]


@pytest.mark.parametrize(("service", "method", "path"), EVERY)
def test_no_request_however_odd_breaks_a_door(
    there: Place, loop: asyncio.AbstractEventLoop, service: str, method: str, path: str
) -> None:
    operation = SCHEMAS[service][path][method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
    )
    def knock(case: Any) -> None:
        answer = loop.run_until_complete(_sent(there.clients[service], case))
        assert answer.status_code < 500 or answer.status_code == 503, (
            f"{answer.request.url} {answer.text[:300]}"
        )
        if answer.status_code >= 400:
            assert answer.json()["status"] == answer.status_code

    knock()


async def _sent(client: httpx.AsyncClient, case: Any) -> httpx.Response:
    wanted = case.as_transport_kwargs(base_url="http://door")
    headers = {**dict(wanted.get("headers") or {}), "X-Relance-Key": OPERATOR}
    request = client.build_request(
        wanted["method"],
        wanted["url"],
        params=wanted.get("params"),
        headers=headers,
        json=wanted.get("json"),
        content=wanted.get("data") if isinstance(wanted.get("data"), bytes | str) else None,
        cookies=None,
    )
    return await client.send(request)
