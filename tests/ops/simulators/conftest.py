"""A running pair of gateways, the unmodified SDKs that speak to it, and the school's door that listens."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import paypalcheckoutsdk.core as paypal_core
import pytest
import stripe
import uvicorn

from ops.simulators.app import Simulator
from ops.simulators.world import Settings
from shared.clock import FileClock

Json = dict[str, Any]
SECRET = "whsec_test_secret"
WEBHOOK_ID = "5GP028458E2496506"
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One webhook as the school's door received it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Json:
        parsed: Json = json.loads(self.body)
        return parsed

    @property
    def type(self) -> str:
        event = self.event
        return str(event.get("type") or event["event_type"])


@dataclass(slots=True)
class Door:
    """The school's webhook address: keeps what comes and answers what it is told to."""

    letters: list[Letter] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def types(self) -> list[str]:
        return [letter.type for letter in self.letters]

    def last(self, kind: str) -> Letter:
        return [letter for letter in self.letters if letter.type == kind][-1]


def _serve_door(door: Door) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            door.letters.append(Letter(path=self.path, headers=headers, body=body))
            status = door.statuses.pop(0) if door.statuses else 200
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    door.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@dataclass(slots=True, kw_only=True)
class Gateways:
    """The simulators as a test drives them."""

    base: str
    clock: FileClock
    http: httpx.Client
    door: Door

    def control(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Json:
        """Call ``/_sim``; fails on 4xx unless ``expect`` names that status."""
        answer = self.http.request(method, f"{self.base}/_sim{path}", json=body)
        wanted = [expect] if expect else [200, 201]
        assert answer.status_code in wanted, f"{answer.status_code}: {answer.text}"
        parsed: Json = answer.json()
        return parsed

    def setup(self, **body: Any) -> Json:
        return self.control("POST", "/setup", body)

    def ada(self, **more: Any) -> Json:
        """A French learner: 75.00 EUR on the 1st at 07:00Z, quiet, first renewal on 1 June."""
        body = {"gateway": "stripe", "learner": "ada", "amount": 7500, "anchor": "2026-05-01T07:00:00Z"}
        return self.setup(**{**body, "quiet": True, **more})

    def aiko(self, **more: Any) -> Json:
        """A Japanese learner: 12,800 JPY, next billed on 15 May at 11:10Z, quiet."""
        body = {"gateway": "paypal", "learner": "aiko", "amount": 12800, "currency": "JPY"}
        return self.setup(**{**body, "next_billing": "2026-05-15T11:10:00Z", "quiet": True, **more})

    def script(self, **body: Any) -> Json:
        return self.control("POST", "/script", body)

    def act(self, action: str, **body: Any) -> Json:
        return self.control("POST", "/act", {"action": action, **body})

    def advance(self, to: str) -> list[Json]:
        done: list[Json] = self.control("POST", "/advance", {"to": to})["done"]
        return done

    def run(self) -> list[Json]:
        done: list[Json] = self.control("POST", "/run")["done"]
        return done

    def listen(self, *, stripe_more: Json | None = None, paypal_more: Json | None = None) -> None:
        self.control(
            "POST",
            "/webhooks",
            {
                "stripe": {"url": f"{self.door.url}/stripe", "secret": SECRET, **(stripe_more or {})},
                "paypal": {
                    "url": f"{self.door.url}/paypal",
                    "webhook_id": WEBHOOK_ID,
                    **(paypal_more or {}),
                },
            },
        )

    def charges(self, subscription: str | None = None) -> list[Json]:
        query = f"?subscription={subscription}" if subscription else ""
        rows: list[Json] = self.control("GET", f"/charges{query}")["charges"]
        return rows

    def doubles(self) -> list[Json]:
        rows: list[Json] = self.control("GET", "/charges")["doubles"]
        return rows

    def stripe(self, *, retries: int = 0, timeout: float = 5) -> stripe.StripeClient:
        return stripe.StripeClient(
            "sk_test_school",
            base_addresses={"api": f"{self.base}/stripe"},
            max_network_retries=retries,
            http_client=stripe.RequestsClient(timeout=timeout),
        )

    def paypal(self, *, secret: str = "secret") -> Any:
        address = f"{self.base}/paypal"
        environment = paypal_core.PayPalEnvironment("client", secret, address, address)
        return paypal_core.PayPalHttpClient(environment)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Running:
    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=10)


def start(settings: Settings, port: int) -> Running:
    """Serve in a thread until stopped."""
    config = uvicorn.Config(
        Simulator(settings), host="127.0.0.1", port=port, log_level="error", proxy_headers=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started, "the simulators did not start"
    return Running(server=server, thread=thread)


@pytest.fixture(scope="module")
def door_server() -> Iterator[Door]:
    door = Door()
    server = _serve_door(door)
    yield door
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, door_server: Door) -> Iterator[Gateways]:
    folder: Path = tmp_path_factory.mktemp("gateways")
    clock = FileClock(folder / "clock", start=START)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    settings = Settings(data=folder / "data", base_url=base, clock=clock, clock_owner=True)
    running = start(settings, port)
    with httpx.Client(timeout=30) as client:
        yield Gateways(base=base, clock=clock, http=client, door=door_server)
    running.stop()


@pytest.fixture
def sim(process: Gateways) -> Gateways:
    """Fresh accounts on 1 May 2026, 12:00Z, and a door that says yes."""
    process.control("POST", "/reset")
    process.clock.move_to(START)
    process.door.letters.clear()
    process.door.statuses.clear()
    process.listen()
    return process
