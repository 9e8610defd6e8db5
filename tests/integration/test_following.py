"""One payment is followed from the gateway's webhook to the learner's mail, over real PostgreSQL, broker and SMTP."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ops.stack.engine import StackEngine
from ops.stack.running import RunningStack, start_stack
from tests.integration.conftest import START, tell

pytestmark = [pytest.mark.embedded, pytest.mark.postgres, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    about: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """An OTLP receiver on loopback: it keeps every span that it is sent."""

    steps: list[Step] = field(default_factory=list)
    url: str = ""

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.steps += [
                    Step(
                        service=named["service.name"],
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        links=tuple((one.trace_id.hex(), one.span_id.hex()) for one in span.links),
                        about={
                            one.key: one.value.string_value or one.value.int_value for one in span.attributes
                        },
                    )
                    for span in scope.spans
                ]

    def named(self, service: str, name: str) -> list[Step]:
        return [one for one in self.steps if one.service == f"relance-{service}" and one.name == name]

    def way_to(self, step: Step) -> list[str]:
        """The names of the steps that led to this one, the first first, as far as its own trace reaches."""
        by_id = {one.id: one for one in self.steps}
        way = [step.name]
        while step.parent in by_id:
            step = by_id[step.parent]
            way.insert(0, step.name)
        return way


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    found = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


async def _tell(running: RunningStack) -> None:
    engine = StackEngine(running)
    played = await tell(engine)
    await engine.shut_down()
    assert played.differences == []


@pytest.fixture(scope="module")
def told(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """The fortnight of two schools, told to a stack that traces."""
    running = start_stack(
        tmp_path_factory.mktemp("traced"),
        kafka="embedded",
        clock=START,
        extra={"RELANCE_OTLP_ENDPOINT": collector.url},
    )
    try:
        asyncio.run(_tell(running))
    finally:
        running.stop()  # whoever ends sends what is left
    return collector


def test_a_webhook_leads_to_its_mail_in_one_trace(told: Collector) -> None:
    ways = [told.way_to(mail) for mail in told.named("notifications-worker", "smtp send")]

    assert [
        "webhook",
        "translate",
        "tell",
        "decide payments.AttemptFailed",
        "decide dunning.MailRequested",
        "errand send",
        "smtp send",
    ] in ways


def test_a_retry_that_falls_due_the_next_day_links_to_the_failure_that_planned_it(
    told: Collector,
) -> None:
    failures = {one.id: one for one in told.named("dunning-worker", "decide payments.AttemptFailed")}
    due = told.named("dunning-worker", "decide dunning.AttemptFellDue")

    assert due
    assert all(one.parent == "" for one in due)
    planned_by = [failures[span] for one in due for _, span in one.links if span in failures]
    assert planned_by
    assert all(plan.trace != failure.trace for plan, failure in zip(due, planned_by, strict=False))


def test_a_charge_is_followed_to_the_gateway_and_a_batch_names_what_it_heard(told: Collector) -> None:
    pay = told.named("payments-worker", "POST /v1/invoices/{id}/pay")
    assert pay
    assert "errand charge" in told.way_to(pay[0])
    assert {one.about["relance.gateway"] for one in pay} == {"stripe"}

    ids = {one.id for one in told.steps}
    batches = told.named("dunning-worker", "hear")
    assert any(span in ids for batch in batches for _, span in batch.links)


def test_no_person_and_no_amount_is_in_any_trace(told: Collector) -> None:
    said = repr([(one.name, one.about) for one in told.steps])

    assert len(told.steps) > 50
    for secret in ("@", "Ada", "Haruka", "12800", "4444", "學校", "École"):
        assert secret not in said, secret
