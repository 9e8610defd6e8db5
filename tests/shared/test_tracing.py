"""What is traced says only what it may, begins anew after a long wait, and costs nothing while it is off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler

from shared import tracing
from shared.subject import bind_subject, subject
from shared.tracing import span, traceparent


def traced(sampler: Sampler | None = None) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.end()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    yield from traced()


@pytest.fixture
def none_kept() -> Iterator[InMemorySpanExporter]:
    yield from traced(ParentBased(ALWAYS_OFF))


def test_what_follows_soon_is_in_the_same_trace(spans: InMemorySpanExporter) -> None:
    with span("webhook", kind="server", root=True) as first:
        pass
    with span("translate", follows=first.traceparent, waited=timedelta(minutes=1)):
        pass

    webhook, translate = spans.get_finished_spans()
    assert translate.context.trace_id == webhook.context.trace_id
    assert translate.parent is not None
    assert translate.parent.span_id == webhook.context.span_id


def test_what_waited_long_begins_a_trace_that_links_to_its_cause(spans: InMemorySpanExporter) -> None:
    with span("decide", root=True) as first:
        pass
    with span("decide", follows=first.traceparent, waited=timedelta(days=3)):
        pass

    cause, plan = spans.get_finished_spans()
    assert plan.parent is None
    assert [link.context.span_id for link in plan.links] == [cause.context.span_id]


def test_a_traceparent_that_is_none_is_no_cause(spans: InMemorySpanExporter) -> None:
    with span("decide", root=True, follows="nonsense", links=(None, "", "00-0-0-00")):
        pass

    (alone,) = spans.get_finished_spans()
    assert (alone.parent, list(alone.links)) == (None, [])


def test_a_span_has_no_word_for_people_or_amounts(spans: InMemorySpanExporter) -> None:
    with pytest.raises(KeyError), span("send", email="zoe@example.org"):
        pass


def test_an_error_is_named_and_not_quoted(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="zoe"), span("send", root=True):
        raise ValueError("zoe@example.org does not exist")

    (failed,) = spans.get_finished_spans()
    assert failed.attributes == {"error.type": "ValueError"}
    assert failed.events == ()
    assert "zoe" not in failed.to_json()


def test_what_is_not_kept_is_not_kept_by_whoever_follows(none_kept: InMemorySpanExporter) -> None:
    with span("webhook", root=True) as first:
        pass
    assert first.traceparent is not None
    assert not int(first.traceparent[-2:], 16) & 1
    with span("translate", follows=first.traceparent):
        pass

    assert none_kept.get_finished_spans() == ()


def test_a_line_in_the_log_names_the_trace_the_case_and_the_cause(spans: InMemorySpanExporter) -> None:
    with span("errand", root=True) as way, subject(case="sub~2026-06-01", cause="a-fact"):
        line = bind_subject(None, "info", {"event": "mail_sent"})

    assert way.traceparent is not None
    assert line == {
        "event": "mail_sent",
        "case": "sub~2026-06-01",
        "cause": "a-fact",
        "trace": way.traceparent.split("-")[1],
    }
    assert bind_subject(None, "info", {"event": "idle"}) == {"event": "idle"}


def test_nothing_is_traced_and_nothing_is_loaded_without_an_endpoint() -> None:
    assert traceparent() is None
    code = (
        "import sys, shared.running, shared.web; from shared import tracing; from shared.settings import Settings; "
        "tracing.begin('dunning', 'api', Settings()); "
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, env={"PATH": ""}, timeout=60)
    assert ran.returncode == 0
