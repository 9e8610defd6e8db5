"""Follows one payment from a gateway's webhook to the learner's mail, across topics, rows and days.

The way is carried as a W3C ``traceparent``: in the webhook's row, the journal's row, the Kafka header and the errand's
row. What is taken up soon goes on in the same trace; what waited longer than ``SOON`` (a plan that falls due days
later) begins a trace of its own that links to its cause. Off unless ``RELANCE_OTLP_ENDPOINT`` is set: then
OpenTelemetry's SDK is not even imported. Attributes are ids and words from ``_WORDS``; people and amounts have no name there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, Final, Literal

from shared.settings import Settings

SOON: Final = timedelta(hours=1)
"""What waited longer begins a trace of its own: tracing systems forget, and a trace of ten days says nothing."""

Kind = Literal["internal", "server", "client", "consumer"]

_WORDS: Final = {
    "fact": "relance.fact.type",
    "fact_id": "relance.fact.id",
    "cause": "relance.cause",
    "case": "relance.case",
    "subscription": "relance.subscription",
    "gateway": "relance.gateway",
    "webhook": "relance.webhook",
    "errand": "relance.errand.kind",
    "errand_id": "relance.errand.id",
    "tries": "relance.errand.tries",
    "mail": "relance.mail",
    "outcome": "relance.outcome",
    "messages": "messaging.batch.message_count",
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
"""Everything that a span may say. Another word is a KeyError: what is added here is decided here."""


class Way:
    """A span as our code sees it: it can say more, and be followed."""

    def say(self, **about: str | int | None) -> None:
        """Add what came of it."""

    @property
    def traceparent(self) -> str | None:
        """How others follow it; ``None`` when nothing is traced."""
        return None


class _Span(Way):
    def __init__(self, span: Any) -> None:
        self._span = span

    def say(self, **about: str | int | None) -> None:
        self._span.set_attributes(_attributes(about))

    @property
    def traceparent(self) -> str | None:
        return _written(self._span.get_span_context())


class _Tracer:
    """OpenTelemetry, loaded: the only place that knows it."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - nothing of it is loaded when nothing is traced
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._read = TraceContextTextMapPropagator().extract
        self._provider = provider
        self._tracer = provider.get_tracer("relance")

    def current(self) -> Any:
        return self._trace.get_current_span().get_span_context()

    def close(self) -> None:
        self._provider.shutdown()

    def _context(self, traceparent: str | None) -> Any:
        """The span that a traceparent names; ``None`` when it names none."""
        if not traceparent:
            return None
        found = self._trace.get_current_span(self._read({"traceparent": traceparent})).get_span_context()
        return found if found.is_valid else None

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        follows: str | None,
        waited: timedelta,
        links: Iterable[str | None],
        root: bool,
        about: dict[str, str | int | None],
    ) -> Iterator[Way]:
        trace = self._trace
        linked = [one for link in links if (one := self._context(link)) is not None]
        before = self._context(follows)
        parent: Any = trace.context_api.Context() if root else None
        if before is not None:
            if waited > SOON:
                linked.append(before)
                parent = trace.context_api.Context()
            else:
                parent = trace.set_span_in_context(
                    trace.NonRecordingSpan(before), trace.context_api.Context()
                )
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=getattr(trace.SpanKind, kind.upper()),
            links=[trace.Link(one) for one in linked],
            attributes=_attributes(about),
            # An exception's words may hold an address or a name: its class is enough.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR)
                span.set_attribute("error.type", type(error).__name__)
                raise


_tracer: _Tracer | None = None
_OFF: Final = nullcontext(Way())


def begin(service: str, part: str, settings: Settings) -> None:
    """Trace from now on, if an endpoint is set; once, at the start of a process (after any fork)."""
    if not settings.otlp_endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as above
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415 - as above

    # A collector that is away is not our trouble: its exporter's lines would be all there is in the log.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    headers = dict(
        pair.split("=", 1) for pair in settings.otlp_headers.get_secret_value().split(",") if "=" in pair
    )
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": f"relance-{service}-{part}", "service.namespace": "relance"}
        ),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_share)),
        shutdown_on_exit=False,
    )
    endpoint = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint=endpoint, headers=headers, timeout=5),
            schedule_delay_millis=1000,
            export_timeout_millis=5000,
        )
    )
    use(provider)


def use(provider: Any) -> None:
    """Trace into ``provider`` (a TracerProvider); tests give one of their own."""
    global _tracer  # noqa: PLW0603 - one process, one tracer; a None check is what tracing costs when it is off
    _tracer = _Tracer(provider)


def end() -> None:
    """Send what is left and trace no more."""
    global _tracer  # noqa: PLW0603 - as above
    if _tracer is not None:
        _tracer.close()
        _tracer = None


def is_on() -> bool:
    """Whether this process traces."""
    return _tracer is not None


def span(
    name: str,
    *,
    kind: Kind = "internal",
    follows: str | None = None,
    waited: timedelta = timedelta(),
    links: Iterable[str | None] = (),
    root: bool = False,
    **about: str | int | None,
) -> AbstractContextManager[Way]:
    """A step of the way, current inside the block.

    ``follows`` is the traceparent of what caused it, and ``waited`` how long ago that was; without it, the step
    belongs to the one around it, or with ``root`` to none.

    Raises:
        KeyError: ``about`` has a word that spans may not say.
    """
    if _tracer is None:
        return _OFF
    return _tracer.span(name, kind, follows, waited, links, root, about)


def traceparent() -> str | None:
    """How others follow what is being done now; ``None`` when nothing is traced."""
    return None if _tracer is None else _written(_tracer.current())


def trace_id() -> str | None:
    """What finds this step's trace, for logs."""
    if _tracer is None:
        return None
    context = _tracer.current()
    return f"{context.trace_id:032x}" if context.is_valid else None


def _written(context: Any) -> str | None:
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _attributes(about: dict[str, str | int | None]) -> dict[str, str | int]:
    return {_WORDS[word]: value for word, value in about.items() if value is not None}
