"""The gateways' simulators in a thread, and payments' real clients to them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from ops.simulators.app import Simulator
from ops.simulators.world import Settings
from services.payments.gateways.paypal import CertConfig, PayPalConfig, PayPalGateway
from services.payments.gateways.paypal.verify import VerifyConfig
from services.payments.gateways.stripe import StripeConfig, StripeGateway
from shared.clock import FileClock
from tests.payments.conftest import SECRET

START = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
WEBHOOK_ID = "5GP028458E2496506"


@dataclass(slots=True, kw_only=True)
class World:
    """The world outside: simulated gateways under a clock that the test turns."""

    base: str
    clock: FileClock
    anchors: tuple[Path, ...]
    http: httpx.Client

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.base}/_sim{path}", json=body)
        assert answer.status_code in {200, 201}, f"{answer.status_code}: {answer.text}"
        return answer.json()

    def reset(self) -> None:
        self.control("POST", "/reset")
        self.clock.move_to(START)

    def advance(self, to: str) -> None:
        """Everything due on the way happens at the gateways; webhooks nobody listens to wait as events."""
        self.control("POST", "/advance", {"to": to})

    def ada(self, **more: Any) -> Any:
        """75.00 EUR each 1st at 07:00Z; the next renewal is on 1 June."""
        body = {"gateway": "stripe", "learner": "ada", "amount": 7500, "anchor": "2026-01-01T07:00:00Z"}
        return self.control("POST", "/setup", {**body, "quiet": True, **more})

    def aiko(self, **more: Any) -> Any:
        """12,800 JPY each 15th at 11:10Z; the next is on 15 June."""
        body = {
            "gateway": "paypal",
            "learner": "aiko",
            "amount": 12800,
            "next_billing": "2026-06-15T11:10:00Z",
        }
        return self.control("POST", "/setup", {**body, "quiet": True, **more})

    def script(self, learner: str, *outcomes: Any) -> None:
        self.control("POST", "/script", {"learner": learner, "outcomes": list(outcomes)})

    def act(self, action: str, **body: Any) -> Any:
        return self.control("POST", "/act", {"action": action, **body})

    def fault(self, gateway: str, route: str, kind: str, **more: Any) -> None:
        self.control("POST", "/fault", {"gateway": gateway, "route": route, "kind": kind, **more})

    def charges(self, customer: str) -> list[str]:
        """How each charge of a customer at Stripe went, in order."""
        answer = self.http.get(
            f"{self.base}/stripe/v1/charges?limit=100&customer={customer}",
            headers={"Authorization": "Bearer sk_test_x"},
        )
        rows = sorted(answer.json()["data"], key=lambda row: row["created"])
        return [str(row["status"]) for row in rows]

    def doubles(self) -> list[Any]:
        """Periods for which money moved more than once."""
        rows: list[Any] = self.control("GET", "/charges")["doubles"]
        return rows

    def stripe(self, *, timeout: float = 5.0) -> StripeGateway:
        return StripeGateway(
            StripeConfig(
                api_key="sk_test_school",
                webhook_secrets=(SECRET,),
                base_url=f"{self.base}/stripe",
                timeout=timeout,
            )
        )

    def paypal(self, *, timeout: float = 5.0) -> PayPalGateway:
        return PayPalGateway(
            PayPalConfig(
                client_id="client",
                secret="secret",
                webhooks=VerifyConfig(webhook_ids=(WEBHOOK_ID,)),
                certs=CertConfig(anchors=self.anchors, origins=(f"{self.base}/paypal",)),
                base_url=f"{self.base}/paypal",
                timeout=(2.0, timeout),
            )
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(app: Any, port: int) -> Iterator[None]:
    """Any ASGI application on the loopback interface, in a thread."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started
    yield
    server.should_exit = True
    thread.join(timeout=10)


@contextlib.contextmanager
def simulated(folder: Path) -> Iterator[World]:
    """The simulators on a port of their own."""
    clock = FileClock(folder / "clock", start=START)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    app = Simulator(Settings(data=folder / "data", base_url=base, clock=clock, clock_owner=True))
    with served(app, port), httpx.Client(timeout=30) as client:
        anchors = []
        for name in ("root", "intermediate"):
            path = folder / f"{name}.pem"
            path.write_bytes(client.get(f"{base}/_sim/paypal/{name}.pem").content)
            anchors.append(path)
        yield World(base=base, clock=clock, anchors=tuple(anchors), http=client)
