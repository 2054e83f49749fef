"""Spans for OpenTelemetry, where the extra ``otel`` is installed and ``ADAPTER_TRACES_URL`` says where they go.

Spans hold names of work, stages, methods, statuses and the kind of request: no ids, no queries, no words of a server.
The parent of a span is what ``tracing`` says; where several led to the work in hand it is linked to each.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import httpx

from adapter import __version__
from adapter.errors import UsageError
from adapter.metrics.names_of_requests import template
from adapter.sources.witness import Answered, RequestWitness
from adapter.sync.witness import Stage, Witness
from adapter.tracing import Spans, parents, put, within

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext, SpanKind

SERVICE = "fhir-coaching-adapter"
SECONDS_TO_SEND = 10.0
SECONDS_TO_END = 3.0
_NOT_INSTALLED = (
    "ADAPTER_TRACES_URL asks for traces, which need OpenTelemetry: pip install 'fhir-coaching-adapter[otel]'."
)


# A collector that is away is told of at each attempt and again when a batch is lost; the latter is enough.
logging.getLogger("opentelemetry").setLevel(logging.ERROR)


@contextmanager
def sending_to(url: str) -> Iterator[TracerProvider]:
    """What sends spans to a collector by OTLP over HTTP, in the background; neither proxies nor redirects are followed.

    At the end a collector that is away is waited for no longer than ``SECONDS_TO_END``.

    Raises:
        UsageError: the extra is not installed.
    """
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise UsageError(_NOT_INSTALLED) from error
    session = requests.Session()
    session.trust_env, session.max_redirects = False, 0
    exporter = OTLPSpanExporter(endpoint=url, session=session, timeout=SECONDS_TO_SEND)
    about = Resource({"service.name": SERVICE, "service.version": __version__})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider
    finally:
        ending = threading.Thread(target=provider.shutdown, daemon=True)  # by itself it waits half a minute
        ending.start()
        ending.join(SECONDS_TO_END)


class OtelSpans(Spans):
    """Spans of one provider; nothing is set for the Python process as a whole."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SERVICE, __version__)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        with self.opened(name):
            yield

    @contextmanager
    def opened(
        self, name: str, kind: SpanKind | None = None, attributes: Mapping[str, str | int] | None = None
    ) -> Iterator[Span]:
        """A span for as long as the context lasts; of a fault it tells the type, and none of its words."""
        from opentelemetry import trace
        from opentelemetry.context import Context

        contexts = [_context(each) for each in parents()]
        one = trace.set_span_in_context(trace.NonRecordingSpan(contexts[0])) if len(contexts) == 1 else None
        span = self._tracer.start_span(
            name,
            context=one or Context(),
            kind=kind or trace.SpanKind.INTERNAL,
            attributes=dict(attributes or {}),
            links=[trace.Link(each) for each in contexts] if len(contexts) > 1 else (),
        )
        try:
            with within([_written(span.get_span_context())]):
                yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            span.end()


class RunSpans(Witness):
    """A span for each stage of a chunk."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def stage(self, stage: Stage) -> AbstractContextManager[object]:
        return self._spans.span(stage.value)


class RequestSpans(RequestWitness):
    """A span for each attempt at a request to the server, which is told of it by ``traceparent``."""

    def __init__(self, spans: OtelSpans, base: str) -> None:
        self._spans = spans
        self._base = base

    @contextmanager
    def attempt(self, request: httpx.Request, number: int) -> Iterator[Answered]:
        from opentelemetry.trace import SpanKind, StatusCode

        kind = template(str(request.url), self._base)
        told: dict[str, str | int] = {
            "http.request.method": request.method,
            "server.address": request.url.host,
            "url.template": kind,
        }
        if number > 1:
            told["http.request.resend_count"] = number - 1
        with self._spans.opened(f"{request.method} {kind}", SpanKind.CLIENT, told) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)
                if status >= 400:
                    span.set_status(StatusCode.ERROR)

            put(request)
            yield answered


def _context(traceparent: str) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, parent, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(parent, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _written(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
