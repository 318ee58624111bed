"""Spans, and sending them over OTLP. Without an endpoint a span goes nowhere and OpenTelemetry is not loaded.

Rules
  1. No secret, recipient or text in an attribute: names of ours, counts, codes and what came of it.
  2. Exporting never holds work up: spans wait in a bounded queue, and those that find it full are dropped.
  3. Ids are ours, made where a span begins, so that logs and rows name a span whether it is exported or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version

from dispatcher.tracing import names
from dispatcher.tracing.context import Place

PATH = "/v1/traces"
WITHIN_S = 2
"""How long one export, and the last one at the end of a process, may take."""

Value = str | int


class Kind(StrEnum):
    """What a span did."""

    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"
    CLIENT = "CLIENT"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was done. ``parent`` is a span of the same trace, ``links`` are places in others."""

    name: str
    kind: Kind
    at: Place
    began: datetime
    ended: datetime
    attributes: Mapping[str, Value] = field(default_factory=dict)
    parent: Place | None = None
    links: Sequence[Place] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Spans:
    """Where spans go. ``wanted`` is False where nothing listens: nobody needs to make one."""

    record: Callable[[Span], None] = lambda _span: None
    close: Callable[[], None] = lambda: None
    wanted: bool = False


NOWHERE = Spans()


def open_spans(endpoint: str, role: str, mode: str, deployment: str) -> Spans:
    """Send spans to an OTLP endpoint over HTTP, such as ``http://127.0.0.1:4318``; nowhere where there is none."""
    if not endpoint:
        return NOWHERE
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

    address = endpoint.rstrip("/")
    address = address if address.endswith(PATH) else address + PATH
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=WITHIN_S))
    about = {names.SERVICE: f"dispatcher-{role}", names.SERVICE_NAMESPACE: deployment, names.ENVIRONMENT: mode}
    resource = Resource({**about, names.SERVICE_VERSION: version("dispatcher")})
    scope = InstrumentationScope("dispatcher", version("dispatcher"))

    def context(place: Place) -> SpanContext:
        ids = (int(place.trace_id, 16), int(place.span_id, 16))
        return SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(int(place.sampled)))

    def record(span: Span) -> None:
        processor.on_end(
            ReadableSpan(
                name=span.name,
                context=context(span.at),
                parent=context(span.parent) if span.parent else None,
                resource=resource,
                attributes=dict(span.attributes),
                links=[Link(context(place)) for place in span.links],
                kind=SpanKind[span.kind.value],
                status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
                start_time=_nanoseconds(span.began),
                end_time=_nanoseconds(span.ended),
                instrumentation_scope=scope,
            )
        )

    return Spans(record, processor.shutdown, wanted=True)


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000
