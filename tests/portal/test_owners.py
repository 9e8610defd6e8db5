"""What the portal asks of other services over HTTP, when their line breaks."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import httpx
import pytest

from ops.servers.processes import free_port
from services.portal.owners import HttpOwners
from shared.errors import Transient

VISIT = {
    "visit_id": "v" * 24,
    "kind": "sign_up",
    "subscription_id": "ada",
    "url": "https://x.example",
    "state": "done",
}


class Owner:
    """A service that hangs up on every line's second question, as one that closes idle lines or restarts does."""

    def __init__(self) -> None:
        self.lines = 0
        self.serving: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        self.serving.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(VISIT).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        await reader.read(1)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def asked(owner: Owner, times: int) -> list[str]:
    async with (
        await asyncio.start_server(owner.serve, "127.0.0.1", 0) as server,
        httpx.AsyncClient() as client,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        owners = HttpOwners(client, key="k" * 32, payments=url, dunning=url, notifications=url)
        states = [(await owners.visit("v" * 24)).state for _ in range(times)]
    await asyncio.gather(*(task for task in owner.serving if task))
    return states


async def test_a_line_that_closes_just_when_it_is_used_is_taken_up_anew() -> None:
    owner = Owner()

    assert await asked(owner, 3) == ["done", "done", "done"]
    assert owner.lines == 3


async def test_an_owner_that_is_away_is_said_to_be() -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with httpx.AsyncClient() as client:
        owners = HttpOwners(client, key="k" * 32, payments=nobody, dunning=nobody, notifications=nobody)
        with pytest.raises(Transient, match="try again in a moment"):
            await owners.visit("v" * 24)
